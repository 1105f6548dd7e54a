"""What the visitor has at hand, shown beside every page."""

from __future__ import annotations

import streamlit as st

from engine import EngineError
from ui import cache
from ui.panels import plain
from ui.session import Session


def at_hand(current: Session) -> None:
    """The data set and the model whose result is open."""
    if not current.dataset:
        return
    try:
        data = cache.dataset(current.dataset)
        st.caption("At hand")
        rows = "1 row" if data.rows == 1 else f"{data.rows:,} rows"
        columns = "1 column" if len(data.columns) == 1 else f"{len(data.columns)} columns"
        st.markdown(f":material/table: **{plain(data.name)}**  \n{rows} × {columns}")
        if current.result:
            found = cache.result(current.result)
            card = cache.card(found.model)
            st.markdown(f":material/model_training: **{plain(card.id)}**  \n{card.title}")
    except EngineError:
        return  # the page itself says what is missing
