"""A commented configuration for any detector: what ``init`` prints, and the files of ``configs/``.

``python -m engine.config_template`` writes ``configs/`` again.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from engine import files
from engine.config import PERCENTILE
from engine.detectors import CATALOGUE, detector_class
from engine.hyperparameters import Hyperparameter, declared
from engine.workspace import PROJECT

CONFIG_FOLDER = PROJECT / "configs"
WIDTH = 110
OTHER_NAMES = {"neighbours": "knn_lof"}  # files under the name the method goes by

COLUMNS = {
    "name": ("Name of the model. Left out: the name of the data file.", "payments"),
    "label": (
        "The column with known answers. Never learned from; it measures how well anomalies are found.",
        "is_fraud",
    ),
    "time": ("The column that says when a row happened.", "timestamp"),
    "entity": ("The column that says which machine, customer or series a row belongs to.", "machine"),
    "ignore": ("Columns to leave out.", ["first column", "second column"]),
    "kind": (
        "table: each row stands for itself. series: rows are readings that follow one another in time. "
        "Left out: recognised from the data.",
        "table",
    ),
    "window": (
        "Of a series: how many readings, up to each one, it is judged by. Left out: chosen from the data.",
        24,
    ),
    "learn_from_label": (
        "Learn from the anomalies that the label names, too; then the label measures less. Left out: it only measures.",
        True,
    ),
    "labels": (
        "Learn from the labels given to rows of this file in Loupe, as they stand; they measure less then.",
        True,
    ),
    "threshold_rule": (
        "The rule that draws the model's own threshold on the scores of training, KIND or KIND=NUMBER: percentile, "
        "contamination, fdr, evt, mad, budget, fixed; cost, best_f1 with a label. It goes before contamination.",
        "evt=10",
    ),
    "threshold_group": (
        "The column of groups that may have lines of their own (`score --per-entity`). Left out: the entity's.",
        "machine",
    ),
    "classes": ("The column whose classes are learned, and named for every row.", "event"),
    "encoder": ("A model whose encoder to start from, as `pretrain` keeps it.", "sensors@1"),
    "first": (
        "Learn from the first rows in time alone, as from a time known to be normal. Left out: from all rows.",
        500,
    ),
}
SCALING = (
    "How numbers are brought to one scale. standard: by mean and standard deviation. robust: by median and "
    "quartiles. minmax: by smallest and largest. quantile: by rank. none: as they are."
)


def template(name: str) -> str:
    """The configuration of a detector with every choice explained; an unknown name names its nearest neighbour.

    What has a default is set to it. Choices without one, and advanced ones, are there behind a ``#``.
    """
    kind = detector_class(name)
    knobs = list(declared(kind).values())
    parts = [
        _remark(
            f"{kind.title}. {kind.summary}\n"
            f"Good when: {kind.works_when}\n"
            f"Weak when: {kind.struggles_when}\n"
            f"Source: {kind.reference}.\n\n"
            "Train with it: python -m engine train DATA --config THIS_FILE. Options of the command line win.\n"
            "A line such as '#label: is_fraud' is a choice left open: take the # away to make it."
        ),
        _line("detector", name),
        "\n".join(
            _remark(text) + _line(key, example, open=True)
            for key, (text, example) in COLUMNS.items()
            if not (kind.sequential and key == "window")  # it has lengths of its own
            and (kind.learns_from_labels or key not in ("learn_from_label", "labels"))
            and (kind.names_classes or key not in ("classes", "encoder"))
        ),
        _remark(SCALING) + _line("scaling", "standard"),
        "hyperparameters:\n" + "\n".join(_knob(knob) for knob in knobs if not knob.advanced),
    ]
    seldom = [_knob(knob) for knob in knobs if knob.advanced]
    if seldom:
        parts.append("  # ---- Seldom needed\n\n" + "\n".join(seldom))
    return "\n".join(parts)


def configurations() -> dict[str, str]:
    """The files of ``configs/``: name -> content, one for each detector of the catalogue."""
    return {f"{OTHER_NAMES.get(name, name)}.yaml": template(name) for name in CATALOGUE}


def write_configurations(folder: Path = CONFIG_FOLDER) -> list[Path]:
    """Write the files of :func:`configurations` and return their paths."""
    files.make_folder(folder)
    for name, text in configurations().items():
        files.write_atomically(folder / name, text.encode())
    return [folder / name for name in configurations()]


def _knob(knob: Hyperparameter) -> str:
    allowed = knob.allowed()
    text = f"{knob.help}\n{allowed[:1].upper()}{allowed[1:]}." if allowed else knob.help
    if knob.name == "contamination":
        text += f" {PERCENTILE}: 95 says the same as contamination: 0.05."
    return _remark(text, indent="  ") + _line(knob.name, knob.default, indent="  ", open=knob.advanced)


def _remark(text: str, *, indent: str = "") -> str:
    """Text as comment lines."""
    lines = [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, WIDTH - len(indent) - 2) or [""]
    ]
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in lines)


def _line(key: str, value: Any, *, indent: str = "", open: bool = False) -> str:
    """``key: value`` in YAML; ``open``: behind a ``#``, for a choice that is left open."""
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=WIDTH).removesuffix("...\n").strip()
    return f"{indent}{'#' if open else ''}{key}: {text}\n"


if __name__ == "__main__":
    for path in write_configurations():
        sys.stdout.write(f"{path}\n")
