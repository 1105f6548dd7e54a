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

from engine.data.roles import NORMAL_WORDS, Role, Roles, as_binary
from engine.errors import DataError, StoreError
from engine.files import make_folder, read_plain_file, write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from engine.labels.current import Labels

LABEL_COLUMN = "labels given in Loupe"
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
    frame: pd.DataFrame, roles: Roles, given: FrozenLabels, *, beside: bool
) -> tuple[pd.DataFrame, Roles]:
    """The table with the labels as its label column, and its roles: what a training with a label column takes.

    The table's own label column is set aside; with ``beside`` it still speaks for the rows nobody labelled.
    """
    import pandas as pd

    name = LABEL_COLUMN
    while name in frame.columns:
        name += "'"
    answers = np.full(len(frame), np.nan)
    if beside and roles.label is not None:
        answers = as_binary(frame[roles.label])[0].copy()
    rows = np.asarray(given.rows, dtype=np.int64)
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(frame):
        raise StoreError("the labels are of other data; choose the training again on the page Detect")
    answers[rows] = np.asarray(given.anomalies, dtype=float)
    columns: dict[str, Role] = {
        column: "ignore" if role == "label" else role for column, role in roles.columns.items()
    }
    told: Any = answers
    if any(given.classes) and (answers == 0).any():
        told = np.select([answers == 1, answers == 0], ["anomaly", "normal"], default="").astype(object)
        told[answers != answers] = None
        for row, class_name in zip(given.rows, given.classes, strict=True):
            if class_name and class_name.lower() not in NORMAL_WORDS:
                told[row] = class_name
    return frame.assign(**{name: pd.Series(told, index=frame.index)}), Roles(
        {**columns, name: "label"}, roles.kind
    )
