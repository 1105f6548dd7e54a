"""What a network over windows says of every reading of a series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.cores import evenly
from engine.detectors.distilling import WindowLearner
from engine.detectors.window_sampling import Floats, Ints, Singles, contents, overlapped, reach_of, sampled
from engine.errors import StoreError

BLOCK = (
    64  # windows go through a network so many at a time, always: another number is summed in another order
)
FARTHEST = 30.0  # of a reading, in standard deviations of its channel
FLATTEST = 0.02  # of a window's size, in standard deviations of its channel
SMALLEST_SIZE = 0.1  # in usual sizes of a window: smaller ones are not blown up to the size of the others
CELLS, FEWEST_READINGS = 32_768, 8_192  # judged at once, between two looks at the cancel flag
SMALLEST_SPREAD = 1e-3  # of what is told beside a window


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Where each channel lies and how far it spreads, and what is usual of level and size of its windows."""

    center: Floats  # (n_channels,)
    spread: Floats  # (n_channels,)
    facts: Floats  # (5,): the smallest size of a window; mean and spread of its level, and of the log of its size

    @classmethod
    def of(cls, X: Floats, begins: Ints, length: int) -> Self:
        """From readings (n_readings, n_channels) and windows that begin at some of them."""
        center, spread = np.median(X, axis=0), X.std(axis=0)
        spread = np.where(spread > np.finfo(np.float64).tiny, spread, 1.0)
        windows = ((X[begins[:, None] + np.arange(length)] - center) / spread).clip(-FARTHEST, FARTHEST)
        level, size = windows.mean(axis=1), windows.std(axis=1)
        smallest = max(FLATTEST, SMALLEST_SIZE * float(np.median(size)))
        logarithm = np.log(np.maximum(size, smallest))
        told = [
            part for fact in (level, logarithm) for part in (fact.mean(), max(fact.std(), SMALLEST_SPREAD))
        ]
        return cls(center=center, spread=spread, facts=np.array([smallest, *told]))

    def scaled(self, X: Floats) -> Singles:
        """Readings in standard deviations of their channel."""
        return ((X - self.center) / self.spread).clip(-FARTHEST, FARTHEST).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All parts, by name."""
        return {"scale/center": self.center, "scale/spread": self.spread, "scale/facts": self.facts}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]], *, n_channels: int) -> Self:
        """Take back what :meth:`arrays` gave, after checking that it is structurally sound."""
        center, spread, facts = (arrays[f"scale/{part}"] for part in ("center", "spread", "facts"))
        sound = center.shape == spread.shape == (n_channels,) and facts.shape == (5,)
        sound = sound and all(a.dtype == np.float64 and np.isfinite(a).all() for a in (center, spread, facts))
        if not sound or (spread <= 0).any() or (facts[[0, 2, 4]] <= 0).any():
            raise StoreError("the stored scales are damaged: their parts do not add up")
        return cls(center=center, spread=spread, facts=facts)


def signals(learner: WindowLearner, readings: Singles, ends: Ints) -> Floats:
    """What a network says of scaled readings (n_signals, n_readings, n_channels), NaN where no window reaches.

    ``readings`` (n_readings, n_channels); ``ends`` (n_readings,): one after the last reading of each one's stretch.
    Each channel is looked at by itself, in windows that its content chooses; equal windows are looked at once.
    """
    n, n_channels = readings.shape
    found = np.full((len(learner.signals), n, n_channels), np.nan)
    for channel in range(n_channels):
        one = readings[:, [channel]]
        begins = sampled(one, ends, learner.length, reach_of(learner.length))
        if not len(begins):
            continue
        content = contents(one, begins, learner.length)
        first = np.unique(content, return_index=True)[1]
        windows = one[begins[first][:, None] + np.arange(learner.length), 0]
        found[:, :, channel] = overlapped(_judged(learner, windows, channel)[:, content], begins, ends)
    return found


def _judged(learner: WindowLearner, windows: Singles, channel: int) -> Floats:
    """What a network says of windows of a channel (n_signals, n_windows, length), in blocks of one size."""
    import torch

    learner.network.eval()
    filled = torch.as_tensor(np.pad(windows, ((0, -len(windows) % BLOCK), (0, 0))))
    channels = torch.full((BLOCK,), channel)
    with torch.inference_mode():
        blocks = [learner.judged(block, channels) for block in filled.split(BLOCK)]
    return torch.cat(blocks, 1)[:, : len(windows)].double().numpy()


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Readings that are judged together."""

    place: slice  # of the readings in their series
    around: slice  # of the readings and those near them, on which their scores depend

    @property
    def own(self) -> slice:
        """Of the readings among those around them."""
        return slice(self.place.start - self.around.start, self.place.stop - self.around.start)

    def ends(self, ends: Ints) -> Ints:
        """One after the last reading of the stretch of each reading around, among these (n_around,)."""
        return np.minimum(ends[self.around], self.around.stop) - self.around.start


def chunks(starts: Ints, ends: Ints, reach: int, n_channels: int) -> Iterator[Chunk]:
    """A series in parts, each with the readings up to ``reach`` away; parts of many channels are shorter."""
    for place in evenly(len(starts), max(FEWEST_READINGS, CELLS // n_channels)):
        low = max(int(starts[place.start]), place.start - reach)
        high = min(int(ends[place.stop - 1]), place.stop + reach)
        yield Chunk(place=place, around=slice(low, high))
