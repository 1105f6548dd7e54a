"""Signals of equal length with what several features need of them, worked out once and only when asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engine.data.vibration.settings import Band, Settings

Array = NDArray[np.float64]


class Signals:
    """Finite signals x (n_signals, n_samples), all recorded at the same rate.

    Time-domain moments are about zero unless they are called central; spectra are of the signal about its mean.
    """

    def __init__(self, x: Array, settings: Settings) -> None:
        self.x = x
        self.settings = settings

    @property
    def n_samples(self) -> int:
        return self.x.shape[1]

    @property
    def seconds(self) -> float:
        """How long each signal lasts."""
        return self.n_samples / self.settings.rate

    # ---- over time: each (n_signals,) unless said otherwise

    @cached_property
    def mean(self) -> Array:
        return self.x.mean(axis=1)

    @cached_property
    def centred(self) -> Array:
        """The signals about their means (n_signals, n_samples); exactly 0 where nothing moves."""
        moves = np.ptp(self.x, axis=1) > 0
        return (self.x - self.mean[:, None]) * moves[:, None]

    @cached_property
    def magnitude(self) -> Array:
        """|x|, (n_signals, n_samples)."""
        return np.abs(self.x)

    @cached_property
    def std(self) -> Array:
        return np.sqrt(np.square(self.centred).mean(axis=1))

    @cached_property
    def rms(self) -> Array:
        return np.sqrt(np.square(self.x).mean(axis=1))

    @cached_property
    def peak(self) -> Array:
        return self.magnitude.max(axis=1)

    @cached_property
    def mean_abs(self) -> Array:
        return self.magnitude.mean(axis=1)

    @cached_property
    def root_amplitude(self) -> Array:
        return np.square(np.sqrt(self.magnitude).mean(axis=1))

    @cached_property
    def standardised(self) -> Array:
        """The signals about their means in standard deviations (n_signals, n_samples); NaN where nothing moves."""
        return ratio(self.centred, self.std[:, None])

    # ---- over frequency: each (n_signals, n_lines) unless said otherwise

    @cached_property
    def hertz(self) -> Array:
        """The frequencies of the lines (n_lines,), from 0 to half the rate."""
        return np.asarray(fft.rfftfreq(self.n_samples, 1 / self.settings.rate))

    @cached_property
    def spectrum(self) -> NDArray[np.complex128]:
        return np.asarray(fft.rfft(self.centred, axis=1))

    @cached_property
    def power(self) -> Array:
        """The mean square that each line adds: together the variance (Parseval). Line 0 went with the mean."""
        squared = np.square(self.spectrum.real) + np.square(self.spectrum.imag)
        squared *= 2 / self.n_samples**2  # a line stands for itself and its mirror image
        squared[:, 0] = 0.0
        if self.n_samples % 2 == 0:
            squared[:, -1] /= 2  # half the rate has no mirror image
        return squared

    @cached_property
    def share(self) -> Array:
        """Each line's share of the power; NaN where nothing moves."""
        return ratio(self.power, self.power.sum(axis=1, keepdims=True))

    @cached_property
    def centroid(self) -> Array:
        return self.share @ self.hertz

    def energy_between(self, band: Band) -> Array:
        """Mean square times time of the lines from ``low`` up to, but not at, ``high`` (n_signals,)."""
        return self.power[:, self._lines(band)].sum(axis=1) * self.seconds

    @cached_property
    def envelope_spectrum(self) -> Array:
        """Amplitudes of the envelope's lines: how strongly what rings in the band swells and fades, how often.

        Band-pass, Hilbert transform and magnitude in one: only the band's positive frequencies are kept, twice as
        high, and turned back. Source: Randall and Antoni (2011), section 4.
        """
        lines = self._lines(self.settings.ringing_band)
        analytic = np.zeros(self.x.shape, dtype=np.complex128)
        analytic[:, : len(self.hertz)][:, lines] = 2 * self.spectrum[:, lines]
        envelope = np.abs(fft.ifft(analytic, axis=1))
        envelope -= envelope.mean(axis=1, keepdims=True)
        return np.abs(fft.rfft(envelope, axis=1)) * (2 / self.n_samples)

    def envelope_near(self, hertz: float) -> Array:
        """The envelope spectrum's highest amplitude within the tolerance, or one line, of a frequency (n_signals,)."""
        reach = max(self.settings.tolerance * hertz, self.settings.rate / self.n_samples)
        first = np.searchsorted(self.hertz, hertz - reach, side="left")
        beyond = np.searchsorted(self.hertz, hertz + reach, side="right")
        # Line 0 is the envelope's mean, no swelling.
        return self.envelope_spectrum[:, max(1, first) : beyond].max(axis=1)

    def _lines(self, band: Band) -> slice:
        """The lines of a band; the last band also has the line at half the rate."""
        low, high = np.searchsorted(self.hertz, band)
        return slice(int(low), len(self.hertz) if band[1] >= self.settings.nyquist else int(high))


def ratio(above: Array, below: Array) -> Array:
    """A quotient, NaN where the divisor is 0: what cannot be said of a signal at rest is missing."""
    below = np.broadcast_to(below, above.shape)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
