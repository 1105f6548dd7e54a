"""What may be said of a row: a verdict, the class of an anomaly, a tag and a note."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields
from typing import Literal, get_args

from engine.errors import UsageError

Verdict = Literal["anomaly", "normal", "unsure", "cleared"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
VERDICT_WORDS: dict[Verdict, str] = {
    "anomaly": "anomaly",
    "normal": "normal",
    "unsure": "not sure",
    "cleared": "no label",
}
LONGEST = {"class_name": 80, "tag": 80, "note": 2_000}  # characters


@dataclass(frozen=True, kw_only=True)
class Label:
    """One label. ``cleared`` takes away what was said before; a class is one of anomalies."""

    verdict: Verdict
    class_name: str = ""
    tag: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise UsageError(f"a label must be one of {', '.join(VERDICTS)}, got '{self.verdict}'")
        for name, most in LONGEST.items():
            text = plain_text(getattr(self, name))
            if len(text) > most:
                what = name.removesuffix("_name")
                raise UsageError(f"a {what} may have {most:,} characters, got {len(text):,}; shorten it")
            object.__setattr__(self, name, text)
        if self.class_name and self.verdict != "anomaly":
            raise UsageError(
                f"a class names a kind of anomaly, and this row is labelled {VERDICT_WORDS[self.verdict]}; "
                "leave the class out"
            )

    @property
    def words(self) -> str:
        """The label as people read it: 'anomaly (theft)'."""
        return VERDICT_WORDS[self.verdict] + (f" ({self.class_name})" if self.class_name else "")

    @property
    def answer(self) -> float:
        """1 for an anomaly, 0 for a normal row, NaN where nobody is sure."""
        return {"anomaly": 1.0, "normal": 0.0}.get(self.verdict, float("nan"))

    def as_dict(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def plain_text(text: str) -> str:
    """A text on one line, without control characters and those that change the direction of writing."""
    one_line = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(ch for ch in one_line if unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
