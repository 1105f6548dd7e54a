"""Fitting a detector to a table and scoring one: what is refused, the order of rows, the scores of rows.

A part of :func:`engine.analysis.train_and_score`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import Scaling
from engine.data.features import FeatureRecipe
from engine.data.prepared import Prepared
from engine.data.roles import Roles
from engine.data.schema import type_of
from engine.detectors import AUTO, CATALOGUE, checked_choices, detector_class
from engine.detectors.base import Course, Detector, Progress, quiet
from engine.detectors.sequential import SequentialDetector
from engine.errors import DataError, UsageError
from engine.scoring.thresholds import reference_quantiles
from engine.teaching import Taught, started_from

if TYPE_CHECKING:
    from engine.model import Model

FEWEST_ROWS = 10


def recipe_of(
    frame: pd.DataFrame,
    roles: Roles,
    kind: type[Detector],
    taught: Taught,
    encoder: Model | None = None,
    *,
    scaling: Scaling = "standard",
    window: int | None = None,
) -> tuple[FeatureRecipe, Taught]:
    """What becomes of the columns for a detector of this kind, and what it is taught; from an encoder on if given."""
    recipe = FeatureRecipe.fit(
        frame, roles, scaling=scaling, window=window, mixed=kind.mixed, sequential=kind.sequential
    )
    return (recipe, taught) if encoder is None else started_from(recipe, encoder, taught)


def check_training(
    detector: str,
    hyperparameters: Mapping[str, Any],
    roles: Roles,
    *,
    window: int | None = None,
    scaling: str = "standard",
    learn_from_label: bool = False,
) -> None:
    """A UsageError where the choices for a training do not go together, before a row is looked at."""
    if scaling not in get_args(Scaling):
        raise UsageError(f"scaling must be one of {', '.join(get_args(Scaling))}, got '{scaling}'")
    checked_choices(detector, hyperparameters)
    if detector != AUTO:
        kind = detector_class(detector)
        _check_kind(kind, roles, window)
        if learn_from_label:
            _check_label(kind, roles)
    elif window is not None or learn_from_label:
        what = "a window" if window is not None else "learning from labels"
        raise UsageError(f"{what} is for one detector, and 'auto' compares several; choose a detector")


def _check_label(kind: type[Detector], roles: Roles) -> None:
    """A UsageError unless the detector learns from labels, and a column has them."""
    if not kind.learns_from_labels:
        able = ", ".join(name for name, other in CATALOGUE.items() if other.learns_from_labels)
        raise UsageError(
            f"{kind.title} learns from no labels, they only measure it; leave 'learn from label' out, or choose "
            f"a detector that does: {able}"
        )
    if roles.label is None:
        raise UsageError("to learn from labelled anomalies, one column must have the role label; name it")


def _check_kind(kind: type[Detector], roles: Roles, window: int | None) -> None:
    """A UsageError unless the detector, and a window for it, are for rows of this kind."""
    if kind.sequential and roles.kind != "series":
        raise UsageError(
            f"{kind.title} compares how readings follow one another, and these rows are a table; "
            "treat them as a series, with a column for the time, or choose another detector"
        )
    if kind.sequential and window is not None:
        raise UsageError(f"{kind.title} chooses its own windows; leave the window out")
    if window is not None and roles.kind != "series":
        raise UsageError(
            "a window is for a series, and these rows are a table; leave the window out, or treat them as a series"
        )


def fitted(
    learner: Detector,
    prepared: Prepared,
    recipe: FeatureRecipe,
    progress: Progress,
    course: Course | None,
    taught: Taught | None = None,
) -> tuple[Detector, NDArray[np.float64]]:
    """The detector, fitted to the rows that can be judged, and the anomaly score of every row (n_samples,).

    ``taught`` is what it learns from beside the rows.
    """
    encoded, readings = prepared.encoded, prepared.readings
    rows = np.flatnonzero(encoded.judged)
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"only {len(rows)} of {len(encoded.judged)} rows can be judged, training needs {FEWEST_ROWS}"
            f"{_commonest_obstacle(encoded.obstacles)}"
        )

    def learning(done: float, message: str) -> None:
        progress(0.1 + 0.8 * done, message)

    told: dict[str, Any] = {}
    groups, values = recipe.encoder.sources, np.full(len(encoded.judged), np.nan)
    if readings is not None:
        assert isinstance(learner, SequentialDetector)
        told = {"stretches": readings.stretches}
        if taught is not None and taught.labelled is not None:
            told["labelled"] = readings.marked(taught.labelled)
        learner.fit(readings.values, groups=groups, progress=learning, course=course, **told)
        values[rows] = readings.of_rows(learner.decision_scores_)[rows]
        return learner, values
    if not recipe.ordered:
        rows = rows[_canonical_order(encoded.values[rows])]
    if taught is not None and learner.names_classes:
        told = taught.for_rows(rows)
    learner.fit(encoded.values[rows], groups=groups, progress=learning, course=course, **told)
    values[rows] = learner.decision_scores_
    return learner, values


def scored(learner: Detector, prepared: Prepared, progress: Progress = quiet) -> NDArray[np.float64]:
    """Anomaly scores of the rows of a prepared table (n_samples,), NaN where a row could not be judged."""
    encoded, readings = prepared.encoded, prepared.readings
    values = np.full(len(encoded.values), np.nan)
    if not encoded.judged.any():
        return values
    if readings is not None:
        assert isinstance(learner, SequentialDetector), "readings in order are for a sequential detector"
        found = learner.decision_function(readings.values, stretches=readings.stretches, progress=progress)
        values[encoded.judged] = readings.of_rows(found)[encoded.judged]
    else:
        rows = encoded.values[encoded.judged]
        values[encoded.judged] = learner.decision_function(rows, progress=progress)
    return values


def reference_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quantiles of the reference scores (2001,), which must differ to rank anything."""
    reference = reference_quantiles(scores)
    if not np.isfinite(reference).all() or reference[0] == reference[-1]:
        raise DataError(
            "every row gets the same score: the chosen columns do not tell rows apart; choose others"
        )
    return reference


def _canonical_order(X: NDArray[np.float64]) -> NDArray[np.int64]:
    """An order of rows (n_samples,) that follows from what they hold, so that shuffled rows make the same model.

    By a hash of each row: as good as drawn by lot, where sorting by value would bring like to like.
    """
    plain = pd.DataFrame(X + 0.0)  # -0.0 becomes 0.0: equal numbers have equal hashes
    hashes = pd.util.hash_pandas_object(plain, index=False).to_numpy()
    return np.argsort(hashes, kind="stable")


def _commonest_obstacle(obstacles: Mapping[int, str]) -> str:
    commonest = Counter(obstacles.values()).most_common(1)
    return f"; most often: {commonest[0][0]}" if commonest else ""


def training_notes(
    rows: int,
    judged: int,
    width: int,
    *,
    first: int | None,
    label: str | None,
    taught: Taught,
) -> list[str]:
    """What is worth knowing about a training, in words."""
    notes = [] if first is None else [f"learned from the first {first:,} rows"]
    notes += [taught.note] if taught.note else []
    if taught.lesson is not None:
        notes.append(
            f"learned the classes in '{taught.lesson.column}' from {taught.known:,} rows; scores know nothing of them"
        )
    elif taught.known:
        notes.append(
            f"learned from {taught.known:,} anomalies labelled in '{label}': how well it finds these says little"
        )
    if rows < 50:
        notes.append(f"trained on only {rows} rows: the scores are shaky")
    if judged <= width:
        notes.append(f"{judged} rows for {width} features: leave out columns that do not matter")
    if judged < rows:
        notes.append(f"{rows - judged:,} of {rows:,} training rows could not be judged and were left out")
    return notes


def needed_columns(frame: pd.DataFrame, recipe: FeatureRecipe) -> dict[str, str]:
    """The columns, with their types, that a table must have to be judged by this recipe, in their order here."""
    order = (recipe.roles.time, recipe.roles.entity) if recipe.ordered else ()
    needed = {*order, *recipe.channels}
    return {name: type_of(frame[name]) for name in frame.columns if name in needed}
