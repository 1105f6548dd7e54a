"""The sentences of a report that say in words what a threshold does."""

from __future__ import annotations

from engine.analysis import Judgement
from engine.charts.chart import counted
from engine.scoring.drift import Drift
from engine.scoring.thresholds import Rule
from engine.scoring.wording import percent


def flagged_in_words(judgement: Judgement, word: str = "row") -> str:
    """How many rows are flagged, of how many."""
    rows = counted(judgement.judged, word)
    if not judgement.flagged:
        return f"None of {rows} is flagged."
    are = "is" if judgement.flagged == 1 else "are"
    return f"{judgement.flagged:,} of {rows} ({percent(judgement.share)}) {are} flagged."


def threshold_in_words(judgement: Judgement, rule: Rule, drift: Drift, word: str = "row") -> str:
    """Where the line lies, and what it flags here and would flag in training."""
    percentile = rule.value if rule.kind == "percentile" else judgement.percentile
    than = f"every {word}" if percentile >= 100 else f"{percentile:.4g} % of the {word}s"
    said = f"A {word} is flagged when it is more unusual than {than} the model learned from. "
    more = drift.of_share(judgement.share, judgement.share_in_training, word)
    return f"{said}{flagged_in_words(judgement, word)} {more}".strip()


def unjudged_in_words(judgement: Judgement, word: str = "row") -> str:
    """How many rows could not be judged; empty where all were."""
    left = judgement.rows - judgement.judged
    return f"{counted(left, word)} could not be judged; these count apart, never as normal." if left else ""
