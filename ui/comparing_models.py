"""Which models are compared on the data at hand; those that have not judged it yet do so as jobs."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import Dataset, Job, charts, offers_for
from ui import cache, server
from ui.panels import attempt, empty_state, plain
from ui.session import owner
from ui.tray import POLL, job_details

FIRST_CHOSEN = 6  # models compared before anybody chooses: as many as a table has detectors


def choose(data: Dataset) -> tuple[str, ...]:
    """Let the visitor choose models that fit; the ids of the results of those that have judged the data."""
    judged = cache.judged_by(data.id)
    fitting = [
        offer.card.id
        for offer in offers_for(server.workspace().models, data, printed=_unprinted)[0]
        if offer.fit.fits
    ]
    known = list(dict.fromkeys([*judged, *fitting]))
    if not known:
        empty_state(
            "Nothing to compare yet",
            "Train one detector or several on this data, or bring a model that fits it.",
            "detect",
            "Detect",
        )
        return ()
    chosen = st.multiselect(
        "Models on this data",
        known,
        default=list(judged)[:FIRST_CHOSEN] or known[:FIRST_CHOSEN],
        max_selections=charts.MOST_MODELS,
        key=f"compare-{data.id}",
        persist_state="session",
    )
    _have_them_judge(data, [model for model in chosen if model not in judged])
    found = tuple(judged[model] for model in chosen if model in judged)
    if not found:
        st.info("Choose models that have judged this data, or have others judge it.", icon=":material/info:")
    return found


def _unprinted(_model: str) -> None:
    """No fingerprint: whether the data has moved is not asked here."""


def _have_them_judge(data: Dataset, waiting: Sequence[str]) -> None:
    """The button that has models judge, and how far the jobs are that do."""
    at_work = {
        server.jobs().spec(job.id).get("model"): job
        for job in server.jobs().jobs(owner(), active=True)
        if job.kind == "score" and server.jobs().spec(job.id)["dataset"] == data.id
    }
    idle = [model for model in waiting if model not in at_work]
    if idle:
        what = plain(idle[0]) if len(idle) == 1 else f"{len(idle)} models that have not yet"
        st.button(
            f"Have {what} judge this data",
            key="judge-all",
            icon=":material/bolt:",
            on_click=_judge,
            args=(data, idle),
        )
    if at_work:
        _watch(list(at_work.values()))


def _watch(jobs: Sequence[Job]) -> None:
    def board() -> None:
        now = [server.jobs().get(job.id) for job in jobs]
        for job in now:
            st.markdown(plain(job.title))
            job_details(job)
        if any(not job.active for job in now):
            st.rerun()

    st.fragment(board, run_every=POLL)()


def _judge(data: Dataset, models: Sequence[str]) -> None:
    def judge() -> None:
        for model in models:
            title = f"Judging {data.name} with {model}"
            server.submit("score", data.id, {"model": model, "mapping": {}}, owner=owner(), title=title)

    attempt(judge)
