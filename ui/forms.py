"""A form for any detector, made from the hyperparameters it declares."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Detector, Hyperparameter, declared


def hyperparameters(kind: type[Detector]) -> dict[str, Any]:
    """Ask for a detector's hyperparameters: the ones that matter first, the rest on request."""
    knobs = list(declared(kind).values())
    basic = [knob for knob in knobs if not knob.advanced]
    values = _row_of(kind, basic)
    advanced = [knob for knob in knobs if knob.advanced]
    if advanced:
        with st.expander("More settings"):
            values |= _row_of(kind, advanced)
    return values


def _row_of(kind: type[Detector], knobs: list[Hyperparameter]) -> dict[str, Any]:
    places = st.columns(3)
    return {knob.name: _ask(places[i % 3], f"{kind.name}-{knob.name}", knob) for i, knob in enumerate(knobs)}


def _ask(place: Any, key: str, knob: Hyperparameter) -> Any:
    if knob.kind is bool:
        return place.toggle(knob.label, knob.default, key=key, help=knob.help)
    if knob.choices:
        return place.selectbox(
            knob.label, knob.choices, index=knob.choices.index(knob.default), key=key, help=knob.help
        )
    if knob.kind is str:
        return place.text_input(knob.label, knob.default, key=key, help=knob.help)
    if knob.kind is int:
        low = None if knob.low is None else int(knob.low)
        high = None if knob.high is None else int(knob.high)
        return place.number_input(knob.label, low, high, int(knob.default), key=key, help=knob.help)
    return place.number_input(
        knob.label,
        knob.low,
        knob.high,
        float(knob.default),
        step=0.01,
        format="%.4g",
        key=key,
        help=knob.help,
    )
