"""What can be said of models without known answers, each figure named for what it is; jobs measure it when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine import Card, Dataset, Unlabelled, kept_unlabelled
from ui import cache, server
from ui.panels import attempt, plain
from ui.session import owner
from ui.tray import POLL, cancel, in_words

KIND = "unlabelled"
FOUND = {
    "moved": ("Far-out found", "Numbers moved 4 to 10 standard deviations from the middle of their column."),
    "mixed up": (
        "Mixed-up found",
        "Cells put in place of those of another row: each may be ordinary by itself.",
    ),
    "disturbed": ("Disturbed found", "Readings of held-out stretches, disturbed in eight ways."),
}


def show(data: Dataset, results: tuple[str, ...]) -> None:
    """The figures that are there, and the button that has the others measured."""
    st.subheader("What can be said without known answers", anchor=False)
    kept = {id: kept_unlabelled(server.workspace().results, id) for id in results}
    lines = [_line(cache.card(cache.result(id).model), found) for id, found in kept.items() if found]
    if lines:
        st.dataframe(lines, key="unlabelled", hide_index=True, placeholder="–", column_config=_columns())
    missing = [id for id, found in kept.items() if found is None]
    at_work = _at_work(data)
    idle = [id for id in missing if id not in at_work]
    if idle:
        st.button(
            "Measure by injected anomalies and a twin",
            key="measure-unlabelled",
            icon=":material/science:",
            on_click=_measure,
            args=(data, idle),
            help="Anomalies are made on purpose, in copies of rows that the model finds ordinary. A twin of the model "
            "learns from half of the rows, which takes about half as long as its training did.",
        )
    if at_work:
        _watch(list(at_work.values()))
    st.caption(
        "None of these is quality: made-up anomalies say little about real ones, and a model may be steady and wrong. "
        "The models had learned from the rows before they were disturbed."
    )


def _line(card: Card, found: Unlabelled) -> dict[str, Any]:
    line: dict[str, Any] = {"Model": card.id}
    line |= {FOUND[kind][0]: share for kind, share in found.found.items()}
    line |= {"Rows flagged": found.flagged, "Same order": found.order, "Same top": found.top}
    if card.comparison is not None:
        line["Injected VUS-PR"] = card.comparison.figures[card.comparison.model].vus_pr
    return line | ({"Not measured": found.why_unsteady} if found.why_unsteady else {})


def _columns() -> dict[str, Any]:
    def number(help: str) -> Any:
        return st.column_config.NumberColumn(format="%.2f", help=help, width=115)

    found = {
        name: number(f"{help} Share of them above the model's own threshold.")
        for name, help in FOUND.values()
    }
    return found | {
        "Rows flagged": number("Share of the rows as they are that lie above the same threshold."),
        "Same order": number(
            "Rank correlation with a twin that learned from half of the rows with another seed; of a series from its "
            "earlier half."
        ),
        "Same top": number("Share of its 1 % most unusual rows that are the twin's, too."),
        "Injected VUS-PR": number(
            "From the card: measured when the model was trained, beside plain baselines."
        ),
    }


def _at_work(data: Dataset) -> dict[str, str]:
    """The results that are being measured, and the jobs that do."""
    found = {}
    for job in server.jobs().jobs(owner(), active=True):
        spec = server.jobs().spec(job.id) if job.kind == KIND else {}
        if spec and spec["dataset"] == data.id:
            found[spec["result"]] = job.id
    return found


def _watch(jobs: Sequence[str]) -> None:
    def board() -> None:
        now = [server.jobs().get(id) for id in jobs]
        if any(not job.active for job in now):
            st.rerun()
        for job in now:
            left, right = st.columns([8, 1], vertical_alignment="center")
            left.progress(job.progress, text=plain(f"{job.title}: {in_words(job)}"))
            right.button(
                "Cancel", key=f"measuring-{job.id}", on_click=cancel, args=(job.id,), type="tertiary"
            )

    st.fragment(board, run_every=POLL)()


def _measure(data: Dataset, results: Sequence[str]) -> None:
    def measure() -> None:
        for id in results:
            title = f"Measuring {cache.result(id).model}"
            server.submit(KIND, data.id, {"result": id}, owner=owner(), title=title)

    attempt(measure)
