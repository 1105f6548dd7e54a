"""A model beside plain baselines on held-out readings with injected anomalies, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Self

from engine.errors import StoreError

MOST_CONTESTANTS = 10


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well scores rank injected anomalies above other readings; each 0 to 1."""

    average_precision: float
    roc_auc: float
    vus_pr: float  # forgives being a few readings early or late; by it contestants are compared


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A model and its baselines on injected anomalies. They are made up: these are no figures of real ones."""

    model: str  # its title, among the names of ``figures``
    figures: dict[str, Figures]  # the model first, then the baselines
    readings: int  # judged by all of them
    anomalous: int  # of these
    library: int  # version of the anomalies
    unseen: bool  # the model that was judged had not learned from these readings

    @property
    def best_baseline(self) -> str:
        """The baseline of the highest VUS-PR."""
        return max(
            (name for name in self.figures if name != self.model),
            key=lambda name: self.figures[name].vus_pr,
        )

    @property
    def beaten(self) -> bool:
        """Whether a baseline ranks the injected anomalies as well as the model, or better."""
        return self.figures[self.model].vus_pr <= self.figures[self.best_baseline].vus_pr

    @property
    def warning(self) -> str:
        """One sentence where the model does not beat a baseline; else empty."""
        if not self.beaten:
            return ""
        best, own = (self.figures[name].vus_pr for name in (self.best_baseline, self.model))
        return (
            f"On injected anomalies {self.model} does not beat a baseline: VUS-PR {own:.3f}, and "
            f"{best:.3f} for {self.best_baseline}"
        )

    @property
    def origin(self) -> str:
        """Where the figures come from, in words."""
        learned = (
            "a model of the same settings that had not learned from them"
            if self.unseen
            else "the model itself, which had learned from them before they were disturbed"
        )
        return (
            f"{self.readings:,} held-out readings, {self.anomalous:,} of them disturbed on purpose; judged by "
            f"{learned}. Baselines learned from the readings before. Made-up anomalies say little about real ones"
        )

    def rows(self) -> list[tuple[str, Figures]]:
        """The contestants, the best first."""
        return sorted(self.figures.items(), key=lambda row: -row[1].vus_pr)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """What :meth:`as_dict` gave; a :class:`StoreError` where it cannot be."""
        try:
            figures = {str(name): Figures(**told) for name, told in values["figures"].items()}
            found = cls(**{**{f.name: values[f.name] for f in fields(cls)}, "figures": figures})
        except (KeyError, TypeError, AttributeError):
            raise StoreError("its comparison on injected anomalies is damaged") from None
        if not _is_sound(found):
            raise StoreError("its comparison on injected anomalies is damaged")
        return found


def _is_sound(found: Comparison) -> bool:
    """Whether every entry is what it is taken for."""
    numbers = [number for told in found.figures.values() for number in asdict(told).values()]
    counts = (found.readings, found.anomalous, found.library)
    return (
        found.model in found.figures
        and 2 <= len(found.figures) <= MOST_CONTESTANTS
        and all(len(name) <= 100 for name in found.figures)
        and all(type(n) in (int, float) and isfinite(n) and 0 <= n <= 1 for n in numbers)
        and all(type(count) is int and count >= 0 for count in counts)
        and type(found.unseen) is bool
    )


def rounded(figures: Mapping[str, float]) -> Figures:
    """Figures to four digits: more say nothing, and would differ from one processor to the next."""
    return Figures(**{name: round(min(max(value, 0.0), 1.0), 4) for name, value in figures.items()})
