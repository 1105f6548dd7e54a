"""The report of an analysis of 50,000 rows, as a page and as a workbook: seconds of a whole process, and megabytes."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from excel_to_flags import mixed_table
from harness import Run, apart, median, met, options, publish, run, table

ROWS = 50_000
LIMIT_S, LIMIT_MB = 5.0, 3.0
TIMES = 3

# What a worker does with a job, in a process that has imported nothing yet.
JOB = """
import json, sys
from pathlib import Path
from engine.reporting.task import run_report
from engine.worker import JobContext
run_report(json.loads(sys.argv[1]), JobContext(Path(sys.argv[2])))
"""


def prepare(folder: Path, rows: int) -> dict[str, dict[str, Any]]:
    """A table and a series of 1 % labelled anomalies, judged; the specs of the jobs that report them, by name."""
    import numpy as np

    from engine import Roles, Workspace
    from engine.tasks import run_train
    from engine.worker import JobContext

    space, specs = Workspace(folder / "workspace", folder / "models"), {}
    frame = mixed_table(rows)
    frame["faulty"] = (np.arange(rows) % 100 == 0).astype(int)
    numbers = [name for name in frame if name.startswith("sensor")]
    frame.loc[frame["faulty"] == 1, numbers[:3]] *= 3
    file = folder / "readings.csv"
    frame.to_csv(file, index=False)
    data = space.datasets.add(file, file.name)
    places = {"workspace": str(space.root), "models": str(space.models_root), "dataset": data.id}
    for kind in ("table", "series"):
        others = {"taken": "time", "faulty": "label", "kind": "feature" if kind == "table" else "ignore"}
        roles = Roles({name: others.get(name, "feature") for name in frame.columns}, kind)
        space.datasets.set_roles(data, roles)
        training = {"detector": "isolation_forest", "name": kind, **places}
        trained = run_train(training, JobContext(folder))
        threshold = space.models.card(space.models.resolve(trained["model"]))["threshold"]
        specs[kind] = {
            **places,
            "result": trained["result"],
            "threshold": threshold,
            "rule": {"kind": "contamination", "value": 0.05},
            "events": [0, 1, 0.0],
            "choices": {},
        }
    return specs


def main() -> None:
    chosen = options(__doc__, rows={"type": int, "default": ROWS}, times={"type": int, "default": TIMES})
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs = apart(prepare, folder, chosen.rows)
        for kind, spec in specs.items():
            for suffix, what in ((".html", "page"), (".xlsx", "workbook")):
                file = folder / f"report{suffix}"
                asked = json.dumps({**spec, "name": file.name})
                runs: list[Run] = [
                    run([sys.executable, "-c", JOB, asked, str(folder)]) for _ in range(chosen.times)
                ]
                wall, size = median([each.wall for each in runs]), file.stat().st_size / 1e6
                rows.append(
                    [
                        f"{kind}, {what}",
                        f"{wall:.2f} s",
                        f"{median([each.cpu for each in runs]):.2f} s",
                        f"{median([each.peak_mb for each in runs]):.0f} MB",
                        f"{size:.2f} MB",
                        f"{LIMIT_S:g} s: {met(wall, LIMIT_S)}; {LIMIT_MB:g} MB: {met(size, LIMIT_MB)}",
                    ]
                )
    header = ["", "wall", "processor", "most memory", "size", "figure"]
    text = f"""A stored analysis of {chosen.rows:,} rows × 21 columns, 1 % of the rows labelled anomalies, judged once
as a table and once as a series; every section. Whole processes as a job has them, interpreter start and imports
included; medians of {chosen.times}.

{table(header, rows)}"""
    publish("The report of an analysis", text, write=chosen.write)


if __name__ == "__main__":
    main()
