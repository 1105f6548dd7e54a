"""Every threshold rule under its name, a rule written down and read again, and what each would do, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, UsageError
from engine.scoring.extreme_values import ExtremeTail
from engine.scoring.false_discovery import FalseDiscoveryRate
from engine.scoring.labelled_lines import BestF1, LowestCost
from engine.scoring.metrics import Curve
from engine.scoring.thresholds import (
    AlertBudget,
    Contamination,
    FixedValue,
    MedianDeviation,
    Percentile,
    Rule,
)

Array = NDArray[np.float64]

RULES: dict[str, type[Rule]] = {
    rule.kind: rule
    for rule in (
        Percentile,
        Contamination,
        AlertBudget,
        FalseDiscoveryRate,
        ExtremeTail,
        MedianDeviation,
        FixedValue,
        LowestCost,
        BestF1,
    )
}


def rule_from_dict(values: Mapping[str, Any]) -> Rule:
    """The rule that :meth:`Rule.as_dict` described."""
    if values["kind"] not in RULES:
        raise UsageError(f"there is no threshold rule '{values['kind']}'; there are {', '.join(RULES)}")
    return RULES[values["kind"]](values["value"])


def rule_from_text(text: str) -> Rule:
    """A rule written as ``KIND=VALUE``, or ``KIND`` alone with its knob where it usually stands."""
    kind, given, value = text.partition("=")
    if kind.strip() not in RULES:
        raise UsageError(f"there is no threshold rule '{kind.strip()}'; there are {', '.join(RULES)}")
    rule = RULES[kind.strip()]
    try:
        number = float(value) if given else rule.usual
    except ValueError:
        raise UsageError(f"a threshold rule needs KIND=NUMBER, got '{text}'") from None
    return rule(number)


def usual_rules(*, labelled: bool) -> list[Rule]:
    """Every rule that follows from data, as it usually stands; ``labelled`` adds those that need labels."""
    return [
        rule(rule.usual)
        for rule in RULES.values()
        if rule is not FixedValue and (labelled or not rule.needs_labels)
    ]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Where one rule would have put the line, and what that means."""

    rule: Rule
    threshold: float | None  # None: it drew none, and ``remark`` says why
    flagged: int  # of the rows at hand
    share: float  # of ordinary rows that are to be expected above it, as the reference scores tell
    remark: str = ""


def lines(
    rules: Sequence[Rule],
    reference: Array,
    here: Array,
    points: Callable[[], Curve],
    *,
    rows: int,
) -> list[Line]:
    """Where each rule would have put the line; arguments as for :meth:`Rule.threshold`, ``here`` judged scores.

    ``points`` gives the curve of the labelled rows that rules may see; it is asked only if a rule needs labels.
    """
    found = []
    for rule in rules:
        try:
            threshold = (
                rule.best(points()) if rule.needs_labels else rule.threshold(reference, here, rows=rows)
            )
        except (DataError, UsageError) as problem:
            found.append(Line(rule=rule, threshold=None, flagged=0, share=0.0, remark=str(problem)))
            continue
        found.append(
            Line(
                rule=rule,
                threshold=threshold,
                flagged=int((here > threshold).sum()),
                share=rule.expected_share(threshold, reference, rows=rows),
                remark=rule.remark(reference, here, rows=rows),
            )
        )
    return found
