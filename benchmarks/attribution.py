"""Do the reasons name the column that was tampered with? Planted faults, every detector, and what reasons cost.

With ``--kept`` each detector's line is kept in a folder, so that the benchmark can be run in pieces.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from harness import met, options, publish, table

FIRST, TOP_THREE = 0.92, 0.97
READINGS, CHANNELS = 3_000, 8
JUDGED, SERIES_FAULTS = 6_000, 20  # so far apart that no window holds two of them
ROWS, COLUMNS, TABLE_FAULTS = 2_000, 15, 100
CLASSIC = "autoencoder, classic"
# What is asked beside every detector as by default, and what would train too long: the detector, and what is set.
OTHERWISE: dict[str, tuple[str, dict[str, Any]]] = {
    CLASSIC: ("autoencoder", {"mode": "classic"}),
    "masked_series": ("masked_series", {"num_epochs": 30}),
    "masked_table": ("masked_table", {"max_epochs_pretrain": 40}),
}
QUICKLY = {"autoencoder": {"epochs": 3}, "masked_table": {"max_epochs_pretrain": 1}}  # where only time counts
SPEED_ROWS, SPEED_COLUMNS, SPEED_FAULTS = 50_000, 20, 500
MOST_EDITED = 12  # faults of a data set for which the smallest edit is looked for


@dataclass
class Told:
    """What was said of the faults of one detector, all seeds together."""

    first: list[bool]
    three: list[bool]
    flagged: list[bool]
    checks: list[Any]
    mended: list[bool]  # of the flagged faults tried: an edit is enough …
    rightly: list[bool]  # … and its first column is the one


def main() -> None:
    given = options(
        __doc__,
        part={"choices": ["tables", "series", "forest", "speed"], "required": True},
        seeds={"type": int, "default": 3},
        detector={
            "action": "append",
            "help": "ask this detector (may be given more than once); others appear with the lines that are kept",
        },
        kept={"type": Path, "help": "folder of the lines of detectors, one file each"},
    )
    {"tables": tables, "series": series, "forest": forest, "speed": speed}[given.part](given)


def tables(given: Any) -> None:
    """One value of some rows far out or never seen; and one that contradicts the others, within its usual range."""
    from tests.planted import far_out, out_of_step

    parts = []
    for make, said in (
        (far_out, "One value lies 6 to 9 standard deviations out, or is a category never seen"),
        (out_of_step, "Every value is ordinary by itself, and one contradicts the others"),
    ):
        rows = _lines(given, make.__name__, partial(_asked, make=partial(_of_table, make), seeds=given.seeds))
        parts.append(f"{said}:\n\n{_table(rows)}")
    text = (
        f"{ROWS:,} rows × {COLUMNS} columns that hang together, {TABLE_FAULTS} faults among them, {given.seeds} seeds; "
        f"{EXPLAINED}\n\n" + "\n\n".join(parts)
    )
    publish("Reasons of planted faults in tables", text, write=given.write, part="tables")


def series(given: Any) -> None:
    """One channel of several with spikes, shifts, noise or ramps, after a series without."""
    rows = _lines(given, "series", partial(_asked, make=_of_series, seeds=given.seeds), sequential=True)
    text = (
        f"{CHANNELS} waves of {JUDGED:,} readings, {SERIES_FAULTS} faults in one channel each (spikes, shifts, "
        f"noise, ramps; 1 to 23 readings), judged by a model of {READINGS:,} readings without, {given.seeds} seeds; "
        f"each fault at its reading with the highest score. {EXPLAINED}\n\n{_table(rows)}"
    )
    publish("Reasons of planted faults in series", text, write=given.write, part="series")


def forest(given: Any) -> None:
    """What an Isolation Forest can see of the faults in tables, by three attributions of the same scores."""
    from tests.planted import far_out, out_of_step

    rows = []
    for make, said in ((far_out, "far out"), (out_of_step, "contradicts the others")):
        faults = [_told_by_a_forest(make, seed) for seed in range(given.seeds)]
        for what in ("paths", "typical values", "the most similar rows"):
            places = np.concatenate([found[what] for found in faults])
            rows.append([said, what, f"{(places == 0).mean():.3f}", f"{(places < 3).mean():.3f}"])
        rows[-3][0] += f" (ROC-AUC of the scores {statistics.mean(found['auc'] for found in faults):.2f})"
    text = (
        f"The tables of above, {given.seeds} seeds, without a threshold. *Paths*: by how many cuts a column shortens "
        "the way to a row. *Typical values*: ablation with the usual value of each column, in the row and alone. *The "
        "most similar rows*: how far the score falls with what the three rows most like this one have there; this is "
        "what is told.\n\n"
        f"{table(['fault', 'attribution', 'first', 'top three'], rows)}"
    )
    publish("What an Isolation Forest can see", text, write=given.write, part="forest")


def _told_by_a_forest(make: Callable[..., Any], seed: int) -> dict[str, Any]:
    """At which place each attribution names the planted column (n_faults,), and how well scores find the faults."""
    from engine.analysis import train
    from engine.scoring.explanations import ablation
    from engine.scoring.metrics import curve

    faults, _ = _of_table(make, seed)
    with patch("engine.analysis.comparison_of", return_value=None):
        model = train(faults.frame, faults.roles, "isolation_forest")
    prepared = model.encode(faults.frame)
    scores, rows = model.judge(prepared).values, np.array([span.start for span in faults.rows])
    X, labels, recipe = prepared.encoded.values[rows], np.zeros(len(scores)), model.recipe
    labels[rows] = 1
    planted = np.array([recipe.channels.index(column) for column in faults.columns])
    told = {
        "paths": model.detector.contributions(X),
        "typical values": ablation(
            model.detector.decision_function, X, recipe.encoder.typical_row, recipe.groups
        ),
        "the most similar rows": model.detector.falls(X),
    }
    order = {what: np.argsort(-parts, axis=1, kind="stable") for what, parts in told.items()}
    places = {what: (each == planted[:, None]).argmax(axis=1) for what, each in order.items()}
    return {**places, "auc": curve(scores, labels).roc_auc}


def speed(given: Any) -> None:
    """The seconds that a training or a scoring spends on the reasons of the 2,000 most unusual rows."""
    from engine.analysis import explain_worst, train_and_score
    from engine.data.roles import Roles

    frame = _large()

    def asked(name: str) -> list[str]:
        detector, chosen = _chosen(name)
        chosen |= QUICKLY.get(detector, {})
        found = train_and_score(frame, Roles(dict.fromkeys(frame.columns, "feature")), detector, chosen)
        walls, processor = [], []
        for _ in range(3):
            wall, own = time.perf_counter(), time.process_time()
            explain_worst(found.model, found.prepared, found.scores)
            walls.append(time.perf_counter() - wall)
            processor.append(time.process_time() - own)
        return [name, f"{statistics.median(walls):.2f}", f"{statistics.median(processor):.2f}"]

    rows = _lines(given, "speed", asked)
    text = (
        f"Of {SPEED_ROWS:,} rows × {SPEED_COLUMNS} columns, in words and with the check of their faithfulness; "
        f"medians of 3.\n\n{table(['detector', 'wall s', 'processor s'], rows)}"
    )
    publish("Reasons of the 2,000 most unusual rows", text, write=given.write, part="speed")


# ---- what is asked


EXPLAINED = (
    "*Loses*: by how much of their height above an ordinary row the scores of flagged rows fall with ordinary values "
    "in place of the columns. *Mended*: flagged faults that the smallest edit brings below the threshold, and whose "
    "first change is that of the planted column."
)
HEADER = [
    *("detector", "first", "top three", "figures", "flagged", "first, flagged"),
    *(
        "loses without the first",
        "without the first three",
        "without others",
        "mended",
        "by the planted column",
    ),
]


def _table(rows: list[list[str]]) -> str:
    return table(HEADER, rows)


def _lines(
    given: Any, what: str, asked: Callable[[str], list[str]], *, sequential: bool = False
) -> list[list[str]]:
    """A line for every detector asked for, and for others the one that was kept."""
    from engine.detectors import CATALOGUE

    lines = []
    for name in dict.fromkeys([*CATALOGUE, *OTHERWISE]):
        place = given.kept / f"{what}-{name}.json" if given.kept else None
        if CATALOGUE[_chosen(name)[0]].sequential and not sequential:
            continue
        if place is not None and place.exists():
            lines.append(json.loads(place.read_text()))
        elif not given.detector or name in given.detector:
            lines.append(asked(name))
            if place is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(json.dumps(lines[-1]))
    return lines


def _chosen(name: str) -> tuple[str, dict[str, Any]]:
    """The detector of a line, and the hyperparameters that are set."""
    detector, chosen = OTHERWISE.get(name, (name, {}))
    return detector, dict(chosen)


def _asked(name: str, *, make: Callable[[int], tuple[Any, Any]], seeds: int) -> list[str]:
    return _line(name, _judged(name, seeds, make))


def _of_table(make: Callable[..., Any], seed: int) -> tuple[Any, Any]:
    faults = make(rows=ROWS, columns=COLUMNS, faults=TABLE_FAULTS, seed=seed)
    return faults, faults


def _of_series(seed: int) -> tuple[Any, Any]:
    from tests.planted import in_one_channel

    learned = in_one_channel(readings=READINGS, channels=CHANNELS, faults=0, seed=seed)
    faults = in_one_channel(readings=JUDGED, channels=CHANNELS, faults=SERIES_FAULTS, seed=1_000 + seed)
    return learned, faults


def _judged(name: str, seeds: int, make: Callable[[int], tuple[Any, Any]]) -> Told:
    told = Told([], [], [], [], [], [])
    for seed in range(seeds):
        learned, faults = make(seed)
        _ask(name, learned, faults, told)
    return told


def _ask(name: str, learned: Any, faults: Any, told: Told) -> None:
    from engine.analysis import explain_worst, train
    from engine.scoring.edits import smallest_edit
    from engine.scoring.reasons import explain

    with patch("engine.analysis.comparison_of", return_value=None):  # baselines are not asked here
        model = train(learned.frame, learned.roles, *_chosen(name))
    prepared = model.encode(faults.frame)
    scores = model.judge(prepared)
    rows = faults.at(scores.values)
    line = model.card.threshold
    found = explain(model, prepared, rows)
    for row, reasons, column in zip(rows.tolist(), found.reasons, faults.columns, strict=True):
        named = [reason.column for reason in reasons]
        told.first.append(named[0] == column)
        told.three.append(column in named[:3])
        told.flagged.append(bool(scores.values[row] > line))
    told.checks.append(explain_worst(model, prepared, scores, most=TABLE_FAULTS).check)
    flagged = [i for i, row in enumerate(rows) if scores.values[row] > line][:MOST_EDITED]
    for i in flagged:
        edits = smallest_edit(model, prepared, int(rows[i]), line, scores.values)
        told.mended.append(bool(edits) and edits[-1].score <= line)
        told.rightly.append(bool(edits) and edits[0].column == faults.columns[i])
    print(name, "done", file=sys.stderr, flush=True)


def _line(name: str, told: Told) -> list[str]:
    first, three, flagged = (np.array(part) for part in (told.first, told.three, told.flagged))
    reached = (
        met(float(first.mean()), FIRST, at_least=True),
        met(float(three.mean()), TOP_THREE, at_least=True),
    )
    checks = [check for check in told.checks if check is not None]
    losses = [
        _mean([getattr(check, what) for check in checks if what != "others" or check.beside])
        for what in ("first", "together", "others")
    ]
    return [
        name,
        f"{first.mean():.3f}",
        f"{three.mean():.3f}",
        reached[0] if reached[0] == reached[1] else " / ".join(reached),
        f"{flagged.mean():.2f}",
        _mean(list(first[flagged]), 3),
        *losses,
        _mean(told.mended),
        _mean(told.rightly),
    ]


def _mean(values: list[Any], digits: int = 2) -> str:
    return f"{np.mean(values):.{digits}f}" if values else "–"


def _large() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(SPEED_ROWS, 4)) @ rng.normal(size=(4, SPEED_COLUMNS - 4)) * 0.6
    values += rng.normal(size=values.shape)
    frame = pd.DataFrame(values, columns=[f"n{i}" for i in range(values.shape[1])])
    for i in range(3):
        frame[f"c{i}"] = rng.choice(list("abcdef"), SPEED_ROWS)
    frame["k"] = rng.integers(0, 50, SPEED_ROWS)
    for row in rng.choice(SPEED_ROWS, SPEED_FAULTS, replace=False):
        frame.iloc[row, rng.integers(values.shape[1])] += 8
    return frame


if __name__ == "__main__":
    main()
