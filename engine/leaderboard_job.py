"""A leaderboard drawn up by a job, and kept beside the first of the results it is about: of many rows it takes seconds.

What is kept is what is shown: figures, drawn curves, agreements. Scores stay where they are, with the results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.charts.evaluation import corners
from engine.contestants import entry_of, stored_leaderboard
from engine.data.dataset import Dataset
from engine.data.roles import as_binary
from engine.leaderboard import AgreementMeasure, Entry, Found, Leaderboard, Sort, Standing, Tops
from engine.scoring.metrics import Curve
from engine.scoring.paired_bootstrap import PairedBootstrap
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.tasks import Job

FORM = 2  # of what is kept; another one is drawn up anew
MOST_POINTS = 2_000  # of each curve: more than a chart draws
MEASURES: tuple[AgreementMeasure, ...] = ("spearman", "kendall", "top")

Array = NDArray[np.float64]


def run_leaderboard(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Compare the models behind ``results`` on ``dataset``, with ``own_lines`` by the lines of groups, and keep it.

    Known answers are read from the column with the role label. Returns the ``name`` it is kept under.
    """
    from engine.tasks import workspace_of

    space, own = workspace_of(spec), bool(spec["own_lines"])
    data, results = space.datasets.get(spec["dataset"]), list(spec["results"])
    name = _name(space, data, results, own_lines=own)
    label = data.roles.label
    known = None if label is None else as_binary(data.frame([label])[label])[0]
    models = [entry_of(space, space.results.load(id), own_lines=own) for id in results]
    board = stored_leaderboard(
        data, models, known, progress=lambda done, said: job.progress(0.8 * done, said)
    )
    for number, measure in enumerate(MEASURES):
        job.progress(0.7 + 0.1 * number, "Measuring who agrees with whom")
        board.agreement(measure)
    space.results.keep_beside(results[0], name, json.dumps(_told(board)).encode())
    return {"name": name}


def kept_leaderboard(
    space: Workspace, data: Dataset, results: Sequence[str], *, own_lines: bool
) -> Leaderboard | None:
    """What :func:`run_leaderboard` kept of results as they are now; None for nothing.

    Only its models have scores.
    """
    kept = space.results.beside(results[0], _name(space, data, results, own_lines=own_lines))
    if kept is None:
        return None
    models = [entry_of(space, space.results.load(id), own_lines=own_lines) for id in results]
    return _board(json.loads(kept), {entry.name: entry for entry in models})


def _name(space: Workspace, data: Dataset, results: Sequence[str], *, own_lines: bool) -> str:
    """Changes with everything a leaderboard depends on."""
    stamps = [space.results.stamp(id) for id in results]
    about = json.dumps([FORM, list(results), stamps, data.roles.as_dict(), own_lines], sort_keys=True)
    return f"leaderboard-{sha256(about.encode()).hexdigest()[:24]}.json"


def _told(board: Leaderboard) -> dict[str, Any]:
    """A leaderboard as JSON has it."""
    return {
        "standings": [_standing(standing) for standing in board.standings],
        "rows": board.rows,
        "anomalies": board.anomalies,
        "top": board.top,
        "why_unmeasured": board.why_unmeasured,
        "curves": {name: _drawn(points) for name, points in board.curves.items()},
        "bootstrap": None if board.bootstrap is None else _bootstrap(board.bootstrap),
        "agreements": {measure: values.tolist() for measure, values in board.agreements.items()},
        "tops": {name: [sizes.tolist(), shares.tolist()] for name, (sizes, shares) in board.overlaps.items()},
    }


def _standing(standing: Standing) -> dict[str, Any]:
    entry = standing.entry
    return {
        "name": entry.name,
        "detector": entry.detector,
        "sort": entry.sort,
        "judged": standing.judged,
        "flagged": standing.flagged,
        "found": None if standing.found is None else asdict(standing.found),
        "agreement": standing.agreement,
        "overlap": standing.overlap,
    }


def _drawn(points: Curve) -> dict[str, Any]:
    """The points that draw a curve both ways."""
    far, recall, precision = points.false_positive_rate, points.recall, points.precision
    kept = points.only(
        np.union1d(corners(far, recall, MOST_POINTS // 2), corners(recall, precision, MOST_POINTS // 2))
    )
    return {
        "true_positives": kept.true_positives.tolist(),
        "false_positives": kept.false_positives.tolist(),
        "positives": kept.positives,
        "negatives": kept.negatives,
    }


def _bootstrap(found: PairedBootstrap) -> dict[str, Any]:
    told = asdict(found)
    figures = ("average_precision", "roc_auc")
    return told | {what: {name: v.tolist() for name, v in told[what].items()} for what in figures}


def _board(told: Mapping[str, Any], models: Mapping[str, Entry]) -> Leaderboard:
    bootstrap = told["bootstrap"]
    return Leaderboard(
        standings=tuple(_standing_of(each, models) for each in told["standings"]),
        rows=told["rows"],
        anomalies=told["anomalies"],
        top=told["top"],
        why_unmeasured=told["why_unmeasured"],
        curves={name: _curve_of(points) for name, points in told["curves"].items()},
        bootstrap=None if bootstrap is None else PairedBootstrap(**bootstrap | _figures_of(bootstrap)),
        ranks={},
        agreements={measure: np.array(told["agreements"][measure]) for measure in MEASURES},
        shared_tops=_tops_of(told["tops"]),
    )


def _standing_of(told: Mapping[str, Any], models: Mapping[str, Entry]) -> Standing:
    name, sort = told["name"], cast("Sort", told["sort"])
    entry = models.get(name) if sort == "model" else None
    return Standing(
        entry=entry or Entry(name=name, detector=told["detector"], scores=np.zeros(0), sort=sort),
        judged=told["judged"],
        flagged=told["flagged"],
        found=None if told["found"] is None else Found(**told["found"]),
        agreement=told["agreement"],
        overlap=told["overlap"],
    )


def _curve_of(told: Mapping[str, Any]) -> Curve:
    caught, false = (np.array(told[name], dtype=np.float64) for name in ("true_positives", "false_positives"))
    return Curve(
        threshold=np.full(len(caught), np.nan),  # of the drawing alone
        true_positives=caught,
        false_positives=false,
        positives=told["positives"],
        negatives=told["negatives"],
    )


def _figures_of(told: Mapping[str, Any]) -> dict[str, dict[str, Array]]:
    return {
        what: {name: np.array(values) for name, values in told[what].items()}
        for what in ("average_precision", "roc_auc")
    }


def _tops_of(told: Mapping[str, Any]) -> Tops:
    return {name: (np.array(sizes), np.array(shares)) for name, (sizes, shares) in told.items()}
