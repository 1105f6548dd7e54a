"""Train every detector that fits the data, the quick ones first, and watch the leaderboard fill in."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import streamlit as st

from engine import Dataset, Job, detector_class, suggested_name, suitable, validated_name
from ui import comparing_board, comparing_job, server
from ui.panels import attempt, page, plain
from ui.session import owner, widget
from ui.tray import POLL, cancel, in_words

LISTED = 60  # the visitor's newest jobs, among which a batch is looked for
SPEED = {1: "slow", 2: "medium", 3: "fast"}


def form(data: Dataset) -> None:
    """Which detectors, under what name, and the button that queues them all."""
    kinds = suitable(data.roles.kind)
    st.caption(
        "Each is trained with its defaults and judges the data; the quick ones first. The baselines need no training. "
        "Labels, where there are any, only measure."
    )
    st.pills(
        "Detectors that fit this data",
        [kind.name for kind in kinds],
        selection_mode="multi",
        default=[kind.name for kind in kinds],
        format_func=lambda name: f"{detector_class(name).title} · {SPEED[detector_class(name).speed]}",
        key=_key("kinds", data),
    )
    st.text_input(
        "Names of the models begin with",
        suggested_name(data.name.rsplit(".", 1)[0]),
        key=_key("prefix", data),
        max_chars=50,
    )
    st.button(
        "Train all of them",
        type="primary",
        icon=":material/playlist_play:",
        on_click=_train,
        args=(data,),
        key="all",
    )


def progress(data: Dataset) -> None:
    """The visitor's newest batch on this data: jobs at work, and the leaderboard of what is done."""
    batch = _newest(data)
    if not batch:
        return
    active = any(job.active for job in batch)

    def board() -> None:
        now = [server.jobs().get(job.id) for job in batch]
        _jobs(now)
        _board(data, now)
        if active and not any(job.active for job in now):
            st.rerun()

    st.subheader("Trained together", anchor=False)
    st.fragment(board, run_every=POLL if active else None)()


def _jobs(batch: Sequence[Job]) -> None:
    """What waits, runs or went wrong; each can be cancelled, and all at once."""
    waiting = [job for job in batch if job.active]
    for job in batch:
        if job.active:
            name, work, stop = st.columns([3, 5, 1], vertical_alignment="center")
            name.markdown(plain(job.title))
            work.progress(job.progress, text=plain(in_words(job)))
            stop.button("Cancel", key=f"batch-{job.id}", on_click=cancel, args=(job.id,), type="tertiary")
        elif job.state == "failed":
            st.error(f"{plain(job.title)} failed: {plain(job.error or '')}", icon=":material/error:")
        elif job.state != "done":
            st.caption(f":material/cancel: {plain(job.title)} was {job.state}; nothing was kept.")
    if len(waiting) > 1:
        st.button(
            f"Cancel all {len(waiting)}",
            key="cancel-batch",
            icon=":material/stop_circle:",
            on_click=_cancel,
            args=([job.id for job in waiting],),
        )


def _board(data: Dataset, batch: Sequence[Job]) -> None:
    done = [job.result["result"] for job in batch if job.state == "done" and job.result]
    stored = set(server.workspace().results.of_dataset(data.id))
    results = tuple(id for id in done if id in stored)
    if not results or (data.rows * len(results) > comparing_job.AT_ONCE and any(job.active for job in batch)):
        return  # what takes a job of its own waits for the last of the batch
    board = comparing_job.board_of(data, results)
    if board is not None:
        comparing_board.table(board, data, "batch")
    if len(results) > 1 and st.button("Compare them", icon=":material/leaderboard:", key="to-compare"):
        st.switch_page(page("compare"))


def _newest(data: Dataset) -> list[Job]:
    """The jobs of the newest batch on this data, in the order in which they were queued."""
    found: list[Job] = []
    name = None
    for job in server.jobs().jobs(owner(), limit=LISTED):
        spec = server.jobs().spec(job.id) if job.kind == "train" else {}
        if spec.get("batch") and spec["dataset"] == data.id and spec["batch"] == (name or spec["batch"]):
            name = spec["batch"]
            found.append(job)
    return found[::-1]


def _train(data: Dataset) -> None:
    def train() -> None:
        chosen = widget(_key("kinds", data)) or []
        prefix = validated_name(widget(_key("prefix", data)) or "")
        batch = token_hex(6)
        for kind in suitable(data.roles.kind):
            if kind.name in chosen:
                name = f"{prefix}-{kind.name.replace('_', '-')}"
                spec: dict[str, Any] = {"detector": kind.name, "name": name, "window": None, "batch": batch}
                server.submit("train", data.id, spec, owner=owner(), title=f"Training {name}")

    attempt(train)


def _cancel(ids: Sequence[str]) -> None:
    """Those that wait first, so that none of them starts in the place of one that was stopped."""
    attempt(lambda: [server.jobs().cancel(id) for id in reversed(ids)])


def _key(what: str, data: Dataset) -> str:
    return f"all-{what}-{data.id}"
