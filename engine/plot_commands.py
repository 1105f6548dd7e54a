"""What ``plot`` does: the charts of a training and of a model's scores against labels, as files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import (
    add_judging,
    add_per_entity,
    add_reading,
    add_store,
    json_text,
    note,
    pairs,
    progress,
    read,
    rule_of,
    store_of,
)
from engine.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from engine.charts import Chart
    from engine.checked import Checked
    from engine.model import Card
    from engine.store import ModelRef, ModelStore

FORMATS = ("png", "svg", "html")
TITLES = {
    "history": "Training history",
    "history_parts": "What the training loss adds up from",
    "roc": "ROC curve",
    "precision_recall": "Precision-recall curve",
    "scores": "Anomaly scores",
}
"""Every chart by the name of its file."""

LEVELLED = "Scores are moved in the charts so that the line of each row lies at the common threshold."


def add_commands(verbs: Any) -> None:
    """Add ``plot`` to the command line."""
    command = verbs.add_parser(
        "plot", help="draw training history, ROC, precision-recall and scores as files"
    )
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--model", required=True, metavar="NAME[@VERSION]")
    command.add_argument(
        "--output", required=True, type=Path, metavar="FOLDER", help="made if it is not there"
    )
    command.add_argument(
        "--label", metavar="COLUMN", help="known answers (default: the model's label column)"
    )
    add_judging(command)
    add_per_entity(command)
    command.add_argument(
        "--format", choices=FORMATS, default="png", help="default: png; html stays interactive"
    )
    add_reading(command)
    add_store(command)
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=plot)


def plot(options: argparse.Namespace) -> None:
    """Judge a file, and write every chart there is something for."""
    asked, mapping = rule_of(options), pairs(options.map, "--map")
    store = store_of(options)
    ref = store.resolve(options.model)
    frame, _ = read(options.data, options.read, warm=_needed(store, ref))
    from engine.analysis import judge
    from engine.charts import picture
    from engine.files import write_atomically
    from engine.group_lines import judged_by_group
    from engine.labelled import answers_of, blocks_of
    from engine.model import Model
    from engine.scoring.labelled_lines import told

    model = Model.load(store, ref)
    label = _label(options.label, frame, model.card)
    scores = model.judge(model.encode(frame, mapping), progress=progress).values
    rule = asked or model.card.default_rule
    labels = answers_of(label, frame, model.card) if rule.needs_labels else None
    seen = told(rule, scores, labels, blocks_of(frame, model.card, labels))
    if options.per_entity:
        judgement = judged_by_group(model, frame, scores, rule, mapping)
    else:
        judgement = judge(scores, model.card, rule, seen)
    if judgement.own is not None:
        note(f"{judgement.own.sentence} {LEVELLED}")
        scores = judgement.own.levelled(scores)
    progress(0.9, "Drawing")
    drawn, left_out = charts_of(
        model.card, scores, judgement.threshold, None if label is None else frame[label]
    )
    below, files = f"{options.data.name}, {model.card.id}", {}
    if judgement.own is not None:
        below += f", lines of their own by '{judgement.own.references.column}'"
    _make(options.output)
    for name, chart in drawn.items():
        files[name] = str(options.output / f"{name}.{options.format}")
        content = picture(chart, options.format, title=TITLES[name], below=below)
        try:
            write_atomically(Path(files[name]), content)
        except OSError as problem:
            raise UsageError(f"'{files[name]}' cannot be written: {problem.strerror}") from None
    if left_out:
        note("left out: " + "; ".join(f"{name} ({why})" for name, why in left_out.items()))
    if options.json:
        own = {} if judgement.own is None else {"lines": judgement.own.sentence}
        print(json_text({"files": files, "left_out": left_out} | own))
        return
    for path in files.values():
        print(path)


def charts_of(
    card: Card, scores: np.ndarray, threshold: float, labels: pd.Series | None
) -> tuple[dict[str, Chart], dict[str, str]]:
    """The charts there is something for, by name, and of the others why not.

    ``scores`` (n_samples,) and ``labels`` as they stand in the file; None: there are no known answers.
    """
    from engine import charts

    drawn, left_out = {}, {}
    if card.history:
        drawn["history"] = charts.loss_curves(card.history, theme="light")
    else:
        left_out["history"] = f"{card.title} does not learn in epochs"
    if charts.has_parts(card.history):
        drawn["history_parts"] = charts.loss_parts(card.history, theme="light")
    edges, counts = charts.histogram(scores)
    checked: Checked | None = None
    if labels is None:
        left_out["roc and precision_recall"] = "there are no known answers; --label names their column"
    else:
        try:
            checked = _checked(scores, labels, edges)
        except DataError as problem:
            left_out["roc and precision_recall"] = str(problem)
    if checked is None:
        drawn["scores"] = charts.score_histogram(edges, counts, threshold, log=False, theme="light")
        return drawn, left_out
    drawn["roc"] = checked.roc_chart(threshold, theme="light")
    drawn["precision_recall"] = checked.pr_chart(threshold, theme="light")
    drawn["scores"] = checked.score_chart(threshold, theme="light")
    return drawn, left_out


def _checked(scores: np.ndarray, labels: pd.Series, edges: np.ndarray) -> Checked:
    from engine.checked import Checked
    from engine.data.roles import as_binary

    return Checked.of(scores, as_binary(labels)[0], edges)


def _label(asked: str | None, frame: pd.DataFrame, card: Card) -> str | None:
    """The column of known answers: the one asked for, or the one the model was trained beside; None without."""
    from engine.data.roles import Roles

    if asked is not None and asked not in frame.columns:
        names = ", ".join(repr(str(name)) for name in frame.columns)
        raise UsageError(f"there is no column '{asked}'; the columns are {names}")
    label = asked or Roles.from_dict(card.roles).label
    if label in card.columns:
        note(f"the model learned from '{label}', so it knows the answers")
    return label if label in frame.columns else None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"'{folder}' cannot be a folder for the charts: {problem.strerror}") from None


def _needed(store: ModelStore, ref: ModelRef) -> Iterator[str]:
    """What judging with a model, and drawing, imports."""
    from engine.detectors import detector_class

    yield from ("engine.analysis", "altair")
    yield from detector_class(store.card(ref)["detector"]).imports
