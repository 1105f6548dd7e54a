"""Disturbances of ordinary windows, for detectors that learn from anomalies nobody had to label.

A window gets one disturbance over a part of it; its undisturbed self is known, and so is where it was disturbed. The
library has a version: a model says with which one it was trained. By intent it holds neither swelling or shrinking of
the amplitude nor missing stretches, so that these types of :mod:`engine.data.synthetic.waves` stay unknown to every
detector and show what it finds unprepared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

VERSION = 1
SHORTEST, LONGEST = 0.05, 0.6  # of a window, what a disturbance takes up
SPIKES = 3  # readings, at most
FASTEST = 2.5  # a warped stretch runs up to so many times as fast, or as slowly

Windows = NDArray[np.float32]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Disturbed:
    """Windows after a disturbance each."""

    values: Windows  # (n_windows, length)
    inside: Marks  # where they were disturbed (n_windows, length)
    kinds: NDArray[np.str_]  # (n_windows,)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a disturbance may know: where it lies, how strong it is, and the windows it may take from."""

    inside: Marks  # (n, length)
    progress: Windows  # how far a reading is through the disturbance, 0 to 1 (n, length)
    strength: Windows  # in the units of the windows, of either sign (n, 1)
    others: Windows  # undisturbed windows of other places (n, length)


def disturbed(windows: Windows, rng: Generator, *, kinds: tuple[str, ...] = ()) -> Disturbed:
    """Disturb each of some windows (n_windows, length) in one of the ``kinds`` (empty: any), drawn by lot.

    Strengths go by the standard deviation of each window: 0.5 to 4 of them, weak ones more often.
    """
    n, length = windows.shape
    drawn = np.array(kinds or tuple(KINDS))[rng.integers(0, len(kinds or KINDS), n)]
    extent = np.maximum(2, np.round(length * rng.uniform(SHORTEST, LONGEST, n))).astype(np.int64)
    start = np.floor(rng.random(n) * (length - extent + 1)).astype(np.int64)[:, None]
    t = np.arange(length)
    inside = (t >= start) & (t < start + extent[:, None])
    inside[drawn == "spike"] = _single_readings(rng, int((drawn == "spike").sum()), length)
    progress = np.clip((t - start + 1) / extent[:, None], 0, 1).astype(np.float32)
    strength = windows.std(axis=1, keepdims=True) * np.exp(rng.uniform(np.log(0.5), np.log(4), (n, 1)))
    strength *= rng.choice([-1.0, 1.0], (n, 1))
    others = windows[rng.permutation(n)]
    values = windows.copy()
    for kind, disturb in KINDS.items():
        rows = np.flatnonzero(drawn == kind)
        place = Place(
            inside=inside[rows],
            progress=progress[rows],
            strength=strength[rows].astype(np.float32),
            others=others[rows],
        )
        values[rows] = np.where(place.inside, disturb(windows[rows], place, rng), windows[rows])
    return Disturbed(values=values, inside=inside, kinds=drawn)


def _single_readings(rng: Generator, n: int, length: int) -> Marks:
    places = rng.random((n, length)).argsort(axis=1).argsort(axis=1)
    return places < rng.integers(1, SPIKES + 1, n)[:, None]


def _spike(windows: Windows, place: Place, rng: Generator) -> Windows:
    """Single readings jump off by 1.5 to 3 strengths, each up or down."""
    jumps = rng.uniform(1.5, 3.0, windows.shape) * rng.choice([-1.0, 1.0], windows.shape)
    return windows + (place.strength * jumps).astype(np.float32)


def _noise(windows: Windows, place: Place, rng: Generator) -> Windows:
    """The stretch becomes noisy."""
    return windows + place.strength * rng.standard_normal(windows.shape, dtype=np.float32)


def _shift(windows: Windows, place: Place, _: Generator) -> Windows:
    """The level jumps, and jumps back."""
    return windows + place.strength


def _ramp(windows: Windows, place: Place, _: Generator) -> Windows:
    """The level slides off to up to twice the strength and is back at once."""
    return windows + 2 * place.strength * place.progress


def _trend(windows: Windows, place: Place, _: Generator) -> Windows:
    """The level slides off and back."""
    return windows + 2 * place.strength * np.sin(np.pi * place.progress, dtype=np.float32)


def _warp(windows: Windows, place: Place, rng: Generator) -> Windows:
    """The stretch runs faster or more slowly; where a window ends it is gone through backwards."""
    n, length = windows.shape
    pace = rng.uniform(1.4, FASTEST, (n, 1)) ** rng.choice([-1.0, 1.0], (n, 1))
    hurried = np.where(place.inside, pace, 1.0)
    source = np.cumsum(hurried, axis=1) - hurried
    source = np.abs((source + (length - 1)) % (2 * (length - 1)) - (length - 1))  # there and back
    low = np.minimum(source.astype(np.int64), length - 2)
    share = (source - low).astype(np.float32)
    rows = np.arange(n)[:, None]
    return windows[rows, low] * (1 - share) + windows[rows, low + 1] * share


def _paste(_windows: Windows, place: Place, _: Generator) -> Windows:
    """The stretch comes from another window."""
    return place.others


def _flip(windows: Windows, _place: Place, _: Generator) -> Windows:
    """The stretch stands on its head, about the middle of its window."""
    return 2 * windows.mean(axis=1, keepdims=True) - windows


KINDS: dict[str, Callable[[Windows, Place, Generator], Windows]] = {
    "spike": _spike,
    "noise": _noise,
    "shift": _shift,
    "ramp": _ramp,
    "trend": _trend,
    "warp": _warp,
    "paste": _paste,
    "flip": _flip,
}
"""Disturbances by name."""
