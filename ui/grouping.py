"""Flags against labels group by group: by machine, by site, or by kind of anomaly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from engine import FEWEST, Dataset, Groups, Judgement, Result
from ui import cache_checked

MOST = 50  # groups in the table: those with the most anomalies


def by_group(found: Result, data: Dataset, label: str, answer: Judgement) -> None:
    """A table of one column's groups; nothing where no column has any."""
    names = _columns(data, label)
    if not names:
        return
    st.subheader("By group", anchor=False)
    column = st.selectbox("Group by", names, key=f"group-by-{data.id}", persist_state="session")
    if column is None:
        return
    rows, groups = cache_checked.grouped(found, label, column)
    if len(groups) == 0:
        st.caption("Every cell of this column is empty.")
        return
    figures = rows.at(np.flatnonzero(answer.flags))
    shown = np.argsort(-figures.anomalies, kind="stable")[:MOST]
    table = pa.table(
        _table(figures, groups, shown.tolist())
    )  # Streamlit would take a detour by way of pandas
    st.dataframe(table, hide_index=True, width="stretch")
    left_out = len(groups) - len(shown)
    st.caption(
        f"Judged rows; of groups with fewer than {FEWEST} labelled anomalies or flags the counts instead of a share."
        + (f" {left_out:,} groups with fewer anomalies are not shown." if left_out > 0 else "")
    )


def _columns(data: Dataset, label: str) -> list[str]:
    """The columns that may name groups: kinds of anomaly first, then entities, then texts."""
    roles = data.roles.columns
    texts = [name for name, kind in data.types.items() if kind in ("text", "boolean") and name != label]
    named = [name for name in roles if roles[name] == "entity"]
    several = [label] if data.types.get(label) == "text" else []
    return list(
        dict.fromkeys([*several, *named, *(name for name in texts if roles.get(name) not in ("id", "time"))])
    )


def _table(figures: Groups, groups: list[str], shown: list[int]) -> dict[str, list[object]]:
    precision, recall, base = figures.precision, figures.recall, figures.base_rate
    flags = figures.caught + figures.false_alarms
    return {
        "Group": [groups[i] for i in shown],
        "Rows": [int(figures.rows[i]) for i in shown],
        "Flagged": [int(figures.flagged[i]) for i in shown],
        "Labelled anomalies": [int(figures.anomalies[i]) for i in shown],
        "Base rate": [_percent(base[i], int(figures.anomalies[i]), int(figures.rows[i])) for i in shown],
        "Recall": [_percent(recall[i], int(figures.caught[i]), int(figures.anomalies[i])) for i in shown],
        "Precision": [_percent(precision[i], int(figures.caught[i]), int(flags[i])) for i in shown],
    }


def _percent(share: float, part: int, whole: int) -> str:
    """A share, or the counts where it would say next to nothing."""
    if whole == 0:
        return "–"
    return f"{part} of {whole}" if whole < FEWEST else f"{100 * share:.1f} %"
