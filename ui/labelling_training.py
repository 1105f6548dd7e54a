"""Training with the labels given here: asked for on the page of detectors, frozen when the job is sent."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import CATALOGUE, Dataset, Detector, freeze_labels
from ui import cache, server
from ui.session import session, set_widget, widget

KEY = "learn-from-given"


def take_wish(data: Dataset) -> str | None:
    """The detector to begin with for who comes to train with labels; None for who does not."""
    wanted, session().teach = session().teach, False
    name = _learner(data)
    if not wanted or name is None or not cache.given_labels(data).counts["anomaly"]:
        return None
    set_widget(KEY, True)
    return name


def toggle(kind: type[Detector] | None, data: Dataset) -> None:
    """Ask whether a detector that can is to learn from the labels; nothing where there are none."""
    labels = cache.given_labels(data)
    anomalies = labels.counts["anomaly"]
    if not anomalies:
        return
    if kind is None or not kind.learns_from_labels:
        name = _learner(data)
        able = "" if name is None else f"; {CATALOGUE[name].title} can"
        st.caption(f"{_rows(len(labels))} labelled here. This detector does not learn from labels{able}.")
        return
    st.toggle(
        f"Learn from the labels given here: {labels.in_words}",
        key=KEY,
        persist_state="session",
        help="As they are when the training begins. How well the model finds these rows then says little.",
    )


def choices(kind: type[Detector], data: Dataset) -> dict[str, Any]:
    """What a training's spec says of them: the name of the labels as they are now, if they are wanted."""
    if not kind.learns_from_labels or not widget(KEY):
        return {}
    labels = cache.given_labels(data)
    if not labels.counts["anomaly"]:
        return {}
    return {"labels": freeze_labels(server.workspace().frozen_labels, data.id, labels)}


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _learner(data: Dataset) -> str | None:
    """The detector that learns from labels of such data; None where there is none."""
    sequential = data.roles.kind == "series"
    able = (n for n, kind in CATALOGUE.items() if kind.learns_from_labels and kind.sequential == sequential)
    return next(able, None)
