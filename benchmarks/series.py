"""Detectors of series on labelled series: how well scores rank the anomalies, beside plain rivals and PyOD's.

Every series is learned from the part that its publisher calls training, which is normal, and judged on the rest. With
``--kept`` each answer is kept in a folder as soon as it is there, so that a long benchmark can be run in pieces.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import met, options, publish, table

GROUPS = {"ts_univariate": "univariate", "ts_multivariate": "multivariate"}
WINDOW = 100  # of VUS
NEAR = 100  # readings from a true anomaly within which the highest score is a hit
LENGTH = 64  # of the rivals' windows
MOST_WINDOWS = 2_000  # that the plain nearest window compares with
FIGURES = {
    "Nearest Windows": {"univariate": 0.635, "multivariate": 0.567},
    "Masked Series": {"univariate": 0.66, "multivariate": 0.62},
}
HITS = {"Nearest Windows": 0.81, "Masked Series": 0.85}
RATE = 100_000
RATE_READINGS = 500_000
ONLY_ANOMALIES = 1.0  # precision of any order of readings that are all anomalous


@dataclass(frozen=True)
class Series:
    """A labelled series; ``learned`` readings come first and are normal."""

    name: str
    group: str
    X: Any  # (n_readings, n_channels)
    labels: Any
    learned: int


def series_of(data: Path) -> Iterator[Series]:
    """The series that have a normal part to learn from and anomalies after it."""
    import pandas as pd

    for facts in json.loads((data / "index.json").read_text())["datasets"]:
        if facts["task"] not in GROUPS or not facts["split_column"] or not facts["n_anomalies"]:
            continue
        frame = pd.read_parquet(data / facts["file"])
        aside = {*facts["non_feature_columns"], facts["timestamp_column"]}
        X = frame[[c for c in frame if c not in aside]].select_dtypes("number").to_numpy(float)
        learned = int((frame[facts["split_column"]] == "train").sum())
        yield Series(
            facts["name"], GROUPS[facts["task"]], X, frame[facts["label_column"]].to_numpy(), learned
        )


# ---- contestants: scores of the readings after the learned ones, NaN where not judged


def ours(detector: str, **hyperparameters: Any) -> Callable[[Series], Any]:
    """Train through the front door and score the rest as a file of its own."""

    def scores(series: Series) -> Any:
        import pandas as pd

        from engine import Roles, train

        columns = {f"c{i}": channel for i, channel in enumerate(series.X.T)}
        frame = pd.DataFrame({"t": np.arange(len(series.X)), **columns})
        roles = Roles({"t": "time", **dict.fromkeys(columns, "feature")}, "series")
        model = train(frame.iloc[: series.learned], roles, detector, hyperparameters or None)
        return model.score(frame.iloc[series.learned :]).values

    return scores


def scaled(series: Series) -> Any:
    """All readings in standard deviations of the learned ones, without channels that never move there."""
    known = series.X[: series.learned]
    there = np.isfinite(known).any(axis=0)
    moves = np.flatnonzero(there)[np.nanstd(known[:, there], axis=0) > 0]
    known, X = known[:, moves], series.X[:, moves]
    return np.nan_to_num((X - np.nanmean(known, axis=0)) / np.nanstd(known, axis=0))


def around(values: Any, n: int) -> Any:
    """A value of each window (n_windows,) as the mean over the windows around each of ``n`` readings."""
    padded = np.pad(values, (LENGTH - 1, LENGTH - 1), mode="edge")
    return np.convolve(padded, np.ones(LENGTH) / LENGTH, "valid")[:n]


def energy(series: Series) -> Any:
    """The mean square of the window around each reading."""
    squares = (scaled(series)[series.learned :] ** 2).mean(axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(squares, LENGTH).mean(axis=1)
    return around(windows, len(squares))


def one_window(series: Series) -> Any:
    """The distance of windows of one length, as they are, to the nearest of the learned ones."""
    from sklearn.metrics import pairwise_distances_argmin_min

    windows = np.lib.stride_tricks.sliding_window_view(scaled(series).astype(np.float32), LENGTH, axis=0)
    windows = windows.reshape(len(windows), -1)
    last = max(1, series.learned - LENGTH + 1)
    chosen = np.random.default_rng(0).permutation(last)[:MOST_WINDOWS]
    found = [
        pairwise_distances_argmin_min(windows[start : start + 4_096], windows[chosen])[1]
        for start in range(series.learned, len(windows), 4_096)
    ]
    return around(np.concatenate(found), len(series.X) - series.learned)


def matrix_profile(series: Series) -> Any:
    """PyOD's; it compares a series with itself, so it gets the whole of it."""
    from pyod.models.ts_matrix_profile import MatrixProfile

    found = MatrixProfile(window_size=LENGTH).fit(scaled(series))
    return found.decision_scores_[series.learned :]


def lstm(series: Series) -> Any:
    from pyod.models.ts_lstm import LSTMAD

    X = scaled(series)
    return LSTMAD().fit(X[: series.learned]).decision_function(X[series.learned :])


CONTESTANTS: dict[str, Callable[[Series], Any]] = {
    "Nearest Windows": ours("nearest_windows"),
    "Masked Series": ours("masked_series"),
    "one window of 64": one_window,
    "window energy": energy,
    "Isolation Forest on windows": ours("isolation_forest"),
    "discrepancy of the last patch": ours("masked_series", score="discrepancy", mask="last"),
}
PEERS = {"PyOD MatrixProfile": matrix_profile, "PyOD LSTMAD": lstm}


def _answer(title: str, series: Series, pipe: Any) -> None:
    pipe.send(PEERS[title](series))


def within(limit: float, title: str, series: Series) -> Any:
    """What a peer says in a process of its own; None where it takes longer than ``limit`` seconds or fails."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(title, series, there), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(limit) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


# ---- judging


def judged(series: Series, scores: Any) -> tuple[float, float, bool]:
    """VUS-PR, AP, and whether the highest score lies near the anomaly; readings not judged count as least unusual."""
    from sklearn.metrics import average_precision_score

    from engine.scoring.series_metrics import vus

    labels = series.labels[series.learned :]
    scores = np.where(np.isfinite(scores), scores, np.nanmin(scores))
    if labels.all():
        return ONLY_ANOMALIES, ONLY_ANOMALIES, True
    events, top = np.flatnonzero(labels), int(np.argmax(scores))
    hit = bool(events[0] - NEAR <= top <= events[-1] + NEAR)
    return vus(scores, labels, WINDOW).pr, float(average_precision_score(labels, scores)), hit


def measure(chosen: Any, group: str) -> list[tuple[Series, dict[str, tuple[float, float, bool]]]]:
    found = []
    asked = [*CONTESTANTS, *(PEERS if chosen.limit > 0 else ())]
    asked = [title for title in asked if not chosen.only or title in chosen.only]
    for series in series_of(Path(chosen.data)):
        if series.group != group or chosen.series not in series.name:
            continue
        place = chosen.kept / f"{series.name}.json" if chosen.kept else None
        answers = json.loads(place.read_text()) if place and place.exists() else {}
        for title in asked:
            if title in answers:
                continue
            started = time.perf_counter()
            scores = (
                CONTESTANTS[title](series) if title in CONTESTANTS else within(chosen.limit, title, series)
            )
            answers[title] = None if scores is None else judged(series, scores)
            print(
                f"{series.name}: {title} {answers[title]} {time.perf_counter() - started:.0f} s", flush=True
            )
            if place:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(json.dumps(answers))
        found.append((series, {title: says for title, says in answers.items() if says is not None}))
    return found


def means(found: list[Any], group: str) -> list[list[str]]:
    """One line a contestant: means over the series of a group that it has answered."""
    lines = []
    for title in [*CONTESTANTS, *PEERS]:
        own = [(s, says[title]) for s, says in found if s.group == group and title in says]
        if not own:
            continue
        real = [says for s, says in own if not s.labels[s.learned :].all()]
        vus_pr = float(np.mean([says[0] for _, says in own]))
        ucr = [says[2] for s, says in own if s.name.startswith("ucr_")]
        goal = FIGURES.get(title, {}).get(group)
        figure = f"{goal}: {met(vus_pr, goal, at_least=True)}" if goal else ""
        share = f"{100 * np.mean(ucr):.0f} %" if ucr else ""
        if ucr and title in HITS:
            figure += f"; {100 * HITS[title]:.0f} %: {met(float(np.mean(ucr)), HITS[title], at_least=True)}"
        line = [title, len(own), f"{vus_pr:.3f}", f"{np.mean([r[0] for r in real]):.3f}"]
        lines.append([*map(str, line), f"{np.mean([says[1] for _, says in own]):.3f}", share, figure])
    return lines


def rate() -> str:
    """Readings scored a second, of one noisy rhythm."""
    from engine import detector_class

    noise = np.random.default_rng(0).normal(size=(RATE_READINGS, 1))
    X = np.sin(np.arange(RATE_READINGS) / 7)[:, None] + 0.1 * noise
    fitted = detector_class("nearest_windows")().fit(X[:20_000])
    wall, cpu = [], []
    for _ in range(3):
        started, used = time.perf_counter(), time.process_time()
        fitted.decision_function(X[20_000:])
        wall.append((RATE_READINGS - 20_000) / (time.perf_counter() - started))
        cpu.append((RATE_READINGS - 20_000) / (time.process_time() - used))
    best, middle = max(wall), sorted(wall)[1]
    line = [f"{middle:,.0f}", f"{best:,.0f}", f"{sorted(cpu)[1]:,.0f}"]
    line.append(f"{RATE:,}: {met(middle, RATE, at_least=True)}")
    return table(["readings a second", "best", "readings a processor second", "figure"], [line])


def group_part(chosen: Any, group: str) -> None:
    """The section on the series of one group."""
    found = measure(chosen, group)
    titles = [title for title in [*CONTESTANTS, *PEERS] if any(title in says for _, says in found)]
    header = ["detector", "series", "VUS-PR", "of mixed series", "AP", "UCR hits", "figure"]
    rows = [
        [s.name, f"{len(s.X):,}", s.X.shape[1]]
        + [f"{says[t][0]:.3f} / {says[t][1]:.3f}" if t in says else "–" for t in titles]
        for s, says in found
    ]
    peers = f"""PyOD's detectors may take {chosen.limit:g} s for a series, in a process of their own; their means are
over the series they finished. MatrixProfile gets the whole series, because it compares a series with itself.
"""
    text = f"""{len(found)} labelled series; learned from the training part, judged on the rest (VUS-PR with window
{WINDOW}). Where a series is anomalous from the first judged reading to the last, every order is right and counts as 1;
the column "of mixed series" leaves it out. A hit: the highest score of a UCR series lies within {NEAR} readings of the
one true anomaly. Hyperparameters as by default. {peers if chosen.limit > 0 else ""}

{table(header, means(found, group))}

VUS-PR / AP of each series:

{table(["series", "readings", "channels", *titles], rows)}"""
    publish(f"Detectors of series: {group}", text, write=chosen.write, part=group)


def rate_part(chosen: Any) -> None:
    """The section on readings scored a second."""
    publish("Nearest Windows: readings scored a second", rate(), write=chosen.write, part="rate")


def main() -> None:
    parts = [*GROUPS.values(), "rate"]
    chosen = options(
        __doc__,
        part={"choices": parts, "default": None},
        series={"default": "", "help": "only series with this in their name"},
        limit={"type": float, "default": 60.0, "help": "seconds a peer may take for a series; 0: no peers"},
        kept={
            "type": Path,
            "default": None,
            "help": "folder of answers, those there are not asked for again",
        },
        only={
            "action": "append",
            "help": "ask this contestant; others appear with the answers that are kept",
        },
    )
    if chosen.data is None and chosen.part != "rate":
        raise SystemExit("name the folder of the labelled data: --data DIR, or LOUPE_BENCH_DATA")
    for name in parts if chosen.part is None else [chosen.part]:
        if name == "rate":
            rate_part(chosen)
        else:
            group_part(chosen, name)


if __name__ == "__main__":
    main()
