"""Pieces several pages share: what is at hand, empty states, charts, and failures in plain words."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from engine import Card, Dataset, EngineError, Result, charts
from ui import cache
from ui.session import session, theme

PAGES = Path(__file__).resolve().parent.parent / "pages"
log = logging.getLogger("loupe")


def page(name: str) -> str:
    """The address of a page for ``st.switch_page`` and ``st.page_link``."""
    return str(PAGES / f"{name}.py")


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Show what goes wrong as a sentence. A bug is logged under an incident id, which the person can pass on."""
    try:
        yield
    except EngineError as problem:
        st.error(_sentence(problem), icon=":material/error:")
    except Exception:
        incident = secrets.token_hex(5)
        log.exception("incident %s", incident)
        st.error(
            f"Something went wrong inside the program; the server's log has the details (incident {incident}).",
            icon=":material/error:",
        )


def show_problem() -> None:
    """Show what went wrong in the last callback, once."""
    problem = session().take_problem()
    if problem:
        st.error(problem, icon=":material/error:")


def attempt(action: Callable[[], object]) -> bool:
    """Run a callback's work; what goes wrong is kept as a sentence for :func:`show_problem`. Whether it went well."""
    try:
        action()
    except EngineError as problem:
        session().problem = _sentence(problem)
        return False
    return True


def need_dataset() -> Dataset:
    """The data set at hand; without one, a sentence and the way to one, and the page ends here."""
    current = session()
    if current.dataset:
        try:
            return cache.dataset(current.dataset)
        except EngineError as problem:
            current.dataset = current.result = current.model = None
            st.warning(_sentence(problem), icon=":material/info:")
    empty_state("No data yet", "Bring a file or open a sample first.", "data", "Bring data")
    st.stop()


def need_result() -> tuple[Result, Card, Dataset]:
    """The result at hand with its model and data; without one, the way to one, and the page ends here."""
    current = session()
    if current.result is None and current.dataset and current.model:
        current.result = cache.result_of(current.model, current.dataset)
    if current.result:
        try:
            found = cache.result(current.result)
            current.dataset, current.model = (
                found.dataset,
                found.model,
            )  # a result is seen beside the data it judges
            return found, cache.card(found.model), cache.dataset(found.dataset)
        except EngineError as problem:
            current.result = current.model = None
            st.warning(_sentence(problem), icon=":material/info:")
    data = need_dataset()
    _earlier(data)
    empty_state(
        f"{plain(data.name)} has not been judged yet",
        "Train a detector on it, or load a trained model.",
        "detect",
        "Detect",
    )
    st.stop()


def _earlier(data: Dataset) -> None:
    """Models have judged the data, and none of the results is open: which is it to be? The page ends here."""
    known = cache.judged_by(data.id)
    if not known:
        return
    with st.container(border=True):
        st.subheader("Whose result do you want to see?", anchor=False)
        models = "one model has" if len(known) == 1 else f"{len(known):,} models have"
        st.write(plain(f"{data.name}: {models} judged it."))
        with st.container(horizontal=True):
            for model, id in known.items():
                st.button(
                    plain(f"{model} · {cache.card(model).title}"),
                    key=f"open-{id}",
                    icon=":material/flag:",
                    on_click=session().open_result,
                    args=(id,),
                )
            if st.button("Detect", icon=":material/arrow_forward:", key="empty-detect", type="tertiary"):
                st.switch_page(page("detect"))
    st.stop()


def empty_state(title: str, text: str, target: str, action: str) -> None:
    """A page with nothing to show says why and leads on."""
    with st.container(border=True, horizontal_alignment="center"):
        st.subheader(title, anchor=False)
        st.write(text)
        if st.button(action, type="primary", icon=":material/arrow_forward:", key=f"empty-{target}"):
            st.switch_page(page(target))


def chart(
    drawn: charts.Chart,
    key: str,
    height: int | None = None,
    *,
    on_select: Callable[[str], None] | None = None,
) -> None:
    """Draw a chart under a stable key, with its sentence for who cannot see it.

    ``on_select`` is called with the widget's key when something in the chart was selected.
    """
    # Streamlit would turn lists of rows into Arrow by way of pandas, which costs more than all the rest.
    tables = {name: pa.Table.from_pylist(list(rows)) for name, rows in drawn.spec["datasets"].items()}
    spec = {**drawn.spec, "datasets": tables} | ({"height": height} if height else {})
    widget_key = f"{key}-{theme()}"
    selected: Any = "ignore" if on_select is None else lambda: on_select(widget_key)
    st.vega_lite_chart(spec, key=widget_key, width="stretch", alt=drawn.alt, on_select=selected)


def beside(added: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """Columns of ours before those of a file; a file's column of the same name is marked and gives way."""
    taken = {name: f"{name} (data)" for name in added if name in rows.columns}
    while any(name in rows.columns for name in taken.values()):
        taken = {name: f"{marked}'" for name, marked in taken.items()}
    ours = pd.DataFrame(dict(added), index=rows.index)
    return pd.concat([ours, _days(rows).rename(columns=taken)], axis=1)


def _days(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with columns of days written as days, without a midnight."""
    times = rows.select_dtypes("datetime")
    days = [name for name in times if (times[name].dropna() == times[name].dropna().dt.normalize()).all()]
    return rows.assign(**{str(name): times[name].dt.date for name in days}) if days else rows


def plain(text: str) -> str:
    """A text that quotes names or cells of a file, with Markdown's and Streamlit's signs made harmless."""
    return "".join(f"\\{ch}" if ch in r"\`*_[]#~<>$:|" else ch for ch in str(text))


def _sentence(problem: EngineError) -> str:
    text = str(problem)
    return plain(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ")")) else "."))
