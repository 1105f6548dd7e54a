"""Training with the labels given here: asked for on the page of detectors, frozen when the job is sent."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Dataset, Detector, freeze_labels
from ui import cache, server
from ui.session import widget

KEY = "learn-from-given"


def toggle(kind: type[Detector] | None, data: Dataset) -> None:
    """Ask whether a detector that can is to learn from the labels; nothing where there are none."""
    labels = cache.given_labels(data)
    anomalies = labels.counts["anomaly"]
    if not anomalies:
        return
    if kind is None or not kind.learns_from_labels:
        st.caption(f"{len(labels):,} rows are labelled here; this detector learns from no labels.")
        return
    st.toggle(
        f"Learn from the {len(labels):,} rows labelled here, {anomalies:,} of them anomalies",
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
