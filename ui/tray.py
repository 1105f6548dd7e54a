"""Jobs on the screen: the tray beside every page, and one job in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine import Job
from ui import server
from ui.panels import attempt, page, plain
from ui.session import owner, session

POLL = "700ms"
LOG_LINES = 12
KEPT = "what it learned up to epoch {} is kept for two weeks."
SHOWN = 4  # jobs in the tray, newest first
LISTED = 24  # jobs looked through for these
UNSHOWN = "look"  # kind of jobs that a page sends ahead of its reader, and waits for itself where it must


def job_tray() -> None:
    """Running and recent jobs, on every page; polls only while something runs."""
    active = any(job.active for job in _to_show())

    def tray() -> None:
        found = _to_show()
        if not found:
            return
        st.caption("Jobs")
        for job in found[:SHOWN]:
            _tray_line(job)
        if active and not any(job.active for job in found):
            st.rerun()  # the page itself should notice that something is done

    st.fragment(tray, run_every=POLL if active else None)()


def _to_show() -> list[Job]:
    return [job for job in server.jobs().jobs(owner(), limit=LISTED) if job.kind != UNSHOWN]


def _tray_line(job: Job) -> None:
    if job.active:
        st.progress(job.progress, text=plain(f"{job.title}, {in_words(job)}"))
        with st.container(horizontal=True):
            st.button("Cancel", key=f"cancel-{job.id}", on_click=cancel, args=(job.id,), type="tertiary")
            _log(job)
        return
    icon = {"done": "check_circle", "failed": "error", "cancelled": "cancel"}.get(job.state, "warning")
    result = (job.result or {}).get("result") if job.state == "done" else None
    if result:
        help_text = f"Done in {job.seconds or 0:.1f} s. Opens the result."
        if st.button(
            plain(job.title), key=f"open-{job.id}", icon=f":material/{icon}:", type="tertiary", help=help_text
        ):
            session().open_result(result)
            st.switch_page(page("results"))
    else:
        st.markdown(f":material/{icon}: {plain(job.title)}", help=plain(job.error or job.state))
        if job.state == "failed":
            _log(job)


def answer(
    id: str, again: Callable[[], None], *, enough: Callable[[], bool] = lambda: False, every: str = POLL
) -> dict[str, Any] | None:
    """What a short job found out; until then None and its progress, and where it failed the button to ask again.

    Where the job works for later, too, the page need not wait for its end, but until it has done ``enough``; it looks
    ``every`` so often.
    """
    job = server.jobs().get(id)
    if job.state == "done":
        return job.result or {}
    if not job.active:
        job_details(job)
        st.button("Try again", key=f"again-{id}", on_click=again)
        return None

    def wait() -> None:
        now = server.jobs().get(id)
        if not now.active or enough():
            st.rerun()
        job_details(now)

    st.fragment(wait, run_every=every)()
    return None


def job_details(job: Job, *, epochs: int = 0) -> None:
    """One job in full: progress, time left, log, and how it ended; of one stopped, how many epochs are kept."""
    title = plain(job.title)
    if job.active:
        left = f", about {job.eta_seconds:.0f} s left" if job.eta_seconds and job.progress > 0.05 else ""
        st.progress(job.progress, text=plain(f"{in_words(job)}{left}"))
        st.button(
            "Cancel", key=f"stop-{job.id}", on_click=cancel, args=(job.id,), icon=":material/stop_circle:"
        )
    elif job.state == "failed":
        st.error(f"{title} failed: {plain(job.error or '')}", icon=":material/error:")
    elif job.state == "cancelled":
        kept = KEPT.format(epochs) if epochs else "nothing was kept."
        st.info(f"{title} was cancelled; {kept}", icon=":material/cancel:")
    elif job.state == "interrupted":
        kept = KEPT.format(epochs) if epochs else "start it again."
        st.warning(f"{title}: the server stopped while this ran; {kept}", icon=":material/warning:")
    _log(job)


def _log(job: Job) -> None:
    """The end of a job's log, for who wants to see what it is doing."""
    log = server.jobs().log_tail(job.id, LOG_LINES)
    if log.strip():
        with st.popover("Log", type="tertiary"):
            st.code(log, language=None)


def in_words(job: Job) -> str:
    """What an active job is at."""
    if job.state == "queued":
        return f"waiting, place {job.queue_position}" if job.queue_position else "waiting"
    return "stopping" if job.stopping else (job.message or "starting")


def cancel(id: str) -> None:
    """Ask a job to stop."""
    attempt(lambda: server.jobs().cancel(id))
