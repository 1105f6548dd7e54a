"""The command line: the same verbs as the screen, for scripts.

Progress goes to stderr, answers to stdout. Exit codes: 0 done, 2 wrong usage, 3 data or a model that must be mended,
each with one sentence on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import (
    api_commands,
    commands,
    compare_commands,
    feature_commands,
    generate_commands,
    labels_commands,
    model_commands,
    plot_commands,
    report_commands,
    stage_commands,
    training_commands,
)
from engine.console import add_judging, add_per_entity, add_reading, add_store
from engine.errors import EngineError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except EngineError as problem:
        print(f"loupe: {problem}", file=sys.stderr)
        return problem.exit_code
    except BrokenPipeError:  # the reader of our output has gone, as in `… | head`
        return 0
    except KeyboardInterrupt:
        print("loupe: stopped", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    root = argparse.ArgumentParser(prog="python -m engine", description="Find, tune and explain anomalies.")
    verbs = root.add_subparsers(required=True, metavar="COMMAND")
    _add_init(verbs)
    _add_train(verbs)
    _add_score(verbs)
    compare_commands.add_commands(verbs)
    stage_commands.add_commands(verbs)
    plot_commands.add_commands(verbs)
    report_commands.add_commands(verbs)
    check = verbs.add_parser("check", help="say what reading a file finds")
    check.add_argument("data", type=Path, metavar="DATA")
    add_reading(check)
    check.add_argument("--json", action="store_true", help="one JSON object on stdout")
    check.set_defaults(run=commands.check)
    detectors = verbs.add_parser("detectors", help="list the detectors and their hyperparameters")
    detectors.add_argument("--json", action="store_true", help="one JSON object on stdout")
    detectors.set_defaults(run=commands.detectors)
    _add_models(verbs)
    _add_features(verbs)
    generate_commands.add_commands(verbs)
    labels_commands.add_commands(verbs)
    api_commands.add_commands(verbs)
    return root


def _add_init(verbs: Any) -> None:
    init = verbs.add_parser("init", help="a commented configuration of a detector, to edit and train with")
    init.add_argument("detector", metavar="DETECTOR", help="see `detectors`")
    init.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of printing it")
    init.set_defaults(run=training_commands.init)


def _add_train(verbs: Any) -> None:
    train = verbs.add_parser("train", help="train a detector on a file and keep the model")
    train.add_argument(
        "--detector", help="see `detectors`; auto: the one that suits the data (default: isolation_forest)"
    )
    train.add_argument(
        "--learn-from-label",
        action="store_true",
        default=None,
        help="learn from the anomalies that the label names, too (default: labels only measure)",
    )
    train.add_argument(
        "--labels",
        action="store_true",
        default=None,
        help="learn from the labels given to rows of this file in Loupe, as they stand now",
    )
    train.add_argument(
        "--class", dest="classes", metavar="COLUMN", help="learn to name the classes in this column"
    )
    train.add_argument(
        "--encoder", metavar="NAME[@VERSION]", help="start from the encoder of this model (see `pretrain`)"
    )
    _add_training(train)
    pretrain = verbs.add_parser(
        "pretrain", help="learn an encoder from rows without labels, and keep it as a model"
    )
    nothing = {"learn_from_label": None, "labels": None, "classes": None, "encoder": None}
    pretrain.set_defaults(detector="masked_table", **nothing)
    _add_training(pretrain)


def _add_training(train: argparse.ArgumentParser) -> None:
    """What training with labels and without them have in common."""
    train.add_argument("data", type=Path, metavar="DATA", help="CSV, Excel, Parquet or JSON file")
    train.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML file with these choices; options win over it"
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a hyperparameter; repeatable"
    )
    train.add_argument("--label", metavar="COLUMN", help="known answers, left out of the features")
    train.add_argument("--time", metavar="COLUMN", help="when a row happened")
    train.add_argument(
        "--entity", metavar="COLUMN", help="which machine, customer or series a row belongs to"
    )
    train.add_argument("--ignore", metavar="COLUMN,COLUMN", help="columns to leave out")
    train.add_argument(
        "--kind",
        choices=("table", "series"),
        help="rows on their own, or readings in time (default: recognised)",
    )
    train.add_argument(
        "--window", type=int, metavar="N", help="readings a series is judged by (default: chosen)"
    )
    train.add_argument(
        "--first", type=int, metavar="N", help="learn from the first N rows in time only (default: all)"
    )
    train.add_argument(
        "--rule",
        dest="threshold_rule",
        metavar="KIND[=NUMBER]",
        help="draw the model's own threshold by a rule on the scores of training: percentile, contamination, fdr, evt, "
        "mad, budget, fixed; cost, best_f1 with a label (default: contamination=0.05)",
    )
    train.add_argument(
        "--threshold-group",
        metavar="COLUMN",
        help="keep scores of training apart by this column, for `score --per-entity` (default: the entity's)",
    )
    train.add_argument("--name", help="name of the model (default: the file's name)")
    train.add_argument("--seed", type=int, help="random seed (default: 0)")
    add_reading(train)
    add_store(train)
    train.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="folder of the runs' records (default: the workspace's)"
    )
    train.add_argument("--json", action="store_true", help="one JSON object on stdout, prose on stderr")
    train.set_defaults(run=training_commands.train)


def _add_score(verbs: Any) -> None:
    score = verbs.add_parser("score", help="judge every row of a file with a trained model")
    score.add_argument("data", type=Path, metavar="DATA")
    score.add_argument("--model", required=True, metavar="NAME[@VERSION]")
    score.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="ends in .csv, .parquet or .xlsx"
    )
    add_judging(score)
    add_per_entity(score)
    score.add_argument(
        "--label",
        metavar="COLUMN",
        help="known answers for --rule cost and best_f1 (default: as in training)",
    )
    score.add_argument("--raw", action="store_true", help="write text that looks like a formula as it is")
    add_reading(score)
    add_store(score)
    score.set_defaults(run=commands.score)


def _add_models(verbs: Any) -> None:
    models = verbs.add_parser("models", help="list, show, promote, send, delete or verify stored models")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    for action, run, needs_model, text in (
        ("list", model_commands.list_models, False, "every model with its active version"),
        ("show", model_commands.show_model, True, "the card of a model"),
        ("promote", model_commands.promote_model, True, "make a version the active one"),
        ("rollback", model_commands.roll_back_model, True, "make the version active that was so before"),
        ("export", model_commands.export_model, True, "write a model as a bundle, one .zip to send"),
        ("import", model_commands.import_model, False, "check a bundle and keep its model"),
        ("delete", model_commands.delete_model, True, "delete a version, or every version of a name"),
        ("verify", model_commands.verify_models, False, "check every stored part for damage"),
    ):
        command = actions.add_parser(action, help=text)
        if needs_model:
            command.add_argument("model", metavar="NAME[@VERSION]")
        if action == "export":
            command.add_argument("--output", required=True, type=Path, metavar="FILE.zip")
        if action == "import":
            command.add_argument("bundle", type=Path, metavar="FILE.zip")
            command.add_argument("--name", help="name to keep it under (default: its own)")
        add_store(command)
        command.add_argument("--json", action="store_true", help="JSON on stdout")
        command.set_defaults(run=run)


def _add_features(verbs: Any) -> None:
    features = verbs.add_parser("features", help="turn raw signals into a table of features")
    kinds = features.add_subparsers(required=True, metavar="KIND")
    vibration = kinds.add_parser("vibration", help="of vibration: a folder of snapshots, or one long table")
    vibration.add_argument(
        "data", type=Path, nargs="?", metavar="DIR_OR_FILE", help="a folder or zip of text files, or a table"
    )
    vibration.add_argument("--output", type=Path, metavar="FILE", help="ends in .parquet or .csv")
    for option, kind, metavar, text in (
        ("--rate", float, "HZ", "samples a second (default, for a table with times: theirs)"),
        ("--window", int, "N", "cut into windows of N samples (default: a whole snapshot)"),
        ("--hop", int, "N", "samples from one window's begin to the next (default: the window)"),
        ("--baseline", int, "N", "mark the first N snapshots, or windows of a table, as normal"),
        ("--time", str, "COLUMN", "when each sample of a table was taken (default: recognised)"),
        ("--bearing", str, "BALLS,BALL_D,PITCH_D,ANGLE", "geometry; diameters in one unit, degrees"),
        ("--rpm", float, "RPM", "speed of the shaft, with --bearing"),
        ("--envelope-band", str, "LOW,HIGH", "where the housing rings, in Hz (default: the middle half)"),
    ):
        vibration.add_argument(option, type=kind, metavar=metavar, help=text)
    vibration.add_argument(
        "--channels",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="NAME,NAME",
        help="names of the channels, or the columns to measure",
    )
    vibration.add_argument(
        "--fault", action="append", default=[], metavar="NAME=HZ", help="a fault frequency; repeatable"
    )
    vibration.add_argument(
        "--band",
        action="append",
        default=[],
        metavar="LOW,HIGH",
        help="a band in Hz; repeatable (default: 4)",
    )
    vibration.add_argument(
        "--tolerance",
        type=float,
        default=2.0,
        metavar="PERCENT",
        help="how far off a fault may be (default: 2)",
    )
    vibration.add_argument("--list", action="store_true", help="list the features with formula and unit")
    add_reading(vibration)
    vibration.set_defaults(run=feature_commands.vibration)
