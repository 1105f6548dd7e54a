"""The work of a job process that ends in a file: an answer to take away, a bundle, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.analysis import flagged
from engine.bundle import export_bundle
from engine.charts import Chart, picture
from engine.data.dataset import Dataset
from engine.group_lines import stored_judgement
from engine.model import load_fingerprint, load_recipe
from engine.report import result_table, write_result
from engine.results import Result
from engine.scoring.rules import rule_from_dict
from engine.series_files import SeriesFiles
from engine.series_result import SeriesColumns, SeriesResult
from engine.tasks import Job, workspace_of
from engine.workspace import Workspace


def run_export(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Write ``result`` with the rows above ``threshold`` flagged, as ``name``. Returns the file's ``path``.

    Of a series, ``events`` are the choices that make its events: readings to bridge, the shortest, the severity to
    exceed. With ``only_events`` the file holds those alone. ``own_lines`` is the rule, as a dict, that gives groups of
    rows lines of their own.
    """
    space = workspace_of(spec)
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
        classes=None if found.classes is None else found.classes.columns(),
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
    path.write_bytes(export_bundle(workspace_of(spec).models, spec["model"]))
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
