"""A model: a trained detector with its feature recipe, its reference scores and its card."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.arrays import pack, unpack
from engine.data.features import FeatureRecipe
from engine.data.fingerprint import Fingerprint
from engine.data.prepared import Prepared
from engine.data.schema import ABSENT, conformed
from engine.detectors import detector_class
from engine.detectors.base import Detector, Expectation, Progress, quiet
from engine.detectors.sequential import SequentialDetector
from engine.errors import SchemaError, StoreError
from engine.fitting import scored
from engine.hyperparameters import checked
from engine.scoring.comparison import Comparison
from engine.scoring.group_references import GroupReferences
from engine.scoring.rules import rule_from_dict
from engine.scoring.thresholds import N_QUANTILES, FixedValue, Rule, severity
from engine.store import ModelRef, ModelStore

FINGERPRINT = "fingerprint.json"
GROUPS = "groups.safetensors"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "torch")


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything worth knowing about a model without loading it; ``manifest.json`` of its folder."""

    name: str
    detector: str
    hyperparameters: dict[str, Any]
    roles: dict[str, Any]
    columns: dict[str, str]  # column -> type, of the columns the model needs
    left_out: dict[str, str]  # column -> why it was not used
    features: list[str]  # names of the matrix columns
    rows: int  # training rows
    judged: int  # of these, rows that could be judged
    dataset: str  # name of the training data
    dataset_hash: str
    threshold: float
    rule: dict[str, Any]
    reference: list[float] = field(repr=False)  # 2,001 quantiles of the training scores
    scaling: str = "standard"
    window: int | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, float]] = field(
        default_factory=list
    )  # losses of each epoch, where it learned in epochs
    version: int = 0
    created: str = ""
    parts: dict[str, Any] = field(default_factory=dict)
    shipped: bool = False
    job: str = ""  # the job that trained it, where it was one
    origin: str = ""  # the bundle it was imported from
    labelled: int = 0  # rows labelled as anomalies that it learned from; 0: labels were kept aside
    encoder: str = ""  # the model whose encoder it started from
    classes: dict[str, Any] | None = (
        None  # the names of the classes it tells apart, the column that taught it, its accuracy on held-out rows
    )
    reference_rows: int = 0  # scores behind the reference quantiles; 0: as many as rows were judged
    threshold_group: str = ""  # column of the groups whose reference scores are kept apart; empty: none
    injected: dict[str, Any] | None = None  # beside baselines, on injected anomalies; see comparison

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def title(self) -> str:
        return detector_class(self.detector).title

    @property
    def reference_scores(self) -> NDArray[np.float64]:
        return np.asarray(self.reference, dtype=np.float64)

    @property
    def independent_rows(self) -> int:
        """How many scores that do not share readings stand behind the reference quantiles."""
        return max(1, (self.reference_rows or self.judged) // (self.window or 1))

    @property
    def default_rule(self) -> Rule:
        """The rule that draws the line where nobody chose; where it took labels to draw, the line as it was drawn."""
        rule = rule_from_dict(self.rule)
        return FixedValue(self.threshold) if rule.needs_labels else rule

    @property
    def comparison(self) -> Comparison | None:
        """The model beside plain baselines on injected anomalies; None of a table, and where it was not measured."""
        return None if self.injected is None else Comparison.from_dict(self.injected)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """A card from a manifest; one that lacks what a model needs raises a :class:`StoreError`."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        try:
            card = cls(**known)
        except TypeError as problem:
            raise StoreError(
                f"the card of model '{values.get('name', '?')}' is incomplete ({problem})"
            ) from None
        reference = card.reference_scores
        if (
            reference.shape != (N_QUANTILES,)
            or not np.isfinite(reference).all()
            or (np.diff(reference) < 0).any()
        ):
            raise StoreError(
                f"the card of model '{card.id}' is damaged: its reference scores are not in order"
            )
        if not _is_history(card.history):
            raise StoreError(f"the card of model '{card.id}' is damaged: its losses are not numbers")
        try:
            _ = card.comparison
        except StoreError as problem:
            raise StoreError(f"the card of model '{card.id}' is damaged: {problem}") from None
        return card


def _is_history(records: Any) -> bool:
    """Whether these can be the losses of each epoch of a training."""
    keys = {"epoch", "train_loss", "validation_loss"}  # and perhaps the parts of a loss
    return isinstance(records, list) and all(
        isinstance(record, dict)
        and keys <= record.keys()
        and all(isinstance(value, int | float) and isfinite(value) for value in record.values())
        for record in records
    )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a model says about every row of a table, in the table's order."""

    values: NDArray[np.float64]  # anomaly scores, higher = more anomalous, NaN = could not be judged
    severity: NDArray[np.float64]  # percentile among the training scores, 0 to 100
    obstacles: dict[int, str]  # row -> why it could not be judged
    notes: tuple[str, ...] = ()  # what was noticed about the columns

    @property
    def judged(self) -> NDArray[np.bool_]:
        return np.isfinite(self.values)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained detector that can judge tables with the columns it learned from."""

    card: Card
    detector: Detector
    recipe: FeatureRecipe
    fingerprint: Fingerprint | None = None  # None where it was stored before drift was measured
    groups: GroupReferences | None = None  # reference scores group by group; None where no group has enough

    def encode(self, frame: pd.DataFrame, mapping: Mapping[str, str] | None = None) -> Prepared:
        """Bring a table into the form the detector judges. ``mapping``: needed column -> column of ``frame``.

        A detector that takes missing cells can do without a column that is mapped to ``""``.

        Raises :class:`~engine.errors.SchemaError` when a column is missing or of another type.
        """
        absent = [column for column, here in (mapping or {}).items() if here == ABSENT]
        if absent and not self.detector.mixed:
            raise SchemaError(
                f"{self.card.title} needs every column it learned from, and is told to do without '{absent[0]}'; "
                "map the column to one of this data, or use a model that can"
            )
        order = [column for column in absent if column not in self.recipe.channels]
        if order:
            raise SchemaError(
                f"the model cannot do without '{order[0]}', which puts the readings in order; map it"
            )
        table, notes = conformed(frame, self.card.columns, mapping or {})
        prepared = Prepared.by(self.recipe, table, notes)
        return prepared.for_windows(self.sequential.window_) if prepared.readings else prepared

    def judge(self, prepared: Prepared, *, progress: Progress = quiet) -> Scores:
        """Anomaly scores and severities of encoded rows, in the table's order."""
        return self.judged(prepared, scored(self.detector, prepared, progress))

    @property
    def sequential(self) -> SequentialDetector:
        """The detector of a model of readings in order."""
        assert isinstance(self.detector, SequentialDetector), (
            "readings in order are for a sequential detector"
        )
        return self.detector

    def contributions(self, prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """What each column adds to the scores of judged rows (n_rows, n_columns), if the detector can tell."""
        readings = prepared.readings
        if readings is None:
            X = prepared.encoded.values[rows]
            falls = None if self.recipe.ordered else self.detector.falls(X)
            return self.detector.contributions(X) if falls is None else falls
        return self.sequential.parts_at(readings.values, readings.places[rows], stretches=readings.stretches)

    def expectation(self, prepared: Prepared, rows: NDArray[np.int64]) -> Expectation | None:
        """What each cell of judged rows should be, given the others of its row, if the detector can tell."""
        if prepared.readings is not None:
            return None
        return self.detector.expectation(prepared.encoded.values[rows])

    def judged(self, prepared: Prepared, values: NDArray[np.float64]) -> Scores:
        """Anomaly scores (n_samples,) of encoded rows with all that goes with them."""
        return Scores(
            values=values,
            severity=severity(values, self.card.reference_scores),
            obstacles=prepared.encoded.obstacles,
            notes=prepared.notes,
        )

    def score(self, frame: pd.DataFrame, *, mapping: Mapping[str, str] | None = None) -> Scores:
        """Judge every row of a table: :meth:`encode`, then :meth:`judge`."""
        return self.judge(self.encode(frame, mapping))

    def save(self, store: ModelStore) -> Card:
        """Keep the model as the next version of its name and return its card."""
        card = asdict(self.card)
        for given_by_store in ("name", "version", "created", "parts", "shipped"):
            card.pop(given_by_store)
        parts = {
            "recipe.json": json.dumps(self.recipe.as_dict()).encode(),
            "detector.safetensors": pack(self.detector.arrays()),
        }
        called = re.sub(r"[^A-Za-z0-9-]+", "-", self.card.name)[:40]
        for name, weights in self.detector.checkpoints().items():
            parts[f"{name.format(name=called)}.safetensors"] = pack(weights)
        if self.fingerprint is not None:
            parts[FINGERPRINT] = json.dumps(self.fingerprint.as_dict()).encode()
        if self.groups is not None:
            parts[GROUPS] = pack(self.groups.arrays())
        return Card.from_dict(store.card(store.save(self.card.name, card, parts)))

    @classmethod
    def load(cls, store: ModelStore, ref: str | ModelRef) -> Model:
        """The model of that name (its active version) or ``name@version``, checked for damage part by part."""
        ref = store.resolve(ref)
        card = Card.from_dict(store.card(ref))
        return cls.restored(card, store.parts(ref))

    @classmethod
    def restored(cls, card: Card, parts: Mapping[str, bytes]) -> Model:
        """The model a card and its parts describe; a StoreError when they do not hold together."""
        try:
            recipe = FeatureRecipe.from_dict(json.loads(parts["recipe.json"]))
            arrays = unpack(parts["detector.safetensors"])
            kind = detector_class(card.detector)
            detector = kind(**checked(kind, {**card.hyperparameters}))  # JSON has no tuples
            detector.restore(arrays, n_features=len(recipe.encoder.encoded_names))
            detector.groups_ = recipe.encoder.sources
            if kind.sequential != (recipe.pace is not None):
                raise StoreError(f"model '{card.id}' is damaged: its detector and its recipe do not fit")
            fingerprint = _fingerprint(parts)
            groups = GroupReferences.restored(unpack(parts[GROUPS])) if GROUPS in parts else None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
            raise StoreError(
                f"model '{card.id}' is damaged and cannot be used ({problem}); train it again"
            ) from problem
        detector.set_threshold(card.threshold)
        return cls(card=card, detector=detector, recipe=recipe, fingerprint=fingerprint, groups=groups)


def load_recipe(store: ModelStore, ref: str | ModelRef) -> FeatureRecipe:
    """The feature recipe of a model without its detector: enough to say what is usual, at no cost."""
    ref = store.resolve(ref)
    try:
        return FeatureRecipe.from_dict(json.loads(store.parts(ref)["recipe.json"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise StoreError(
            f"model '{ref}' is damaged and cannot be used ({problem}); train it again"
        ) from problem


def load_fingerprint(store: ModelStore, ref: str | ModelRef) -> Fingerprint | None:
    """The fingerprint of a model's training rows; None where it was stored before drift was measured."""
    ref = store.resolve(ref)
    try:
        return _fingerprint(store.parts(ref))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise StoreError(
            f"the fingerprint of model '{ref}' is damaged ({problem}); train it again"
        ) from problem


def _fingerprint(parts: Mapping[str, bytes]) -> Fingerprint | None:
    return Fingerprint.from_dict(json.loads(parts[FINGERPRINT])) if FINGERPRINT in parts else None


def library_versions() -> dict[str, str]:
    """Versions that may change a score in the last digits."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
