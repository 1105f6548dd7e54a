"""A form for any detector, made from the hyperparameters it declares."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import CATALOGUE, Detector, Hyperparameter, declared
from ui.session import widget


def hyperparameters(kind: type[Detector]) -> None:
    """Ask for a detector's hyperparameters: the ones that matter first, the rest on request."""
    knobs = list(declared(kind).values())
    _grid(kind, [knob for knob in knobs if not knob.advanced])
    advanced = [knob for knob in knobs if knob.advanced]
    if advanced:
        with st.expander("More settings"):
            _grid(kind, advanced)


def given(kind: type[Detector]) -> dict[str, Any]:
    """What the form says now, checked: a value that cannot be raises a UsageError that says what can.

    Read inside a callback: what a click was given with may be older than the last edit.
    """
    knobs = declared(kind)
    values = {name: widget(_key(kind, name)) for name in knobs}
    return {name: knobs[name].check(value) for name, value in values.items() if value is not None}


def _grid(kind: type[Detector], knobs: list[Hyperparameter]) -> None:
    places = st.columns(3)
    for i, knob in enumerate(knobs):
        _ask(places[i % 3], _key(kind, knob.name), knob)


def _key(kind: type[Detector], name: str) -> str:
    return f"{kind.name}-{name}"


def _ask(place: Any, key: str, knob: Hyperparameter) -> None:
    """The widget that suits a hyperparameter; it keeps its value while other pages are visited."""
    asked: dict[str, Any] = {"key": key, "help": knob.help, "persist_state": "session"}
    if knob.kind is bool:
        place.toggle(knob.label, knob.default, **asked)
    elif knob.several:
        place.multiselect(
            knob.label,
            knob.choices,
            knob.named(knob.default),
            format_func=lambda name: CATALOGUE[name].title if name in CATALOGUE else name,
            **asked,
        )
    elif knob.choices:
        place.selectbox(knob.label, knob.choices, index=knob.choices.index(knob.default), **asked)
    elif knob.kind in (str, tuple):
        place.text_input(knob.label, knob.text(knob.default), **asked)
    elif knob.kind is int:
        low = None if knob.low is None else int(knob.low)
        high = None if knob.high is None else int(knob.high)
        place.number_input(knob.label, low, high, int(knob.default), **asked)
    else:
        step = min(0.01, float(knob.default) / 10 or 0.01)  # of a small number a small part
        place.number_input(
            knob.label, knob.low, knob.high, float(knob.default), step=step, format="%.4g", **asked
        )
