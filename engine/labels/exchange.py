"""Labels to take away and labels brought: CSV files, our own and those of other programs.

Brought are ``series,timestamp,value,label`` as annotation programs write it, an id and a label, or a row number and a
label; a label is 1 and 0, -1 and 1 (where -1 is the anomaly, as in scikit-learn), a word, or the name of a class.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.data.reading import Finding
from engine.data.roles import ANOMALY_WORDS, NORMAL_WORDS
from engine.errors import DataError
from engine.labels.current import give_labels
from engine.labels.identity import identities, key_columns
from engine.labels.matching import Matching
from engine.labels.verdicts import VERDICT_WORDS, Label, Verdict

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.labels.current import Labels
    from engine.labels.ledger import LabelLedger

MOST_BYTES = 50_000_000
SAID = ("label", "class", "tag", "note")
NAMES = (
    "label",
    "verdict",
    "is_anomaly",
    "anomaly",
    "y",
    "class",
    "target",
)  # of the column of labels, in this order
UNSURE_WORDS = {"unsure", "not sure", "unknown", "maybe", "?"}
OURS = ("dataset", "row", "label", "class", "tag", "note", "who", "when", "model")  # columns of our own files
WORDS: dict[str, Verdict] = {word: verdict for verdict, word in VERDICT_WORDS.items() if verdict != "cleared"}


def labels_csv(labels: Labels, dataset: Dataset) -> bytes:
    """The labels of a data set as a CSV file that :func:`brought` reads again; texts no spreadsheet will run."""
    import pandas as pd

    from engine.report import result_bytes

    rows = list(labels.events)
    named = identities(dataset, rows) if rows else {}
    columns = {name: f"{name} (data)" if name in OURS else name for name in key_columns(dataset.roles)}
    lines = []
    for row, event in labels.events.items():
        assert event.label is not None
        names = named[row].names
        lines.append(
            {
                "dataset": dataset.id,
                "row": row + 1,
                **{shown: names.get(name) for name, shown in columns.items()},
                "label": VERDICT_WORDS[event.label.verdict],
                "class": event.label.class_name,
                "tag": event.label.tag,
                "note": event.label.note,
                "who": event.who,
                "when": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds"),
                "model": event.model,
            }
        )
    order = [*OURS[:2], *columns.values(), *OURS[2:]]
    return result_bytes(".csv", pd.DataFrame(lines, columns=order), {})


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What a file says of the rows of a data set, and what was noticed on the way."""

    labels: Mapping[int, Label]
    findings: Sequence[Finding]
    act: str  # the same for the same file and data set: brought twice, it counts once


def brought(content: bytes, dataset: Dataset) -> Brought:
    """Read labels for a data set from a CSV file; one that has none for it is a :class:`DataError`."""
    header, lines = _lines(content)
    known = (*NAMES, (dataset.roles.label or "").lower())
    column = next((name for name in known if name and name in header), None)
    if column is None:
        raise DataError(
            "a file of labels must have a column 'label' (or 'is_anomaly', 'class', …), found the columns "
            f"{', '.join(map(repr, header[:12]))}; rename the one with the labels"
        )
    matching = Matching.of(header, dataset)
    findings = [Finding(kind="matching", text=matching.words)]
    said, understood = _labels([line[column] for line in lines])
    findings += understood
    places, unplaced = matching.rows(lines)
    findings += unplaced
    labels: dict[int, Label] = {}
    for line, label, rows in zip(lines, said, places, strict=True):
        for row in rows:
            if label is not None:
                labels[row] = _stronger(labels.get(row), _with_rest(label, line, column))
    if not labels:
        raise DataError(
            "no line of the file has a label for a row of this data; " + " ".join(f.text for f in findings)
        )
    act = hashlib.sha256(content + dataset.id.encode()).hexdigest()[:40]
    return Brought(labels=labels, findings=findings, act=f"file-{act}")


def bring_labels(ledger: LabelLedger, dataset: Dataset, content: bytes, *, who: str) -> tuple[int, Brought]:
    """Save the labels of a file, once however often it is brought; how many are new, and what the file said."""
    found = brought(content, dataset)
    act, again = found.act, 1
    while ledger.withdrawn(act):  # it was undone, and is wanted after all
        again += 1
        act = f"{found.act}-{again}"
    return give_labels(ledger, dataset, found.labels, act=act, who=who), replace(found, act=act)


def _lines(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The header in lower case, and each line by its names."""
    if len(content) > MOST_BYTES:
        raise DataError(f"a file of labels may have {MOST_BYTES // 1_000_000} MB; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as problem:
        raise DataError(f"the file of labels is no CSV ({problem}); save it as CSV again") from None
    header = [_unescaped(name).strip().lower() for name in table[0]] if table else []
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            f"the columns of a file of labels must differ, '{twice[0]}' is there twice; rename one"
        )
    cells = [[_unescaped(cell.strip()) for cell in line] for line in table[1:] if any(map(str.strip, line))]
    if not cells:
        raise DataError("the file of labels has no line below its header; choose another file")
    width = len(header)
    return header, [dict(zip(header, (line + [""] * width)[:width], strict=True)) for line in cells]


def _unescaped(text: str) -> str:
    """A text without the apostrophe that keeps a spreadsheet from running it."""
    import pyarrow as pa

    from engine.cells import risky

    escaped = text.startswith("'") and risky(pa.array([text[1:]], pa.large_string()))[0].as_py()
    return text[1:] if escaped else text


def _labels(texts: Sequence[str]) -> tuple[list[Label | None], list[Finding]]:
    """The label of each line, None for an empty cell; and how they were understood."""
    plain = [text.lower().removesuffix(".0") for text in texts]
    values = set(plain) - {""}
    if "-1" in values and values <= {"1", "-1"}:
        signs: dict[str, Verdict] = {"-1": "anomaly", "1": "normal"}
        said = "'-1' was taken for an anomaly and '1' for a normal row, as in scikit-learn."
        return [Label(verdict=signs[text]) if text else None for text in plain], [
            Finding(kind="labels", text=said)
        ]
    understood: dict[str, Label | None] = {"": None}
    for text, word in zip(texts, plain, strict=True):
        understood.setdefault(word, _label(text, word))
    classes = sorted({label.class_name for label in understood.values() if label and label.class_name})
    findings = []
    if classes:
        named = ", ".join(f"'{name}'" for name in classes[:8]) + (" …" if len(classes) > 8 else "")
        findings.append(Finding(kind="labels", text=f"Taken for classes of anomalies: {named}."))
    return [understood[word] for word in plain], findings


def _label(text: str, word: str) -> Label:
    if word in WORDS:
        return Label(verdict=WORDS[word])
    if word in UNSURE_WORDS:
        return Label(verdict="unsure")
    if word in NORMAL_WORDS:
        return Label(verdict="normal")
    return Label(verdict="anomaly", class_name="" if word in ANOMALY_WORDS else text)


def _with_rest(label: Label, line: Mapping[str, str], column: str) -> Label:
    """A label with the class, tag and note that stand beside it."""
    beside = "" if column == "class" or label.verdict != "anomaly" else line.get("class", "")
    return Label(
        verdict=label.verdict,
        class_name=label.class_name or beside,
        tag=line.get("tag", ""),
        note=line.get("note", ""),
    )


def _stronger(before: Label | None, label: Label) -> Label:
    """Of two labels for one row, as of two channels of one reading, the anomaly; else the later."""
    return (
        before if before is not None and before.verdict == "anomaly" and label.verdict != "anomaly" else label
    )
