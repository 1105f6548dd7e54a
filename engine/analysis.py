"""The verbs: train a model, score a table with it, judge scores by a rule, check them against labels, explain a row.

Pure functions over tables and models. What a job does with them and the stores is in :mod:`engine.tasks`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.choosing import choose
from engine.comparing import comparison_of
from engine.data.column_codes import Scaling
from engine.data.features import FeatureRecipe
from engine.data.fingerprint import Fingerprint
from engine.data.prepared import Prepared
from engine.data.roles import Roles, seconds_of
from engine.data.schema import named
from engine.data.timeline import Timeline
from engine.detectors import AUTO, detector_class
from engine.detectors.base import Course, Detector, Progress, quiet, within
from engine.errors import DataError, UsageError
from engine.first_threshold import FirstThreshold, check_rule, first_threshold, window_of
from engine.fitting import (
    FEWEST_ROWS,
    check_training,
    fitted,
    needed_columns,
    recipe_of,
    reference_of,
    training_notes,
)
from engine.hyperparameters import checked
from engine.model import Card, Model, Scores, library_versions
from engine.scoring.drift import FEWEST_ROWS as FEWEST_COMPARED
from engine.scoring.drift import Drift, judged_drift, score_drift
from engine.scoring.faithfulness import faithfulness
from engine.scoring.group_references import OwnLines
from engine.scoring.metrics import Confusion, Curve, confusion_at, curve
from engine.scoring.reasons import Explained, explain
from engine.scoring.series_evaluation import SeriesEvaluation, series_evaluation
from engine.scoring.thresholds import Rule, percentile_of
from engine.teaching import check_taught, named_classes, shaped, taught_by, taught_roles

MOST_EXPLAINED = 2_000  # rows explained when a table is scored, the most unusual first


@dataclass(frozen=True, kw_only=True)
class Training:
    """A new model with what its training has worked out already: the table as the model sees it, and its scores."""

    model: Model
    prepared: Prepared
    scores: Scores  # of the training rows, bit for bit what the model gives them when asked again


class Choices(TypedDict, total=False):
    """What may be said about a training beside the detector; what is left out has its default."""

    name: str
    dataset: str  # name of the training data
    dataset_hash: str
    scaling: Scaling
    window: int | None  # readings a series is judged by; None: chosen from the data
    learn_from_label: (
        bool  # labelled anomalies are told to a detector that learns from them; else they only measure
    )
    classes: (
        str | None
    )  # column whose classes a detector learns to name; None: the label's, if it learns from it
    encoder: Model | None  # a model of the same detector whose encoder to go on from
    first: int | None  # rows to learn from, the earliest (see earliest); None: all
    threshold_group: str | None  # column of groups that may have lines of their own; None: the entity's
    rule: Rule | None  # draws the model's own threshold; None: the expected share of anomalies does
    progress: Progress
    course: Course | None  # where a long training leaves its curves and its checkpoint


def train(
    frame: pd.DataFrame,
    roles: Roles,
    detector: str = "isolation_forest",
    hyperparameters: Mapping[str, Any] | None = None,
    **choices: Unpack[Choices],
) -> Model:
    """Train a detector on a table, or ``"auto"``: the one of several that ranks injected anomalies best.

    Columns with the role label are never seen by it, unless it is told to learn from the label.
    The order of a table's rows and columns makes no difference. Raises :class:`DataError` when the table has too few
    rows, no usable column, or no spread to rank rows by.
    """
    return train_and_score(frame, roles, detector, hyperparameters, **choices).model


def train_and_score(
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
    first: int | None = None,
    rule: Rule | None = None,
    threshold_group: str | None = None,
    learn_from_label: bool = False,
    classes: str | None = None,
    encoder: Model | None = None,
    progress: Progress = quiet,
    course: Course | None = None,
) -> Training:
    """:func:`train` that also hands back what it knows of the training rows, so that nobody scores them again.

    With ``first``, these are the rows learned from alone, in the order of :func:`earliest`.
    """
    started = time.monotonic()
    given = hyperparameters or {}
    check_taught(detector, classes, encoder)
    roles = taught_roles(roles, classes)
    check_training(detector, given, roles, window=window, scaling=scaling, learn_from_label=learn_from_label)
    check_rule(rule, roles, threshold_group)
    frame = learned_rows(frame, roles, first)
    roles = Roles({str(column): role for column, role in roles.columns.items()}, roles.kind)
    choice = None
    if detector == AUTO:
        choice = choose(frame, roles, given, scaling=scaling, progress=within(progress, 0.0, 0.5))
        detector, progress = choice.detector, within(progress, 0.5, 1.0)
    kind = detector_class(detector)
    chosen = checked(kind, shaped(kind, given, encoder))
    taught = taught_by(frame, roles, kind, classes, learn_from_label=learn_from_label)
    progress(0.0, "Preparing the columns")
    recipe, taught = recipe_of(frame, roles, kind, taught, encoder, scaling=scaling, window=window)
    columns = needed_columns(frame, recipe)
    prepared = Prepared.by(recipe, frame[list(columns)])
    learner, values = fitted(kind(**chosen), prepared, recipe, progress, course, taught)
    prepared = prepared.for_windows(window_of(learner, recipe) or 0)
    rows, judged = len(frame), int(prepared.encoded.judged.sum())
    width = prepared.encoded.values.shape[1]
    notes = training_notes(rows, judged, width, first=first, label=roles.label, taught=taught)
    found = (choice and choice.comparison) or comparison_of(learner, recipe, frame, roles, progress)
    line = first_threshold(rule, threshold_group, learner, recipe, values, frame, roles)
    card = _card(
        learner,
        recipe,
        line,
        name=name,
        roles=roles.as_dict(),
        columns=columns,
        left_out={column: why for column, why in recipe.encoder.left_out.items() if column in frame.columns},
        rows=rows,
        judged=judged,
        labelled=taught.known,
        dataset=dataset,
        dataset_hash=dataset_hash,
        scaling=scaling,
        seconds=round(time.monotonic() - started, 3),
        notes=[*([choice.why] if choice else []), *notes, *line.notes, *prepared.notes],
        encoder=encoder.card.id if encoder else "",
        classes=named_classes(learner, taught),
        injected=found and found.as_dict(),
    )
    fingerprint = Fingerprint.of(prepared.table, recipe)
    model = Model(card=card, detector=learner, recipe=recipe, fingerprint=fingerprint, groups=line.groups)
    progress(1.0, "Trained")
    return Training(model=model, prepared=prepared, scores=model.judged(prepared, values))


def _card(learner: Detector, recipe: FeatureRecipe, line: FirstThreshold, **told: Any) -> Card:
    """The card of a fitted detector, whose threshold it sets, so that both flag the same rows as a loaded model."""
    reference = reference_of(learner.reference_scores_)
    behind = int(np.isfinite(learner.reference_scores_).sum())
    learner.set_threshold(line.threshold)
    history = [
        {name: float(f"{value:.6g}") for name, value in record.items()}
        for record in getattr(learner, "history_", [])
    ]
    return Card(
        detector=learner.name,
        hyperparameters=learner.get_params(),
        features=recipe.encoder.encoded_names,
        threshold=line.threshold,
        rule=line.rule.as_dict(),
        threshold_group=line.groups.column if line.groups else "",
        reference=reference.tolist(),
        reference_rows=behind,
        window=window_of(learner, recipe),
        versions=library_versions(),
        history=history,
        **told,
    )


def learned_rows(frame: pd.DataFrame, roles: Roles, first: int | None) -> pd.DataFrame:
    """The rows to learn from, numbered from 0, with columns called by text; too few are a :class:`DataError`."""
    if first is not None:
        frame = earliest(frame, roles, first)
    if len(frame) < FEWEST_ROWS:
        raise DataError(f"training needs at least {FEWEST_ROWS} rows, got {len(frame)}")
    return named(frame).reset_index(drop=True)


def earliest(frame: pd.DataFrame, roles: Roles, n: int) -> pd.DataFrame:
    """The first ``n`` rows in time, or as they come where no column has the role time: a baseline known to be normal.

    Rows of equal time keep their order; rows without a time come last. Fewer rows than ``n`` are a
    :class:`UsageError`.
    """
    if not FEWEST_ROWS <= n <= len(frame):
        raise UsageError(
            f"the first rows to learn from must be {FEWEST_ROWS} to {len(frame):,}, all there are, got {n:,}"
        )
    if roles.time is None:
        return frame.iloc[:n]
    return frame.iloc[np.argsort(seconds_of(frame[roles.time]), kind="stable")[:n]]


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
    expected: float  # share of ordinary rows to be expected above the threshold, by the rule
    remark: str = ""  # what must be known of this line; see Rule.remark
    own: OwnLines | None = (
        None  # lines of groups of rows beside the common threshold; None: it is that of all
    )

    def line_of(self, row: int) -> float:
        """The threshold of one row."""
        return self.threshold if self.own is None else self.own.line_of(row)


def judge(
    scores: NDArray[np.float64], card: Card, rule: Rule, labels: NDArray[np.float64] | None = None
) -> Judgement:
    """Flag the scores (n_samples,) strictly above the rule's threshold.

    ``labels`` (n_samples,) for a rule that needs them, NaN for the rows the line is going to be judged on.
    """
    reference, rows = card.reference_scores, card.independent_rows
    threshold = rule.threshold(reference, scores, labels, rows=rows)
    flags = flagged(scores, threshold)
    judged = int(np.isfinite(scores).sum())
    # The percentile rule read backwards; of training rows with equal scores at the line all lie at or below it.
    percentile = percentile_of(threshold, reference)
    return Judgement(
        threshold=threshold,
        flags=flags,
        rows=len(scores),
        judged=judged,
        flagged=int(flags.sum()),
        share=float(flags.sum()) / judged if judged else 0.0,
        share_in_training=1 - percentile / 100,
        percentile=percentile,
        expected=rule.expected_share(threshold, reference, rows=rows),
        remark=rule.remark(reference, scores, rows=rows),
    )


def flagged(scores: NDArray[np.float64], threshold: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which scores lie strictly above the threshold, or each above its own (n_samples,); one that is NaN never does."""
    with np.errstate(invalid="ignore"):
        return scores > threshold


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


def evaluate_series(
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    threshold: float,
    *,
    window: int,
    timeline: Timeline | None = None,
) -> SeriesEvaluation:
    """Check the scores of a series against labels (1 anomaly, 0 normal, NaN unknown), reading by reading and in events.

    ``scores``, ``labels`` (n_samples,) in the order of the table that ``timeline`` was made of; without one they are
    readings of one entity in the order of time, without a gap. ``window``, in readings, is the tolerance up to which
    VUS averages: a period of the series is usual. One class only raises :class:`DataError`.
    """
    if timeline is None:
        return series_evaluation(scores, labels, threshold, window)
    return series_evaluation(
        scores[timeline.order],
        labels[timeline.order],
        threshold,
        window,
        segments=timeline.segments,
        seconds=timeline.seconds,
    )


def drift_of(model: Model, prepared: Prepared, scores: Scores, *, learned: bool = False) -> Drift:
    """Whether rows look like those the model learned from, column by column and by their scores.

    ``learned`` says that they are those rows. To be read before any flag is believed.
    """
    printed, columns, why = model.fingerprint, [], "this model was stored before drift was measured"
    span = float(model.card.window or 1)  # scores of one window are alike
    if printed is not None:
        columns, span = printed.compare(prepared.table, model.recipe), max(span, printed.span)
    values = scores.values[scores.judged]
    found = None
    if len(values) >= FEWEST_COMPARED:
        found = score_drift(values, model.card.reference_scores, model.card.judged, span)
    return judged_drift(len(scores.values), columns, found, learned=learned, why=why)


def explain_worst(model: Model, prepared: Prepared, scores: Scores, most: int = MOST_EXPLAINED) -> Explained:
    """Explain the most unusual judged rows, worst first, and check that their scores come from the reasons."""
    order = np.argsort(-np.nan_to_num(scores.values, nan=-np.inf), kind="stable")
    found = explain(model, prepared, order[: min(most, int(scores.judged.sum()))])
    check = faithfulness(model, prepared, scores.values, found.rows, found.contributions)
    return replace(found, check=check)
