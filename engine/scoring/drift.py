"""Does new data look like what a model learned from? The rule, and the verdict with its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.scoring.distributions import N_POINTS, NumberPrint, binomial_tail, number_difference

Verdict = Literal["fits", "shifted", "another world", "not measured"]

# ---- the rule, in one place

SHIFT_PSI = 0.25  # "a major shift" since credit scoring began to measure it (Siddiqi, 2006)
CHANCE = 0.01  # false alarms allowed for a whole table that has not changed
BEYOND = 0.5  # with more of the values where training had none, no test is needed to call it a shift
WORLD_SHARE_OF_COLUMNS = 0.5  # with more than half of the columns shifted it is another kind of data
WORLD_FEWEST_COLUMNS = 2  # one column of one is no majority
WORLD_SHARE_OF_ROWS = 0.5  # of rows above the 99th training percentile; in training it is one in a hundred
FEWEST_ROWS = 20  # fewer rows may be anomalies picked by hand: they say nothing about the data they come from
EXTREME = 99.0  # training percentile
MANY_TIMES = 3  # as large a share flagged as in training, from which it is worth a word
LEAST_SHARE = 0.001  # of the training rows: a smaller one is compared as if it were this

# ---- what was found


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """One column then and now."""

    column: str
    psi: float
    p: float
    ks: float | None
    outside: float
    unseen: float
    missing_then: float
    missing_now: float
    then: str  # what was usual in training, in words
    now: str
    shifted: bool = False


@dataclass(frozen=True, kw_only=True)
class ScoreDrift:
    """The anomaly scores of new data against those of the training rows."""

    psi: float
    p: float
    ks: float
    extreme: float  # share of the rows above the 99th training percentile
    p_extreme: float  # probability of so many such rows without a shift
    shifted: bool = False


def score_drift(
    scores: NDArray[np.float64], reference: NDArray[np.float64], count: int, span: float
) -> ScoreDrift:
    """Compare finite scores (n_judged,) with the reference scores (2001,) of ``count`` training rows."""
    points = np.unique(reference[:: (len(reference) - 1) // (N_POINTS - 1)])
    below = np.searchsorted(reference, points, side="right") / len(reference)
    then = NumberPrint(points=points, below=below, cells=count, missing=0.0, span=span)
    found = number_difference(then, scores, len(scores), span)
    line = float(reference[round(EXTREME / 100 * (len(reference) - 1))])
    extreme = float(np.mean(scores > line))
    ks = found.ks if found.ks is not None else 0.0
    tail = binomial_tail(extreme, len(scores) / span, 1 - EXTREME / 100)
    return ScoreDrift(psi=found.psi, p=found.p, ks=ks, extreme=extreme, p_extreme=tail)


# ---- the verdict


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Whether a model's answers about some data can be believed, and why not."""

    verdict: Verdict
    rows: int
    columns: tuple[ColumnDrift, ...] = ()
    scores: ScoreDrift | None = None
    learned: bool = False  # these are the rows the model learned from
    why: str = ""  # why nothing was measured

    @property
    def shifted(self) -> list[str]:
        """The shifted columns, the furthest first."""
        return [c.column for c in sorted(self.columns, key=lambda c: -c.psi) if c.shifted]

    @property
    def strength(self) -> float:
        """The largest PSI of a column or of the scores: one number to rank data by how far it has moved."""
        return max([0.0, *(c.psi for c in self.columns), *([self.scores.psi] if self.scores else [])])

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        if self.verdict == "not measured":
            return f"Whether this data is like the training data was not measured: {self.why}."
        if self.verdict == "fits":
            return (
                "These are the rows the model learned from."
                if self.learned
                else "This data looks like what the model learned from."
            )
        if self.verdict == "another world" and len(self.shifted) <= WORLD_SHARE_OF_COLUMNS * len(
            self.columns
        ):
            share = 100 * self.scores.extreme if self.scores else 0.0
            moved = f"; the columns that moved are {_listed(self.shifted)}" if self.shifted else ""
            return f"{share:.0f} % of the rows are more unusual than {EXTREME:.0f} % of the training rows{moved}."
        if self.verdict == "another world":
            return (
                f"{len(self.shifted)} of {len(self.columns)} columns are unlike the training data: "
                f"{_listed(self.shifted)}."
            )
        if self.shifted:
            return f"This data differs from the training data in {_listed(self.shifted)}."
        return "Each column alone looks as in training, but the rows as a whole score differently."

    @property
    def advice(self) -> str:
        """What to do about it, in one sentence."""
        return {
            "fits": "Scores mean here what they meant in training.",
            "shifted": "Read flags with care: rows may be flagged for the shift alone. "
            "If the change is meant to last, train again on newer data.",
            "another world": "Do not rely on these flags: check that this is the right file and the right model, "
            "or train a model on data of this kind.",
            "not measured": "Compare a few ordinary rows with the training data before you rely on flags.",
        }[self.verdict]

    def of_share(self, share: float, in_training: float, word: str = "row") -> str:
        """What to make of a far larger share flagged here than in training, in a sentence; empty for no such share.

        It never says other than the verdict: of data that fits, the flagged are the exception, not the data.
        """
        if share <= MANY_TIMES * max(in_training, LEAST_SHARE):
            return ""
        far = f"That is a far larger share than in training ({100 * in_training:.2g} %)"
        if self.verdict == "not measured":
            return f"{far}: is this data of another kind?"
        if self.verdict != "fits":
            return f"{far}: this data is not like what the model learned from."
        return f"{far}, while the {word}s as a whole look as they did there: a part of them stands out."

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Drift:
        scores = values["scores"]
        return cls(
            **dict(values)
            | {
                "columns": tuple(ColumnDrift(**column) for column in values["columns"]),
                "scores": ScoreDrift(**scores) if scores else None,
            }
        )


def judged_drift(
    rows: int,
    columns: Sequence[ColumnDrift],
    scores: ScoreDrift | None,
    *,
    learned: bool = False,
    why: str = "",
) -> Drift:
    """The verdict on ``rows`` judged rows. ``why``: why there are no columns to compare."""
    if rows < FEWEST_ROWS:
        why = f"{rows} rows are too few to tell, {FEWEST_ROWS} are needed"
        return Drift(verdict="not measured", rows=rows, why=why)
    limit = CHANCE / (len(columns) + 1)  # shared among all comparisons (Bonferroni)
    columns = [
        replace(c, shifted=(c.psi > SHIFT_PSI and c.p < limit) or c.outside + c.unseen > BEYOND)
        for c in columns
    ]
    shifted = sum(c.shifted for c in columns)
    world = shifted >= WORLD_FEWEST_COLUMNS and shifted > WORLD_SHARE_OF_COLUMNS * len(columns)
    if scores is not None:
        scores = replace(scores, shifted=scores.psi > SHIFT_PSI and scores.p < limit)
        world |= scores.extreme > WORLD_SHARE_OF_ROWS and scores.p_extreme < limit
    verdict: Verdict = "fits"
    if world:
        verdict = "another world"
    elif not columns and not learned:
        verdict = "not measured"
    elif shifted or (scores is not None and scores.shifted):
        verdict = "shifted"
    return Drift(
        verdict=verdict,
        rows=rows,
        columns=tuple(columns),
        scores=scores,
        learned=learned,
        why=why if verdict == "not measured" else "",
    )


def _listed(names: Sequence[str], most: int = 6) -> str:
    """Names as they stand in a sentence."""
    named = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        named.append(f"{len(names) - most} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
