"""What ``train`` and ``init`` do. Heavy libraries are imported when they are needed."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from engine.console import json_text, note, pairs, progress, read, runs_of, store_of
from engine.errors import StoreError, UsageError
from engine.snippets import cli_line

if TYPE_CHECKING:
    import pandas as pd

    from engine.analysis import Training
    from engine.config import TrainConfig
    from engine.data.reading.types import ColumnType
    from engine.data.roles import Roles
    from engine.detectors import Detector
    from engine.runs import Recording

STEPS = 4


def init(options: argparse.Namespace) -> None:
    """Print a commented configuration of a detector, or write it to a file that does not exist yet."""
    from engine.config_template import template

    text = template(options.detector)
    if options.output is None:
        print(text, end="")
        return
    try:
        with options.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"'{options.output}' is there already; name another file, or delete it") from None
    except OSError as problem:
        raise UsageError(f"'{options.output}' cannot be written: {problem.strerror}") from None
    print(f"wrote {options.output}; edit it, then: python -m engine train DATA --config {options.output}")


def train(options: argparse.Namespace) -> None:
    """Train a detector on a file, keep the model and its run, and say what came of it."""
    from engine.runs import Recording, metrics_of
    from engine.summary import (
        comparison_text,
        files_of,
        next_steps,
        training_summary,
        validation_check,
        verdict,
    )

    config, recording = _config(options), Recording()
    runs, store = runs_of(options), store_of(options)
    with recording.listening():
        prose = sys.stderr if options.json else sys.stdout
        training, frame, labels = _trained(options, config, recording, prose)
        metrics = metrics_of(training, frame)
        with _step(4, "saving", f"Saving the model as '{training.model.card.name}'", recording, prose):
            card = training.model.save(store)
        for text in card.notes:
            note(text)
        folder, run = store.folder(card.id), runs.folder(card.id)
        print(training_summary(card, folder, run, metrics, recording.total), file=prose)
        print(validation_check(card, metrics["share_flagged"]), file=prose)
        print(comparison_text(card), file=prose, end="")
        print(next_steps(_scoring_line(options, card.id)), file=prose)
    kept, given = None, config.given() | ({"labels": labels} if labels else {})
    try:
        kept = str(runs.keep(card, recording, given=given, metrics=metrics))
    except StoreError as problem:  # the model is there, and needs no run
        note(str(problem))
    if options.json:
        facts = {"model": card.id, "threshold": card.threshold, "rows": card.rows, "judged": card.judged}
        facts |= {"features": len(card.features), "feature_names": card.features, "seconds": card.seconds}
        facts |= {"detector": card.detector, "injected": card.injected}
        if card.classes is not None:
            facts["classes"] = card.classes
        facts |= {"folder": str(folder), "files": files_of(card), "run": kept}
        print(json_text(facts | metrics | {"check": verdict(metrics["share_flagged"])}))


def _trained(
    options: argparse.Namespace, config: TrainConfig, recording: Recording, prose: TextIO
) -> tuple[Training, pd.DataFrame, str | None]:
    """Read the file and train on it; the training, the rows learned from, and the name of the labels it was told."""
    from engine.detectors import AUTO
    from engine.store import suggested_name
    from engine.training import checkpointed, epoch_in_words
    from engine.workspace import Workspace

    with _step(1, "loading", f"Loading {options.data}", recording, prose):
        needed = ("engine.analysis", *_kind(config).imports)
        frame, about = read(options.data, options.read, warm=needed)
    from engine import analysis
    from engine.model import Model

    encoder = Model.load(store_of(options), config.encoder) if config.encoder else None
    size = f"{len(frame):,} rows, {frame.shape[1]} columns"
    with _step(2, "choosing columns", f"Choosing columns: {size}", recording, prose):
        frame, roles, frozen = _chosen_columns(options, config, frame, about["types"])
    who = "the detector that suits best" if config.detector == AUTO else _kind(config).title
    what = f"{who} on {len(roles.features)} columns of a {roles.kind}"

    def record(**values: float) -> None:
        recording.record(**values)
        print(epoch_in_words(values), file=sys.stderr, flush=True)

    digest = _sha256(options.data)
    choices = {"data": digest, "roles": roles.as_dict(), "choices": asdict(config), "labels": frozen}
    checkpoint = Workspace.from_environment().checkpoint(choices)
    with (
        _step(3, "training", f"Training {what}: {_chosen(config)}", recording, prose),
        checkpointed(checkpoint, record) as course,
    ):
        training = analysis.train_and_score(
            frame,
            roles,
            config.detector,
            config.hyperparameters,
            name=config.name or suggested_name(options.data.stem),
            dataset=options.data.name,
            dataset_hash=digest,
            scaling=config.scaling,  # type: ignore[arg-type]
            window=config.window,
            first=config.first,
            rule=config.rule,
            threshold_group=config.threshold_group,
            learn_from_label=config.learn_from_label or config.labels,
            classes=config.classes,
            encoder=encoder,
            progress=progress,
            course=course,
        )
    return training, analysis.learned_rows(frame, roles, config.first), frozen


def _chosen_columns(
    options: argparse.Namespace, config: TrainConfig, frame: pd.DataFrame, types: dict[str, ColumnType]
) -> tuple[pd.DataFrame, Roles, str | None]:
    """The table with what its columns are for; with labels given in Loupe as its label, and these labels' name."""
    from engine.data.roles import overruled, suggest
    from engine.labels.learning import told_of_file
    from engine.workspace import Workspace

    roles = overruled(
        suggest(frame, types).roles,
        label=config.label,
        time=config.time,
        entity=config.entity,
        ignore=config.ignore,
        kind=config.kind,
    )
    if not config.labels:
        return frame, roles, None
    place = (Workspace.from_environment(), options.data, options.read)
    return told_of_file(*place, frame, roles, config.detector, beside=config.learn_from_label)


def _kind(config: TrainConfig) -> type[Detector]:
    """The detector that was asked for; what all have in common where the program is to choose."""
    from engine.detectors import AUTO, Detector, detector_class

    return Detector if config.detector == AUTO else detector_class(config.detector)


def _chosen(config: TrainConfig) -> str:
    """The hyperparameters that were given, in words."""
    from engine.hyperparameters import declared

    knobs = declared(_kind(config))
    given = ", ".join(f"{name} {knobs[name].text(value)}" for name, value in config.hyperparameters.items())
    return given or "hyperparameters as by default"


def _scoring_line(options: argparse.Namespace, model: str) -> str:
    """The command that judges the same file with the new model."""
    return cli_line(
        data=str(options.data),
        model=model,
        models=options.models and str(options.models),
        output="flagged.csv",
        options=pairs(options.read, "--read"),
    )


@contextmanager
def _step(number: int, name: str, text: str, recording: Recording, prose: TextIO) -> Iterator[None]:
    """Say which step begins, and count its seconds."""
    print(f"[{number}/{STEPS}] {text}", file=prose, flush=True)
    with recording.step(name):
        yield


def _config(options: argparse.Namespace) -> TrainConfig:
    """The configuration file's choices, overruled by the options given; refused here if they cannot be."""
    from engine.config import TrainConfig
    from engine.detectors import checked_choices
    from engine.store import validated_name

    config = TrainConfig.load(options.config) if options.config else TrainConfig()
    keys = ("detector", "name", "label", "time", "entity", "kind", "window", "first", "learn_from_label")
    for key in (*keys, "labels", "threshold_rule", "threshold_group", "classes", "encoder"):
        if getattr(options, key) is not None:
            setattr(config, key, getattr(options, key))
    if options.ignore:
        config.ignore = [column.strip() for column in options.ignore.split(",")]
    config.tune(pairs(options.set, "--set"))
    if options.seed is not None:
        config.hyperparameters["random_state"] = options.seed
    if config.name is not None:
        config.name = validated_name(config.name)
    values = checked_choices(config.detector, config.hyperparameters)
    config.hyperparameters = {name: values[name] for name in config.hyperparameters}
    _ = config.rule
    config.check_together()
    return config


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
