"""The model library: every model with its versions and cards; promote, delete, verify."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Card, charts
from ui import cache, server
from ui.detecting import readable
from ui.panels import attempt, chart, empty_state, plain
from ui.session import theme


def shelf() -> None:
    """All models, newest first, and a check of what is stored."""
    cards = server.workspace().models.models()
    if not cards:
        empty_state(
            "No models yet", "Train a detector on your data; the model is kept here.", "detect", "Detect"
        )
        return
    for values in cards:
        with st.container(border=True):
            card = readable(values)
            if card is not None:
                _model(card)
                continue
            why = values.get("damaged") or "this version of Loupe does not know it"
            st.error(plain(f"{values['name']} cannot be used: {why}"), icon=":material/error:")
            _delete_button(values["name"])
    if st.button("Check every stored model for damage", icon=":material/verified:"):
        problems = server.workspace().models.verify()
        for problem in problems:
            st.error(plain(f"{problem.ref}: {problem.reason}"), icon=":material/error:")
        if not problems:
            st.success("Every stored model is sound.", icon=":material/check_circle:")


def _model(active: Card) -> None:
    versions = server.workspace().models.versions(active.name)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(
        f"**{plain(active.name)}** · {active.title}"
        + (" · :blue-badge[comes with Loupe]" if active.shipped else "")
    )
    count = f"{len(versions)} {'version' if len(versions) == 1 else 'versions'}"
    origin = f"learned from {active.rows:,} rows of {active.dataset}"
    left.caption(plain(f"Active is version {active.version}, {origin}; {count}."))
    with right.popover("Versions", width="stretch"):
        for values in versions:
            _version(active.name, values)
        if not active.shipped:
            st.divider()
            _delete_button(active.name)
    with st.expander("Card"):
        _card(active)


def _version(name: str, values: dict[str, Any]) -> None:
    number = values.get("version")
    ref = f"{name}@{number}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if values.get("damaged"):
            st.markdown(f":material/error: {number}: damaged", width="stretch")
        else:
            when = values["created"][:16].replace("T", " ")
            badge = " :green-badge[active]" if values.get("active") else ""
            st.markdown(f"**{number}**{badge} {when} · threshold {values['threshold']:.5g}", width="stretch")
            if not values.get("active"):
                st.button("Make active", key=f"promote-{ref}", on_click=_promote, args=(ref,))
        if not values.get("shipped"):
            st.button("Delete", key=f"delete-{ref}", on_click=_delete, args=(ref,), type="tertiary")


def _card(card: Card) -> None:
    roles = card.roles["columns"]
    facts = {
        "Detector": card.title,
        "Trained": f"{card.created[:16].replace('T', ' ')} UTC, in {card.seconds:.1f} s",
        "Data": f"{card.dataset} ({card.rows:,} rows, {card.judged:,} judged)",
        "Data sha256": card.dataset_hash[:16],
        "First threshold": f"{card.threshold:.6g}, {card.rule['kind']} {card.rule['value']:g}",
        "Kept aside": ", ".join(c for c, role in roles.items() if role == "label") or "no label column",
        "Readings per window": str(card.window) if card.window else "not a series",
        "Versions": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
    }
    if run := server.workspace().runs.find(card.id, card.created):
        facts["Run"] = f"{run.parent.name}/{run.name} in the workspace"
    left, right = st.columns(2)
    left.table({"Value": {name: plain(text) for name, text in facts.items()}})
    right.markdown("**Hyperparameters**")
    right.table({"Value": {name: plain(value) for name, value in card.hyperparameters.items()}})
    st.markdown(
        "**Columns it needs:** " + ", ".join(f"{plain(name)} ({kind})" for name, kind in card.columns.items())
    )
    if card.history:
        st.markdown("**What it learned, epoch by epoch**")
        chart(charts.loss_curves(card.history, theme=theme()), f"losses-{card.id}")
    for column, why in card.left_out.items():
        st.caption(plain(f"'{column}' was left out: it {why}."))
    for note in card.notes:
        st.caption(f":material/info: {plain(note)}")


def _delete_button(name: str) -> None:
    st.button(
        f"Delete {plain(name)} with all versions", key=f"delete-all-{name}", on_click=_delete, args=(name,)
    )


def _promote(ref: str) -> None:
    attempt(lambda: server.workspace().models.promote(ref))


def _delete(ref: str) -> None:
    attempt(lambda: server.workspace().models.delete(ref))
    cache.forget_models()
