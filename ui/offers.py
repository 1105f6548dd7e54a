"""Trained models for the data at hand, the best first, and the one that is ready at a click."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import ABSENT, Card, Dataset, Offer, detector_class, offers_for
from ui import cache, server
from ui.detecting import submit
from ui.panels import attempt, plain
from ui.session import widget


def ready(data: Dataset) -> None:
    """The model that learned from this very data, or the one everybody is to use: offered before anything else."""
    found, problem = _offers(data)
    if problem:
        st.info(plain(f"{problem[:1].upper()}{problem[1:]}."), icon=":material/info:")
    best = next((offer for offer in found if offer.fit.fits and (offer.wanted or offer.learned)), None)
    if best is None or server.workspace().results.exists(best.card.id, data.id):
        return
    why = "is the model to use here" if best.wanted else "has learned from this very file"
    with st.container(
        border=True,
        key="ready",
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
    ):
        st.markdown(f":material/bolt: **{plain(best.card.id)}** · {best.card.title} · {why}", width="stretch")
        st.button(
            "Judge",
            key=f"ready-{best.card.id}",
            type="primary",
            on_click=_score,
            args=(best.card.id, data, {}),
        )


def model_list(data: Dataset) -> None:
    """Trained models, the best first; those that do not fit stand apart."""
    found, _ = _offers(data)
    if not found:
        st.info("No model has been trained yet.", icon=":material/info:")
        return
    others = [offer for offer in found if not offer.fit.fits]
    for offer in found:
        if offer.fit.fits:
            _model(offer, data)
    if others:
        with st.expander(
            f"Models that learned from other columns ({len(others)})", expanded=len(others) == len(found)
        ):
            for offer in others:
                _model(offer, data)


def _offers(data: Dataset) -> tuple[list[Offer], str]:
    space = server.workspace()
    return offers_for(space.models, data, printed=cache.fingerprint, wanted=space.active_model)


def _model(offer: Offer, data: Dataset) -> None:
    """One trained model, whether it fits the data, and the button that has it judge."""
    card, fit = offer.card, offer.fit
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="center")
        origin = f"trained on {card.rows:,} rows of {card.dataset}"
        badges = " · :blue-badge[the model to use]" if offer.wanted else ""
        badges += " · :green-badge[learned from this file]" if offer.learned else ""
        left.markdown(f"**{plain(card.id)}** · {card.title} · {plain(origin)}{badges}")
        if fit.fits:
            more = f"; {len(fit.extra)} other columns are not used" if fit.extra else ""
            left.caption(f":material/check: The columns fit{more}.")
            if offer.moved:
                moved = ", ".join(map(repr, offer.moved))
                left.caption(f":material/moving: At a glance, moved away from training: {plain(moved)}.")
        else:
            left.caption(f":material/block: Does not fit yet: {plain(fit.problem)}.")
            _mapping_form(card, data, fit)
        right.button(
            "Judge",
            key=f"score-{card.id}",
            disabled=not fit.fits,
            on_click=_score,
            args=(card.id, data, {}),
            width="stretch",
        )


def _mapping_form(card: Card, data: Dataset, fit: Any) -> None:
    """Say which column stands for one the model misses. Nothing is taken without the person's word."""
    with (
        st.popover("Map columns", icon=":material/conversion_path:"),
        st.form(f"map-{card.id}", border=False),
    ):
        keys = {}
        for column in (*fit.missing, *fit.retyped):
            likely = fit.renamed.get(column)
            options = [c for c in data.columns if c in fit.extra or c == likely]
            if column in fit.missing and detector_class(card.detector).mixed:
                options.append(ABSENT)
            keys[column] = f"map-{card.id}-{column}"
            st.selectbox(
                plain(f"'{column}' ({card.columns[column]}) is read from"),
                options,
                index=options.index(likely) if likely in options else None,
                format_func=lambda here: here or "not in this data: do without it",
                key=keys[column],
            )
        st.form_submit_button("Judge with these columns", on_click=_score_mapped, args=(card.id, data, keys))


def _score(model: str, data: Dataset, mapping: dict[str, str]) -> None:
    attempt(lambda: submit("score", data, {"model": model, "mapping": mapping}, f"Judging {data.name}"))


def _score_mapped(model: str, data: Dataset, keys: dict[str, str]) -> None:
    _score(model, data, {column: widget(key) for column, key in keys.items() if widget(key) is not None})
