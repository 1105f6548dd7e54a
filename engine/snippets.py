"""The code that makes a result again, for a shell and for a notebook; both give the same scores."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.scoring.thresholds import Rule


def cli_line(
    *,
    data: str,
    model: str,
    output: str,
    percentile: float | None = None,
    threshold: float | None = None,
    models: str | None = None,
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    verb: Literal["score", "report"] = "score",
    own_lines: Rule | None = None,
) -> str:
    """The command that scores the file again, or writes a report of it, quoted for a POSIX shell.

    ``mapping``: needed column -> column of the data. ``options``: how to read the file, where a choice
    overrules what reading finds. Without a percentile or a threshold the model's own rule is used. ``own_lines`` is the
    rule that draws a line for each group, in their place.
    """
    _check_one(percentile, threshold)
    percentile, threshold = (None, None) if own_lines else (percentile, threshold)
    given: list[tuple[str, str | None]] = [("--model", model), ("--models", models), ("--output", output)]
    given += [("--percentile", None if percentile is None else repr(float(percentile)))]
    given += [("--threshold", None if threshold is None else repr(float(threshold)))]
    given += [("--rule", None if own_lines is None else own_lines.text)]
    given += [("--map", f"{needed}={column}") for needed, column in (mapping or {}).items()]
    given += [("--read", f"{key}={_option_text(value)}") for key, value in (options or {}).items()]
    words = ["python", "-m", "engine", verb, f"./{data}" if data.startswith("-") else data]
    for option, value in given:
        if value is not None:
            # argparse takes a separate word that begins with a dash for an option, -1e-05 included
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    words += ["--per-entity"] if own_lines else []
    return shlex.join(words)


def python_snippet(
    *,
    data: str,
    model: str,
    percentile: float | None = None,
    threshold: float | None = None,
    models: str = "models",
    shipped: str | None = "models/shipped",
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    own_lines: Rule | None = None,
) -> str:
    """The same as :func:`cli_line` for a notebook: it ends with ``scores``, ``flags`` and a look at them."""
    _check_one(percentile, threshold)
    percentile, threshold = (None, None) if own_lines else (percentile, threshold)
    names = {"Model", "ModelStore", "read_table"}
    names |= {"RULES"} if percentile is not None or own_lines else set()
    names |= {"judged_by_group"} if own_lines else set()
    names |= {"ReadingOptions"} if options else set()
    shipped_too = f", shipped=Path({_literal(shipped)})" if shipped else ""
    chosen = ", ".join(f"{key}={_literal(value)}" for key, value in (options or {}).items())
    reading = f", ReadingOptions({chosen})" if chosen else ""
    pairs = ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in (mapping or {}).items())
    mapped = f", mapping={{{pairs}}}" if pairs else ""
    line = "model.card.threshold"
    if percentile is not None:
        line = f'RULES["percentile"]({float(percentile)!r}).threshold(model.card.reference_scores, scores)'
    elif threshold is not None:
        line = _literal(float(threshold))
    flags = f"threshold = {line}\nflags = scores > threshold"
    if own_lines is not None:  # one line for each group
        rule = f"RULES[{_literal(own_lines.kind)}]({float(own_lines.value)!r})"
        flags = f"flags = judged_by_group(model, frame, scores, {rule}{mapped}).flags"
    return f"""\
from pathlib import Path

from engine import {", ".join(sorted(names, key=lambda name: (not name.isupper(), name)))}

store = ModelStore(Path({_literal(models)}){shipped_too})
model = Model.load(store, {_literal(model)})
frame = read_table({_literal(data)}{reading}).frame
scores = model.score(frame{mapped}).values  # higher = more anomalous
{flags}
print(frame.assign(anomaly_score=scores)[flags])
"""


def _check_one(percentile: float | None, threshold: float | None) -> None:
    if percentile is not None and threshold is not None:
        raise UsageError("flags follow a percentile or a threshold, got both; leave one out")


def _option_text(value: object) -> str:
    """A reading option as ``--read`` takes it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\t", "\\t")


def _literal(value: object) -> str:
    """The value as Python source; no invisible character in it."""
    if isinstance(value, (list, tuple)):
        return "(" + "".join(f"{_literal(each)}, " for each in value).strip() + ")"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and text[0] == "'" and '"' not in text else text
