"""What ``compare`` does: models on one file side by side, beside baselines that need no training."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import add_reading, add_store, json_text, note, progress, read, store_of
from engine.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.roles import Roles
    from engine.leaderboard import AgreementMeasure, Leaderboard, Standing
    from engine.model import Card
    from engine.store import ModelRef, ModelStore


def add_commands(verbs: Any) -> None:
    """Add ``compare`` to the command line."""
    command = verbs.add_parser(
        "compare", help="models on one file side by side, with known answers or without"
    )
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="NAME[@VERSION]",
        help="a model that takes part; repeatable",
    )
    command.add_argument(
        "--label", metavar="COLUMN", help="known answers (default: the first model's label column)"
    )
    command.add_argument(
        "--top", type=int, metavar="N", help="rows that make the top (default: 1 %%, at least 10)"
    )
    add_reading(command)
    add_store(command)
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> None:
    """Have every model judge a file, and say who is better, who agrees, and what only one of them flags."""
    if options.top is not None and options.top < 1:
        raise UsageError(f"--top must be at least 1, got {options.top}")
    store = store_of(options)
    refs = list(dict.fromkeys(store.resolve(name) for name in options.model))
    frame, _ = read(options.data, options.read, warm=_needed(store, refs))
    from engine.contestants import table_leaderboard
    from engine.leaderboard import flagged_by_one, flags_of
    from engine.model import Model

    models = [Model.load(store, ref) for ref in refs]
    roles = _roles(options.label, frame, models[0].card)
    judged = []
    for number, model in enumerate(models):
        progress(number / len(models), f"Judging with {model.card.id}")
        if roles.label in model.card.columns:
            note(f"{model.card.id} learned from '{roles.label}', so it knows the answers")
        judged.append((model.card, model.score(frame).values))
    progress(0.9, "Comparing")
    board = table_leaderboard(frame, roles, judged, top=options.top)
    alone = {name: len(rows) for name, rows in flagged_by_one(flags_of(board.models)).items()}
    if options.json:
        print(json_text(_as_dict(board, alone)))
        return
    print("\n".join(text_of(board, alone, options.data.name)))


def text_of(board: Leaderboard, alone: dict[str, int], name: str) -> list[str]:
    """The comparison as lines of text; ``alone``: how many rows each model flags that no other does."""
    known = f", {board.anomalies:,} of them known anomalies" if board.curves else f"; {board.why_unmeasured}"
    from engine.leaderboard import surely

    lines = [f"{name}: {board.rows:,} rows judged by all{known}", ""]
    lines += _table([_cells(standing, board) for standing in board.standings])
    if board.bootstrap is not None and board.verdicts:
        lines += ["", "Average precision on the same resamples of the rows:"]
        lines += [f"  {one} is better than {other}: {surely(share)}" for one, other, share in board.verdicts]
    if len(board.entries) > 1:
        names = [entry.name for entry in board.entries]
        matrix = board.agreement("spearman").tolist()
        lines += ["", "Rank correlation (Spearman)"]
        lines += _table(
            [
                {"": n} | {m: f"{v:.2f}" for m, v in zip(names, row, strict=True)}
                for n, row in zip(names, matrix, strict=True)
            ]
        )
    if len(alone) > 1:
        lines += ["", "Rows only one of the models flags, each at its own threshold:"]
        lines += [f"  {model}: {count:,}" for model, count in alone.items()]
    return lines


def _cells(standing: Standing, board: Leaderboard) -> dict[str, str]:
    """One line of the leaderboard as texts, by the heads of the columns."""
    entry, found = standing.entry, standing.found
    cells = {"": entry.name}
    if found is not None:
        cells |= {"VUS-PR": _number(found.vus_pr)} if found.vus_pr is not None else {}
        cells |= {
            "AP": _number(found.average_precision),
            "95 %": f"{found.low:.3f}-{found.high:.3f}",
            "ROC-AUC": _number(found.roc_auc),
            "precision": _number(found.precision),
            "recall": _number(found.recall),
        }
    return cells | {
        "flagged": "-" if standing.flagged is None else f"{standing.flagged:,}",
        "agreement": _number(standing.agreement),
        f"top {board.top:,} shared": _number(standing.overlap),
        "trained": "-" if entry.seconds is None else f"{entry.seconds:.1f} s",
        "size": "-" if entry.size is None else f"{entry.size / 1e6:.2f} MB",
    }


def _number(value: float | None) -> str:
    return "-" if _known(value) is None else f"{value:.3f}"


def _table(rows: Sequence[dict[str, str]]) -> list[str]:
    """Rows under their heads, the first column to the left and the others to the right."""
    heads = list(rows[0])
    widths = [max(len(head), *(len(row[head]) for row in rows)) for head in heads]
    return [
        "  ".join(
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(texts, widths, strict=True))
        ).rstrip()
        for texts in [heads, *([row[head] for head in heads] for row in rows)]
    ]


def _as_dict(board: Leaderboard, alone: dict[str, int]) -> dict[str, Any]:
    """The comparison as JSON has it."""
    from dataclasses import asdict

    names = [entry.name for entry in board.entries]
    measures: tuple[AgreementMeasure, ...] = ("spearman", "kendall", "top")
    return {
        "rows": board.rows,
        "anomalies": board.anomalies,
        "unmeasured": board.why_unmeasured,
        "top": board.top,
        "standings": [
            {
                "name": standing.entry.name,
                "sort": standing.entry.sort,
                "detector": standing.entry.detector,
                "judged": standing.judged,
                "flagged": standing.flagged,
                "flagged_alone": alone.get(standing.entry.name),
                "agreement": _known(standing.agreement),
                "top_shared": _known(standing.overlap),
                "seconds": standing.entry.seconds,
                "bytes": standing.entry.size,
                **(asdict(standing.found) if standing.found else {}),
            }
            for standing in board.standings
        ],
        "better": [{"better": a, "than": b, "share": share} for a, b, share in board.verdicts],
        "agreement": {
            measure: {
                name: dict(zip(names, map(_known, row), strict=True))
                for name, row in zip(names, board.agreement(measure).tolist(), strict=True)
            }
            for measure in measures
        },
    }


def _known(value: float | None) -> float | None:
    """A figure as JSON has it: none where nothing could be measured."""
    return value if value is not None and isfinite(value) else None


def _roles(label: str | None, frame: pd.DataFrame, card: Card) -> Roles:
    """The roles by which the file is compared: the first model's, with the label asked for."""
    from engine.data.roles import Role, Roles

    if label is not None and label not in frame.columns:
        names = ", ".join(repr(str(name)) for name in frame.columns)
        raise UsageError(f"there is no column '{label}'; the columns are {names}")
    given = Roles.from_dict(card.roles)
    columns: dict[str, Role] = {name: role for name, role in given.columns.items() if name in frame.columns}
    if label is not None:
        columns = {name: "ignore" if role == "label" else role for name, role in columns.items()}
        columns[label] = "label"
    return Roles(columns, given.kind)


def _needed(store: ModelStore, refs: Sequence[ModelRef]) -> Iterator[str]:
    """What judging with models, and comparing, imports."""
    from engine.detectors import detector_class

    yield from ("engine.analysis", "engine.contestants")
    for ref in refs:
        yield from detector_class(store.card(ref)["detector"]).imports
