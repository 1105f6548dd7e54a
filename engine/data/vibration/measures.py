"""Every feature of a vibration signal, declared once: its name, meaning, formula, unit, and how it is worked out.

x is the signal of n samples at ``rate`` Hz, u its unit, x̄ its mean, σ its standard deviation; P_k is the power of
spectral line k at f_k Hz, as a share p_k. Time-domain definitions: Lei et al., "A new approach to intelligent fault
diagnosis of rotating machinery" (2008), table 1; spectral ones: Peeters, "A large set of audio features" (2004).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import entr

from engine.data.column_codes import IMPOSSIBLE
from engine.data.vibration.settings import HARMONICS, Band, Settings
from engine.data.vibration.signals import Array, Signals, ratio

FEWEST_SAMPLES = 16
ROLL_OFF = 0.85


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One feature: a number for each signal. ``of`` maps signals to (n_signals,); NaN where it has no meaning."""

    name: str
    meaning: str
    formula: str
    unit: str  # u = the unit of the signal; 1 = none
    of: Callable[[Signals], Array] = field(repr=False)


def _crossings(s: Signals) -> Array:
    above = s.centred >= 0
    return np.count_nonzero(above[:, 1:] != above[:, :-1], axis=1) / s.seconds


def _spread(s: Signals) -> Array:
    return np.sqrt((s.share * np.square(s.hertz - s.centroid[:, None])).sum(axis=1))


def _entropy(s: Signals) -> Array:
    return entr(s.share).sum(axis=1) / np.log(len(s.hertz) - 1)  # line 0 holds nothing


def _dominant(s: Signals) -> Array:
    return np.where(s.std > 0, s.hertz[s.power.argmax(axis=1)], np.nan)


def _roll_off(s: Signals) -> Array:
    reached = np.cumsum(s.power, axis=1) >= ROLL_OFF * s.power.sum(axis=1, keepdims=True)
    return np.where(s.std > 0, s.hertz[reached.argmax(axis=1)], np.nan)


TIME_DOMAIN = (
    Measure(name="mean", meaning="offset", formula="Σx / n", unit="u", of=lambda s: s.mean),
    Measure(
        name="std", meaning="standard deviation", formula="√(Σ(x - x̄)² / n)", unit="u", of=lambda s: s.std
    ),
    Measure(name="rms", meaning="overall level", formula="√(Σx² / n)", unit="u", of=lambda s: s.rms),
    Measure(name="mean_abs", meaning="mean magnitude", formula="Σ|x| / n", unit="u", of=lambda s: s.mean_abs),
    Measure(
        name="root_amplitude",
        meaning="level in which peaks count little",
        formula="(Σ√|x| / n)²",
        unit="u",
        of=lambda s: s.root_amplitude,
    ),
    Measure(name="peak", meaning="highest magnitude", formula="max|x|", unit="u", of=lambda s: s.peak),
    Measure(
        name="peak_to_peak",
        meaning="range",
        formula="max x - min x",
        unit="u",
        of=lambda s: np.ptp(s.x, axis=1),
    ),
    Measure(
        name="crest_factor",
        meaning="peak over level: first blows raise it",
        formula="peak / rms",
        unit="1",
        of=lambda s: ratio(s.peak, s.rms),
    ),
    Measure(
        name="shape_factor",
        meaning="level over mean magnitude",
        formula="rms / mean_abs",
        unit="1",
        of=lambda s: ratio(s.rms, s.mean_abs),
    ),
    Measure(
        name="impulse_factor",
        meaning="peak over mean magnitude",
        formula="peak / mean_abs",
        unit="1",
        of=lambda s: ratio(s.peak, s.mean_abs),
    ),
    Measure(
        name="clearance_factor",
        meaning="peak over root amplitude: highest for few sharp blows",
        formula="peak / root_amplitude",
        unit="1",
        of=lambda s: ratio(s.peak, s.root_amplitude),
    ),
    Measure(
        name="skewness",
        meaning="lopsidedness; 0 for a symmetric signal",
        formula="Σ(x - x̄)³ / (n σ³)",
        unit="1",
        of=lambda s: (s.standardised * np.square(s.standardised)).mean(axis=1),
    ),
    Measure(
        name="kurtosis",
        meaning="impulsiveness (Pearson); 3 for Gaussian noise, 1.5 for a sine",
        formula="Σ(x - x̄)⁴ / (n σ⁴)",
        unit="1",
        of=lambda s: np.square(np.square(s.standardised)).mean(axis=1),
    ),
    Measure(
        name="energy",
        meaning="square summed over time",
        formula="Σx² / rate",
        unit="u²·s",
        of=lambda s: np.square(s.rms) * s.seconds,
    ),
    Measure(
        name="zero_crossing_rate",
        meaning="how often the signal passes its mean",
        formula="crossings of x̄ · rate / n",
        unit="1/s",
        of=_crossings,
    ),
)

SPECTRAL = (
    Measure(
        name="spectral_centroid", meaning="mean frequency", formula="Σp f", unit="Hz", of=lambda s: s.centroid
    ),
    Measure(
        name="spectral_spread",
        meaning="width of the spectrum",
        formula="√(Σp (f - centroid)²)",
        unit="Hz",
        of=_spread,
    ),
    Measure(
        name="spectral_entropy",
        meaning="0 for one tone, 1 for a flat spectrum",
        formula="-Σp ln p / ln(number of lines)",
        unit="1",
        of=_entropy,
    ),
    Measure(
        name="dominant_frequency",
        meaning="the strongest line",
        formula="f of the highest P",
        unit="Hz",
        of=_dominant,
    ),
    Measure(
        name="roll_off",
        meaning=f"{ROLL_OFF:.0%} of the power lies at or below it",
        formula=f"lowest f with ΣP up to f ≥ {ROLL_OFF} ΣP",
        unit="Hz",
        of=_roll_off,
    ),
)


def declared(settings: Settings) -> tuple[Measure, ...]:
    """Every feature of one channel, in the order of the table's columns."""
    bands = [_band_energy(band) for band in settings.energy_bands]
    faults = [
        _fault_amplitude(name, harmonic, harmonic * hertz)
        for name, hertz in settings.faults.items()
        for harmonic in HARMONICS
        if harmonic * hertz < settings.nyquist
    ]
    return (*TIME_DOMAIN, *SPECTRAL, *bands, *faults)


def _band_energy(band: Band) -> Measure:
    low, high = (f"{edge:.10g}" for edge in band)
    return Measure(
        name=f"band_{low}_{high}hz_energy",
        meaning=f"energy from {low} up to {high} Hz; all bands together: that of x - x̄",
        formula="ΣP in the band · n / rate",
        unit="u²·s",
        of=lambda s: s.energy_between(band),
    )


def _fault_amplitude(name: str, harmonic: int, hertz: float) -> Measure:
    return Measure(
        name=f"{name}_{harmonic}x",
        meaning=f"blows at {hertz:.6g} Hz, {harmonic} × '{name}'",
        formula="highest amplitude near it in the envelope's spectrum",
        unit="u",
        of=lambda s: s.envelope_near(hertz),
    )


def measured(x: Array, settings: Settings) -> dict[str, Array]:
    """Each declared feature of signals (n_signals, n_samples) by name: (n_signals,).

    A signal with a missing or impossible sample (beyond ±1e15) has no features: all of them are NaN.
    """
    sound = (np.abs(x) <= IMPOSSIBLE).all(axis=1)
    signals = Signals(x[sound], settings)
    result = {}
    for measure in declared(settings):
        values = np.full(len(x), np.nan)
        values[sound] = measure.of(signals)
        result[measure.name] = values
    return result
