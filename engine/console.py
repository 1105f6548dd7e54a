"""What the commands share: options in pairs, the store, a file read as a table, and how they speak."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.reading import ReadingOptions
    from engine.runs import RunStore
    from engine.scoring.thresholds import Rule
    from engine.store import ModelStore

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


# ---- what was asked for


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """``KEY=VALUE`` options as a dict."""
    result = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} needs KEY=VALUE, got '{text}'")
        result[key.strip()] = value
    return result


def store_of(options: argparse.Namespace) -> ModelStore:
    """The models in the folder the options name, or in the workspace's, with the shipped ones."""
    from engine.store import ModelStore
    from engine.workspace import SHIPPED_MODELS, Workspace

    folder = options.models or Workspace.from_environment().models_root
    return ModelStore(folder, shipped=SHIPPED_MODELS)


def runs_of(options: argparse.Namespace) -> RunStore:
    """The runs in the folder the options name, or in the workspace."""
    from engine.runs import RunStore
    from engine.workspace import Workspace

    return RunStore(options.run_dir) if options.run_dir else Workspace.from_environment().runs


def rule_of(options: argparse.Namespace) -> Rule | None:
    """The threshold rule the options name; None for the model's own."""
    from engine.scoring.rules import rule_from_text
    from engine.scoring.thresholds import FixedValue, Percentile

    if options.percentile is not None:
        return Percentile(options.percentile)
    if options.rule is not None:
        return rule_from_text(options.rule)
    return None if options.threshold is None else FixedValue(options.threshold)


def add_judging(command: argparse.ArgumentParser) -> None:
    """The options that draw the line, and that say which column stands for which."""
    line = command.add_mutually_exclusive_group()
    line.add_argument(
        "--percentile", type=float, metavar="P", help="flag what is above this training percentile"
    )
    line.add_argument("--threshold", type=float, metavar="T", help="flag anomaly scores above this number")
    line.add_argument(
        "--rule",
        metavar="KIND[=NUMBER]",
        help="draw the line by a rule: percentile, contamination, budget, fdr, evt, mad, fixed; cost, best_f1 (see "
        "--label)",
    )
    command.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NEEDED=COLUMN",
        help="read a column the model needs from another",
    )


def add_per_entity(command: argparse.ArgumentParser) -> None:
    """The option that gives each entity a line of its own."""
    command.add_argument(
        "--per-entity",
        action="store_true",
        help="a line of its own for each entity, or group of the model's --threshold-group, with enough scores of "
        "training; the common line for the others",
    )


def add_store(command: argparse.ArgumentParser) -> None:
    """The option that says where models are kept."""
    command.add_argument("--models", type=Path, metavar="DIR", help="folder of the models (default: models)")


def add_reading(command: argparse.ArgumentParser) -> None:
    """The options that overrule what reading a file finds."""
    command.add_argument(
        "--read",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="overrule what reading finds: delimiter, encoding, header_row, sheet, decimal, text_columns, …",
    )


# ---- reading


def read(path: Path, choices: Sequence[str], *, warm: Iterable[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A file as a table, read in a child process while this one imports what comes next (``warm``, asked then)."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as child:
        table = Path(folder) / "table.parquet"
        reading = child.submit(converted, path, table, choices)
        import pandas as pd

        for module in warm:
            import_module(module)
        about = reading.result()
        for finding in about["findings"]:
            if finding["level"] == "warning":
                note(finding["text"])
        return pd.read_parquet(table), about


def converted(path: Path, table: Path, choices: Sequence[str]) -> dict[str, Any]:
    """Write a file as Parquet to ``table`` and return what reading it found."""
    from engine.data.reading import convert

    if not path.is_file():
        raise UsageError(f"there is no file '{path}'")
    return convert(path, table, reading_options(choices), name=path.name)


def reading_options(choices: Sequence[str]) -> ReadingOptions:
    """The ``--read`` options, each as the kind of value it takes."""
    from engine.data.reading import ReadingOptions

    known = {f.name: str(f.type) for f in fields(ReadingOptions)}
    values: dict[str, Any] = {}
    for key, text in pairs(choices, "--read").items():
        if key not in known:
            raise UsageError(f"'{key}' is not a reading option; there are {', '.join(known)}")
        values[key] = _option(key, known[key], text)
    return ReadingOptions(**values)


def _option(key: str, kind: str, text: str) -> Any:
    if "tuple" in kind:
        return tuple(text.split(","))
    if "bool" in kind:
        if text.lower() not in WORDS:
            raise UsageError(f"--read {key} needs one of {', '.join(WORDS)}, got '{text}'")
        return WORDS[text.lower()]
    if "int" in kind:
        if not text.isdecimal():
            raise UsageError(f"--read {key} needs a whole number, got '{text}'")
        return int(text)
    return text.replace("\\t", "\t")


# ---- speaking


def json_text(values: Any) -> str:
    """An answer as one JSON object on one line."""
    try:
        return json.dumps(values, allow_nan=False, default=str)
    except ValueError as problem:
        raise DataError(f"the answer holds a number JSON cannot carry ({problem})") from None


def note(text: str) -> None:
    """Something worth knowing beside the answer."""
    print(f"note: {text}", file=sys.stderr)


_shown: dict[str, str] = {}


def progress(fraction: float, message: str) -> None:
    """One line on stderr for each new stage."""
    if _shown.get("stage") != message:
        _shown["stage"] = message
        print(f"{round(100 * fraction):3d} %  {message}", file=sys.stderr, flush=True)
