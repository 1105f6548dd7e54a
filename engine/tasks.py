"""The work of a job process: train and score, score, explain or mend, look around rows, write a file, draw a chart.

A worker calls it. A spec is plain JSON: ids of data set and model and the choices made. A task returns plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from engine.analysis import drift_of, explain_worst, flagged, train_and_score
from engine.bundle import export_bundle
from engine.charts import Chart, picture
from engine.data.dataset import Dataset
from engine.data.prepared import Prepared
from engine.data.roles import Roles
from engine.detectors import AUTO, detector_class
from engine.errors import StoreError, UsageError
from engine.group_lines import stored_judgement
from engine.labels.frozen import thawed_labels, with_labels
from engine.model import Model, Scores, load_fingerprint, load_recipe
from engine.report import result_table, write_result
from engine.results import Result
from engine.runs import Recording, metrics_of
from engine.scoring.edits import smallest_edit
from engine.scoring.reasons import Explained, explain
from engine.scoring.rules import rule_from_dict
from engine.series_files import SeriesFiles
from engine.series_part import SeriesPart
from engine.series_result import SeriesColumns, SeriesResult
from engine.training import checkpointed, epoch_in_words
from engine.window_view import kept_window, window_view
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
    space, recording = _workspace(spec), Recording()
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
        metrics = metrics_of(training, told)
        _put_in_order(training.model, dataset)
        job.progress(0.95, "Keeping model and result")  # the last moment to stop
        with recording.step("saving"):
            drift = drift_of(training.model, training.prepared, training.scores, learned=True)
            trained = replace(training.model, card=replace(training.model.card, job=job.directory.name))
            card = trained.save(space.models)
            try:
                result = space.results.save(
                    card.id, dataset.id, training.scores, explained, frame, drift=drift
                )
            except BaseException:
                space.models.delete(card.id)  # the person was told that it failed, so nobody expects a model
                raise
        job.log(
            f"kept as {card.id}: threshold {card.threshold:.6g}, {len(card.features)} features, {card.seconds} s"
        )
        asked = (
            "detector",
            "hyperparameters",
            "window",
            "learn_from_label",
            "labels",
            "rule",
            "threshold_group",
            "name",
        )
        given = {key: spec[key] for key in asked if spec.get(key)}
    try:
        space.runs.keep(card, recording, given=given, metrics=metrics)
    except StoreError as problem:  # model and result are there, and need no run
        job.log(str(problem))
    return {"model": card.id, "result": result}


def run_score(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Score ``dataset`` with ``model``; ``mapping`` says which column stands for which. Returns ``result`` (id).

    Scores can be read as soon as there are any; the reasons of the most unusual rows follow them.
    """
    space = _workspace(spec)
    dataset = space.datasets.get(spec["dataset"])
    model = Model.load(space.models, spec["model"])
    job.log(f"scoring {dataset.name} with {model.card.id}: {dataset.rows:,} rows")
    job.progress(0.0, "Reading the data")
    frame, mapping = dataset.frame(), spec.get("mapping") or {}
    prepared = model.encode(frame, mapping)
    scores = model.judge(prepared, progress=lambda done, message: job.progress(0.7 * done, message))
    same = dataset.sha256 == model.card.dataset_hash and dataset.rows == model.card.rows and not mapping
    drift = drift_of(model, prepared, scores, learned=same)
    job.log(f"{drift.verdict}: {drift.sentence}")
    if not space.results.exists(model.card.id, dataset.id, mapping):  # what is whole is not replaced by less
        space.results.save(model.card.id, dataset.id, scores, None, frame, mapping, drift)
    explained = _explained(model, prepared, scores, job, start=0.7)
    _put_in_order(model, dataset, mapping)
    return {
        "model": model.card.id,
        "result": space.results.save(model.card.id, dataset.id, scores, explained, frame, mapping, drift),
    }


def run_explain(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Explain one ``row`` of ``dataset`` by ``model``. Returns its ``reasons``, strongest first."""
    model, prepared, row = _one_row(spec, job)
    if not prepared.encoded.judged[row]:
        return {"reasons": [], "obstacle": prepared.encoded.obstacles.get(row, "")}
    explained = explain(model, prepared, np.array([row]))
    return {"reasons": [reason.as_dict() for reason in explained.reasons[0]]}


def run_edit(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Find what would make one ``row`` of ``dataset`` ordinary to ``model``: a score of at most ``threshold``.

    Returns the ``edits``, one after the other, and whether they are ``enough``.
    """
    model, prepared, row = _one_row(spec, job, whole=True)
    if not prepared.encoded.judged[row]:
        return {"edits": [], "enough": False, "obstacle": prepared.encoded.obstacles.get(row, "")}
    job.progress(0.6, "Trying other values")
    threshold = float(spec["threshold"])
    scores = _kept_scores(spec, model) if model.recipe.ordered else None
    scores = model.judge(prepared).values if scores is None else scores
    edits = smallest_edit(model, prepared, row, threshold, scores)
    score = edits[-1].score if edits else float(scores[row])
    return {"edits": [edit.as_dict() for edit in edits], "enough": score <= threshold}


def run_look(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Keep with ``result`` what its model sees around some ``rows``, in their order, as far as it is not there yet.

    Returns how many were ``seen``; rows that could not be judged, and those of a model that looks at none of their
    neighbours, are passed over.
    """
    space, seen = _workspace(spec), 0
    found = space.results.load(spec["result"])
    wanted = [int(row) for row in spec["rows"] if kept_window(space.results, found.id, int(row)) is None]
    if not wanted:
        return {"seen": 0}
    model = Model.load(space.models, found.model)
    series = SeriesPart.of(model, space.datasets.get(found.dataset), found.mapping)
    for number, row in enumerate(wanted if series else ()):
        job.progress(number / len(wanted), "Looking around the reading")
        assert series is not None, "asked above"
        prepared, place = series.around(row)
        view = window_view(model, prepared, place, found.mapping, at_reading=series.at_reading)
        if view is not None:
            space.results.keep_window(found.id, row, view.as_bytes())
            seen += 1
    return {"seen": seen}


def run_export(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Write ``result`` with the rows above ``threshold`` flagged, as ``name``. Returns the file's ``path``.

    Of a series, ``events`` are the choices that make its events: readings to bridge, the shortest, the severity to
    exceed. With ``only_events`` the file holds those alone. ``own_lines`` is the rule, as a dict, that gives groups of
    rows lines of their own.
    """
    space = _workspace(spec)
    dataset, found = space.datasets.get(spec["dataset"]), space.results.load(spec["result"])
    job.progress(0.1, "Reading the data")
    scores, threshold = np.asarray(found.values), float(spec["threshold"])
    path = job.directory / Path(spec["name"]).name  # goes when the job goes
    rule = rule_from_dict(spec["own_lines"]) if spec.get("own_lines") else None
    own = None if rule is None else stored_judgement(space, found, rule).own
    line = threshold if own is None else own.of_rows
    events = _events_of(space, dataset, found, line, spec["events"]) if spec.get("events") else None
    if events is not None and spec.get("only_events"):
        write_result(path, events, {})
        return {"path": str(path)}
    frame = dataset.frame()
    flags = flagged(scores, line)
    table = result_table(
        frame,
        scores=scores,
        severity=np.asarray(found.severity),
        flags=flags,
        judged=np.isfinite(scores),
        reasons={int(row): found.sentence(int(row)) for row in found.explained_rows if flags[row]},
        obstacles=found.obstacles,
    )
    settings = {
        "data": dataset.name,
        "data sha256": dataset.sha256,
        "model": found.model,
        "drift": f"{found.drift.verdict}: {found.drift.sentence}",
        "rule": spec["rule"],
        "threshold": repr(threshold),
        "flagged rows": f"{int(flags.sum()):,} of {int(np.isfinite(scores).sum()):,} judged, {len(scores):,} in all",
    }
    if own is not None:
        settings["lines"] = own.sentence
    job.progress(0.4, "Writing the file")
    write_result(path, table, settings, events=events)
    return {"path": str(path)}


def run_bundle(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Write ``model`` as a bundle, one file to send. Returns the file's ``path``."""
    job.progress(0.1, "Packing the model")
    path = job.directory / "model.zip"  # goes when the job goes
    path.write_bytes(export_bundle(_workspace(spec).models, spec["model"]))
    return {"path": str(path)}


def run_picture(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Draw ``chart``, a specification for a light ground, in a ``format``. Returns the file's ``path``.

    ``title`` and the line ``below`` stand over the chart, ``alt`` says the same as it does.
    """
    job.progress(0.1, "Drawing the chart")
    path = job.directory / f"chart.{spec['format']}"  # goes when the job goes
    chart = Chart(spec["chart"], spec["alt"])
    path.write_bytes(picture(chart, spec["format"], title=spec["title"], below=spec["below"]))
    return {"path": str(path)}


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


def _one_row(spec: dict[str, Any], job: Job, *, whole: bool = False) -> tuple[Model, Prepared, int]:
    """The model of a spec, and its ``row`` as the model sees it: what was prepared, and the row's place in it.

    Of a series those rows are prepared that the row's judgement depends on, or the ``whole`` of it.
    """
    space, mapping = _workspace(spec), spec.get("mapping") or {}
    dataset = space.datasets.get(spec["dataset"])
    model = Model.load(space.models, spec["model"])
    row = int(spec["row"])
    if not 0 <= row < dataset.rows:
        raise UsageError(f"there is no row {row}; the rows of {dataset.name} are 0 to {dataset.rows - 1}")
    job.progress(0.3, "Reading the data")
    if not model.recipe.ordered:  # a row of a table stands for itself
        return model, model.encode(dataset.rows_at([row]), mapping), 0
    if not whole and (series := SeriesPart.of(model, dataset, mapping)):
        return model, *series.around(row)
    return model, model.encode(dataset.frame(), mapping), row


def _kept_scores(spec: dict[str, Any], model: Model) -> np.ndarray | None:
    """What the model said of all rows of the data set, where that is stored."""
    results, mapping = _workspace(spec).results, spec.get("mapping") or {}
    if not results.exists(model.card.id, spec["dataset"], mapping):
        return None
    return np.asarray(results.load(results.id_of(model.card.id, spec["dataset"], mapping)).values)


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


def _events_of(
    space: Workspace, dataset: Dataset, found: Result, threshold: float | np.ndarray, choices: Sequence[float]
) -> pd.DataFrame | None:
    """The events of a result as a table; None if its model judged every row for itself."""
    columns = SeriesColumns.of(load_recipe(space.models, found.model), dataset, found.mapping)
    if columns is None:
        return None
    files = SeriesFiles.of(dataset, columns.time, columns.entity)
    series = SeriesResult.of(found, files, load_fingerprint(space.models, found.model))
    bridge, shortest, above = choices
    events = series.events(threshold, bridge=int(bridge), shortest=int(shortest), above=above or None)
    return series.table(events)


def _workspace(spec: dict[str, Any]) -> Workspace:
    return Workspace(Path(spec["workspace"]), Path(spec["models"]))
