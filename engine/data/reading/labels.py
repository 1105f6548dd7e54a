"""Column names made safe to show and unique, whatever the file calls its columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from engine.data.reading.distinct import shortened
from engine.data.reading.types import Finding

_LONGEST = 120
# control characters, zero-width marks, and marks that turn the reading direction around
_UNSAFE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)


def safe_label(name: str) -> str:
    """One name without anything invisible, at most 120 characters."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    name = " ".join(_UNSAFE.sub(" ", name).split())
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…"


def labelled(names: Sequence[str], *, has_header: bool) -> tuple[list[str], list[Finding]]:
    """Unique labels in the order of ``names``, and what had to be changed."""
    labels: list[str] = []
    findings: list[Finding] = []
    taken = {safe_label(name) for name in names}
    used: set[str] = set()
    for position, name in enumerate(names, 1):
        label = wanted = safe_label(name) or f"column_{position}"
        suffix = 1
        while label in used or (label != wanted and label in taken):
            suffix += 1
            label = f"{wanted[: _LONGEST - 8]}_{suffix}"
        used.add(label)
        labels.append(label)
        if has_header and label != name.strip():
            findings.append(_renamed(name, label, position))
    if len(findings) > 8:
        rest = len(findings) - 7
        findings = findings[:7]
        findings.append(
            Finding(kind="names", text=f"{rest} more column names were empty, repeated or too long.")
        )
    return labels, findings


def _renamed(name: str, label: str, position: int) -> Finding:
    shown = shortened(safe_label(name))
    if not shown:
        sentence = f"Column {position} has no name; it is called '{label}'."
    elif safe_label(name) == label:
        sentence = f"The name of column {position} was cleaned or shortened to '{shown}'."
    else:
        sentence = f"The name '{shown}' occurs twice; column {position} is called '{shortened(label)}'."
    return Finding(kind="names", text=sentence, column=label)
