"""Masked Table: quality without labels, classes from few labels beside plain classifiers, seconds and rows a second.

``--part`` runs one of them: tables, labels, time. With ``--kept`` every answer is kept in a folder as soon as it is
there, so that a long benchmark can be run in pieces.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autoencoder import CONTESTANTS, on_table
from detectors_vs_sklearn import MOST_ROWS, tables
from harness import median, met, options, publish, table

OURS = {"Masked Table": ("masked_table", {}), "5-NN distance": CONTESTANTS["5-NN distance"]}
LABELLED = {"nsl_kdd": "class", "hypothyroid": "label", "creditcard_fraud_sample": "label"}
SHARES = (0.01, 0.05, 0.10)
TWO, ONE = "two stages", "one stage"
BEHIND = 0.02  # of macro-F1, with the most labels
TESTED = 0.3  # share of the rows that classes are tested on
ROWS, NUMBERS, TEXTS = 20_000, 30, 10
SECONDS, RATE = 180.0, 20_000


# ---- without labels


def on_tables(chosen: Any) -> None:
    import numpy as np

    names, found = [], []
    for name, frame, labels in tables(folder(chosen), ("tabular",)):
        X = frame.to_numpy(float)
        seeds = [
            answer(chosen, f"{name}-{seed}", lambda s=seed, X=X, y=labels: on_table(X, y, s, OURS))
            for seed in range(chosen.seeds)
        ]
        names.append([name, f"{len(frame):,}"])
        found.append(np.mean([[each[title] for title in OURS] for each in seeds], axis=0))
        print(name, np.round(found[-1], 1).tolist(), flush=True)
    ours, near = np.mean(found, axis=0)
    rows = [
        [title, f"{ours[i]:.2f}", f"{near[i]:.2f}", met(ours[i], near[i], at_least=True)]
        for i, title in enumerate(("ROC-AUC", "AP"))
    ]
    lines = [[*n, *(f"{a:.1f} / {p:.1f}" for a, p in f)] for n, f in zip(names, found, strict=True)]
    text = f"""{len(names)} tables, at most {MOST_ROWS:,} rows of each (seed 0); {chosen.seeds} seeds. Each detector
learns from half of the normal rows and scores all others, as under "AutoEncoder on labelled tables". ROC-AUC / AP in
points of 100, means over the tables first.

{table(["mean", *OURS, "at least as good"], rows)}

{table(["table", "rows", *OURS], lines)}"""
    publish("Masked Table without labels", text, write=chosen.write, part="tables")


# ---- classes from few labels


def labelled(data: Path, name: str) -> tuple[Any, Any]:
    """The features of a table, and each row's class in words."""
    import numpy as np
    import pandas as pd

    facts = next(f for f in json.loads((data / "index.json").read_text())["datasets"] if f["name"] == name)
    frame = pd.read_parquet(data / facts["file"])
    truth = frame[facts["class_column"] or facts["label_column"]].astype(str).to_numpy()
    kept = np.sort(np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS])
    features = frame.drop(columns=facts["non_feature_columns"]).iloc[kept].reset_index(drop=True)
    return features, truth[kept]


def shown(truth: Any, share: float, rng: Any) -> Any:
    """Which training rows show their class: a share of each class, one row of it at least."""
    import numpy as np

    told = np.zeros(len(truth), dtype=bool)
    for name in np.unique(truth):
        own = rng.permutation(np.flatnonzero(truth == name))
        told[own[: max(1, round(share * len(own)))]] = True
    return told


def ours(features: Any, classes: Any, tested: Any, **chosen: Any) -> Any:
    """The classes that a Masked Table names on rows apart."""
    from engine import Roles, train
    from engine.classifying import classified

    frame = features.assign(known=classes)
    roles = Roles({**dict.fromkeys(features.columns, "feature"), "known": "label"})
    model = train(frame, roles, "masked_table", chosen, classes="known")
    return classified(model, model.encode(tested)).best


def named_from(chosen: Any, name: str, features: Any, truth: Any, seed: int) -> dict[float, tuple[int, Any]]:
    """For each share of labels their number, and the macro-F1 of each way to learn from them."""
    import numpy as np

    from engine.class_baselines import BASELINES, named_by
    from engine.scoring.classification import classification

    rng = np.random.default_rng(seed)
    order = rng.permutation(len(truth))
    test, learned = np.split(order, [round(TESTED * len(order))])
    frame, tested = features.iloc[learned].reset_index(drop=True), features.iloc[test]
    found = {}
    for share in SHARES:
        told = shown(truth[learned], share, rng)
        classes = np.where(told, truth[learned], "")

        def named(title: str, told: Any = told, classes: Any = classes) -> float:
            if title in BASELINES:
                answers = named_by(title, frame[told], truth[learned][told], tested)
            else:
                answers = ours(frame, classes, tested, use_two_stage=title == TWO)
            return classification(truth[test], answers).macro_f1

        scores = {
            title: answer(
                chosen, f"{name}-{seed}-{share:g}-{title}", lambda title=title, named=named: named(title)
            )
            for title in (TWO, ONE, *BASELINES)
        }
        print(name, seed, share, {title: round(score, 3) for title, score in scores.items()}, flush=True)
        found[share] = int(told.sum()), scores
    return found


def line(title: str, labels: str, share: float, scores: Any) -> list[str]:
    """Macro-F1 of each way at a share of labels, which figures are asked for there, and whether they are reached."""
    from engine.class_baselines import BOOSTED

    two, one, boosted = scores[TWO], scores[ONE], scores[BOOSTED]
    beside, over = "", "reached" if two > one else "**missed**"
    if share == SHARES[0]:
        beside = "reached" if two > boosted else "**missed**"
    if share == SHARES[-1]:
        beside, over = met(two, boosted - BEHIND, at_least=True), ""
    return [title, labels, *(f"{score:.3f}" for score in scores.values()), beside, over]


def on_labels(chosen: Any) -> None:
    import numpy as np

    rows, means = [], {share: [] for share in SHARES}
    for name in LABELLED:
        features, truth = labelled(folder(chosen), name)
        seeds = [named_from(chosen, name, features, truth, seed) for seed in range(chosen.seeds)]
        for share in SHARES:
            titles = list(seeds[0][share][1])
            means[share].append({t: float(np.mean([each[share][1][t] for each in seeds])) for t in titles})
            rows.append(
                line(f"{name}, {100 * share:g} %", f"{seeds[0][share][0]:,}", share, means[share][-1])
            )
    for share, found in means.items():
        scores = {title: float(np.mean([each[title] for each in found])) for title in titles}
        rows.append(line(f"**mean, {100 * share:g} %**", "", share, scores))
    header = ["table, labelled", "labels", *titles, "beside HistGradientBoosting", "over one stage"]
    text = f"""Macro-F1 on {100 * TESTED:.0f} % of the rows, held apart; at most {MOST_ROWS:,} of each table;
means of {chosen.seeds} seed(s). Of the others a share of each class is labelled; a Masked Table of two stages learns
from the unlabelled ones, too. Asked for: above HistGradientBoosting with 1 % of the labels, and with 10 % no more than
{BEHIND:g} behind it; two stages above one with 1 and 5 %.

{table(header, rows)}"""
    publish("Masked Table, classes from few labels", text, write=chosen.write, part="labels")


# ---- time


def mixed_rows() -> Any:
    """Thirty numbers and ten categories that depend on each other, with three classes."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(ROWS, 6))
    numbers = hidden @ rng.normal(size=(6, NUMBERS)) + 0.5 * rng.normal(size=(ROWS, NUMBERS))
    frame = pd.DataFrame(numbers, columns=[f"number {i}" for i in range(NUMBERS)])
    for i in range(TEXTS):
        level = np.digitize(hidden[:, i % 6] + 0.5 * rng.normal(size=ROWS), (-1, 0, 1))
        frame[f"text {i}"] = np.array(["low", "below", "above", "high"])[level]
    frame["kind"] = np.where(
        hidden[:, 0] + hidden[:, 1] > 2, "hot", np.where(hidden[:, 2] > 2, "wet", "normal")
    )
    return frame


def on_time(chosen: Any) -> None:
    from engine import Roles, train

    frame = mixed_rows()
    roles = Roles({name: "label" if name == "kind" else "feature" for name in frame.columns})
    started, cpu = time.perf_counter(), time.process_time()
    model = train(frame, roles, "masked_table", classes="kind")
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    X = model.encode(frame).encoded.values
    rates, per_cpu = [], []
    for _ in range(max(3, chosen.pairs)):
        started, used = time.perf_counter(), time.process_time()
        model.detector.decision_function(X)
        rates.append(ROWS / (time.perf_counter() - started))
        per_cpu.append(ROWS / (time.process_time() - used))
    rows = [
        ["both stages, from a table to a model", f"{wall:.0f} s", f"{cpu:.0f} s", met(wall, SECONDS)],
        [
            "rows scored a second",
            f"{median(rates):,.0f}",
            f"{median(per_cpu):,.0f} a processor second",
            met(median(rates), RATE, at_least=True),
        ],
    ]
    figures = f"{SECONDS:g} s, {RATE:,} rows a second"
    text = f"""{ROWS:,} rows of {NUMBERS} numbers and {TEXTS} categories, every row labelled with one of three classes.

{table(["", "wall", "processor", figures], rows)}"""
    publish("Masked Table, seconds", text, write=chosen.write, part="time")


def answer(chosen: Any, name: str, measure: Callable[[], Any]) -> Any:
    """What was measured, now or, where it is kept, before."""
    place = chosen.kept / f"{name}.json" if chosen.kept else None
    if place is not None and place.exists():
        return json.loads(place.read_text())
    found = measure()
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(found))
    return found


def folder(chosen: Any) -> Path:
    if chosen.data is None:
        raise SystemExit("name the folder of the labelled data: --data DIR, or LOUPE_BENCH_DATA")
    return Path(chosen.data)


PARTS = {"tables": on_tables, "labels": on_labels, "time": on_time}


def main() -> None:
    chosen = options(
        __doc__,
        part={"choices": list(PARTS), "help": "one of the measurements (default: all)"},
        seeds={"type": int, "default": 1, "help": "times every table is measured"},
        kept={"type": Path, "help": "folder of the answers that are there, one file each"},
        pairs={"type": int, "default": 3, "help": "times scoring is measured"},
    )
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    for name in [chosen.part] if chosen.part else PARTS:
        PARTS[name](chosen)


if __name__ == "__main__":
    main()
