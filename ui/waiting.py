"""Waiting for a job that ends on another page: a bar that moves, within the run that the click has started."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from engine import Dataset, EngineError
from ui import server
from ui.panels import plain
from ui.session import owner

LOOK_SECONDS = 0.2  # between two looks at the job


def done(kind: str, data: Dataset, spec: dict[str, Any], title: str) -> dict[str, Any]:
    """What a job returns that works on the data at hand; an EngineError says why there is nothing.

    Who leaves the page meanwhile leaves the job at work: it stands beside every page.
    """
    job = server.submit(kind, data.id, spec, owner=owner(), title=title)
    bar = st.progress(0.0, text=plain(f"{title} …"))
    while job.active:
        time.sleep(LOOK_SECONDS)
        job = server.jobs().get(job.id)
        bar.progress(job.progress, text=plain(f"{title}: {job.message or 'waiting for its turn'}"))
    if job.state != "done" or not job.result:
        raise EngineError(job.error or f"'{title}' was stopped before its end; start it again")
    return job.result
