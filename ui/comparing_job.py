"""The leaderboard of models: at once where that costs little, else drawn up by a job while the screen stays quick."""

from __future__ import annotations

import streamlit as st

from engine import Dataset, Job, Leaderboard
from ui import cache_checked, server
from ui.panels import attempt, plain
from ui.session import owner
from ui.tray import answer

KIND = "leaderboard"
AT_ONCE = 200_000  # rows of all models together that the page compares itself: a fraction of a second
LISTED = 24  # the visitor's newest jobs, among which the one for this comparison is looked for


def board_of(data: Dataset, results: tuple[str, ...], *, own_lines: bool = False) -> Leaderboard | None:
    """Models that have judged a data set side by side; None while a job is at it, whose progress then stands here."""
    if data.rows * len(results) <= AT_ONCE:
        return cache_checked.leaderboard(data, results, own_lines=own_lines)
    found = cache_checked.leaderboard_kept(data, results, own_lines=own_lines)
    if found is not None:
        return found
    job = _newest(data, results, own_lines=own_lines)

    def start() -> None:
        spec = {"results": list(results), "own_lines": own_lines, "roles": data.roles.as_dict()}
        title = f"Comparing {len(results)} {'model' if len(results) == 1 else 'models'} on {data.name}"
        attempt(lambda: server.submit(KIND, data.id, spec, owner=owner(), title=title))

    if job is not None and job.state == "done":  # a moment ago, or of results that were replaced since
        found = cache_checked.leaderboard_kept(data, results, own_lines=own_lines)
        if found is not None:
            return found
    if job is None or job.state == "done":
        start()
        job = _newest(data, results, own_lines=own_lines)
    if job is None:
        st.button("Compare them", key="compare-again", on_click=start)
        return None
    st.caption(
        plain(
            f"{data.rows:,} rows are compared by a job: this takes seconds once, and is kept with the results."
        )
    )
    answer(job.id, start)
    return None


def _newest(data: Dataset, results: tuple[str, ...], *, own_lines: bool) -> Job | None:
    """The visitor's newest job that compares these very results, whatever became of it."""
    for job in server.jobs().jobs(owner(), limit=LISTED):
        spec = server.jobs().spec(job.id) if job.kind == KIND else {}
        asked = (data.id, list(results), own_lines, data.roles.as_dict())
        if spec and asked == (spec["dataset"], spec["results"], spec["own_lines"], spec["roles"]):
            return job
    return None
