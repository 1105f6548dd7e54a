"""Which model judges a data set when none is named, and whether one that is named can."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.api.problems import Refusal
from engine.data.dataset import Dataset
from engine.data.schema import Fit, compare
from engine.errors import EngineError
from engine.model import Card
from engine.store import ModelStore

ACTIVE_MODEL = "LOUPE_ACTIVE_MODEL"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was said about the model; nothing, often."""

    model: str | None = None
    detector: str | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)

    def met_by(self, card: Card) -> bool:
        """Whether a model is of the detector, and was trained with the hyperparameters, that were asked for."""
        if self.detector not in (None, card.detector):
            return False
        return all(card.hyperparameters.get(name) == value for name, value in self.hyperparameters.items())


def model_for(store: ModelStore, dataset: Dataset, wanted: Wanted) -> Card:
    """The model that judges a data set; a 409 that says what is missing when there is none.

    Of the stored models whose columns are all there, the one that uses most columns; the active model that the
    server's settings name goes before all others.
    """
    if wanted.model is not None:
        return _named(store, dataset, wanted)
    fits = [(card, _fit(card, dataset, wanted)) for card in usable(store) if wanted.met_by(card)]
    fitting = [card for card, fit in fits if fit.fits]
    active = _active_model(store)
    if active is not None and wanted.met_by(active) and _fit(active, dataset, wanted).fits:
        return active
    if fitting:
        return max(
            fitting, key=lambda card: len(card.columns)
        )  # of equals the first: own before shipped, newest
    if not fits:
        raise Refusal(409, "no such model is stored", "train one: POST /api/models/NAME/train")
    card, nearest = min(fits, key=lambda each: len(each[1].missing) + len(each[1].retyped))
    raise Refusal(
        409,
        f"no stored model fits this data set; the nearest is '{card.id}': {nearest.problem}",
        "train a model on this data, POST /api/models/NAME/train, or map its columns with 'mapping'",
    )


def usable(store: ModelStore) -> Iterator[Card]:
    """The active version of every model that can be used."""
    for values in store.models():
        if not values.get("damaged"):
            try:
                card = Card.from_dict(values)
                assert card.title  # of a detector this version knows, or a UsageError
                yield card
            except EngineError as problem:
                logger.warning("a model is passed over: %s", problem)


def _named(store: ModelStore, dataset: Dataset, wanted: Wanted) -> Card:
    card = Card.from_dict(store.card(store.resolve(str(wanted.model))))
    if not wanted.met_by(card):
        raise Refusal(
            409,
            f"model '{card.id}' is not of that detector or those hyperparameters",
            "name the model alone, or leave it out",
        )
    fit = _fit(card, dataset, wanted)
    if not fit.fits:
        raise Refusal(
            409,
            f"this data set does not fit model '{card.id}': {fit.problem}",
            "say with 'mapping' which column stands for which, name another model, or train one",
        )
    return card


def _active_model(store: ModelStore) -> Card | None:
    """The model that the server's settings name; one that cannot be used is passed over, and logged."""
    named = os.environ.get(ACTIVE_MODEL)
    if not named:
        return None
    try:
        return Card.from_dict(store.card(store.resolve(named)))
    except EngineError as problem:
        logger.warning("%s cannot be used, so the best fitting model is: %s", ACTIVE_MODEL, problem)
        return None


def _fit(card: Card, dataset: Dataset, wanted: Wanted) -> Fit:
    empty = [name for name, facts in dataset.profile["columns"].items() if facts["distinct"] == 0]
    return compare(card.columns, dataset.types, wanted.mapping, empty)
