"""A job that measures something of one result: a button that starts it, and how far it is."""

from __future__ import annotations

import streamlit as st

from engine import Dataset, Result
from ui import server
from ui.panels import attempt, plain
from ui.session import owner
from ui.tray import POLL, cancel, in_words


def button_or_progress(kind: str, data: Dataset, found: Result, label: str, *, title: str, icon: str) -> None:
    """The button that has a job of a kind measure a result; its progress while it does, then the page as it is now."""
    job = _at_work(kind, found)
    if job is not None:
        _watch(job)
        return

    def start() -> None:
        attempt(lambda: server.submit(kind, data.id, {"result": found.id}, owner=owner(), title=title))

    st.button(label, key=f"{kind}-{found.id}", icon=f":material/{icon}:", on_click=start)
    failed = next(
        (job for job in server.jobs().jobs(owner(), active=False, limit=1) if job.kind == kind), None
    )
    if failed is not None and failed.error and server.jobs().spec(failed.id)["result"] == found.id:
        st.warning(plain(failed.error), icon=":material/error:")


def _at_work(kind: str, found: Result) -> str | None:
    for job in server.jobs().jobs(owner(), active=True):
        if job.kind == kind and server.jobs().spec(job.id)["result"] == found.id:
            return job.id
    return None


def _watch(job: str) -> None:
    def board() -> None:
        now = server.jobs().get(job)
        if not now.active:
            st.rerun()
        left, right = st.columns([8, 1], vertical_alignment="center")
        left.progress(now.progress, text=plain(f"{now.title}: {in_words(now)}"))
        right.button("Cancel", key=f"stop-{job}", on_click=cancel, args=(job,), type="tertiary")

    st.fragment(board, run_every=POLL)()
