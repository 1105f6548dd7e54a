"""Fitting a detector to a table: what is refused, the order of rows, the scores of the training rows.

A part of :func:`engine.analysis.train_and_score`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.features import FeatureRecipe
from engine.data.prepared import Prepared
from engine.data.roles import Roles
from engine.detectors.base import Course, Detector, Progress
from engine.detectors.sequential import SequentialDetector
from engine.errors import DataError, UsageError
from engine.scoring.thresholds import reference_quantiles

FEWEST_ROWS = 10


def check_kind(kind: type[Detector], roles: Roles, window: int | None) -> None:
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
) -> tuple[Detector, NDArray[np.float64]]:
    """The detector, fitted to the rows that can be judged, and the anomaly score of every row (n_samples,)."""
    encoded, readings = prepared.encoded, prepared.readings
    rows = np.flatnonzero(encoded.judged)
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"only {len(rows)} of {len(encoded.judged)} rows can be judged, training needs {FEWEST_ROWS}"
            f"{_commonest_obstacle(encoded.obstacles)}"
        )

    def learning(done: float, message: str) -> None:
        progress(0.1 + 0.8 * done, message)

    groups, values = recipe.encoder.sources, np.full(len(encoded.judged), np.nan)
    if readings is not None:
        assert isinstance(learner, SequentialDetector)
        learner.fit(
            readings.values, groups=groups, stretches=readings.stretches, progress=learning, course=course
        )
        values[rows] = readings.of_rows(learner.decision_scores_)[rows]
        return learner, values
    if not recipe.ordered:
        rows = rows[_canonical_order(encoded.values[rows])]
    learner.fit(encoded.values[rows], groups=groups, progress=learning, course=course)
    values[rows] = learner.decision_scores_
    return learner, values


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


def training_notes(rows: int, judged: int, width: int, first: int | None) -> list[str]:
    notes = [] if first is None else [f"learned from the first {first:,} rows"]
    if rows < 50:
        notes.append(f"trained on only {rows} rows: the scores are shaky")
    if judged <= width:
        notes.append(f"{judged} rows for {width} features: leave out columns that do not matter")
    if judged < rows:
        notes.append(f"{rows - judged:,} of {rows:,} training rows could not be judged and were left out")
    return notes
