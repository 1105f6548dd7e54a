"""The readings of a series in the order of time, and where one stretch without a gap ends and another begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import Roles, seconds_of

GAP = 3.0  # steps without a reading that start a new segment


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """How the rows of a series follow one another, for each entity apart. All arrays are (n_samples,)."""

    order: NDArray[np.int64]  # row numbers by entity and time
    segments: NDArray[np.int64]  # in that order: the same number for readings of one entity without a gap
    seconds: NDArray[np.float64]  # in that order: when each reading was taken
    entities: NDArray[np.int64]  # in that order: whose reading it is, as a number; -1 where nobody is named
    step_seconds: float  # usual from a reading to the next; as engine.data.roles.sampling has it

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles) -> Timeline:
        """The timeline of a table whose roles make it a series."""
        assert roles.time is not None, "a series has a time column"
        order = order_in_time(frame, roles)
        seconds = seconds_of(frame[roles.time])[order]
        entities = _entities(frame, roles)[order]
        step = _usual_step(seconds, entities)
        return cls(
            order=order,
            segments=_segments(seconds, entities, step),
            seconds=seconds,
            entities=entities,
            step_seconds=step,
        )


def order_in_time(frame: pd.DataFrame, roles: Roles) -> NDArray[np.int64]:
    """Row numbers by entity and time; rows of equal time keep their order."""
    assert roles.time is not None, "a series has a time column"
    keys = [seconds_of(frame[roles.time])]
    if roles.entity:
        keys.append(_entities(frame, roles))
    return np.lexsort(keys)


def segments_of(ordered: pd.DataFrame, roles: Roles, step_seconds: float) -> NDArray[np.int64]:
    """A number for each stretch of one entity without a gap (n_samples,)."""
    assert roles.time is not None
    return _segments(seconds_of(ordered[roles.time]), _entities(ordered, roles), step_seconds)


def _entities(frame: pd.DataFrame, roles: Roles) -> NDArray[np.int64]:
    """Whose reading each row is, numbered in the order of their names (n_samples,)."""
    if not roles.entity:
        return np.zeros(len(frame), dtype=np.int64)
    return np.asarray(pd.factorize(frame[roles.entity], sort=True)[0], dtype=np.int64)


def _segments(
    seconds: NDArray[np.float64], entities: NDArray[np.int64], step_seconds: float
) -> NDArray[np.int64]:
    new = np.zeros(len(seconds), dtype=bool)
    with np.errstate(invalid="ignore"):
        new[1:] = ~(np.diff(seconds) <= GAP * step_seconds)
    new[1:] |= entities[1:] != entities[:-1]
    return np.cumsum(new)


def _usual_step(seconds: NDArray[np.float64], entities: NDArray[np.int64]) -> float:
    """The median of the steps from a reading of an entity to its next, repeated moments left out; 1 without any."""
    with np.errstate(invalid="ignore"):
        steps = np.diff(seconds)
    steps = steps[(entities[1:] == entities[:-1]) & (entities[1:] >= 0) & np.isfinite(steps)]
    positive = steps[steps > 0]
    if len(positive):
        return float(np.median(positive))
    return 0.0 if len(steps) else 1.0
