"""Labels as a training learns from them: frozen in a file named by its content, and as a column of the table.

What is labelled later changes neither the file nor the training, which can so be repeated.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import NORMAL_WORDS, Role, Roles, as_binary
from engine.errors import DataError, StoreError
from engine.files import make_folder, read_plain_file, write_atomically

if TYPE_CHECKING:
    from engine.labels.current import Labels

GIVEN = "labels given in Loupe"
MOST_BYTES = 64 << 20
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class FrozenLabels:
    """The labels of one data set at one moment: of each row whether it is an anomaly, and which."""

    dataset: str
    rows: Sequence[int]
    anomalies: Sequence[bool]
    classes: Sequence[str]  # empty where none was said


def freeze_labels(folder: Path, dataset: str, labels: Labels) -> str:
    """Keep the labels that say something in ``folder``; the name to find them by, the same for the same labels."""
    said = [
        (row, label) for row in labels.events if (label := labels.of(row)) and label.answer == label.answer
    ]
    if not any(label.answer for _, label in said):
        raise DataError(
            "no row is labelled an anomaly, so there is nothing to learn from; label some rows first"
        )
    kept = {
        "dataset": dataset,
        "rows": [row for row, _ in said],
        "anomalies": [bool(label.answer) for _, label in said],
        "classes": [label.class_name for _, label in said],
    }
    content = json.dumps(kept, sort_keys=True).encode()
    name = hashlib.sha256(content).hexdigest()
    make_folder(folder)
    if not (folder / f"{name}.json").exists():
        write_atomically(folder / f"{name}.json", content)
    return name


def thawed_labels(folder: Path, name: str) -> FrozenLabels:
    """The labels kept under a name; a :class:`StoreError` where they are gone or damaged."""
    gone = (
        "the labels this training was to learn from are no longer stored; choose it again on the page Detect"
    )
    if not _NAME.fullmatch(name):
        raise StoreError(gone)
    try:
        content = read_plain_file(folder / f"{name}.json", limit=MOST_BYTES) or b""
        if hashlib.sha256(content).hexdigest() != name:
            raise StoreError("the labels this training was to learn from are damaged; choose it again")
        return FrozenLabels(**json.loads(content))
    except (OSError, ValueError, TypeError) as problem:
        raise StoreError(gone) from problem


def with_labels(
    frame: pd.DataFrame, roles: Roles, given: FrozenLabels, *, beside: bool, named: bool
) -> tuple[pd.DataFrame, Roles]:
    """The table with the labels as its label column, and its roles: what a training with a label column takes.

    The table's own label column is set aside; with ``beside`` it still speaks for the rows nobody labelled. Rows read
    'anomaly' or 'normal'; for a detector that names classes (``named``), anomalies read as their class, and where the
    own column speaks, too, all is said in its words.
    """
    name = GIVEN
    while name in frame.columns:
        name += "'"
    rows = np.asarray(given.rows, dtype=np.int64)
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(frame):
        raise StoreError("the labels are of other data; choose the training again on the page Detect")
    own = frame[roles.label] if beside and roles.label is not None else None
    words, normal, anomaly = _words(own, len(frame), named)
    words[rows] = np.where(np.asarray(given.anomalies, dtype=bool), anomaly, normal).astype(object)
    if named and (words == normal).any():  # without a normal row nobody can tell which word means normal
        for row, class_name in zip(given.rows, given.classes, strict=True):
            if class_name and class_name.lower() not in NORMAL_WORDS:
                words[row] = class_name
    columns: dict[str, Role] = {
        column: "ignore" if role == "label" else role for column, role in roles.columns.items()
    }
    told = frame.assign(**{name: pd.Series(words, index=frame.index, dtype=object)})
    return told, Roles({**columns, name: "label"}, roles.kind)


def _words(own: pd.Series | None, rows: int, named: bool) -> tuple[NDArray[Any], str, str]:
    """What the own column says of each row (n_rows,), None for nothing; the words for normal and for an anomaly."""
    words = np.full(rows, None, dtype=object)
    if own is None:
        return words, "normal", "anomaly"
    answers, known = as_binary(own)[0], own.notna().to_numpy()
    if not named:
        words[known] = np.where(answers[known] == 1, "anomaly", "normal")
        return words, "normal", "anomaly"
    words[known] = own[known].astype(str).to_numpy(dtype=object)
    normal, odd = pd.Series(words[answers == 0]).value_counts(), set(words[answers == 1])
    return words, str(normal.index[0]) if len(normal) else "normal", odd.pop() if len(odd) == 1 else "anomaly"
