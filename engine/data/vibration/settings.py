"""What has to be known of a recording to measure it: its rate, and which frequencies are of interest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import UsageError

Band = tuple[float, float]  # Hz, from and up to

N_BANDS = 4
HARMONICS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The choices behind a table of features. All frequencies in Hz.

    ``bands`` are those whose energy is measured, None for four equal ones up to half the rate. ``faults`` gives
    the frequencies looked for in the envelope spectrum a name. ``envelope_band`` is where blows make the housing
    ring, None for the middle half of the spectrum. ``tolerance`` is the share by which a fault's frequency may be
    off, as balls slip.
    """

    rate: float
    bands: tuple[Band, ...] | None = None
    faults: Mapping[str, float] = field(default_factory=dict)
    envelope_band: Band | None = None
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise UsageError(f"the sampling rate must be above 0 samples a second, got {self.rate:g}")
        if not 0 <= self.tolerance < 0.5:
            raise UsageError(f"the tolerance must be a share from 0 to below 0.5, got {self.tolerance:g}")
        for low, high in (*self.energy_bands, self.ringing_band):
            if not 0 <= low < high <= self.nyquist:
                raise UsageError(
                    f"a band must lie between 0 and half the sampling rate, {self.nyquist:g} Hz, "
                    f"got {low:g} to {high:g} Hz"
                )
        for name, hertz in self.faults.items():
            if not 0 < hertz < self.nyquist:
                raise UsageError(
                    f"the fault frequency '{name}' must lie above 0 and below half the sampling rate, "
                    f"{self.nyquist:g} Hz, got {hertz:g} Hz"
                )

    @property
    def nyquist(self) -> float:
        """The highest frequency that samples at this rate can hold."""
        return self.rate / 2

    @property
    def energy_bands(self) -> tuple[Band, ...]:
        if self.bands is not None:
            return self.bands
        return tuple((self.nyquist * i / N_BANDS, self.nyquist * (i + 1) / N_BANDS) for i in range(N_BANDS))

    @property
    def ringing_band(self) -> Band:
        return self.envelope_band or (self.nyquist / 4, self.nyquist * 3 / 4)

    def check_length(self, n_samples: int) -> None:
        """Raise where so few samples cannot tell a fault's frequency from none at all."""
        resolution = self.rate / n_samples
        for name, hertz in self.faults.items():
            if hertz < resolution:
                raise UsageError(
                    f"the fault frequency '{name}' of {hertz:g} Hz needs at least "
                    f"{math.ceil(self.rate / hertz):,} samples at a time, got {n_samples:,}; "
                    "take longer windows, or leave it out"
                )
