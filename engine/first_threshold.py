"""Where the line of a new model stands: put there by a rule, on the reference scores at the end of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.features import FeatureRecipe
from engine.data.roles import Roles, as_binary
from engine.detectors.base import Detector
from engine.detectors.sequential import SequentialDetector
from engine.errors import DataError, UsageError
from engine.fitting import reference_of
from engine.labelled import nearest_events
from engine.scoring.group_references import GroupReferences
from engine.scoring.labelled_lines import told
from engine.scoring.thresholds import Contamination, Rule

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FirstThreshold:
    """A model's own threshold, the rule it follows, and what must be said of it."""

    threshold: float
    rule: Rule
    notes: tuple[str, ...] = ()
    groups: GroupReferences | None = (
        None  # for lines of their own; None where no group has enough reference scores
    )


def check_rule(rule: Rule | None, roles: Roles, group: str | None = None) -> None:
    """A UsageError where a rule needs known answers and there are none, or there is no column of groups."""
    if group is not None and group not in roles.columns:
        raise UsageError(
            f"there is no column '{group}' to group rows by; the columns are {', '.join(map(repr, roles.columns))}"
        )
    if rule is not None and rule.needs_labels and roles.label is None:
        raise UsageError(
            f"the rule '{rule.kind}' needs known answers; give one column the role label, or choose another rule"
        )


def first_threshold(
    rule: Rule | None,
    group: str | None,
    learner: Detector,
    recipe: FeatureRecipe,
    scores: Array,
    frame: pd.DataFrame,
    roles: Roles,
) -> FirstThreshold:
    """Where ``rule`` puts the line of a fitted detector, by its reference scores; these apart for each ``group``.

    ``scores`` (n_samples,) are those of the training rows, ``frame``. Without a rule, and where it can draw no sound
    line, the expected share draws it; without a group the entity is it.
    """
    column, window = group or roles.entity, window_of(learner, recipe)
    groups = None
    if column is not None:
        groups = GroupReferences.of(column, frame[column], scores, learner.reference_scores_, window)
    line = _line(rule, learner, window, scores, lambda: _seen_labels(rule, frame, roles, scores))
    return replace(line, groups=groups)


def _line(
    rule: Rule | None,
    learner: Detector,
    window: int | None,
    scores: Array,
    labels: Callable[[], Array | None],
) -> FirstThreshold:
    """The line alone; ``labels`` says what a rule that needs them may see."""
    reference, usual = reference_of(learner.reference_scores_), Contamination(learner.contamination)
    if rule is None:
        return FirstThreshold(threshold=usual.threshold(reference, scores), rule=usual)
    rows = max(1, int(np.isfinite(learner.reference_scores_).sum()) // (window or 1))
    try:
        threshold = rule.threshold(reference, scores, labels(), rows=rows)
    except DataError as problem:
        why = f"the rule {rule.text} could not draw the threshold, so it is as usual: {problem}"
        return FirstThreshold(threshold=usual.threshold(reference, scores), rule=usual, notes=(why,))
    said = f"threshold by the rule {rule.text}: {rule.sentence}"
    if rule.needs_labels:
        said += " It was chosen on one half of the labels of the training rows; on other data it stays at this score."
    return FirstThreshold(threshold=threshold, rule=rule, notes=(said,))


def window_of(learner: Detector, recipe: FeatureRecipe) -> int | None:
    """Readings a moment is judged by; None of a table."""
    own = learner.window_ if isinstance(learner, SequentialDetector) else None
    return recipe.windows.length if recipe.windows else own


def _seen_labels(rule: Rule | None, frame: pd.DataFrame, roles: Roles, scores: Array) -> Array | None:
    """The answers of training rows that a rule is told (n_samples,), NaN for the other half; None for none.

    Too few to halve raise a :class:`DataError`.
    """
    if rule is None or not rule.needs_labels or roles.label is None:
        return None
    answers: Array = as_binary(frame[roles.label])[0]
    return told(rule, scores, answers, nearest_events(frame, roles, answers))
