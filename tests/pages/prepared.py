"""Data and results made without the screen, for tests that begin where somebody has already been."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from engine import ReadingOptions, Roles, Workspace
from engine.data.samples import SAMPLES
from engine.tasks import run_score, run_train

FAULTY = 12
PUMPS_ROWS = 400


def pumps(rows=PUMPS_ROWS) -> pd.DataFrame:
    """Pump readings; the last twelve rows are faulty, far out in flow and pressure."""
    rng = np.random.default_rng(3)
    faulty = np.arange(rows) >= rows - FAULTY
    return pd.DataFrame(
        {
            "pump_no": np.arange(5000, 5000 + rows),
            "flow": (rng.normal(50, 2, rows) + 30 * faulty).round(3),
            "pressure": (rng.normal(7, 0.4, rows) - 5 * faulty).round(3),
            "heat": rng.normal(60, 3, rows).round(3),
            "site": rng.choice(["Oslo", "Bergen", "Bodø"], rows, p=[0.5, 0.3, 0.2]),
            "faulty": faulty.astype(int),
        }
    )


def rhythm(rows=600) -> pd.DataFrame:
    """Two sensors minute by minute with a rhythm of 20 minutes, a few spikes, and a label."""
    rng = np.random.default_rng(5)
    minute = np.arange(rows)
    spike = np.isin(minute, [150, 151, 300, 450])
    return pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2024-05-06") + pd.to_timedelta(minute, unit="min"),
            "current": (
                20 + 3 * np.sin(minute * np.pi / 10) + 0.2 * rng.normal(size=rows) + 15 * spike
            ).round(3),
            "oil": (60 + np.sin(minute * np.pi / 10) + 0.1 * rng.normal(size=rows)).round(3),
            "anomaly": spike.astype(int),
        }
    )


def brought(space: Workspace, frame: pd.DataFrame, name: str, tmp_path, **roles):
    """A table brought as a CSV file, with some roles given by hand (``column=role``)."""
    path = tmp_path / name
    frame.to_csv(path, index=False)
    data = space.datasets.add(path, name)
    if roles:
        data = space.datasets.set_roles(data, Roles({**data.roles.columns, **roles}, data.roles.kind))
    return data


def sample(space: Workspace, file: str):
    """A shipped sample with its roles, as its button opens it."""
    known = next(s for s in SAMPLES if s.file == file)
    options = ReadingOptions(sheet=known.sheet) if known.sheet else ReadingOptions()
    data = space.datasets.add(known.path, known.file, options)
    return space.datasets.set_roles(data, Roles(dict(known.roles), known.kind))


def judged(
    space: Workspace, data, name: str, detector="isolation_forest", window=None, **hyperparameters
) -> dict[str, str]:
    """Train on a data set; what the address of its result says."""
    spec = {
        "detector": detector,
        "hyperparameters": hyperparameters,
        "window": window,
        "name": name,
        "dataset": data.id,
        "workspace": str(space.root),
        "models": str(space.models_root),
    }
    return {"data": data.id, "result": run_train(spec, _Quiet())["result"]}


def scored(space: Workspace, data, model: str) -> dict[str, str]:
    """Judge a data set with a stored model; what the address of its result says."""
    places = {"dataset": data.id, "workspace": str(space.root), "models": str(space.models_root)}
    return {"data": data.id, "result": run_score({"model": model, **places}, _Quiet())["result"]}


class _Quiet:
    """A job nobody watches."""

    directory = Path("quiet")

    def progress(self, fraction, message=""):
        pass

    def log(self, text):
        pass

    def record(self, **values):
        pass
