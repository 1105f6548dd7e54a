"""The work of a job process: train and score, score, explain one row. Called by :mod:`engine.worker`.

A spec is plain JSON: ids of data set and model and the choices made. A task returns plain JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.analysis import explain_worst, train
from engine.data.dataset import Dataset
from engine.model import Model
from engine.report import result_table, write_result
from engine.scoring.reasons import explain
from engine.workspace import Workspace


class Job(Protocol):
    """What a task needs of the job it runs in."""

    def progress(self, fraction: float, message: str = "") -> None:
        """Report the fraction done; raises :class:`~engine.errors.Cancelled` when a stop was asked for."""

    def log(self, text: str) -> None:
        """Add a line to the job's log."""


def run_train(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Train ``detector`` on ``dataset``, keep it as ``name``, and score the data set with it.

    Returns ``model`` (name@version) and ``result`` (id).
    """
    space = _workspace(spec)
    dataset = space.datasets.get(spec["dataset"])
    job.log(f"training {spec['detector']} on {dataset.name}: {dataset.rows:,} rows")
    model = train(
        dataset.frame(),
        dataset.roles,
        spec["detector"],
        spec.get("hyperparameters"),
        name=spec["name"],
        dataset=dataset.name,
        dataset_hash=dataset.sha256,
        window=spec.get("window"),
        progress=lambda done, message: job.progress(0.6 * done, message),
    )
    card = model.save(space.models)
    job.log(
        f"kept as {card.id}: threshold {card.threshold:.6g}, {len(card.features)} features, {card.seconds} s"
    )
    result = _score(
        space, Model(card=card, detector=model.detector, recipe=model.recipe), dataset, {}, job, start=0.6
    )
    return {"model": card.id, "result": result}


def run_score(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Score ``dataset`` with ``model``; ``mapping`` says which column stands for which. Returns ``result`` (id)."""
    space = _workspace(spec)
    dataset = space.datasets.get(spec["dataset"])
    model = Model.load(space.models, spec["model"])
    job.log(f"scoring {dataset.name} with {model.card.id}: {dataset.rows:,} rows")
    return {
        "model": model.card.id,
        "result": _score(space, model, dataset, spec.get("mapping") or {}, job, start=0.0),
    }


def run_explain(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Explain one ``row`` of ``dataset`` by ``model``. Returns its ``reasons``, strongest first."""
    space = _workspace(spec)
    dataset = space.datasets.get(spec["dataset"])
    model = Model.load(space.models, spec["model"])
    job.progress(0.3, "Reading the data")
    frame, row = dataset.frame(), int(spec["row"])
    if model.recipe.windows is None:  # a row of a table stands for itself
        frame, row = frame.iloc[row : row + 1], 0
    prepared = model.encode(frame, spec.get("mapping") or {})
    if not prepared.encoded.judged[row]:
        return {"reasons": [], "obstacle": prepared.encoded.obstacles.get(row, "")}
    explained = explain(model, prepared, np.array([row]))
    return {"reasons": [reason.as_dict() for reason in explained.reasons[0]]}


def run_export(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Write ``result`` with the rows above ``threshold`` flagged, as ``name``. Returns the file's ``path``."""
    space = _workspace(spec)
    dataset, found = space.datasets.get(spec["dataset"]), space.results.load(spec["result"])
    job.progress(0.1, "Reading the data")
    frame, scores, threshold = dataset.frame(), np.asarray(found.values), float(spec["threshold"])
    with np.errstate(invalid="ignore"):
        flags = scores > threshold
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
        "rule": spec["rule"],
        "threshold": repr(threshold),
        "flagged rows": f"{int(flags.sum()):,} of {int(np.isfinite(scores).sum()):,} judged, {len(scores):,} in all",
    }
    job.progress(0.4, "Writing the file")
    path = space.root / "exports" / spec["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_result(path, table, settings)
    return {"path": str(path)}


def _score(
    space: Workspace, model: Model, dataset: Dataset, mapping: dict[str, str], job: Job, *, start: float
) -> str:
    """Score a data set, explain its most unusual rows and keep both; returns the result's id."""
    job.progress(start, "Reading the data")
    frame = dataset.frame()
    prepared = model.encode(frame, mapping)
    span = 0.95 - start
    scores = model.judge(
        prepared, progress=lambda done, message: job.progress(start + 0.7 * span * done, message)
    )
    job.progress(start + 0.7 * span, "Explaining the most unusual rows")
    explained = explain_worst(model, prepared, scores)
    unjudged = int((~scores.judged).sum())
    job.log(f"scored {len(scores.values):,} rows, {unjudged:,} could not be judged")
    return space.results.save(model.card.id, dataset.id, scores, explained, frame, mapping)


def _workspace(spec: dict[str, Any]) -> Workspace:
    return Workspace(Path(spec["workspace"]), Path(spec["models"]))
