"""The work of a job process on single rows: explain one, find what would mend it, look at the time around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.prepared import Prepared
from engine.errors import UsageError
from engine.model import Model
from engine.scoring.edits import smallest_edit
from engine.scoring.reasons import explain
from engine.series_part import SeriesPart
from engine.tasks import Job, workspace_of
from engine.window_view import kept_window, window_view


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
    space, seen = workspace_of(spec), 0
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


def _one_row(spec: dict[str, Any], job: Job, *, whole: bool = False) -> tuple[Model, Prepared, int]:
    """The model of a spec, and its ``row`` as the model sees it: what was prepared, and the row's place in it.

    Of a series those rows are prepared that the row's judgement depends on, or the ``whole`` of it.
    """
    space, mapping = workspace_of(spec), spec.get("mapping") or {}
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
    results, mapping = workspace_of(spec).results, spec.get("mapping") or {}
    if not results.exists(model.card.id, spec["dataset"], mapping):
        return None
    return np.asarray(results.load(results.id_of(model.card.id, spec["dataset"], mapping)).values)
