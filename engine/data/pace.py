"""A series as readings in order: what a sequential detector sees, and which reading belongs to which row.

Rows are put in order by entity and time and cut into stretches at gaps. Inside a stretch readings follow one another in
equal steps, so that a detector may look at windows of them without looking at the clock:

* a pause shorter than a gap is filled by readings on a straight line between those around it; they belong to no row;
* a reading that is missing or impossible counts as such a pause, and its row is not judged;
* a channel that is missing alone is filled the same way, and counts as typical where it is missing for longer;
* where readings come at uneven times, they are brought to even ones, and a row has the reading nearest to it.

Everything is decided by neighbouring rows alone, so a stretch is the same in whichever longer file it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.encoding import Encoded
from engine.data.roles import Roles, sampling, seconds_of
from engine.data.timeline import GAP, order_in_time
from engine.scoring.wording import number_in_words

STEADY = 0.7  # share of equal steps from which readings count as evenly spaced
LONG = 0.95  # of the steps of uneven readings are no longer than what a gap is measured by
FINEST = 8  # readings that uneven ones are brought to in such a long step, at most
LONGEST_GAP = GAP * FINEST  # steps; a file cannot ask for more readings than this for each of its rows
OFF_PACE = 1.1  # times the usual step, beyond which readings come at another pace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The readings of a table in order, and where the rows of the table stand among them."""

    values: Floats  # (n_readings, n_channels), finite
    stretches: Ints  # (n_readings,): equal numbers for readings that follow one another without a gap
    places: Ints  # (n_samples,): the reading of each row, -1 for a row without one
    notes: tuple[str, ...] = ()

    def of_rows(self, numbers: Floats) -> Floats:
        """What was found of every reading (n_readings,) as told of every row (n_samples,), NaN for rows without."""
        found = np.full(len(self.places), np.nan)
        found[self.places >= 0] = numbers[self.places[self.places >= 0]]
        return found

    def marked(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which readings belong to marked rows (n_samples,) of the table (n_readings,)."""
        marks = np.zeros(len(self.values), dtype=bool)
        marks[self.places[rows & (self.places >= 0)]] = True
        return marks

    @property
    def neighbours(self) -> Ints:
        """How many readings the stretch of each row has (n_samples,); 0 for a row without a reading."""
        sizes = np.bincount(self.stretches, minlength=1)
        return np.where(self.places >= 0, sizes[self.stretches[self.places]] if len(self.values) else 0, 0)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often readings come, learned from training rows."""

    step_seconds: float  # usual time from one reading to the next
    gap_seconds: float  # a longer time without a reading ends a stretch
    uneven: bool  # readings are brought to multiples of the step

    @classmethod
    def fit(cls, frame: pd.DataFrame, roles: Roles) -> Pace:
        """Measure the pace of a series; a gap is three usual steps, or of uneven readings three long ones."""
        facts = sampling(frame, roles)
        step = facts["step_seconds"] if facts and facts["step_seconds"] > 0 else 1.0
        if facts is None or facts["regular"] >= STEADY:
            return cls(step_seconds=step, gap_seconds=GAP * step, uneven=False)
        long = max(step, _long_step(frame, roles))
        return cls(step_seconds=max(step, long / FINEST), gap_seconds=GAP * long, uneven=True)

    def readings(self, frame: pd.DataFrame, roles: Roles, encoded: Encoded, typical: Floats) -> Readings:
        """The judged rows of an encoded table as readings.

        ``encoded`` has NaN where a cell is missing; ``typical`` (n_channels,) stands where it is missing for long.
        """
        assert roles.time is not None, "a series has a time column"
        seconds, entity = seconds_of(frame[roles.time]), _entities(frame, roles)
        order = order_in_time(frame, roles)
        order = order[encoded.judged[order] & np.isfinite(seconds[order])]
        at, values = seconds[order], encoded.values[order]
        joined = np.zeros(len(order), dtype=bool)  # to the row before it
        joined[1:] = (np.diff(at) <= self.gap_seconds) & (entity[order][1:] == entity[order][:-1])
        run = np.cumsum(~joined) - 1
        if self.uneven:
            slots, stretches, near = self._even(at, values, run)
        else:
            slots, stretches, near = self._as_they_come(at, values, joined, run)
        longest = round(self.gap_seconds / self.step_seconds) - 1
        slots = _on_straight_lines(slots, stretches, longest)
        places = np.full(len(frame), -1)
        places[order] = near
        notes = self._notes(frame, roles, filled=len(slots) - len(order), longest=longest)
        values = np.where(np.isnan(slots), typical, slots)
        return Readings(values=values, stretches=stretches, places=places, notes=notes)

    def counts(self, at: Floats, joined: NDArray[np.bool_]) -> Ints:
        """How many readings end with each row: its own, and those between it and the row it is ``joined`` to (n_rows,).

        ``at`` (n_rows,) are the times of rows in order.
        """
        if self.uneven:
            mark = np.floor(at / self.step_seconds).astype(np.int64)
            exact = ~joined & (mark * self.step_seconds == at)
            return np.where(joined, np.diff(mark, prepend=mark[:1]), exact)
        steps = np.ones(len(at), dtype=np.int64)
        inside = np.flatnonzero(joined)
        steps[inside] = np.maximum(1, np.rint((at[inside] - at[inside - 1]) / self.step_seconds))
        return steps

    def _as_they_come(
        self, at: Floats, values: Floats, joined: NDArray[np.bool_], run: Ints
    ) -> tuple[Floats, Ints, Ints]:
        """One slot a row, and empty ones where readings were left out; the slots, their stretches, the rows' slots."""
        steps = self.counts(at, joined)
        near = np.cumsum(steps) - 1
        slots = np.full((int(near[-1]) + 1 if len(near) else 0, values.shape[1]), np.nan)
        slots[near] = values
        return slots, np.repeat(run, steps), near

    def _even(self, at: Floats, values: Floats, run: Ints) -> tuple[Floats, Ints, Ints]:
        """Readings at multiples of the step, on straight lines between the rows around each; as above."""
        mark = np.floor(at / self.step_seconds).astype(np.int64)
        first = np.r_[True, np.diff(run) != 0] if len(run) else np.zeros(0, dtype=bool)
        count = self.counts(at, ~first)
        ends = np.cumsum(count)
        after = np.repeat(np.arange(len(at)), count)  # the row at or after each slot
        number = mark[after] - (ends[after] - 1 - np.arange(len(after)))
        before = np.where(first[after], after, after - 1)
        width = np.where(after > before, at[after] - at[before], 1.0)
        share = np.where(after > before, (number * self.step_seconds - at[before]) / width, 0.0)[:, None]
        slots = values[before] + share * (values[after] - values[before])
        low = np.concatenate([[0], ends])[np.searchsorted(run, run, side="left")]
        high = ends[np.searchsorted(run, run, side="right") - 1]
        later = np.rint(at / self.step_seconds).astype(np.int64) > mark
        near = np.clip(ends - 1 + later, low, high - 1)
        return slots, run[after], np.where(high > low, near, -1)

    def _notes(self, frame: pd.DataFrame, roles: Roles, *, filled: int, longest: int) -> tuple[str, ...]:
        """What was done to the readings, in words."""
        notes = []
        step = number_in_words(self.step_seconds)
        if self.uneven:
            notes.append(
                f"readings come at uneven times: they were brought to one every {step} s on straight lines, and "
                "each row is judged by the one nearest to it"
            )
        facts = sampling(frame, roles)
        here = facts["step_seconds"] if facts else 0.0
        if not self.uneven and here > 0 and not 1 / OFF_PACE <= here / self.step_seconds <= OFF_PACE:
            notes.append(
                f"readings come every {number_in_words(here)} s here, the model learned from one every {step} s"
            )
        if not self.uneven and filled:
            notes.append(
                f"{filled:,} missing readings were filled in on straight lines, at most {longest} in a row; "
                "a longer pause is a gap that no window reaches across"
            )
        return tuple(notes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Pace:
        return cls(**values)


def _long_step(frame: pd.DataFrame, roles: Roles) -> float:
    """The time between readings of one entity that few of its steps exceed."""
    order = order_in_time(frame, roles)
    at, entity = seconds_of(frame[str(roles.time)])[order], _entities(frame, roles)[order]
    steps = np.diff(at)[entity[1:] == entity[:-1]]
    return float(np.quantile(steps[np.isfinite(steps)], LONG))


def _entities(frame: pd.DataFrame, roles: Roles) -> Ints:
    """A number for the entity of each row (n_samples,)."""
    if not roles.entity:
        return np.zeros(len(frame), dtype=np.int64)
    return pd.factorize(frame[roles.entity])[0].astype(np.int64)


def _on_straight_lines(slots: Floats, stretches: Ints, longest: int) -> Floats:
    """Runs of at most ``longest`` missing cells of a channel lie on the line between the cells around them.

    Longer ones, and those at an end of a stretch, are NaN still.
    """
    filled = slots.copy()
    for channel in filled.T:
        known = np.flatnonzero(np.isfinite(channel))
        left, right = known[:-1], known[1:]
        short = (right - left > 1) & (right - left <= longest + 1) & (stretches[left] == stretches[right])
        for distance in range(1, longest + 1):
            inside = short & (left + distance < right)
            a, b = left[inside], right[inside]
            channel[a + distance] = channel[a] + (channel[b] - channel[a]) * (distance / (b - a))
    return filled
