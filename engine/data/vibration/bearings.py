"""How often the parts of a rolling bearing meet a fault, from its geometry and the speed of its shaft."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Bearing:
    """The geometry of a rolling bearing. Both diameters in one unit; the contact angle in degrees."""

    n_balls: int
    ball_diameter: float
    pitch_diameter: float
    contact_angle: float = 0.0

    def __post_init__(self) -> None:
        if self.n_balls < 1:
            raise UsageError(f"a bearing must have at least one ball or roller, got {self.n_balls}")
        if not 0 < self.ball_diameter < self.pitch_diameter < math.inf:
            raise UsageError(
                "the ball diameter must be above 0 and below the pitch diameter, "
                f"got {self.ball_diameter:g} and {self.pitch_diameter:g}"
            )
        if not 0 <= self.contact_angle < 90:
            raise UsageError(
                f"the contact angle must be from 0 to below 90 degrees, got {self.contact_angle:g}"
            )


def fault_frequencies(bearing: Bearing, shaft_rpm: float) -> dict[str, float]:
    """The four characteristic frequencies in Hz: inner race turning at ``shaft_rpm`` (1/min), outer race at rest.

    With shaft frequency f = rpm / 60, n balls of diameter d on a pitch circle D and contact angle φ::

        bpfo = n f / 2 (1 - d/D cos φ)      a ball passes a fault of the outer race
        bpfi = n f / 2 (1 + d/D cos φ)      a ball passes a fault of the inner race
        bsf  = D f / (2 d) (1 - (d/D cos φ)²)   a ball turns round; its fault meets a race twice in that time
        ftf  = f / 2 (1 - d/D cos φ)        the cage turns round

    Slip makes the true ones differ by 1 to 2 %. Source: Randall and Antoni, "Rolling element bearing
    diagnostics: a tutorial" (2011), equations 1 to 4.
    """
    if not 0 < shaft_rpm < math.inf:
        raise UsageError(f"the speed of the shaft must be above 0 turns a minute, got {shaft_rpm:g}")
    shaft_hz = shaft_rpm / 60
    ratio = bearing.ball_diameter / bearing.pitch_diameter * math.cos(math.radians(bearing.contact_angle))
    return {
        "bpfo": bearing.n_balls / 2 * (1 - ratio) * shaft_hz,
        "bpfi": bearing.n_balls / 2 * (1 + ratio) * shaft_hz,
        "bsf": bearing.pitch_diameter / (2 * bearing.ball_diameter) * (1 - ratio**2) * shaft_hz,
        "ftf": 0.5 * (1 - ratio) * shaft_hz,
    }
