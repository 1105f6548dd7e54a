"""Watching the job at work on a data set: its progress, the curves of what it learns, and the way on when it ends."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import AUTO, Dataset, EngineError, Job, charts, declared, detector_class
from ui import cache, server
from ui.panels import attempt, chart, page, plain
from ui.session import owner, session, theme
from ui.tray import POLL, job_details

WORK = {
    "train": "Train again",
    "score": "Judge again",
}  # kinds of jobs that end in a result, and asked once more
LOOKED_AT = 20  # the visitor's newest jobs


def progress(data: Dataset) -> None:
    """The job at work on this data, and the way to its result when it is done."""
    current = session()
    if current.watched is None:
        current.watched = _to_watch(data)
    if current.watched is None:
        return
    job = server.jobs().get(current.watched)
    if server.jobs().spec(job.id)["dataset"] != data.id:
        return  # it works on other data; the tray beside the page leads to its result

    def board() -> None:
        now = server.jobs().get(job.id)
        if job.active and not now.active:
            st.rerun()
        _board(now, data)

    st.fragment(board, run_every=POLL if job.active else None)()


def _to_watch(data: Dataset) -> str | None:
    """The visitor's newest job on this data, if it is at work or can go on from where it was stopped."""
    for job in server.jobs().jobs(owner(), limit=LOOKED_AT):
        spec = server.jobs().spec(job.id) if job.kind in WORK else {}
        if spec and spec["dataset"] == data.id and not spec.get("batch"):
            left = job.state == "interrupted" or (job.state == "cancelled" and _epochs_kept(job, data) > 0)
            return job.id if job.active or left else None
    return None


def _board(job: Job, data: Dataset) -> None:
    """The job as it is now; beside it its curves, in one place from the first epoch to after the end."""
    records = server.jobs().records(job.id) if job.kind == "train" else []
    if not records:
        _standing(job, data)
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        _standing(job, data)
    with right:
        planned = _planned(server.jobs().spec(job.id)) if job.active else None
        chart(charts.loss_curves(records, planned=planned, theme=theme()), f"losses-{job.id}")
        st.caption(
            "The lower, the better it predicts the rows. The model keeps the weights of the best epoch."
        )


def _standing(job: Job, data: Dataset) -> None:
    """How far the job is, or how it ended and what can be done next."""
    if job.state == "done" and job.result:
        st.success(
            f"{plain(job.title)} is done, in {job.seconds or 0:.1f} s.", icon=":material/check_circle:"
        )
        if warning := _warning(job):
            st.info(plain(f"{warning}."), icon=":material/balance:")
        # A click leads on, not the poll that saw the end: a page switched under a poll can stay blank.
        if st.button("See the results", type="primary", icon=":material/arrow_forward:", key="see-results"):
            session().watched = None
            session().open_result(job.result["result"])
            st.switch_page(page("results"))
        return
    stopped = job.state in ("cancelled", "interrupted")
    epochs = _epochs_kept(job, data) if stopped else 0
    job_details(job, epochs=epochs)
    from_there = f" from epoch {epochs}" if epochs else ""
    if stopped and st.button(f"{WORK[job.kind]}{from_there}", icon=":material/replay:", key="work-again"):
        attempt(lambda: _again(job))
        st.rerun()


def _warning(job: Job) -> str:
    """What is to be said of the model a job made, beside plain baselines; empty where it is better than they are."""
    if job.kind != "train" or not job.result:
        return ""
    try:
        comparison = cache.card(job.result["model"]).comparison
    except EngineError:  # deleted meanwhile
        return ""
    return comparison.warning if comparison else ""


def _again(job: Job) -> None:
    session().watched = server.jobs().again(job.id).id


def _epochs_kept(job: Job, data: Dataset) -> int:
    """How many epochs the same training would find done: none where its checkpoint is gone or the roles are others."""
    if job.kind != "train":
        return 0
    kept = server.workspace().checkpoint_of(server.jobs().spec(job.id), data.roles).is_file()
    return len(server.jobs().records(job.id)) if kept else 0


def _planned(spec: dict[str, Any]) -> int | None:
    """The most epochs a training may take; None where that is not known."""
    if spec["detector"] == AUTO:
        return None
    knob = declared(detector_class(spec["detector"])).get("epochs")
    return None if knob is None else int((spec.get("hyperparameters") or {}).get("epochs", knob.default))
