"""What `compare-stages` does: two stages beside one and beside plain classifiers, on the same rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import add_reading, json_text, pairs, progress, read

if TYPE_CHECKING:
    from engine.stages import Contestant


def add_commands(verbs: Any) -> None:
    """The command and its options."""
    compare = verbs.add_parser(
        "compare-stages", help="learn classes in two stages, in one, and plainly, on the same rows"
    )
    compare.add_argument("data", type=Path, metavar="DATA")
    compare.add_argument("--class", dest="classes", required=True, metavar="COLUMN", help="the true classes")
    compare.add_argument("--ignore", metavar="COLUMN,COLUMN", help="columns to leave out")
    compare.add_argument(
        "--labels",
        type=_shares,
        default=[1.0],
        metavar="SHARE,SHARE",
        help="share of the rows whose class is told; several draw a learning curve (default: 1)",
    )
    compare.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a hyperparameter; repeatable"
    )
    compare.add_argument("--seed", type=int, default=0, help="of the split and of the training (default: 0)")
    compare.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_reading(compare)
    compare.set_defaults(run=compare_stages)


def compare_stages(options: argparse.Namespace) -> None:
    """Train both ways and print what came of it."""
    from engine.detectors import detector_class
    from engine.hyperparameters import checked

    given = pairs(options.set, "--set")
    checked(detector_class("masked_table"), given)
    frame, about = read(options.data, options.read, warm=("engine.stages", "torch", "sklearn.ensemble"))
    from engine import stages
    from engine.data.roles import overruled, suggest

    ignored = [column.strip() for column in (options.ignore or "").split(",") if column.strip()]
    roles = overruled(suggest(frame, about["types"]).roles, ignore=ignored)
    curve = []
    for share in options.labels:
        found = stages.compare_stages(
            frame, roles, options.classes, given, labels=share, seed=options.seed, progress=progress
        )
        curve.append({"labels": share, "contestants": [each.as_dict() for each in found]})
        if not options.json:
            print(f"{100 * share:g} % of the labels\n\n{table(found)}\n")
    if options.json:
        print(json_text({"curve": curve}))


def _shares(text: str) -> list[float]:
    """Shares from a text such as ``0.01,0.1,1``."""
    return [float(share) for share in text.split(",")]


def table(found: list[Contestant]) -> str:
    """The contestants side by side, then each class, then the course of the losses."""
    wide = max(len(each.title) for each in found)
    lines = [f"{'':<{wide}}  accuracy  macro-F1  seconds"]
    for each in found:
        figures = each.figures
        lines.append(
            f"{each.title:<{wide}}  {figures.accuracy:8.3f}  {figures.macro_f1:8.3f}  {each.seconds:7.1f}"
        )
    lines += ["", f"{'F1 / average precision':<{wide}}  {'  '.join(found[0].figures.names)}"]
    for each in found:
        shown = [
            f"{own.f1:.3f}" + ("" if own.average_precision is None else f" / {own.average_precision:.3f}")
            for own in each.figures.classes
        ]
        lines.append(f"{each.title:<{wide}}  {'  '.join(shown)}")
    for each in found:
        if each.history:
            lines += ["", f"{each.title}: epoch, loss in training, held-out loss"]
            lines += [
                f"  {record['epoch']:.0f} (stage {record['stage']:.0f})  {record['train_loss']:.4f}  "
                f"{record['validation_loss']:.4f}"
                for record in each.history
            ]
    return "\n".join(lines)
