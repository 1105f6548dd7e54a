"""The work of a job process that trains or scores; other work stands in row_tasks.py and file_tasks.py.

A worker calls it. A spec is plain JSON: ids of data set and model and the choices made. A task returns plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from engine.analysis import drift_of, explain_worst, train_and_score
from engine.class_evaluation import Naming, keep_evaluation
from engine.data.dataset import Dataset
from engine.data.prepared import Prepared
from engine.data.roles import Roles
from engine.detectors import AUTO, detector_class
from engine.errors import StoreError
from engine.labels.frozen import thawed_labels, with_labels
from engine.model import Model, Scores
from engine.runs import Recording, metrics_of
from engine.scoring.reasons import Explained
from engine.scoring.rules import rule_from_dict
from engine.series_files import SeriesFiles
from engine.series_result import SeriesColumns
from engine.training import checkpointed, epoch_in_words
from engine.workspace import Workspace

CHOSEN = (
    "detector",
    "hyperparameters",
    "window",
    "learn_from_label",
    "labels",
    "rule",
    "threshold_group",
    "name",
)
"""What of the spec of a training its run keeps."""


class Job(Protocol):
    """What a task needs of the job it runs in."""

    @property
    def directory(self) -> Path:
        """The job's own folder, removed with the job."""

    def progress(self, fraction: float, message: str = "") -> None:
        """Report the fraction done; raises :class:`~engine.errors.Cancelled` when a stop was asked for."""

    def log(self, text: str) -> None:
        """Add a line to the job's log."""

    def record(self, **values: float | str | None) -> None:
        """Keep one point of a curve, such as an epoch's losses."""


def run_train(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Train ``detector`` on ``dataset``, keep it as ``name``, and keep what it says of the data set.

    ``roles`` are those of the data set unless the spec has others. ``labels`` names labels frozen for this training,
    which it learns from; with ``learn_from_label`` the label column speaks for the rows they say nothing of. ``rule``,
    as a dict, draws the model's own threshold.
    Returns ``model`` (name@version) and ``result`` (id). A training that is stopped or fails leaves neither.
    """
    space, recording = workspace_of(spec), Recording()
    with recording.listening():
        dataset = space.datasets.get(spec["dataset"])
        job.log(f"training {spec['detector']} on {dataset.name}: {dataset.rows:,} rows")
        with recording.step("loading"):
            frame = dataset.frame()

        def record(**values: float) -> None:
            recording.record(**values)
            job.record(**values)
            job.log(epoch_in_words(values))

        roles = Roles.from_dict(spec["roles"]) if "roles" in spec else dataset.roles
        checkpoint = space.checkpoint_of(spec, roles)
        told, roles = _told(space, spec, frame, roles, job)
        with recording.step("training"), checkpointed(checkpoint, record) as course:
            training = train_and_score(
                told,
                roles,
                spec["detector"],
                spec.get("hyperparameters"),
                name=spec["name"],
                dataset=dataset.name,
                dataset_hash=dataset.sha256,
                window=spec.get("window"),
                rule=rule_from_dict(spec["rule"]) if spec.get("rule") else None,
                threshold_group=spec.get("threshold_group"),
                learn_from_label=bool(spec.get("learn_from_label") or spec.get("labels")),
                progress=lambda done, message: job.progress(0.8 * done, message),
                course=course,
            )
        with recording.step("explaining"):
            explained = _explained(training.model, training.prepared, training.scores, job, start=0.8)
            naming = Naming.of(training.model, training.prepared, told, learned=True)
            classes = naming.kept(training.scores)
            checked = naming.evaluated(job.progress)
        metrics = metrics_of(training, told)
        _put_in_order(training.model, dataset)
        job.progress(0.95, "Keeping model and result")  # the last moment to stop
        with recording.step("saving"):
            drift = drift_of(training.model, training.prepared, training.scores, learned=True)
            trained = replace(training.model, card=replace(training.model.card, job=job.directory.name))
            card = trained.save(space.models)
            try:
                result = space.results.save(
                    card.id, dataset.id, training.scores, explained, frame, drift=drift, classes=classes
                )
                keep_evaluation(space.results, result, checked)
            except BaseException:
                space.models.delete(card.id)  # the person was told that it failed, so nobody expects a model
                raise
        job.log(
            f"kept as {card.id}: threshold {card.threshold:.6g}, {len(card.features)} features, {card.seconds} s"
        )
        given = {key: spec[key] for key in CHOSEN if spec.get(key)}
    try:
        space.runs.keep(card, recording, given=given, metrics=metrics)
    except StoreError as problem:  # model and result are there, and need no run
        job.log(str(problem))
    return {"model": card.id, "result": result}


def run_score(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Score ``dataset`` with ``model``; ``mapping`` says which column stands for which. Returns ``result`` (id).

    Scores can be read as soon as there are any; drift, classes and the reasons of the most unusual rows follow them.
    """
    space = workspace_of(spec)
    dataset = space.datasets.get(spec["dataset"])
    model = Model.load(space.models, spec["model"])
    job.log(f"scoring {dataset.name} with {model.card.id}: {dataset.rows:,} rows")
    job.progress(0.0, "Reading the data")
    frame, mapping = dataset.frame(), spec.get("mapping") or {}
    prepared = model.encode(frame, mapping)
    scores = model.judge(prepared, progress=lambda done, message: job.progress(0.7 * done, message))
    if not space.results.exists(model.card.id, dataset.id, mapping):  # what is whole is not replaced by less
        space.results.save(model.card.id, dataset.id, scores, None, frame, mapping)
    here = dataset.sha256 == model.card.dataset_hash
    same = here and dataset.rows == model.card.rows and not mapping
    drift = drift_of(model, prepared, scores, learned=same)
    job.log(f"{drift.verdict}: {drift.sentence}")
    # Of rows of which it learned some, nobody can say how well it names others.
    label = None if here else dataset.roles.label
    naming = Naming.of(model, prepared, frame, learned=same, label=label)
    classes = naming.kept(scores)
    explained = _explained(model, prepared, scores, job, start=0.7)
    checked = naming.evaluated(job.progress)
    _put_in_order(model, dataset, mapping)
    kept = (scores, explained, frame, mapping, drift, classes)
    result = space.results.save(model.card.id, dataset.id, *kept)
    keep_evaluation(space.results, result, checked)
    return {"model": model.card.id, "result": result}


def _told(
    space: Workspace, spec: dict[str, Any], frame: pd.DataFrame, roles: Roles, job: Job
) -> tuple[pd.DataFrame, Roles]:
    """The table a training learns from, and its roles: with the labels that its spec names as the label column."""
    if not spec.get("labels"):
        return frame, roles
    given = thawed_labels(space.frozen_labels, spec["labels"])
    job.log(f"learning from {len(given.rows):,} labels given in Loupe")
    named = spec["detector"] != AUTO and detector_class(spec["detector"]).names_classes
    return with_labels(frame, roles, given, beside=bool(spec.get("learn_from_label")), named=named)


def _explained(model: Model, prepared: Prepared, scores: Scores, job: Job, *, start: float) -> Explained:
    """Reasons of the most unusual rows of a data set."""
    unjudged = int((~scores.judged).sum())
    job.log(f"scored {len(scores.values):,} rows, {unjudged:,} could not be judged")
    job.progress(start, "Explaining the most unusual rows")
    return explain_worst(model, prepared, scores)


def _put_in_order(model: Model, dataset: Dataset, mapping: Mapping[str, str] | None = None) -> None:
    """Lay the readings of a series out by time while nobody waits for it; a screen could do so, but later."""
    columns = SeriesColumns.of(model.recipe, dataset, mapping)
    if columns is not None:
        SeriesFiles.of(dataset, columns.time, columns.entity)


def workspace_of(spec: dict[str, Any]) -> Workspace:
    return Workspace(Path(spec["workspace"]), Path(spec["models"]))
