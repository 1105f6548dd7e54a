"""Choosing and training a detector, or a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine import Card, Dataset, Detector, EngineError, compare, recommended, suggested_name, validated_name
from ui import cache, forms, server
from ui.panels import attempt, page, plain
from ui.session import owner, session, widget

STAR = " :material/star:"
SPEED = {1: "slow", 2: "medium", 3: "fast"}


def choose_detector(catalogue: Mapping[str, type[Detector]], data: Dataset) -> type[Detector]:
    """Cards of what there is, and which suits the data; the first is chosen until another is."""
    advice = recommended(data.rows, len(data.roles.features), data.roles.kind)
    badge = " :blue-badge[recommended]"
    chosen = st.segmented_control(
        "Detector",
        list(catalogue),
        default=next(iter(catalogue)),
        required=True,
        format_func=lambda name: catalogue[name].title + (STAR if name == advice.detector else ""),
        key="detector",
        persist_state="session",
        label_visibility="collapsed",
    )
    kind = catalogue[chosen]
    with st.container(border=True):
        st.markdown(f"**{kind.summary}**{badge if chosen == advice.detector else ''}")
        left, right, speed = st.columns([3, 3, 1])
        left.markdown(f":material/thumb_up: {kind.works_when}")
        right.markdown(f":material/thumb_down: {kind.struggles_when}")
        speed.markdown(f":material/speed: {SPEED[kind.speed]}", help=kind.reference)
        st.caption(f"{STAR} Recommended for this data is {catalogue[advice.detector].title}: {advice.why}.")
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


def model_list(data: Dataset) -> None:
    """Trained models, the fitting ones first."""
    cards = [card for values in server.workspace().models.models() if (card := readable(values)) is not None]
    if not cards:
        st.info("No model has been trained yet.", icon=":material/info:")
        return
    empty = [name for name, facts in data.profile["columns"].items() if facts["distinct"] == 0]
    fits = [(card, compare(card.columns, data.types, empty=empty)) for card in cards]
    for card, fit in fits:
        if fit.fits:
            _model(card, data, fit)
    others = [(card, fit) for card, fit in fits if not fit.fits]
    if others:
        with st.expander(
            f"Models that learned from other columns ({len(others)})", expanded=len(others) == len(fits)
        ):
            for card, fit in others:
                _model(card, data, fit)


def _model(card: Card, data: Dataset, fit: Any) -> None:
    """One trained model, whether it fits the data, and the button that has it judge."""
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="center")
        origin = f"trained on {card.rows:,} rows of {card.dataset}"
        left.markdown(f"**{plain(card.id)}** · {card.title} · {plain(origin)}")
        if fit.fits:
            more = f"; {len(fit.extra)} other columns are not used" if fit.extra else ""
            left.caption(f":material/check: The columns fit{more}.")
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


def readable(values: dict[str, Any]) -> Card | None:
    """The card of a listed model; None where it is damaged or of a detector this version does not know."""
    if values.get("damaged"):
        return None
    try:
        card = Card.from_dict(values)
        return card if card.title else None
    except EngineError:
        return None


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
            keys[column] = f"map-{card.id}-{column}"
            st.selectbox(
                plain(f"'{column}' ({card.columns[column]}) is read from"),
                options,
                index=options.index(likely) if likely in options else None,
                key=keys[column],
            )
        st.form_submit_button("Judge with these columns", on_click=_score_mapped, args=(card.id, data, keys))


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


def _train(kind: type[Detector], data: Dataset) -> None:
    def train() -> None:
        name = validated_name(widget(f"name-{data.id}") or "")
        window = widget("window") if data.roles.kind == "series" else None
        spec = {"detector": kind.name, "hyperparameters": forms.given(kind), "window": window, "name": name}
        _submit("train", data, spec, f"Training {name}")

    attempt(train)


def _score(model: str, data: Dataset, mapping: dict[str, str]) -> None:
    attempt(lambda: _submit("score", data, {"model": model, "mapping": mapping}, f"Judging {data.name}"))


def _score_mapped(model: str, data: Dataset, keys: dict[str, str]) -> None:
    _score(model, data, {column: widget(key) for column, key in keys.items() if widget(key)})


def _submit(kind: str, data: Dataset, spec: dict[str, Any], title: str) -> None:
    session().watched = server.submit(kind, data.id, spec, owner=owner(), title=title).id
