"""Seeds that do not move, and two tiny data sets whose anomalies are known."""

from dataclasses import dataclass
from functools import cache

import pytest


@dataclass(frozen=True, eq=False)
class Planted:
    """A data set and which of its rows were made strange (1) or left ordinary (0)."""

    frame: object  # pandas is loaded by the fixtures, so that tests without data do not wait for it
    roles: object
    labels: object


@pytest.fixture(autouse=True)
def _seeds_fixed():
    import numpy as np

    np.random.seed(0)


@pytest.fixture(scope="session")
def table() -> Planted:
    """300 rows of every kind of column; 15 scattered rows are far out in two or three of the numbers."""
    import numpy as np
    import pandas as pd

    from engine.data.roles import Roles

    rng = np.random.default_rng(7)
    n = 300
    load = rng.normal(size=n)
    numbers = {
        "flow_rate": 50 + 5 * load + rng.normal(size=n),
        "pressure": 7 + 0.5 * load + 0.2 * rng.normal(size=n),
        "temperature": 60 + 4 * rng.normal(size=n),
        "vibration": 1 + 0.1 * rng.normal(size=n),
    }
    labels = np.zeros(n, dtype=int)
    labels[rng.choice(n, 15, replace=False)] = 1
    for row in np.flatnonzero(labels):
        for name in rng.choice(list(numbers), rng.integers(2, 4), replace=False):
            numbers[name][row] += rng.choice([-1, 1]) * rng.uniform(7, 10) * numbers[name].std()
    frame = pd.DataFrame({"order_no": np.arange(1000, 1000 + n), **numbers})
    frame["product"] = rng.choice(["bolt", "nut", "washer"], n, p=[0.5, 0.3, 0.2])
    frame["night_shift"] = rng.random(n) < 0.4
    frame["made"] = pd.Timestamp("2024-05-06") + pd.to_timedelta(rng.integers(0, 30 * 86_400, n), unit="s")
    for name in ("temperature", "product"):
        frame.loc[rng.choice(np.flatnonzero(labels == 0), 6, replace=False), name] = None
    frame["faulty"] = labels
    roles = dict.fromkeys(frame.columns, "feature") | {"order_no": "id", "faulty": "label"}
    return Planted(frame, Roles(roles), labels)


@pytest.fixture(scope="session")
def series() -> Planted:
    """400 readings, minute by minute, of two sensors with a rhythm of 20 minutes; eight readings are spikes."""
    import numpy as np
    import pandas as pd

    from engine.data.roles import Roles

    rng = np.random.default_rng(11)
    minute = np.arange(400)
    current = 20 + 3 * np.sin(2 * np.pi * minute / 20) + 0.2 * rng.normal(size=400)
    oil = 60 + np.sin(2 * np.pi * minute / 20 + 1) + 0.1 * rng.normal(size=400)
    labels = np.zeros(400, dtype=int)
    labels[[60, 95, 140, 185, 230, 275, 320, 365]] = 1
    current[labels == 1] += 14.0
    oil[labels == 1] -= 5.0
    start = pd.Timestamp("2024-05-06")
    frame = pd.DataFrame(
        {
            "time": start + pd.to_timedelta(minute, unit="min"),
            "current": current,
            "oil_temperature": oil,
            "fault": labels,
        }
    )
    roles = {"time": "time", "current": "feature", "oil_temperature": "feature", "fault": "label"}
    return Planted(frame, Roles(roles, kind="series"), labels)


@pytest.fixture(scope="session")
def model_of():
    """The model a detector makes of a data set; trained once, never changed."""
    from engine.analysis import train
    from tests.engine.checks import quick

    return cache(lambda detector, data: train(data.frame, data.roles, detector, quick(detector)))
