"""The verbs: train a model, score a table with it, judge scores by a rule, check them against labels, explain a row.

Pure functions over tables and models; the job functions at the end read and write the stores of a workspace.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.encoding import Scaling
from engine.data.features import FeatureRecipe
from engine.data.roles import Roles
from engine.data.schema import type_of
from engine.detectors import detector_class
from engine.detectors.base import Progress, quiet
from engine.errors import DataError, UsageError
from engine.hyperparameters import checked
from engine.model import Card, Model, Prepared, Scores, library_versions
from engine.scoring.metrics import Confusion, Curve, confusion_at, curve
from engine.scoring.reasons import Explained, explain
from engine.scoring.thresholds import Contamination, Rule, reference_quantiles

FEWEST_ROWS = 10
MOST_EXPLAINED = 2_000  # rows explained when a table is scored, the most unusual first


def train(
    frame: pd.DataFrame,
    roles: Roles,
    detector: str = "isolation_forest",
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    name: str = "model",
    dataset: str = "",
    dataset_hash: str = "",
    scaling: Scaling = "standard",
    window: int | None = None,
    progress: Progress = quiet,
) -> Model:
    """Train a detector on a table. Columns with the role label are never seen by it.

    ``window`` is the number of readings a series is judged by, None to choose. Raises :class:`DataError` when the
    table has too few rows, no usable column, or no spread to rank rows by.
    """
    started = time.monotonic()
    kind = detector_class(detector)
    chosen = checked(kind, hyperparameters or {})
    if scaling not in get_args(Scaling):
        raise UsageError(f"scaling must be one of {', '.join(get_args(Scaling))}, got '{scaling}'")
    if len(frame) < FEWEST_ROWS:
        raise DataError(f"training needs at least {FEWEST_ROWS} rows, got {len(frame)}")
    frame = frame.reset_index(drop=True)
    progress(0.0, "Preparing the columns")
    recipe = FeatureRecipe.fit(frame, roles, scaling=scaling, window=window)
    _, encoded = recipe.transform(frame)
    X = encoded.values[encoded.judged]
    if len(X) < FEWEST_ROWS:
        raise DataError(
            f"only {len(X)} of {len(frame)} rows can be judged, training needs {FEWEST_ROWS}"
            f"{_commonest_obstacle(encoded.obstacles)}"
        )
    learner = kind(**chosen)
    learner.fit(X, progress=lambda done, message: progress(0.1 + 0.8 * done, message))
    reference = reference_quantiles(learner.decision_scores_)
    if not np.isfinite(reference).all() or reference[0] == reference[-1]:
        raise DataError(
            "every row gets the same score: the chosen columns do not tell rows apart; choose others"
        )
    rule = Contamination(learner.contamination)
    card = Card(
        name=name,
        detector=detector,
        hyperparameters=chosen,
        roles=roles.as_dict(),
        columns=needed_columns(frame, recipe),
        left_out={
            column: reason for column, reason in recipe.encoder.left_out.items() if column in frame.columns
        },
        features=recipe.encoder.encoded_names,
        rows=len(frame),
        judged=len(X),
        dataset=dataset,
        dataset_hash=dataset_hash,
        threshold=rule.threshold(reference, reference),
        rule=rule.as_dict(),
        reference=reference.tolist(),
        window=recipe.windows.length if recipe.windows else None,
        seconds=round(time.monotonic() - started, 3),
        notes=_training_notes(len(frame), len(X), X.shape[1]),
        versions=library_versions(),
    )
    progress(1.0, "Trained")
    return Model(card=card, detector=learner, recipe=recipe)


def needed_columns(frame: pd.DataFrame, recipe: FeatureRecipe) -> dict[str, str]:
    """The columns, with their types, that a table must have to be judged by this recipe."""
    order = (recipe.roles.time, recipe.roles.entity) if recipe.windows else ()
    names = [*(c for c in order if c is not None), *recipe.channels]
    return {name: type_of(frame[name]) for name in names}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a threshold does to scores: which rows it flags, and how that compares with training."""

    threshold: float
    flags: NDArray[np.bool_]  # (n_samples,), False where a row could not be judged
    rows: int
    judged: int
    flagged: int
    share: float  # of the judged rows here
    share_in_training: float
    percentile: float  # of the training scores that lie at or below the threshold, 0 to 100


def judge(
    scores: NDArray[np.float64], card: Card, rule: Rule, labels: NDArray[np.float64] | None = None
) -> Judgement:
    """Flag the scores (n_samples,) strictly above the rule's threshold."""
    reference = card.reference_scores
    threshold = rule.threshold(reference, scores, labels)
    with np.errstate(invalid="ignore"):
        flags = scores > threshold
    judged = int(np.isfinite(scores).sum())
    above = float((reference > threshold).mean())
    return Judgement(
        threshold=threshold,
        flags=flags,
        rows=len(scores),
        judged=judged,
        flagged=int(flags.sum()),
        share=float(flags.sum()) / judged if judged else 0.0,
        share_in_training=above,
        percentile=100 * (1 - above),
    )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How well scores find labelled anomalies, and how well one threshold does."""

    curve: Curve
    confusion: Confusion
    labelled: int  # judged rows with a label


def evaluate(scores: NDArray[np.float64], labels: NDArray[np.float64], threshold: float) -> Evaluation:
    """Check scores against labels (1 anomaly, 0 normal, NaN unknown). One class only raises :class:`DataError`."""
    return evaluation_at(curve(scores, labels), threshold)


def evaluation_at(points: Curve, threshold: float) -> Evaluation:
    """Check one threshold against a curve that is known already."""
    labelled = points.positives + points.negatives
    return Evaluation(curve=points, confusion=confusion_at(points, threshold), labelled=labelled)


def explain_worst(model: Model, prepared: Prepared, scores: Scores, most: int = MOST_EXPLAINED) -> Explained:
    """Explain the most unusual judged rows, worst first."""
    order = np.argsort(-np.nan_to_num(scores.values, nan=-np.inf), kind="stable")
    return explain(model, prepared, order[: min(most, int(scores.judged.sum()))])


def _commonest_obstacle(obstacles: Mapping[int, str]) -> str:
    reasons = list(obstacles.values())
    return f"; most often: {max(set(reasons), key=reasons.count)}" if reasons else ""


def _training_notes(rows: int, judged: int, width: int) -> list[str]:
    notes = []
    if rows < 50:
        notes.append(f"trained on only {rows} rows: the scores are shaky")
    if judged <= width:
        notes.append(f"{judged} rows for {width} features: leave out columns that do not matter")
    if judged < rows:
        notes.append(f"{rows - judged:,} of {rows:,} training rows could not be judged and were left out")
    return notes
