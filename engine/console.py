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
