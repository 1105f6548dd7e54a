"""What may be chosen of a report: its sections, a title, an author and a note. Costs nothing to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from engine.errors import UsageError

REPORT_SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "summary": "What was done",
        "data": "The data",
        "threshold": "The threshold and what it flags",
        "rows": "The most unusual rows",
        "events": "Events",
        "evaluation": "Evaluation",
        "limits": "Limits and drift",
        "model": "Model card",
        "reproduce": "How to get the same again",
    }
)
"""Every section by its key, in the order of the report. Events are there for a series only."""

REPORT_FORMATS = (".html", ".xlsx")
LONGEST_LINE, LONGEST_NOTE = 200, 5_000  # characters of a title or an author, and of a note


@dataclass(frozen=True, kw_only=True)
class ReportChoices:
    """What somebody wants of a report. Empty: the report finds a title itself, and names no author."""

    title: str = ""
    author: str = ""
    note: str = ""
    sections: Sequence[str] = tuple(REPORT_SECTIONS)

    def __post_init__(self) -> None:
        unknown = [key for key in self.sections if key not in REPORT_SECTIONS]
        if unknown:
            known = ", ".join(REPORT_SECTIONS)
            raise UsageError(f"a report's sections must be some of {known}, got '{unknown[0]}'; leave it out")
        if not self.sections:
            raise UsageError("a report must have a section, got none; choose one at least")
        for name, limit in (("title", LONGEST_LINE), ("author", LONGEST_LINE), ("note", LONGEST_NOTE)):
            length = len(getattr(self, name))
            if length > limit:
                raise UsageError(
                    f"the {name} of a report may have {limit:,} characters, got {length:,}; shorten it"
                )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: ``ReportChoices(**values)`` is the same again."""
        return {**asdict(self), "sections": list(self.sections)}
