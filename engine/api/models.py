"""Models: what has been trained, and training another. Models are shared by everybody who uses the workspace."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response

from engine.api.choosing import usable
from engine.api.jobs import described as job_described
from engine.api.problems import Refusal
from engine.api.repeats import Asked
from engine.api.schemas import JobStarted, ModelOut, ModelShort, Training
from engine.api.services import Here, Key, Reader, Trainer
from engine.detectors import checked_choices
from engine.errors import UsageError
from engine.first_threshold import check_rule
from engine.fitting import check_training
from engine.labels.frozen import freeze_labels
from engine.labels.learning import check_learns
from engine.model import Card
from engine.scoring.rules import rule_from_text
from engine.store import ModelStore, validated_name

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", response_model=list[ModelShort])
def models(_: Reader, here: Here) -> list[dict[str, Any]]:
    """The active version of every model that can be used."""
    return [short(card) for card in usable(here.space.models)]


@router.get("/{name}", response_model=ModelOut)
def model(name: str, _: Reader, here: Here) -> dict[str, Any]:
    """The card of a model: its active version, or another as NAME@VERSION."""
    store = here.space.models
    ref = resolved(store, name)
    card = Card.from_dict(store.card(ref))
    return {
        **short(card),
        **asdict(card),
        "versions": [each["version"] for each in store.versions(card.name)],
    }


@router.post("/{name}/train", status_code=202, response_model=JobStarted)
def train(name: str, asked: Training, token: Trainer, here: Here, key: Key = None) -> Response:
    """Train a model on a data set and keep it as the next version of this name, which becomes the active one."""
    dataset, upload = here.upload(token, asked.dataset)
    spec = {
        "detector": asked.detector,
        "hyperparameters": checked_choices(asked.detector, asked.hyperparameters),
        "window": asked.window,
        "learn_from_label": asked.learn_from_label,
        "name": validated_name(name),
        "roles": upload.roles.as_dict(),
    }
    if asked.window is not None and upload.roles.kind != "series":
        raise Refusal(422, "a window is for a series, and this data set is a table", "leave the window out")
    check_training(
        asked.detector,
        asked.hyperparameters,
        upload.roles,
        window=asked.window,
        learn_from_label=asked.learn_from_label,
    )
    rule = None if asked.rule is None else rule_from_text(asked.rule)
    if asked.labels:
        check_learns(asked.detector)
        spec["labels"] = freeze_labels(here.space.frozen_labels, dataset.id, here.labels_seen(token, dataset))
    else:
        check_rule(rule, upload.roles, asked.threshold_group)
    spec["threshold_group"] = asked.threshold_group
    spec["rule"] = None if rule is None else rule.as_dict()
    what = {"do": "train", "dataset": dataset.id, **spec}
    request = Asked(token=token.id, key=key, dataset=dataset.id, what=what)

    def act() -> dict[str, Any]:
        job = here.submit("train", dataset, spec, token, f"Training {spec['name']}")
        return {"job": job_described(job)}

    return here.answers.once(request, 202, act)


def resolved(store: ModelStore, name: str) -> str:
    """A model's name and version; one that is not there is not found, rather than a wrong request."""
    try:
        return str(store.resolve(name))
    except UsageError as problem:
        error, _, hint = str(problem).partition("; ")
        raise Refusal(404, error, hint) from None


def short(card: Card) -> dict[str, Any]:
    """A card as :class:`ModelShort` has it."""
    return {name: getattr(card, name) for name in ModelShort.model_fields}
