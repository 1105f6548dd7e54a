"""The classes a model names, and the two doors by which a program asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.prepared import Prepared
from engine.detectors.base import Progress, quiet
from engine.detectors.masked_table import MaskedTable
from engine.errors import SchemaError, UsageError
from engine.model import Model, Scores
from engine.named_classes import UNLIKE, NamedClasses, unlike_any
from engine.store import ModelRef, ModelStore
from engine.teaching import Lesson


@dataclass(frozen=True, kw_only=True)
class Classified:
    """The class of each row of a table, in the table's order."""

    names: tuple[str, ...]
    probabilities: NDArray[np.float64]  # (n_samples, n_classes), NaN where a row could not be judged

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which rows could be judged (n_samples,)."""
        known: NDArray[np.bool_] = np.isfinite(self.probabilities[:, 0])
        return known

    @property
    def best(self) -> NDArray[Any]:
        """The likeliest class of each row (n_samples,), "" where it could not be judged."""
        number = np.where(self.judged, np.nan_to_num(self.probabilities).argmax(axis=1), len(self.names))
        found: NDArray[Any] = np.array([*self.names, ""], dtype=object)[number]
        return found

    @property
    def probability(self) -> NDArray[np.float64]:
        """Of the likeliest class (n_samples,)."""
        best: NDArray[np.float64] = self.probabilities.max(axis=1)
        return best

    def said(self, scores: Scores) -> NDArray[Any]:
        """The likeliest class (n_samples,), or that a very unusual row is like none where none is likely."""
        return np.where(unlike_any(scores.severity, self.probability), UNLIKE, self.best)

    def kept(self, scores: Scores, lesson: Lesson | None = None) -> NamedClasses:
        """What a result keeps of them, with the lesson that taught them where it was on these very rows."""
        taught, column = (None, "") if lesson is None else (lesson.classes, lesson.column)
        return NamedClasses.of(self.names, self.probabilities, scores.severity, taught, column)


def classified(model: Model, prepared: Prepared, *, progress: Progress = quiet) -> Classified:
    """The classes of prepared rows; a :class:`UsageError` where the model was taught none."""
    detector = model.detector
    if not isinstance(detector, MaskedTable) or detector.classes_ is None:
        raise UsageError(
            f"'{model.card.id}' names no classes; train a model that does: "
            "train DATA --detector masked_table --class COLUMN"
        )
    judged = prepared.encoded.judged
    found = np.full((len(judged), len(detector.classes_.names)), np.nan)
    if judged.any():
        found[judged] = detector.class_probabilities(prepared.encoded.values[judged], progress)
    return Classified(names=detector.classes_.names, probabilities=found)


def temperature_of(model: Model) -> float:
    """What the logits of a model that names classes are divided by; 1 where too few rows could calibrate it."""
    classes = model.detector.classes_ if isinstance(model.detector, MaskedTable) else None
    return 1.0 if classes is None else classes.temperature


def load_two_stage_model(
    ref: str | ModelRef, store: ModelStore | Path | str = "models"
) -> tuple[Model, dict[str, Any], tuple[str, ...]]:
    """A stored model that names classes, its hyperparameters, and the names of the classes."""
    model = Model.load(store if isinstance(store, ModelStore) else ModelStore(Path(store)), ref)
    if model.card.classes is None:
        raise UsageError(f"'{model.card.id}' names no classes; train it with a column that holds them")
    return model, dict(model.card.hyperparameters), tuple(model.card.classes["names"])


def predict_anomalies(
    model: Model, frame: pd.DataFrame, target: str | None = None
) -> tuple[pd.DataFrame, NDArray[Any] | None]:
    """What a model says of each row of a table, and the true classes where a column ``target`` holds them.

    The predictions have the columns ``class``, ``class_probability``, ``anomaly_score`` and ``severity``.
    """
    prepared = model.encode(frame)
    scores, classes = model.judge(prepared), classified(model, prepared)
    predictions = pd.DataFrame(
        {
            "class": classes.said(scores),
            "class_probability": classes.probability,
            "anomaly_score": scores.values,
            "severity": scores.severity,
        },
        index=frame.index,
    )
    if target is not None and target not in frame.columns:
        raise SchemaError(
            f"there is no column '{target}' with the true classes; leave it out, or name another"
        )
    return predictions, None if target is None else frame[target].to_numpy()
