"""The parts of a report about classes: of the rows that are listed, and how well they are named on rows held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import charts
from engine.class_evaluation import ClassEvaluation
from engine.reporting.content import Block, Column, Figure, Table, Text
from engine.reporting.subject import Subject
from engine.scoring.wording import percent

SHORTEST_KEPT = 3  # decimals of a share from 0 to 1


def class_columns(subject: Subject, rows: list[int]) -> list[Column]:
    """A column with the class of some rows, in words; none of a model that names no classes."""
    classes = subject.result.classes
    return [] if classes is None else [Column(title="Class", values=[classes.shown(row) for row in rows])]


def named_classes(subject: Subject) -> list[Block]:
    """How well classes are named: where it was measured, the matrix, each class, and plain classifiers beside."""
    if subject.result.classes is None:
        return []
    blocks: list[Block] = [Text("Classes", "heading")]
    kept = subject.class_evaluation
    if kept is None or kept.why:
        why = "nobody knows the true classes of this data" if kept is None else kept.why
        return [*blocks, Text(f"How well classes are named was not measured: {why}.")]
    own = kept.contestants[0]
    confusion = np.array(own["confusion"], dtype=np.int64)
    drawn = charts.class_confusion(own["names"], confusion, theme="light")
    return [
        *blocks,
        Text(_in_a_sentence(kept), "lead"),
        Table(title="Classes, one by one", columns=_by_class(own)),
        Table(title="Classes, beside plain classifiers", columns=_contestants(kept)),
        Figure(title="Which class is taken for which", chart=drawn),
        Text(_calibration(own), "small"),
    ]


def _in_a_sentence(kept: ClassEvaluation) -> str:
    own = kept.contestants[0]
    said = (
        f"Of {kept.held_out:,} rows held out {percent(own['accuracy'])} are named rightly; macro-F1 is "
        f"{own['macro_f1']:.3f}."
    )
    if not kept.learned:
        return f"{said} The model learned from other data; the true classes stand in '{kept.column}'."
    return (
        f"{said} A twin of the model, and the plain classifiers, learned from {kept.learned:,} other labelled rows, "
        "and nothing was told of these."
    )


def _by_class(own: dict[str, Any]) -> list[Column]:
    shown = [one for one in own["classes"] if one["rows"] or one["named"]]
    figures = {
        "Precision": "precision",
        "Recall": "recall",
        "F1": "f1",
        "Average precision": "average_precision",
    }
    return [
        Column(title="Class", values=[one["name"] for one in shown]),
        Column(title="Rows held out", values=[one["rows"] for one in shown]),
        Column(title="Named so", values=[one["named"] for one in shown]),
        *(
            Column(title=title, values=[one[key] for one in shown], digits=SHORTEST_KEPT)
            for title, key in figures.items()
        ),
    ]


def _contestants(kept: ClassEvaluation) -> list[Column]:
    figures = {"Accuracy": "accuracy", "Macro-F1": "macro_f1", "Calibration error": "calibration_error"}
    return [
        Column(title="Learned by", values=[each["title"] for each in kept.contestants]),
        *(
            Column(title=title, values=[each[key] for each in kept.contestants], digits=SHORTEST_KEPT)
            for title, key in figures.items()
        ),
    ]


def _calibration(own: dict[str, Any]) -> str:
    before, after = own["before"]["calibration_error"], own["calibration_error"]
    return (
        f"Probabilities are off by {percent(after)} on average, {percent(before)} without calibration (temperature "
        f"{own['temperature']:.2f}, chosen on labelled rows kept from learning)."
    )
