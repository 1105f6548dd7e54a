"""Windows of readings as points, and a library of them in which the nearest one is found.

A window is looked at coarsely: whatever its length it becomes about ``DETAIL`` numbers a channel, each the mean of a
few readings in a row (piecewise aggregate approximation; Keogh, Chakrabarti, Pazzani and Mehrotra, 2001), and in three
views: as it is, without its level, and without level and size. Work is done in blocks of always the same size, so that
a window's distance does not depend on those it is looked up with, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

View = Literal["raw", "centred", "normalised"]
VIEWS: tuple[View, ...] = get_args(View)
DETAIL = 16  # numbers a channel of a window becomes
FLAT = 0.05  # spread below which a channel counts as flat, in standard deviations of the channel
LONGEST = 4_096  # readings of a window
BLOCK = 256  # windows looked up at once
BASE = 0x9E3779B97F4A7C15  # of the polynomial that a code is: odd, its bits without a pattern

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Shape:
    """How a window is looked at: ``count`` means of ``step`` readings."""

    step: int
    count: int

    @classmethod
    def of(cls, length: int) -> Shape:
        """The shape of windows of about so many readings."""
        step = max(1, round(length / DETAIL))
        return cls(step, length // step)

    @property
    def span(self) -> int:
        """Readings of a window."""
        return self.step * self.count

    def means(self, readings: Singles) -> Singles:
        """Mean of ``step`` readings from each on (n_readings - step + 1, n_channels), times the root of ``step``.

        So distances between windows are those of their readings, but for what the means smooth away. Added up one by
        one: a running sum would carry the rounding of a huge reading along.
        """
        n = max(0, len(readings) - self.step + 1)
        total = readings[:n].copy()
        for shift in range(1, self.step):
            total += readings[shift : shift + n]
        return total / np.float32(np.sqrt(self.step))

    def cut(self, means: Singles, begins: Ints) -> Singles:
        """The windows that begin at some readings (n_windows, count, n_channels)."""
        return means.take(begins[:, None] + self.step * np.arange(self.count), axis=0)


def all_seen(windows: Singles) -> Singles:
    """Windows (n_windows, count, n_channels) in every view, as points (n_views, n_windows, count * n_channels)."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True))
    normalised = centred / np.maximum(spread, np.float32(FLAT))
    return np.stack([windows, centred, normalised]).reshape(len(VIEWS), len(windows), -1)


def seen(windows: Singles, view: View) -> Singles:
    """Windows (n_windows, count, n_channels) in one view, as points (n_windows, count * n_channels)."""
    points: Singles = all_seen(windows)[VIEWS.index(view)]
    return points


@dataclass(frozen=True)
class Library:
    """Reference windows of one shape, in each of some views."""

    points: Singles  # (n_views, n_references, count * n_channels)
    lifted: Singles  # (n_views, count * n_channels + 1, n_references): the points, minus half their squares

    @classmethod
    def of(cls, points: Singles) -> Library:
        half = 0.5 * (points * points).sum(axis=2)
        lifted = np.concatenate([points.transpose(0, 2, 1), -half[:, None]], axis=1)
        return cls(points, np.ascontiguousarray(lifted))

    def room(self, n: int) -> Singles:
        """Where :meth:`nearest` may work on ``n`` windows again and again: fresh memory costs as much as a product."""
        return np.empty((n, self.points.shape[1]), dtype=np.float32)

    def nearest(self, points: Singles, low: Ints, high: Ints, room: Singles) -> tuple[Ints, Singles]:
        """The reference nearest to each of a block of windows and its distance, in each view (n_views, n_windows).

        ``points`` (n_views, n_windows, count * n_channels). References from ``low`` on and before ``high`` (n_windows,)
        are passed over. -1 and NaN where none is left. All views at once but for the products: what is small beside
        them then takes a third of the time, and ``room`` (n_windows, n_references) stays in the processor's cache.
        """
        n_views, n, _ = points.shape
        lifted = np.concatenate([points, np.ones((n_views, n, 1), dtype=np.float32)], axis=2)
        best, most = np.empty((n_views, n), dtype=np.int64), np.empty((n_views, n), dtype=np.float32)
        windows, overlap = np.arange(n), np.maximum(high - low, 0)
        rows = np.repeat(windows, overlap)
        passed = rows, np.arange(len(rows)) - (np.cumsum(overlap) - overlap)[rows] + low[rows]
        for view in range(n_views):
            np.matmul(lifted[view], self.lifted[view], out=room)  # the nearest of all references has the most
            room[passed] = -np.inf
            room.argmax(axis=1, out=best[view])
            most[view] = room[windows, best[view]]
        # the product rounds off what is small beside the points themselves
        apart = points - self.points[np.arange(n_views)[:, None], best]
        distances = np.sqrt((apart * apart).sum(axis=2))
        found = np.isfinite(most)
        return np.where(found, best, -1), np.where(found, distances, np.float32(np.nan))


def filled_up(numbers: Ints) -> Ints:
    """A block of numbers filled up to ``BLOCK`` with its last."""
    return np.concatenate([numbers, np.repeat(numbers[-1:], BLOCK - len(numbers))])


def codes(readings: Singles, length: int) -> Codes:
    """A 64-bit code of the ``length`` readings from each on: equal codes mean equal readings, but for rare chance."""
    rng = np.random.default_rng(0)
    drawn_bits: Codes = rng.integers(0, 2**63, (readings.shape[1],), dtype=np.uint64)
    of_channel = drawn_bits * np.uint64(2) + np.uint64(1)
    bits = (readings + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    mixed = np.zeros(len(readings), dtype=np.uint64)
    for channel, factor in zip(bits.T, of_channel, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * factor + channel
    mixed = (mixed ^ (mixed >> np.uint64(32))) * of_channel[0]
    mixed ^= mixed >> np.uint64(29)
    return _rolled(mixed, length)


def _rolled(numbers: Codes, length: int) -> Codes:
    """A polynomial of ``length`` numbers from each on, modulo 2^64, put together from those of 1, 2, 4 … numbers."""
    n = max(0, len(numbers) - length + 1)
    total, done, size, factor = np.zeros(n, dtype=np.uint64), 0, 1, BASE
    while size <= length and n:
        if length & size:
            total = total * np.uint64(factor) + numbers[done : done + n]
            done += size
        numbers = numbers[:-size] * np.uint64(factor) + numbers[size:]
        size, factor = 2 * size, factor * factor % 2**64
    return total


def drawn(begins: Ints, most: int, rng: np.random.Generator) -> Ints:
    """At most so many of some windows, in order; by lot, so that no rhythm of the readings meets one of the choice."""
    return begins if len(begins) <= most else np.sort(rng.choice(begins, most, replace=False))


def smoothed(ratios: Floats, starts: Ints, ends: Ints, span: int) -> Floats:
    """For each reading the mean over the windows whose middles lie within a quarter window of it (3, n_readings).

    ``ratios`` stand at the begins of windows; near the ends of a stretch its last window counts for those missing.
    Added up without a running sum, as :meth:`Shape.means` is.
    """
    half, at = span // 4, np.arange(ratios.shape[1])
    middle = ratios[:, np.clip(at - span // 2, starts, np.maximum(ends - span, starts))]
    beyond = np.pad(middle, ((0, 0), (half, half)))
    rim = np.flatnonzero((at - starts < half) | (ends - 1 - at < half))
    of_rim = np.zeros((len(ratios), len(rim)))
    for shift in range(-half, half + 1):
        of_rim += middle[:, np.clip(rim + shift, starts[rim], ends[rim] - 1)]
    total = _added_up(beyond, 2 * half + 1)
    total[:, rim] = of_rim
    return total / (2 * half + 1)


def _added_up(numbers: Floats, length: int) -> Floats:
    """The sum of ``length`` numbers from each on (n_rows, n - length + 1), from those of 1, 2, 4 … numbers."""
    n = numbers.shape[1] - length + 1
    total, done, size = np.zeros((len(numbers), n)), 0, 1
    while size <= length:
        if length & size:
            total += numbers[:, done : done + n]
            done += size
        numbers = numbers[:, :-size] + numbers[:, size:]
        size *= 2
    return total


def hold_together(arrays: Mapping[str, NDArray[Any]], n_features: int) -> bool:
    """Whether stored arrays can be readings of so many channels, with reference windows that lie among them."""
    readings, origins, begin = arrays["readings"], arrays["origins"], arrays["begin"]
    shapes, usual = arrays["shapes"], arrays["usual"]
    plain = (
        (readings.dtype, usual.dtype, begin.dtype) == tuple(map(np.dtype, ("f4", "f8", "?")))
        and origins.dtype == shapes.dtype == np.int64
        and readings.shape == (*origins.shape, n_features)
        and begin.shape == origins.shape
        and shapes.shape == (len(usual), 2)
        and usual.shape == (len(usual), len(VIEWS))
        and len(usual) > 0
    )
    if not plain or not len(origins) or not begin.any():
        return False
    begins, span = np.flatnonzero(begin), int(shapes[-1].prod())
    return bool(
        np.isfinite(readings).all()
        and np.isfinite(usual).all()
        and (usual > 0).all()
        and (shapes > 0).all()
        and (shapes <= (LONGEST, 2 * DETAIL)).all()
        and (np.diff(shapes.prod(axis=1)) > 0).all()
        and (origins >= 0).all()
        and (np.diff(origins) > 0).all()
        and begins[-1] + span <= len(readings)
        and (origins[begins + span - 1] - origins[begins] == span - 1).all()
    )
