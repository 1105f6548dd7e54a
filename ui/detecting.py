"""Choosing and training a detector; and watching the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine import Dataset, Detector, EngineError, suggested_name, validated_name
from ui import cache, forms, server
from ui.panels import attempt, page, plain
from ui.session import owner, session, widget
from ui.tray import POLL, job_details

SPEED = {1: "slow", 2: "medium", 3: "fast"}
WORK = ("train", "score")  # kinds of jobs that end in a result


def choose_detector(catalogue: Mapping[str, type[Detector]]) -> type[Detector]:
    """Cards of what there is; the first is chosen until another is."""
    chosen = st.segmented_control(
        "Detector",
        list(catalogue),
        default=next(iter(catalogue)),
        required=True,
        format_func=lambda name: catalogue[name].title,
        key="detector",
        persist_state="session",
        label_visibility="collapsed",
    )
    kind = catalogue[chosen]
    with st.container(border=True):
        st.markdown(f"**{kind.summary}**")
        left, right, speed = st.columns([3, 3, 1])
        left.markdown(f":material/thumb_up: {kind.works_when}")
        right.markdown(f":material/thumb_down: {kind.struggles_when}")
        speed.markdown(f":material/speed: {SPEED[kind.speed]}", help=kind.reference)
    return kind


def training_form(kind: type[Detector], data: Dataset) -> None:
    """The knobs of a detector, a name for the model, and the button."""
    roles = data.roles
    what = f"{len(roles.features)} columns of {data.rows:,} rows"
    held_back = f"; '{roles.label}' is kept aside for checking" if roles.label else ""
    st.caption(plain(f"Learns from {what}{held_back}."))
    forms.hyperparameters(kind)
    if roles.kind == "series":
        st.number_input(
            "Readings a moment is judged by",
            4,
            2_000,
            None,
            key="window",
            persist_state="session",
            placeholder="chosen from the rhythm of the data",
            help="Every reading is judged by what happened over this many readings up to it.",
        )
    st.text_input(
        "Name of the model", suggested_name(data.name.rsplit(".", 1)[0]), key=f"name-{data.id}", max_chars=80
    )
    st.button(
        "Train",
        type="primary",
        icon=":material/model_training:",
        on_click=_train,
        args=(kind, data),
    )


def earlier(data: Dataset) -> None:
    """Results of this data that are stored already."""
    found = server.workspace().results.of_dataset(data.id)[:6]
    if not found:
        return
    st.subheader("Judged before", anchor=False)
    with st.container(horizontal=True):
        for id in found:
            try:
                model = cache.result(id).model
            except EngineError:
                continue
            if st.button(plain(model), key=f"result-{id}", icon=":material/flag:"):
                session().open_result(id)
                st.switch_page(page("results"))


def progress(data: Dataset) -> None:
    """The job at work on this data, and the way to its result when it is done."""
    current = session()
    if current.watched is None:
        mine = server.jobs().jobs(owner(), active=True, limit=8)
        of_data = (
            job.id for job in mine if job.kind in WORK and server.jobs().spec(job.id)["dataset"] == data.id
        )
        current.watched = next(of_data, None)
    if current.watched is None:
        return
    job = server.jobs().get(current.watched)
    if server.jobs().spec(job.id)["dataset"] != data.id:
        return  # it works on other data; the tray beside the page leads to its result
    if job.state == "done" and job.result:
        st.success(
            f"{plain(job.title)} is done, in {job.seconds or 0:.1f} s.", icon=":material/check_circle:"
        )
        # A click leads on, not the poll that saw the end: a page switched under a poll can stay blank.
        if st.button("See the results", type="primary", icon=":material/arrow_forward:", key="see-results"):
            current.watched = None
            current.open_result(job.result["result"])
            st.switch_page(page("results"))
        return

    def board() -> None:
        now = server.jobs().get(job.id)
        if job.active and now.state == "done":
            st.rerun()
        job_details(now)

    st.fragment(board, run_every=POLL if job.active else None)()


def _train(kind: type[Detector], data: Dataset) -> None:
    def train() -> None:
        name = validated_name(widget(f"name-{data.id}") or "")
        window = widget("window") if data.roles.kind == "series" else None
        spec = {"detector": kind.name, "hyperparameters": forms.given(kind), "window": window, "name": name}
        submit("train", data, spec, f"Training {name}")

    attempt(train)


def submit(kind: str, data: Dataset, spec: dict[str, Any], title: str) -> None:
    """Have a job work on the data at hand, and watch it."""
    session().watched = server.submit(kind, data.id, spec, owner=owner(), title=title).id
