"""Choosing a detector, and starting its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine import AUTO, Dataset, Detector, EngineError, recommended, suggested_name, validated_name
from ui import cache, first_threshold, forms, labelling_training, server, waiting
from ui.panels import attempt, page, plain
from ui.session import owner, session, set_widget, widget

STAR = " :material/star:"
FAST = 3
ANOMALIES_LEARNED = (
    "They are kept out of what counts as normal. How well the model finds them then says little."
)
CLASSES_LEARNED = (
    "A second stage learns what happened in each row, and how sure it may be; the anomaly score knows nothing of it. "
    "How well classes are named is measured on rows held out."
)
SPEED = {1: "slow", 2: "medium", FAST: "fast"}


def choose_detector(catalogue: Mapping[str, type[Detector]], data: Dataset) -> type[Detector] | None:
    """Cards of what there is for such data, and which suits it; a fast one is chosen until another is.

    None: the program is to choose, which it does for series by trying.
    """
    advice = recommended(data.rows, len(data.roles.features), data.roles.kind)
    if data.roles.kind != "series":
        catalogue = {name: kind for name, kind in catalogue.items() if not kind.sequential}
    fast = catalogue[advice.detector].speed == FAST
    badge = " :blue-badge[recommended]"
    taught = labelling_training.take_wish(data)
    if taught:
        set_widget("detector", taught)
    chosen = st.segmented_control(
        "Detector",
        [*catalogue, *([AUTO] if data.roles.kind == "series" else [])],
        default=None if taught else advice.detector if fast else next(iter(catalogue)),
        required=True,
        format_func=lambda name: (
            "Let Loupe choose"
            if name == AUTO
            else catalogue[name].title + (STAR if name == advice.detector else "")
        ),
        key="detector",
        persist_state="session",
        label_visibility="collapsed",
    )
    if chosen == AUTO:
        with st.container(border=True):
            st.markdown("**Loupe tries what suits a series, and trains what does best.**")
            st.caption(
                "A part of the readings is held out and disturbed on purpose; who ranks the disturbed readings "
                "highest is trained on all of them. No label is looked at. A long series takes some minutes."
            )
        return None
    kind = catalogue[chosen or advice.detector]
    with st.container(border=True):
        st.markdown(f"**{kind.summary}**{badge if chosen == advice.detector else ''}")
        left, right, speed = st.columns([3, 3, 1])
        left.markdown(f":material/thumb_up: {kind.works_when}")
        right.markdown(f":material/thumb_down: {kind.struggles_when}")
        speed.markdown(f":material/speed: {SPEED[kind.speed]}", help=kind.reference)
        st.caption(f"{STAR} Recommended for this data is {catalogue[advice.detector].title}: {advice.why}.")
    return kind


def training_form(kind: type[Detector] | None, data: Dataset) -> None:
    """The knobs of a detector, a name for the model, and the button; None: the program chooses the detector."""
    roles = data.roles
    if kind is not None and kind.learns_from_labels and roles.label:
        named = kind.names_classes
        st.toggle(
            plain(
                f"Learn to name the classes in '{roles.label}'"
                if named
                else f"Learn from the anomalies labelled in '{roles.label}', too"
            ),
            key="learn-from-label",
            persist_state="session",
            help=CLASSES_LEARNED if named else ANOMALIES_LEARNED,
        )
    labelling_training.toggle(kind, data)
    what = f"{len(roles.features)} columns of {data.rows:,} rows"
    aside = roles.label and not (kind is not None and _learns_from_label(kind, data))
    held_back = f"; '{roles.label}' is kept aside for checking" if aside else ""
    st.caption(plain(f"Learns from {what}{held_back}."))
    if kind is not None:
        forms.hyperparameters(kind)
    if kind is not None and roles.kind == "series" and not kind.sequential:
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
    first_threshold.settings(data)
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


def straight_to_flags(catalogue: Mapping[str, type[Detector]], data: Dataset) -> None:
    """One click from the data to its flagged rows: a fast detector that suits them, with its defaults."""
    kind = _fast(catalogue, data)
    if st.button(
        "Find what is unusual",
        type="primary",
        icon=":material/bolt:",
        key="straight",
        disabled=not data.roles.features,
        help=f"Trains {kind.title} with its defaults, judges every row and opens the results.",
    ):
        name = suggested_name(data.name.rsplit(".", 1)[0])
        spec = {"detector": kind.name, "name": name, "window": None}
        session().open_result(waiting.done("train", data, spec, f"Training {name}")["result"])
        st.switch_page(page("results"))


def _fast(catalogue: Mapping[str, type[Detector]], data: Dataset) -> type[Detector]:
    """The recommended detector where it is a fast one, else the first."""
    advice = recommended(data.rows, len(data.roles.features), data.roles.kind)
    kind = catalogue[advice.detector]
    return kind if kind.speed == FAST else next(iter(catalogue.values()))


def _train(kind: type[Detector] | None, data: Dataset) -> None:
    def train() -> None:
        name = validated_name(widget(f"name-{data.id}") or "")
        spec: dict[str, Any] = {"detector": AUTO, "name": name}
        if kind is not None:
            spec |= {"detector": kind.name, "hyperparameters": forms.given(kind), "window": None}
            if data.roles.kind == "series" and not kind.sequential:
                spec["window"] = widget("window")
            if _learns_from_label(kind, data):
                spec["learn_from_label"] = True
            spec |= labelling_training.choices(kind, data)
        spec |= first_threshold.given(data)
        submit("train", data, spec, f"Training {name}")

    attempt(train)


def _learns_from_label(kind: type[Detector], data: Dataset) -> bool:
    """Whether labelled anomalies are to be learned from."""
    return bool(kind.learns_from_labels and data.roles.label and widget("learn-from-label"))


def submit(kind: str, data: Dataset, spec: dict[str, Any], title: str) -> None:
    """Have a job work on the data at hand, and watch it."""
    session().watched = server.submit(kind, data.id, spec, owner=owner(), title=title).id
