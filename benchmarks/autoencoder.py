"""The AutoEncoder: time and quality against PyOD's, quality on labelled tables, rows scored a second, Excel to flags.

``--part`` runs one of them: pyod, tables, rate, excel.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from detectors_vs_sklearn import MOST_ROWS, tables
from excel_to_flags import mixed_table, write_workbook
from harness import apart, median, met, options, publish, run, table

ROWS, WIDTH, SHARE = 50_000, 20, 0.01
EPOCHS, SHORT = 50, 3  # of the peer: all it should take, and as many as are timed
BATCH = 64
LESS_TIME = 20.0
OVER_CLASSIC, UNDER_NEIGHBOURS, UNDER_NEIGHBOURS_AP = 4.0, 1.5, 4.0
RATES = {"classic": 500_000, "robust": 40_000}
RATE_ROWS = 200_000
EXCEL_S = 8.0


# ---- against PyOD


def planted(rows: int, seed: int = 0) -> tuple[Any, Any]:
    """Correlated normal columns and labels: half of the anomalies lie far out, half only break the relations."""
    import numpy as np

    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(6, WIDTH))
    X = rng.normal(size=(rows, 6)) @ mixing + 0.5 * rng.normal(size=(rows, WIDTH))
    y = np.zeros(rows, dtype=int)
    chosen = rng.choice(rows, round(SHARE * rows), replace=False)
    y[chosen] = 1
    far, broken = np.array_split(chosen, 2)
    X[far] *= rng.uniform(1.5, 3.0, size=(len(far), 1))
    for row in broken:  # ordinary values, each of another row
        columns = rng.choice(WIDTH, 5, replace=False)
        X[row, columns] = X[rng.integers(rows, size=5), columns]
    return X, y


def write_planted(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    X, y = planted(ROWS)
    np.savez(folder / "planted.npz", X=X, y=y)
    pd.DataFrame(X, columns=[f"sensor {i}" for i in range(WIDTH)]).to_parquet(folder / "planted.parquet")


PEER = """
import importlib.machinery, importlib.util, json, sys, time, types
import numpy as np
if importlib.util.find_spec("tqdm") is None:  # PyOD imports it for its progress bar, and does not declare it
    bar = sys.modules["tqdm"] = types.ModuleType("tqdm")
    bar.__spec__ = importlib.machinery.ModuleSpec("tqdm", None)
    bar.trange = lambda n, **_: range(n)
from pyod.models.auto_encoder import AutoEncoder
X = np.load(sys.argv[1])["X"]
y = np.load(sys.argv[1])["y"]
from sklearn.metrics import average_precision_score, roc_auc_score
peer = AutoEncoder(epoch_num=int(sys.argv[2]), batch_size=int(sys.argv[3]), verbose=0)
started, cpu = time.perf_counter(), time.process_time()
peer.fit(X)
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
scores = peer.decision_scores_
print(json.dumps([seconds, cpu, roc_auc_score(y, scores), average_precision_score(y, scores)]))
"""


def theirs(folder: Path, epochs: int) -> list[float]:
    """PyOD's seconds and processor seconds in ``fit`` alone, its ROC-AUC and AP."""
    import subprocess

    command = [sys.executable, "-c", PEER, str(folder / "planted.npz"), str(epochs), str(BATCH)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"PyOD failed:\n{answer.stderr[-2000:]}")
    found: list[float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def ours(folder: Path, mode: str) -> tuple[float, float]:
    """Seconds and processor seconds of a whole process that reads, trains and stores."""
    took = run(
        [
            *(sys.executable, "-m", "engine", "train", str(folder / "planted.parquet")),
            *("--detector", "autoencoder", "--set", f"mode={mode}", "--name", mode),
        ],
        LOUPE_MODELS=str(folder / "models"),
        LOUPE_WORKSPACE=str(folder / "workspace"),
    )
    return took.wall, took.cpu


def quality(folder: Path, mode: str) -> tuple[float, float]:
    """ROC-AUC and AP of the stored model on the rows it learned from."""
    import numpy as np
    import pandas as pd
    from sklearn.metrics import average_precision_score, roc_auc_score

    from engine import Model, ModelStore

    scores = Model.load(ModelStore(folder / "models"), mode).score(
        pd.read_parquet(folder / "planted.parquet")
    )
    y = np.load(folder / "planted.npz")["y"]
    return float(roc_auc_score(y, scores.values)), float(average_precision_score(y, scores.values))


def against_pyod(chosen: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apart(write_planted, folder)
        timed, mine = [], []
        for _ in range(chosen.pairs):
            mine.append(ours(folder, "robust"))
            timed.append(theirs(folder, SHORT))
            print(mine[-1], timed[-1], flush=True)
        found = apart(quality, folder, "robust")
        long = theirs(folder, chosen.peer_epochs)
    scale = EPOCHS / SHORT
    rows = []
    for i, title in enumerate(("wall", "processor")):
        ratio = median([t[i] * scale / m[i] for m, t in zip(mine, timed, strict=True)])
        figure = "" if i else f"{LESS_TIME:g} ×: {met(ratio, LESS_TIME, at_least=True)}"
        us, them = median([m[i] for m in mine]), scale * median([t[i] for t in timed])
        rows.append([title, f"{us:.1f} s", f"{them:.0f} s", f"{ratio:.1f} ×", figure])
    rows += [
        ["ROC-AUC", f"{found[0]:.4f}", f"{long[2]:.4f}", "", met(found[0], long[2], at_least=True)],
        ["AP", f"{found[1]:.4f}", f"{long[3]:.4f}", "", ""],
    ]
    text = f"""{ROWS:,} × {WIDTH} correlated normal columns, 1 % planted anomalies: half lie far out, half break
only the relations between columns. Ours: the whole process `python -m engine train` in robust mode, from the file to
the stored model. PyOD's: `fit` alone, {EPOCHS} epochs with batches of {BATCH}, {SHORT} of them measured and scaled
by {EPOCHS}/{SHORT}; {chosen.pairs} alternating pairs, medians.
PyOD's ROC-AUC and AP are those after {chosen.peer_epochs} epochs.

{table(["", "ours", "PyOD", "ratio", "figure"], rows)}"""
    publish("AutoEncoder against PyOD's", text, write=chosen.write, part="pyod")


# ---- labelled tables


CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "robust": ("autoencoder", {"mode": "robust"}),
    "classic": ("autoencoder", {"mode": "classic"}),
    "5-NN distance": ("neighbours", {"mode": "distance", "n_neighbors": 5}),
    "Isolation Forest": ("isolation_forest", {}),
    "LOF": ("neighbours", {"mode": "lof"}),
}


def on_table(X: Any, y: Any, seed: int, contestants: Any = CONTESTANTS) -> dict[str, tuple[float, float]]:
    """ROC-AUC and AP in points of 100 of each contestant that learned from half of the normal rows."""
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score

    from engine import detector_class

    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    learned = normal[: len(normal) // 2]
    rest = np.setdiff1d(np.arange(len(y)), learned)
    center, spread = X[learned].mean(axis=0), X[learned].std(axis=0)
    X = (X - center) / np.where(spread > 0, spread, 1.0)
    found = {}
    for title, (detector, chosen) in contestants.items():
        seeded = {} if detector == "neighbours" else {"random_state": seed}
        fitted = detector_class(detector)(**chosen, **seeded).fit(X[learned])
        scores = fitted.decision_function(X[rest])
        found[title] = (
            100 * roc_auc_score(y[rest], scores),
            100 * average_precision_score(y[rest], scores),
        )
    return found


def on_tables(chosen: Any) -> None:
    import numpy as np

    if chosen.data is None:
        raise SystemExit("name the folder of the labelled data: --data DIR, or LOUPE_BENCH_DATA")
    names, found = [], []
    for name, frame, labels in tables(Path(chosen.data), ("tabular",)):
        seeds = [on_table(frame.to_numpy(float), labels, seed) for seed in range(chosen.seeds)]
        names.append([name, f"{len(frame):,}"])
        found.append(np.mean([[each[title] for title in CONTESTANTS] for each in seeds], axis=0))
        print(name, np.round(found[-1], 1).tolist(), flush=True)
    means = np.mean(found, axis=0)
    auc, ap = (dict(zip(CONTESTANTS, means[:, i], strict=True)) for i in (0, 1))
    rows = []
    for title, value, figure in (
        ("ROC-AUC over classic", auc["robust"] - auc["classic"], OVER_CLASSIC),
        ("ROC-AUC over 5-NN", auc["robust"] - auc["5-NN distance"], -UNDER_NEIGHBOURS),
        ("AP over 5-NN", ap["robust"] - ap["5-NN distance"], -UNDER_NEIGHBOURS_AP),
    ):
        rows.append([title, f"{value:+.2f}", f"{figure:+g}: {met(value, figure, at_least=True)}"])
    figures = table(["robust mode", "points", "figure"], rows)
    lines = [[*n, *(f"{a:.1f} / {p:.1f}" for a, p in f)] for n, f in zip(names, found, strict=True)]
    lines.append(["**mean**", "", *(f"**{a:.2f} / {p:.2f}**" for a, p in means)])
    text = f"""{len(names)} tables, at most {MOST_ROWS:,} rows of each (seed 0); {chosen.seeds} seeds.
Every detector of ours learns from half of the normal rows and scores all others; columns are standardised by the rows
learned from. The detectors are called directly, with their default hyperparameters. ROC-AUC / AP in points of 100.

{figures}

{table(["table", "rows", *CONTESTANTS], lines)}"""
    publish("AutoEncoder on labelled tables", text, write=chosen.write, part="tables")


# ---- rows a second


def on_rate(chosen: Any) -> None:
    from engine import detector_class

    X, _ = planted(RATE_ROWS)
    rows = []
    for mode, figure in RATES.items():
        fitted = detector_class("autoencoder")(mode=mode, epochs=1).fit(X[:5_000])
        wall, cpu = [], []
        for _ in range(max(3, chosen.pairs)):
            started, used = time.perf_counter(), time.process_time()
            fitted.decision_function(X)
            wall.append(RATE_ROWS / (time.perf_counter() - started))
            cpu.append(RATE_ROWS / (time.process_time() - used))
        best = max(wall)
        rows.append([mode, f"{median(wall):,.0f}", f"{best:,.0f}", f"{median(cpu):,.0f}"])
        rows[-1].append(f"{figure:,}: {met(median(wall), figure, at_least=True)}")
    header = ["mode", "rows a second", "best", "rows a processor second", "figure"]
    text = f"""`decision_function` of {RATE_ROWS:,} × {WIDTH}; medians of {max(3, chosen.pairs)}.

{table(header, rows)}"""
    publish("AutoEncoder, rows scored a second", text, write=chosen.write, part="rate")


# ---- from Excel to flags


def prepare_excel(folder: Path) -> None:
    from engine import ModelStore, Roles, train

    frame = mixed_table(ROWS)
    write_workbook(frame, folder / "readings.xlsx")
    roles = Roles({column: "ignore" if column == "taken" else "feature" for column in frame})
    train(frame, roles, "autoencoder", {"epochs": 2}, name="readings").save(ModelStore(folder / "models"))


def on_excel(chosen: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apart(prepare_excel, folder)
        command = [
            sys.executable,
            "-m",
            "engine",
            "score",
            str(folder / "readings.xlsx"),
            "--model",
            "readings",
        ]
        runs = [
            run(
                [*command, "--output", str(folder / "flags.csv")],
                LOUPE_MODELS=str(folder / "models"),
                LOUPE_WORKSPACE=str(folder / "workspace"),
            )
            for _ in range(max(3, chosen.pairs))
        ]
    wall, cpu, peak = (median([getattr(each, key) for each in runs]) for key in ("wall", "cpu", "peak_mb"))
    line = [f"{wall:.2f} s", f"{min(r.wall for r in runs):.2f} s", f"{cpu:.2f} s", f"{peak:.0f} MB"]
    line.append(f"{EXCEL_S:g} s: {met(wall, EXCEL_S)}")
    text = f"""An .xlsx of {ROWS:,} rows × {WIDTH} columns through `python -m engine score` with a stored AutoEncoder
(robust), a cold process from its start to flagged and explained rows in a file; medians of {len(runs)}.

{table(["wall", "best", "processor", "most memory of one process", "figure"], [line])}"""
    publish("AutoEncoder, from an Excel file to flagged rows", text, write=chosen.write, part="excel")


PARTS = {"pyod": against_pyod, "tables": on_tables, "rate": on_rate, "excel": on_excel}


def main() -> None:
    chosen = options(
        __doc__,
        part={"choices": list(PARTS), "help": "one of the measurements (default: all)"},
        seeds={"type": int, "default": 5, "help": "of the labelled tables"},
        pairs={"type": int, "default": 3, "help": "times a process is measured"},
        peer_epochs={"type": int, "default": EPOCHS, "help": "epochs after which PyOD's scores are judged"},
    )
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    for name in [chosen.part] if chosen.part else PARTS:
        PARTS[name](chosen)


if __name__ == "__main__":
    main()
