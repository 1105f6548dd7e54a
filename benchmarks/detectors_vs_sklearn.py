"""Our detectors against scikit-learn's own, on labelled tables: do they find as much, and how long do they take?

Unsupervised: every row is used to fit and is scored, labels only check the answer. Both sides get the same rows and
hyperparameters. scikit-learn gets standardised columns, as a careful user would give it, and once the raw ones.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness import median, met, options, publish, table

MOST_ROWS = 20_000
POINTS = 0.3
FAMILIES = ("tabular", "fraud")


def tables(data: Path, families: Sequence[str] = FAMILIES) -> Iterator[tuple[str, Any, Any]]:
    """Name, features and labels of every numeric table."""
    import numpy as np
    import pandas as pd

    for facts in json.loads((data / "index.json").read_text())["datasets"]:
        if facts["file"].split("/")[0] not in families:
            continue
        frame = pd.read_parquet(data / facts["file"])
        if len(frame) > MOST_ROWS:
            kept = np.random.default_rng(0).choice(len(frame), MOST_ROWS, replace=False)
            frame = frame.iloc[np.sort(kept)].reset_index(drop=True)
        yield (
            facts["name"],
            frame.drop(columns=facts["non_feature_columns"]),
            frame[facts["label_column"]].to_numpy(),
        )


def defaults(detector: str) -> dict[str, Any]:
    """Our hyperparameters as declared."""
    from engine import declared, detector_class

    return {name: knob.default for name, knob in declared(detector_class(detector)).items()}


def ours(detector: str, **chosen: Any) -> Callable[[Any], tuple[Any, float, float]]:
    """Train through the front door and score the same rows: scores, seconds to fit, seconds to score."""

    def measure(frame: Any) -> tuple[Any, float, float]:
        from engine import Roles, train

        started = time.perf_counter()
        model = train(frame, Roles(dict.fromkeys(frame.columns, "feature")), detector, chosen)
        fitted = time.perf_counter()
        scores = model.score(frame).values
        return scores, fitted - started, time.perf_counter() - fitted

    return measure


def peer(make: Callable[[int], Any], *, scaled: bool) -> Callable[[Any], tuple[Any, float, float]]:
    """Fit and score a scikit-learn estimator on the same rows."""

    def measure(frame: Any) -> tuple[Any, float, float]:
        from sklearn.preprocessing import StandardScaler

        started = time.perf_counter()
        X = frame.to_numpy(float)
        X = StandardScaler().fit_transform(X) if scaled else X
        estimator = make(len(X)).fit(X)
        fitted = time.perf_counter()
        known = getattr(
            estimator, "negative_outlier_factor_", None
        )  # LOF scores its training rows while fitting
        scores = -(estimator.score_samples(X) if known is None else known)
        return scores, fitted - started, time.perf_counter() - fitted

    return measure


def contestants() -> dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]]:
    """For each detector: ours, scikit-learn's on standardised columns, scikit-learn's on raw columns."""
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.svm import OneClassSVM

    forest, neighbours, svm = (defaults(d) for d in ("isolation_forest", "neighbours", "one_class_svm"))

    def make_forest(rows: int) -> Any:
        return IsolationForest(
            n_estimators=forest["n_estimators"],
            max_samples=min(forest["max_samples"], rows),
            random_state=forest["random_state"],
        )

    def make_lof(rows: int) -> Any:
        return LocalOutlierFactor(n_neighbors=min(neighbours["n_neighbors"], rows - 1))

    def make_svm(_: int) -> Any:
        return OneClassSVM(nu=svm["nu"], gamma=svm["gamma"], kernel=svm["kernel"])

    peers = {"isolation_forest": make_forest, "neighbours": make_lof, "one_class_svm": make_svm}
    found = {
        name: (ours(name), peer(make, scaled=True), peer(make, scaled=False)) for name, make in peers.items()
    }
    distance = (ours("neighbours", mode="distance"), *found["neighbours"][1:])
    return found | {"neighbours, mode=distance": distance}


def measure(data: Path, only: str | None) -> list[dict[str, Any]]:
    """Every detector on every table: quality and seconds, ours and scikit-learn's one after the other."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    found, kinds, remembered = [], contestants(), {}
    for name, frame, labels in tables(data):
        for detector, sides in kinds.items():
            if only and only not in detector:
                continue
            row: dict[str, Any] = {"table": name, "detector": detector, "rows": len(frame)}
            for side, run in zip(("ours", "sklearn", "raw"), sides, strict=True):
                key = (name, id(run))
                scores, fit, score = remembered[key] if key in remembered else run(frame)
                remembered[key] = scores, fit, score
                row[side] = {
                    "auc": 100 * roc_auc_score(labels, scores),
                    "ap": 100 * average_precision_score(labels, scores),
                    "fit": fit,
                    "score": score,
                }
            found.append(row)
            print(f"{name} {detector}: {row['ours']['auc']:.2f} {row['sklearn']['auc']:.2f}", flush=True)
        remembered.clear()
    return found


def summary(found: list[dict[str, Any]]) -> str:
    """One line a detector: means over the tables, and the seconds of all tables together."""
    rows = []
    for detector in dict.fromkeys(row["detector"] for row in found):
        mine = [row for row in found if row["detector"] == detector]

        def mean(side: str, key: str, mine: list = mine) -> float:
            return sum(row[side][key] for row in mine) / len(mine)

        gap = mean("ours", "auc") - mean("sklearn", "auc")
        figure = "" if "distance" in detector else f"−{POINTS}: {met(gap, -POINTS, at_least=True)}"
        quality = [f"{mean(side, key):.2f}" for key in ("auc", "ap") for side in ("ours", "sklearn", "raw")]
        rows.append([detector, *quality[:3], f"{gap:+.2f}", figure, *quality[3:]])
    header = [
        "detector",
        "AUC",
        "sklearn",
        "sklearn, raw",
        "difference",
        "figure",
        "AP",
        "sklearn",
        "sklearn, raw",
    ]
    return table(header, rows)


def seconds(found: list[dict[str, Any]]) -> str:
    """Fit and score seconds of all tables together; the ratio is the median over tables."""
    rows = []
    for detector in dict.fromkeys(row["detector"] for row in found):
        mine = [row for row in found if row["detector"] == detector]

        def total(side: str, keys: tuple[str, ...], mine: list = mine) -> float:
            return sum(row[side][key] for row in mine for key in keys)

        both = ("fit", "score")
        ratio = median([sum(r["sklearn"][k] for k in both) / sum(r["ours"][k] for k in both) for r in mine])
        parts = [f"{total(side, (key,)):.1f}" for key in both for side in ("ours", "sklearn")]
        whole = total("sklearn", both) / total("ours", both)
        rows.append([detector, *parts, f"{whole:.2f} ×", f"{ratio:.2f} ×"])
    return table(["detector", "fit s", "sklearn", "score s", "sklearn", "all together", "median table"], rows)


def each_table(found: list[dict[str, Any]]) -> str:
    """ROC-AUC of every table: ours / scikit-learn's."""
    detectors = list(dict.fromkeys(row["detector"] for row in found))
    cells: dict[str, list[str]] = {}
    for row in found:
        line = cells.setdefault(row["table"], [row["table"], f"{row['rows']:,}"])
        line.append(f"{row['ours']['auc']:.1f} / {row['sklearn']['auc']:.1f}")
    return table(["table", "rows", *detectors], list(cells.values()))


def main() -> None:
    chosen = options(__doc__, only={"default": None, "help": "one detector"})
    if chosen.data is None:
        raise SystemExit("name the folder of the labelled data: --data DIR, or LOUPE_BENCH_DATA")
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    found = measure(Path(chosen.data), chosen.only)
    text = f"""{len({row["table"] for row in found})} tables, at most {MOST_ROWS:,} rows of each (seed 0).
ROC-AUC and average precision (AP) in points of 100, means over tables.
scikit-learn has the same hyperparameters. `mode=distance` is compared with the same LOF.

{summary(found)}

Seconds, all tables together, ours with encoding, reference scores and card; a ratio above 1 is in our favour. Ours
scores its training rows twice here, once in training for the threshold; scikit-learn's LOF scores while it fits.

{seconds(found)}

ROC-AUC of each table, ours / scikit-learn's:

{each_table(found)}"""
    publish("Detectors against scikit-learn", text, write=chosen.write)


if __name__ == "__main__":
    main()
