"""What each command of the command line does. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DataError, StoreError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from engine.analysis import Judgement
    from engine.model import Model, Prepared, Scores
    from engine.scoring.thresholds import Rule
    from engine.store import ModelStore


def train(options: argparse.Namespace) -> None:
    """Train a detector on a file and keep the model."""
    from engine.data.roles import overruled, suggest

    config = _config(options)
    frame, about = _read(options.data, options.read, warm="sklearn.ensemble")
    from engine import analysis

    roles = overruled(
        suggest(frame, about["types"]).roles,
        label=config.label,
        time=config.time,
        entity=config.entity,
        ignore=config.ignore,
    )
    model = analysis.train(
        frame,
        roles,
        config.detector,
        config.hyperparameters,
        name=config.name or options.data.stem,
        dataset=options.data.name,
        dataset_hash=_sha256(options.data),
        scaling=config.scaling,  # type: ignore[arg-type]
        window=config.window,
        progress=_progress,
    )
    card = model.save(_store(options))
    for note in card.notes:
        _say(note)
    flagged = int((model.detector.decision_scores_ > card.threshold).sum())
    print(f"{card.id}: {card.title}, {card.rows:,} rows, {len(card.features)} features, {card.seconds:.1f} s")
    print(f"threshold {card.threshold:.6g} flags {flagged:,} of {card.judged:,} training rows")
    if options.json:
        print(
            _json(
                {
                    "model": card.id,
                    "threshold": card.threshold,
                    "rows": card.rows,
                    "features": len(card.features),
                    "seconds": card.seconds,
                }
            )
        )


def score(options: argparse.Namespace) -> None:
    """Judge every row of a file and write the answer."""
    from engine.cli import pairs
    from engine.report import check_suffix, write_result

    check_suffix(options.output)
    store = _store(options)
    ref = store.resolve(options.model)
    frame, _ = _read(options.data, options.read, warm="sklearn.ensemble")
    from engine.model import Model

    model = Model.load(store, ref)
    prepared = model.encode(frame, pairs(options.map, "--map"))
    scores = model.judge(prepared, progress=_progress)
    rule, judgement = _judged(options, model, scores)
    table = _with_reasons(frame, model, prepared, scores, judgement)
    settings = {
        "data": options.data.name,
        "model": model.card.id,
        "detector": model.card.title,
        "rule": f"{rule.title} {rule.value:g}".strip(),
        "threshold": repr(judgement.threshold),
        "flagged rows": str(judgement.flagged),
        "judged rows": str(judgement.judged),
        "rows": str(judgement.rows),
    }
    write_result(options.output, table, settings, raw=options.raw)
    for note in scores.notes:
        _say(note)
    share = f"{100 * judgement.share:.2g} %"
    print(f"flagged {judgement.flagged:,} of {judgement.judged:,} rows ({share}) -> {options.output}")
    if judgement.judged < judgement.rows:
        print(f"{judgement.rows - judgement.judged:,} rows could not be judged; 'reasons' says why")


def _judged(options: argparse.Namespace, model: Model, scores: Scores) -> tuple[Rule, Judgement]:
    """The rule the options name, or the model's own, and what it flags."""
    from engine.analysis import judge
    from engine.scoring.thresholds import FixedValue, Percentile

    rule: Rule = model.card.default_rule
    if options.percentile is not None:
        rule = Percentile(options.percentile)
    elif options.threshold is not None:
        rule = FixedValue(options.threshold)
    return rule, judge(scores.values, model.card, rule)


def _with_reasons(
    frame: pd.DataFrame, model: Model, prepared: Prepared, scores: Scores, judgement: Judgement
) -> pd.DataFrame:
    """The table with scores, flags and, for the most unusual flagged rows, reasons."""
    import numpy as np

    from engine.analysis import MOST_EXPLAINED
    from engine.report import result_table
    from engine.scoring.reasons import explain

    worst = np.flatnonzero(judgement.flags)
    worst = worst[np.argsort(-scores.values[worst], kind="stable")][:MOST_EXPLAINED]
    _progress(0.9, "Explaining")
    if judgement.flagged > MOST_EXPLAINED:
        _say(
            f"reasons are given for the {MOST_EXPLAINED:,} most unusual of {judgement.flagged:,} flagged rows"
        )
    return result_table(
        frame,
        scores=scores.values,
        severity=scores.severity,
        flags=judgement.flags,
        judged=scores.judged,
        reasons=explain(model, prepared, worst).sentences() if len(worst) else {},
        obstacles=scores.obstacles,
    )


def check(options: argparse.Namespace) -> None:
    """Say what reading a file finds."""
    with tempfile.TemporaryDirectory() as folder:
        about = _convert(options.data, Path(folder) / "table.parquet", options.read)
    if options.json:
        keys = (
            "rows",
            "columns",
            "names",
            "types",
            "delimiter",
            "encoding",
            "header_row",
            "sheet",
            "findings",
        )
        shown = {key: about[key] for key in keys}
        print(_json(shown | {"types": [about["types"][name] for name in about["names"]]}))
        return
    print(f"{options.data.name}: {about['rows']:,} rows, {about['columns']} columns")
    types = about["types"]
    width = max((len(name) for name in about["names"]), default=0)
    for name in about["names"]:
        print(f"  {name:<{min(width, 40)}}  {types[name]}")
    for finding in about["findings"]:
        print(f"- {finding['text']}")


def detectors(options: argparse.Namespace) -> None:
    """List the detectors with their hyperparameters."""
    from engine.detectors import CATALOGUE
    from engine.hyperparameters import declared

    if options.json:
        print(
            _json(
                {
                    name: {
                        "title": kind.title,
                        "summary": kind.summary,
                        "works_when": kind.works_when,
                        "struggles_when": kind.struggles_when,
                        "reference": kind.reference,
                        "hyperparameters": {
                            knob.name: {**asdict(knob), "kind": knob.kind.__name__}
                            for knob in declared(kind).values()
                        },
                    }
                    for name, kind in CATALOGUE.items()
                }
            )
        )
        return
    for name, kind in CATALOGUE.items():
        print(f"{name}: {kind.title}. {kind.summary}")
        for knob in declared(kind).values():
            print(f"    {knob.name} = {knob.default}    {knob.help}")


def list_models(options: argparse.Namespace) -> None:
    """Every model with its active version."""
    cards = _store(options).models()
    if options.json:
        print(_json([_short(card) for card in cards]))
        return
    if not cards:
        print("no model has been trained yet; `train DATA --name NAME` makes one")
    for card in cards:
        if card.get("damaged"):
            print(f"{card['name']}: damaged: {card['damaged']}")
        else:
            print(
                f"{card['name']}@{card['version']}  {card['detector']}  {card['rows']:,} rows of {card['dataset']}"
                f"  {card['created'][:16].replace('T', ' ')}"
            )


def show_model(options: argparse.Namespace) -> None:
    """The card of a model, without the long list of reference scores."""
    card = _short(_store(options).card(options.model))
    print(_json(card) if options.json else json.dumps(card, indent=2, default=str))


def promote_model(options: argparse.Namespace) -> None:
    """Make a version the active one of its name."""
    store = _store(options)
    if "@" not in options.model:
        raise UsageError(f"promote needs a version, such as {options.model}@1")
    store.promote(options.model)
    print(f"{options.model} is now the active version")


def delete_model(options: argparse.Namespace) -> None:
    """Delete a version, or every version of a name."""
    _store(options).delete(options.model)
    print(f"{options.model} is deleted")


def verify_models(options: argparse.Namespace) -> None:
    """Check every stored part against its checksum."""
    problems = [str(problem) for problem in _store(options).verify()]
    if options.json:
        print(_json({"problems": problems}))
    elif not problems:
        print("every stored model is sound")
    if problems:
        raise StoreError("; ".join(problems))


# ---- reading and small things


def _read(path: Path, choices: Sequence[str], *, warm: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A file as a table, read in a child process while this one imports what comes next."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as child:
        table = Path(folder) / "table.parquet"
        reading = child.submit(_convert, path, table, choices)
        import pandas as pd

        __import__(warm)
        about = reading.result()
        for finding in about["findings"]:
            if finding["level"] == "warning":
                _say(finding["text"])
        return pd.read_parquet(table), about


def _convert(path: Path, table: Path, choices: Sequence[str]) -> dict[str, Any]:
    from engine.data.reading import convert

    if not path.is_file():
        raise UsageError(f"there is no file '{path}'")
    return convert(path, table, _reading_options(choices), name=path.name)


def _reading_options(choices: Sequence[str]) -> Any:
    from engine.cli import pairs
    from engine.data.reading import ReadingOptions

    known = {f.name: str(f.type) for f in fields(ReadingOptions)}
    values: dict[str, Any] = {}
    for key, text in pairs(choices, "--read").items():
        if key not in known:
            raise UsageError(f"'{key}' is not a reading option; there are {', '.join(known)}")
        if "tuple" in known[key]:
            values[key] = tuple(text.split(","))
        elif "bool" in known[key]:
            values[key] = text.lower() in ("1", "true", "yes")
        elif "int" in known[key]:
            if not text.isdigit():
                raise UsageError(f"--read {key} needs a whole number, got '{text}'")
            values[key] = int(text)
        else:
            values[key] = text.replace("\\t", "\t")
    return ReadingOptions(**values)


def _config(options: argparse.Namespace) -> Any:
    """The configuration file's choices, overruled by the options given."""
    from engine.cli import pairs
    from engine.config import TrainConfig

    config = TrainConfig.load(options.config) if options.config else TrainConfig()
    for key in ("detector", "name", "label", "time", "entity", "window"):
        if getattr(options, key) is not None:
            setattr(config, key, getattr(options, key))
    if options.ignore:
        config.ignore = [column.strip() for column in options.ignore.split(",")]
    config.hyperparameters |= pairs(options.set, "--set")
    if options.seed is not None:
        config.hyperparameters["random_state"] = options.seed
    return config


def _store(options: argparse.Namespace) -> ModelStore:
    from engine.store import ModelStore
    from engine.workspace import SHIPPED_MODELS, Workspace

    folder = options.models or Workspace.from_environment().models_root
    return ModelStore(folder, shipped=SHIPPED_MODELS)


def _short(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key != "reference"}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(values: Any) -> str:
    try:
        return json.dumps(values, allow_nan=False, default=str)
    except ValueError as problem:
        raise DataError(f"the answer holds a number JSON cannot carry ({problem})") from None


def _say(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


_shown: dict[str, str] = {}


def _progress(fraction: float, message: str) -> None:
    """One line on stderr for each new stage."""
    if _shown.get("stage") != message:
        _shown["stage"] = message
        print(f"{round(100 * fraction):3d} %  {message}", file=sys.stderr, flush=True)
