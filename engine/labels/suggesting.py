"""Which rows to label next: those near the threshold, those models do not agree on, and rows unlike one another.

Uncertainty sampling (Lewis and Gale, 1994), query by committee (Seung, Opper and Sompolinsky, 1992), and a spread over
the data (Sener and Savarese, 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
POOL = 200  # rows looked at more closely
LEAST_TAIL = 0.025  # percent: half a step of the severities
CLOSE, SPLIT = 0.5, 0.25  # from which closeness, and which disagreement, is worth a word


@dataclass(frozen=True, kw_only=True)
class ToLabel:
    """A row whose label would teach most, and why."""

    row: int
    closeness: float  # to the threshold: 1 on it, half as much for a tail twice as far or half as far out
    disagreement: float  # between models: 0 of one mind, 1 divided evenly

    @property
    def why(self) -> str:
        """The reason in words."""
        said = ["near the threshold"] if self.closeness >= CLOSE else []
        said += ["models disagree"] if self.disagreement >= SPLIT else []
        return ", ".join([*said, "unlike the labelled rows"])


def rows_to_label(
    severity: Array,
    threshold: float,
    *,
    labelled: Rows,
    others: Sequence[Array] = (),
    points: Callable[[Rows], Array],
    count: int = 10,
) -> list[ToLabel]:
    """The ``count`` rows to label next, the most useful first.

    ``severity`` (n_samples,) of the model at hand, NaN where a row was not judged; ``threshold`` as a severity;
    ``labelled`` rows are left out; ``others`` (n_samples,) severities of other models; ``points`` gives rows
    (n_rows,) as points (n_rows, n_features) in which like rows lie close together.
    """
    open_ = np.isfinite(severity)
    open_[labelled] = False
    rows = np.flatnonzero(open_)
    if not len(rows):
        return []
    closeness, disagreement = (
        _closeness(severity[rows], threshold),
        _disagreement(rows, severity, others, threshold),
    )
    worth = closeness + disagreement
    best = np.argsort(-worth, kind="stable")[:POOL]
    pool, worth = rows[best], worth[best]
    places = points(np.r_[pool, labelled[-POOL:]])
    chosen = _spread(places[: len(pool)], worth, places[len(pool) :], count)
    return [
        ToLabel(
            row=int(pool[i]), closeness=float(closeness[best[i]]), disagreement=float(disagreement[best[i]])
        )
        for i in chosen
    ]


def _closeness(severity: Array, threshold: float) -> Array:
    """How near severities are to a threshold (n_rows,): by the ratio of the shares of training rows beyond them."""
    beyond, line = np.maximum(100 - severity, LEAST_TAIL), max(100 - threshold, LEAST_TAIL)
    near: Array = np.exp2(-np.abs(np.log2(beyond / line)))
    return near


def _disagreement(rows: Rows, severity: Array, others: Sequence[Array], threshold: float) -> Array:
    """How divided models are over flagging rows at one percentile (n_rows,): 4 p (1 - p), p the share that flags."""
    with np.errstate(invalid="ignore"):
        votes = np.array([values[rows] > threshold for values in (severity, *others)])
    share = votes.mean(axis=0)
    return 4 * share * (1 - share)


def _spread(points: Array, worth: Array, labelled: Array, count: int) -> list[int]:
    """The numbers of rows that are worth most and far from those labelled and chosen, one after the other."""
    scale = float(np.median(np.linalg.norm(points - points.mean(axis=0), axis=1))) or 1.0
    nearest = np.full(len(points), np.inf)
    for place in labelled:
        nearest = np.minimum(nearest, np.linalg.norm(points - place, axis=1))
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        gain = worth * np.minimum(1.0, nearest / scale)
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen
