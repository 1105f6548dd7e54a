"""What a visitor looks at in a series, and which events count: kept in the session, written into the address."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MOST_BRIDGED = 100_000  # readings; also the most that the shortest event may have


@dataclass
class View:
    """A channel of an entity, a window of time in it, and the choices that make events of flagged readings."""

    entity: str | None = None
    channel: str | None = None
    start: float | None = None  # of the window, in seconds since 1970 or in steps
    end: float | None = None
    bridge: int = 0  # readings between two events that are one
    shortest: int = 1  # readings
    above: float = 0.0  # severity
    jumps: int = 0  # how often the page itself moved the window: each time a fresh brush

    @property
    def window(self) -> tuple[float, float] | None:
        """From when to when a closer look goes; None for none."""
        return None if self.start is None or self.end is None else (self.start, self.end)

    @property
    def choices(self) -> tuple[int, int, float]:
        """What makes events: readings to bridge, the fewest readings, the severity to exceed."""
        return self.bridge, self.shortest, self.above

    def look(self, start: float, end: float) -> None:
        """Look closer at a stretch of time, drawn by the reader."""
        self.start, self.end = min(start, end), max(start, end)

    def jump(self, start: float, end: float) -> None:
        """Look closer at a stretch of time that was not drawn in the overview."""
        self.look(start, end)
        self.jumps += 1

    def keep_within(self, first: float, last: float) -> None:
        """Cut the window to the times there are; one that lies elsewhere is none."""
        if self.start is None or self.end is None:
            return
        if self.end < first or self.start > last:
            self.start = self.end = None
        else:
            self.start, self.end = max(self.start, first), min(self.end, last)

    def whole(self) -> None:
        """Look at the whole again."""
        self.start = self.end = None
        self.jumps += 1

    def as_address(self) -> dict[str, str]:
        """What differs from what a page shows at first, as the address says it."""
        said = {"entity": self.entity or "", "channel": self.channel or ""}
        if self.window is not None:
            said |= {"from": repr(float(self.window[0])), "to": repr(float(self.window[1]))}
        said |= {"merge": str(self.bridge) if self.bridge else ""}
        said |= {"shortest": str(self.shortest) if self.shortest > 1 else ""}
        said |= {"above": repr(float(self.above)) if self.above else ""}
        return {key: value for key, value in said.items() if value}

    @classmethod
    def from_address(cls, seen: Mapping[str, str]) -> View:
        """What an address says; what makes no sense is as at first."""
        view = cls(entity=seen.get("entity"), channel=seen.get("channel"))
        start, end = _number(seen.get("from")), _number(seen.get("to"))
        if start is not None and end is not None:
            view.look(start, end)
        view.bridge = int(min(max(_number(seen.get("merge")) or 0, 0), MOST_BRIDGED))
        view.shortest = int(min(max(_number(seen.get("shortest")) or 1, 1), MOST_BRIDGED))
        view.above = min(max(_number(seen.get("above")) or 0.0, 0.0), 100.0)
        return view


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
