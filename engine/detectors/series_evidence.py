"""Evidence about readings put together: what a network says of each channel, and the nearest normal window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Progress, quiet
from engine.detectors.nearest_windows import NearestWindows
from engine.detectors.sequential import Ints
from engine.detectors.surprise import Surprise
from engine.detectors.window_sampling import Floats
from engine.errors import StoreError

WEIGHTS = {"reconstruction": 1.0, "repair": 1.0, "map": 1.0, "discrepancy": 0.5, "nearest": 1.0}
BELIEVED = 500.0  # windows side by side from which a network must have learned to be believed half: chosen on
# generated waves alone (decision 0013)
FLOOR = 0.1  # of what is usual in the other channels: what a channel's own usual signal is not below
FINEST = 1e-3
STRIDE = 4  # readings between windows that are compared with the nearest ones
AT_ONCE = 65_536  # readings, so that what lies between signals and scores takes no memory to speak of
CLOSEST = 0.01  # of the usual signal: less is as ordinary as can be

Marks = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How unusual each signal is among ordinary readings; the weighted sum of all surprises is the score.

    What a network says weighs the less the fewer windows it learned from: what it did not see often surprises it, where
    the nearest windows only ask for one like it.
    """

    usual: Floats  # (n_signals, n_channels): the median of each signal of the network in each channel
    surprise: Surprise
    nearest: NearestWindows
    weights: Floats  # (n_signals + 1,)

    @classmethod
    def of(
        cls, told: Floats, near: Floats, ordinary: Marks, nearest: NearestWindows, *, windows: float
    ) -> Self:
        """From what is said of training readings (n_signals, n, n_channels), of which some are ``ordinary``.

        ``windows``: how many windows side by side the network learned from, all channels together.
        """
        told, near = told[:, ordinary], near[ordinary]
        usual = np.median(told, axis=1)
        floor = np.maximum(FLOOR * np.median(usual, axis=1, keepdims=True), FINEST)
        usual = np.maximum(usual, floor)
        return cls(
            usual=usual,
            surprise=Surprise.of(_logarithms(told, near, usual)),
            nearest=nearest,
            weights=np.array(list(WEIGHTS.values()))
            * np.r_[[windows / (windows + BELIEVED)] * len(told), 1.0],
        )

    def near(self, X: Floats, starts: Ints, progress: Progress = quiet) -> Floats:
        """The distance of readings to the nearest normal windows (n_readings,), in usual ones."""
        return self.nearest.decision_function(X, stretches=starts, progress=progress)

    def scores(self, told: Floats, near: Floats) -> Floats:
        """One score a reading, from what the network says (n_signals, n, n_channels) and the distances (n,)."""
        scores = np.empty(len(near))
        for first in range(0, len(near), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            surprise = self.surprise(_logarithms(told[:, part], near[part], self.usual))
            # not a product: BLAS adds up the last readings of a part in another order
            scores[part] = (self.weights[:, None] * surprise).sum(axis=0)
        return scores

    def parts(self, told: Floats, near: Floats, apart: Floats) -> Floats:
        """What each channel adds to the scores (n, n_channels); ``apart``, as large, is its part of the distance."""
        shares = np.concatenate([told / self.usual[:, None], apart[None]]) + FINEST
        shares /= shares.sum(axis=2, keepdims=True)
        surprise = self.surprise(_logarithms(told, near, self.usual))
        parts: Floats = np.einsum("s,sn,snc->nc", self.weights, surprise, shares)
        return parts

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All parts, by name."""
        nearest = {f"nearest/{name}": values for name, values in self.nearest.arrays().items()}
        return {"usual": self.usual, "weights": self.weights, **nearest, **self.surprise.arrays()}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], *, n_channels: int) -> Self:
        """Take back what :meth:`arrays` gave, after checking that it is structurally sound."""
        usual, weights = arrays["usual"], arrays["weights"]
        sound = usual.shape == (len(WEIGHTS) - 1, n_channels) and usual.dtype == np.float64
        sound = sound and weights.shape == (len(WEIGHTS),) and weights.dtype == np.float64
        if not sound or not all(np.isfinite(a).all() and (a > 0).all() for a in (usual, weights)):
            raise StoreError("the stored network is damaged: its usual signals do not add up")
        own = {
            name: arrays[f"nearest/{name}"] for name in ("readings", "origins", "begin", "shapes", "usual")
        }
        return cls(
            usual=usual,
            weights=weights,
            surprise=Surprise.restore(arrays, n_signals=len(WEIGHTS)),
            nearest=NearestWindows(stride=STRIDE).restore(own, n_features=n_channels),
        )


def fitted_nearest(
    X: Floats, starts: Ints, labelled: Marks, seed: int, progress: Progress
) -> tuple[NearestWindows, Floats]:
    """Nearest windows that know no ``labelled`` reading, and their distance of every training reading (n_readings,)."""
    kept, stretch = ~labelled, starts + np.cumsum(labelled)
    nearest = NearestWindows(stride=STRIDE, random_state=seed).fit(
        X[kept], stretches=stretch[kept], progress=progress
    )
    near = np.full(len(X), np.nan)
    near[kept] = nearest.decision_scores_
    again = np.isin(starts, starts[labelled])
    if again.any():
        near[again] = nearest.decision_function(X[again], stretches=starts[again])
    return nearest, near


def _logarithms(told: Floats, near: Floats, usual: Floats) -> Floats:
    """Each signal as a logarithm, channels together (n_signals + 1, n); what is not known counts as usual."""
    together = np.vstack([(told / usual[:, None]).mean(axis=2), near])
    return np.log(np.nan_to_num(together, nan=1.0) + CLOSEST)
