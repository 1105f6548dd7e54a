"""How surprising numbers are: several signals about one reading on one scale, so that they can be added up.

A signal becomes minus the logarithm of its upper-tail probability among ordinary readings; surprises add up as those of
independent tests do (Fisher, 1925, Statistical methods for research workers). Beyond the 98th percentile the tail is
taken as exponential, with the mean excess of ordinary readings, so that no two strange readings are equally strange
(peaks over threshold; Balkema and de Haan, 1974).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import StoreError

Array = NDArray[np.float64]

LEVELS = np.linspace(0.0, 0.98, 99)  # of probability below a knot
SMALLEST_EXCESS = 0.05  # of a logarithm: a signal that hardly varies must not make a tiny step look enormous


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """The distribution of some signals among ordinary readings."""

    knots: Array  # (n_signals, 99), each row rising
    excess: Array  # (n_signals,): mean distance of the upper 2 % from the last knot

    @classmethod
    def of(cls, signals: Array) -> Self:
        """From the signals of ordinary readings (n_signals, n_readings), finite."""
        knots = np.quantile(signals, LEVELS, axis=1).T
        beyond = np.maximum(signals - knots[:, -1:], 0)
        count = np.maximum((beyond > 0).sum(axis=1), 1)
        return cls(knots=knots, excess=np.maximum(beyond.sum(axis=1) / count, SMALLEST_EXCESS))

    def __call__(self, signals: Array) -> Array:
        """Surprise at each of some signals (n_signals, n): 0 at the least, ln 50 at the 98th percentile."""
        told = -np.log1p(-LEVELS)
        found = np.empty(signals.shape)
        for number, (signal, knots) in enumerate(zip(signals, self.knots, strict=True)):
            beyond = np.maximum(signal - knots[-1], 0) / self.excess[number]
            found[number] = np.interp(signal, knots, told) + beyond
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Both parts, by name."""
        return {"surprise/knots": self.knots, "surprise/excess": self.excess}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], *, n_signals: int) -> Self:
        """Take back what :meth:`arrays` gave, after checking that it is structurally sound."""
        knots, excess = arrays["surprise/knots"], arrays["surprise/excess"]
        sound = (
            knots.shape == (n_signals, len(LEVELS))
            and excess.shape == (n_signals,)
            and knots.dtype == excess.dtype == np.float64
            and bool(np.isfinite(knots).all() and (np.diff(knots, axis=1) >= 0).all())
            and bool(np.isfinite(excess).all() and (excess > 0).all())
        )
        if not sound:
            raise StoreError("the stored distributions are damaged: their parts do not add up")
        return cls(knots=knots, excess=excess)
