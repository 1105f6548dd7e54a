"""Noisy sine waves in windows, some with a planted anomaly: a problem of any size whose answers are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from engine.errors import UsageError

Values = NDArray[np.float64]
Variant = Literal["easy", "hard"]
Part = Literal["train", "test"]

LENGTH = 100  # readings of a window
SHORTEST = 20
MOST_WINDOWS = 100_000
NOISE = 0.1  # standard deviation of the noise; a wave is about 1 high
NORMAL = "normal"
FAMILIAR = ("spike", "noise", "drift", "trend", "frequency")
UNFAMILIAR = ("amplitude", "missing")
SHARES = {"train": 0.03, "test": 0.25}  # of windows with an anomaly
# How much of its window an anomaly takes, at least and at most. A spike takes single readings, a trend ends the window.
EXTENTS = {
    "noise": (0.2, 0.4),
    "drift": (0.3, 0.6),
    "trend": (0.5, 0.8),
    "frequency": (0.3, 0.6),
    "amplitude": (0.3, 0.6),
    "missing": (0.1, 0.3),
}
SPIKES = 3  # readings, at most
# How far a spike jumps, and how strong a burst of noise is, at least and at most. The hard ones are as hard for the
# nearest of 2,000 training windows as those of the study that the variant follows: ROC-AUC 0.96 and 0.97.
SPIKE = {"easy": (1.5, 3.0), "hard": (0.8, 2.0)}
BURST = {"easy": (0.5, 1.0), "hard": (0.2, 0.6)}


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Windows of waves with their answers."""

    values: Values  # (n_windows, length)
    labels: NDArray[np.int64]  # 1: the window holds an anomaly (n_windows,)
    point_labels: NDArray[np.int64]  # 1: the reading is anomalous (n_windows, length)
    types: NDArray[np.str_]  # the type of the window's anomaly, or "normal" (n_windows,)

    def table(self) -> pd.DataFrame:
        """A row a reading: `window` (the entity), `t` (from 0), `value`, and its own `label` and `anomaly_type`."""
        n, length = self.values.shape
        anomalous = self.point_labels.ravel() == 1
        return pd.DataFrame(
            {
                "window": np.repeat(np.arange(n), length),
                "t": np.tile(np.arange(length), n),
                "value": self.values.ravel(),
                "label": self.point_labels.ravel(),
                "anomaly_type": np.where(anomalous, np.repeat(self.types, length), NORMAL),
            }
        )


def waves(
    n_windows: int = 1_000,
    *,
    variant: Variant = "hard",
    part: Part = "test",
    seed: int = 0,
    anomalies: float | None = None,
    types: tuple[str, ...] | None = None,
    length: int = LENGTH,
) -> Waves:
    """Windows of one sine wave each, a share of them with one anomaly; the same every time for the same arguments.

    *easy*: 4 cycles a window, amplitude 1, every one beginning at 0. *hard*: 2 to 6 cycles, amplitude 0.7 to 1.3, any
    phase. Both with noise of 0.1. Types of anomalies, in equal numbers and of either sign:

    - *spike*: one to three readings 0.8 to 2 off (easy: 1.5 to 3);
    - *noise*: a stretch with further noise of 0.2 to 0.6 (easy: 0.5 to 1);
    - *drift*: the level slides off by 1 to 2 over a stretch and is back at once;
    - *trend*: the level leaves on a slope and is 1 to 2 off at the end of the window;
    - *frequency*: a stretch oscillates 1.6 to 2.5 times as fast or as slowly, within the ordinary range;
    - *amplitude*: the wave swells to 1.8 to 2.5 times its height over a stretch, or shrinks to a third or less;
    - *missing*: a stretch without a signal: 0, and not even noise.

    The part *train* has 3 % of windows with an anomaly, of the first five types; *test* has 25 %, of all seven, so that
    it shows what a detector does with types it could not have been prepared for. ``anomalies``, a share, and ``types``
    overrule it. The two parts of one seed have nothing in common.
    """
    if part not in SHARES:
        raise UsageError(f"the part must be train or test, got '{part}'")
    share = SHARES[part] if anomalies is None else anomalies
    chosen = types if types is not None else FAMILIAR + (UNFAMILIAR if part == "test" else ())
    _check(n_windows, length, variant, seed, share, chosen)
    rng = np.random.default_rng([seed, list(SHARES).index(part)])
    kinds = np.full(n_windows, NORMAL, dtype=f"<U{max(map(len, (NORMAL, *chosen)))}")
    hit = rng.permutation(n_windows)[: round(share * n_windows)]
    kinds[hit] = np.resize(np.array(chosen), len(hit))
    inside, progress = _stretches(rng, kinds, length)
    signal = _sines(rng, variant, kinds, inside, progress)
    sign = rng.choice([-1.0, 1.0], n_windows)[:, None]
    signal += _planted(rng, variant, kinds, inside, progress) * sign + NOISE * rng.normal(size=signal.shape)
    signal[inside & (kinds == "missing")[:, None]] = 0.0
    return Waves(
        values=signal,
        labels=(kinds != NORMAL).astype(np.int64),
        point_labels=inside.astype(np.int64),
        types=kinds,
    )


def _check(
    n_windows: int, length: int, variant: str, seed: int, share: float, types: tuple[str, ...]
) -> None:
    if not 1 <= n_windows <= MOST_WINDOWS:
        raise UsageError(f"there must be 1 to {MOST_WINDOWS:,} windows, got {n_windows:,}")
    if length < SHORTEST:
        raise UsageError(f"a window must have at least {SHORTEST} readings, got {length:,}")
    if seed < 0:
        raise UsageError(f"the seed must be 0 or more, got {seed}")
    if variant not in ("easy", "hard"):
        raise UsageError(f"the variant must be easy or hard, got '{variant}'")
    if not 0 <= share <= 1:
        raise UsageError(f"the share of windows with an anomaly must be from 0 to 1, got {share:g}")
    unknown = [name for name in types if name not in FAMILIAR + UNFAMILIAR]
    if unknown or not types:
        found = f"'{unknown[0]}'" if unknown else "none"
        raise UsageError(f"types of anomalies are {', '.join(FAMILIAR + UNFAMILIAR)}; got {found}")


def _stretches(rng: Generator, kinds: NDArray[np.str_], length: int) -> tuple[NDArray[np.bool_], Values]:
    """Which readings are anomalous, and how far each is through its window's anomaly, 0 to 1 (n_windows, length)."""
    n = len(kinds)
    low, high = (np.array([EXTENTS.get(kind, (0.0, 0.0))[i] for kind in kinds]) for i in (0, 1))
    extent = np.round((low + (high - low) * rng.random(n)) * length).astype(np.int64)
    start = np.floor(rng.random(n) * (length - extent + 1)).astype(np.int64)
    start = np.where(kinds == "trend", length - extent, start)[:, None]
    t = np.arange(length)
    inside = (t >= start) & (t < start + extent[:, None])
    progress = np.clip((t - start + 1) / np.maximum(extent, 1)[:, None], 0, 1) * inside
    places = rng.random((n, length)).argsort(axis=1).argsort(axis=1)  # each reading's place in a random order
    spiked = places < rng.integers(1, SPIKES + 1, n)[:, None]
    inside |= spiked & (kinds == "spike")[:, None]
    return inside, progress


def _sines(
    rng: Generator, variant: Variant, kinds: NDArray[np.str_], inside: NDArray[np.bool_], progress: Values
) -> Values:
    """The waves without noise (n_windows, length), in which a stretch may be faster or slower, higher or lower."""
    n, length = inside.shape
    drawn = rng.random((3, n, 1))
    cycles, height, phase = (
        (2 + 4 * drawn[0], 0.7 + 0.6 * drawn[1], drawn[2])
        if variant == "hard"
        else (np.full((n, 1), 4.0), np.ones((n, 1)), np.zeros((n, 1)))
    )
    up = rng.random((n, 1)) < 0.5
    hurry = rng.uniform(1.6, 2.5, (n, 1)) ** np.where(up, 1, -1)
    pace = np.where(inside & (kinds == "frequency")[:, None], hurry, 1.0) * cycles / length
    swell = np.where(up, rng.uniform(0.8, 1.5, (n, 1)), rng.uniform(-0.95, -0.67, (n, 1)))
    gain = 1 + swell * np.sin(np.pi * progress) ** 2 * (kinds == "amplitude")[:, None]
    turned = np.cumsum(pace, axis=1) - pace
    return gain * height * np.sin(2 * np.pi * (turned + phase))


def _planted(
    rng: Generator, variant: Variant, kinds: NDArray[np.str_], inside: NDArray[np.bool_], progress: Values
) -> Values:
    """What spikes, noise, drifts and trends add to the waves (n_windows, length)."""
    n, length = inside.shape
    kind = kinds[:, None]
    slope = progress * rng.uniform(1, 2, (n, 1))
    burst = rng.uniform(*BURST[variant], (n, 1)) * rng.normal(size=(n, length))
    spike = rng.uniform(*SPIKE[variant], (n, length)) * rng.choice([-1.0, 1.0], (n, length))
    added = np.select(
        [kind == "spike", kind == "noise", (kind == "drift") | (kind == "trend")], [spike, burst, slope]
    )
    return added * inside
