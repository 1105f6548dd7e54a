"""Masked Series on windows of waves, and how fast it scores.

*waves*: trained on 5,000 windows of 100 readings, 3 % of them anomalous and labelled; judged on 1,000 with 25 %, two
types of which nobody could have prepared for. Beside it the distance to the nearest training window, and the time an
epoch of the method takes as it was first written down: a token a reading, mask tokens inside the encoder, torch's own
layers.

*memory*: the most that training and scoring of long series take.

*belief*: how much the network should be believed beside the nearest windows, on waves of several lengths and numbers.
"""

from __future__ import annotations

import time
from typing import Any

from harness import apart as outside
from harness import median, memory_mb, met, options, publish, table

TRAINED, JUDGED, LENGTH = 5_000, 1_000, 100
BATCH = 128
ROC_AUC, F1, KNOWN, UNKNOWN, SECONDS, FASTER, RATE = 0.99, 0.95, 0.97, 0.95, 60.0, 40.0, 100_000
READINGS = 1_000_000, 10_000_000  # of which the memory is measured


def waves_part(chosen: Any) -> None:
    """The section on waves."""
    import numpy as np

    from engine.data.synthetic.waves import UNFAMILIAR, waves
    from engine.detectors.masked_series import MaskedSeries
    from engine.scoring.metrics import curve

    learned = waves(TRAINED, part="train", seed=chosen.seed)
    judged = waves(JUDGED, part="test", seed=chosen.seed)
    batches: list[tuple[float, float]] = []

    def listen(_: float, message: str) -> None:
        if message.startswith("Epoch"):  # told before each mini-batch
            batches.append((time.perf_counter(), time.process_time()))

    started = time.perf_counter(), time.process_time()
    fitted = MaskedSeries().fit(
        learned.values.reshape(-1, 1),
        labelled=np.repeat(learned.labels, LENGTH),
        stretches=np.repeat(np.arange(TRAINED), LENGTH),
        progress=listen,
    )
    whole, whole_cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    training, training_cpu = (last - first for first, last in zip(batches[0], batches[-1], strict=True))
    ours = fitted.decision_function(
        judged.values.reshape(-1, 1), stretches=np.repeat(np.arange(JUDGED), LENGTH)
    )
    scores = {
        "Masked Series": ours.reshape(JUDGED, LENGTH).max(axis=1),
        "nearest training window": nearest(learned.values[learned.labels == 0], judged.values),
    }
    kinds = [kind for kind in np.unique(judged.types) if kind != "normal"]
    normal, rows = judged.types == "normal", []
    for name, found in scores.items():
        told = curve(found, judged.labels.astype(float))
        by_kind = []
        for kind in kinds:
            some = normal | (judged.types == kind)
            by_kind.append(curve(found[some], judged.labels[some].astype(float)).roc_auc)
        rows.append(
            [name, *(f"{value:.3f}" for value in (told.roc_auc, best_f1(found, judged.labels), *by_kind))]
        )
        if name == "Masked Series":
            known = min(v for v, kind in zip(by_kind, kinds, strict=True) if kind not in UNFAMILIAR)
            unknown = min(v for v, kind in zip(by_kind, kinds, strict=True) if kind in UNFAMILIAR)
            figures = [told.roc_auc, best_f1(found, judged.labels), known, unknown]
    an_epoch = training_cpu / len(batches) * -(-TRAINED // fitted.batch_size)
    plain = plain_epoch(learned.values, chosen.batches)
    goals = zip(
        ("ROC-AUC", "F1", "known types", "unknown types"), figures, (ROC_AUC, F1, KNOWN, UNKNOWN), strict=True
    )
    reached = [[name, f"{v:.3f}", met(v, goal, at_least=True)] for name, v, goal in goals]
    spent = f"{training:.0f} s (of {whole:.0f} s to fit); {training_cpu:.0f} s (of {whole_cpu:.0f} s) of processor time"
    reached.append(["training", spent, met(training, SECONDS)])
    reached.append(
        [
            "a pass over the windows, against the plain form (processor time)",
            f"{an_epoch:.2f} s, {plain:.1f} s: {plain / an_epoch:.0f} times less",
            met(plain / an_epoch, FASTER, at_least=True),
        ]
    )
    text = f"""{JUDGED:,} windows after training on {TRAINED:,} (seed {chosen.seed}); ROC-AUC of each type against the
normal windows. A window's score is the highest of its readings; F1 is the best of any threshold.

{table(["", "ROC-AUC", "F1", *kinds], rows)}

{table(["figure", "measured", "to reach"], reached)}"""
    publish("Masked Series on waves", text, write=chosen.write, part="waves")


def best_f1(scores: Any, labels: Any) -> float:
    """The best F1 of all thresholds."""
    import numpy as np

    order = np.argsort(-scores)
    hits = np.cumsum(labels[order])
    return float((2 * hits / (np.arange(1, len(order) + 1) + labels.sum())).max())


def nearest(known: Any, judged: Any) -> Any:
    """The distance of each window to the nearest normal one of the training."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known).kneighbors(judged)[0][:, 0]


def plain_epoch(values: Any, batches: int) -> float:
    """Processor seconds of a pass over the windows as first written down, from a few of its mini-batches."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    enter, leave, token = nn.Linear(1, 64), nn.Linear(64, 1), nn.Parameter(torch.zeros(64))
    positions = torch.randn(LENGTH, 64)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 256, batch_first=True), 3)
    teacher, student = (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(64, 4, 256, batch_first=True), layers)
        for layers in (4, 1)
    )
    weights = [token, *(w for part in (enter, leave, encoder, teacher, student) for w in part.parameters())]
    times = []
    for number in range(batches):
        windows = torch.as_tensor(values[number * BATCH : (number + 1) * BATCH], dtype=torch.float32)[
            ..., None
        ]
        started = time.process_time()
        seen = (torch.rand(BATCH, LENGTH).argsort(1) >= 0.6 * LENGTH)[..., None].float()
        shown = (enter(windows) + positions) * seen + token * (1 - seen)
        memory = encoder(shown)
        rebuilt, repeated = leave(teacher(shown, memory)), leave(student(shown, memory))
        loss = (((rebuilt - windows) ** 2) * (1 - seen)).mean() + 0.5 * ((rebuilt - repeated) ** 2).mean()
        torch.autograd.grad(loss, weights)
        times.append(time.process_time() - started)
    return median(times) * -(-len(values) // BATCH)


BELIEFS = (0.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 20_000.0)
SIZES = (2_000, 8_000, 32_000)  # training readings
LENGTHS = (100, 400)  # readings of a stretch


def belief_part(chosen: Any) -> None:
    """The section on how many windows a network must have learned from to be believed half."""
    import numpy as np

    from engine.data.synthetic.waves import waves
    from engine.detectors.masked_series import MaskedSeries

    rows = []
    for length in LENGTHS:
        judged = waves(60_000 // length, part="test", length=length, seed=1)
        for size in SIZES:
            known = waves(size // length, part="train", anomalies=0.0, length=length, seed=1)
            stretches = np.repeat(np.arange(size // length), length)
            fitted = MaskedSeries().fit(known.values.reshape(-1, 1), stretches=stretches)
            n = size / fitted.length
            network, near = apart(fitted, judged.values)
            scores = [n / (n + belief) * network + near for belief in BELIEFS]
            found = [precision(score.max(axis=1), judged.labels) for score in [*scores, near]]
            rows.append([f"{length}", f"{size:,}", *(f"{value:.3f}" for value in found)])
            print(rows[-1], flush=True)
    means = np.mean([[float(cell) for cell in row[2:]] for row in rows], axis=0)
    rows.append(["mean", "", *(f"{value:.3f}" for value in means)])
    header = [
        "readings of a stretch",
        "in training",
        *(f"{belief:,.0f}" for belief in BELIEFS),
        "nearest alone",
    ]
    text = f"""Average precision over test windows of waves (25 % anomalous, seven types), without labels in training,
when a network that learned from n windows side by side weighs n / (n + k). Columns: k.

{table(header, rows)}"""
    publish("Masked Series: how much the network is believed", text, write=chosen.write, part="belief")


def apart(fitted: Any, values: Any) -> tuple[Any, Any]:
    """What the network, fully believed, and the nearest windows add to the scores of windows (n_windows, length)."""
    from dataclasses import replace

    import numpy as np

    from engine.detectors.series_evidence import WEIGHTS

    evidence, found = fitted.evidence_, []
    weights = np.array(list(WEIGHTS.values()))
    for part in (np.r_[weights[:-1], 0.0], np.r_[0.0 * weights[:-1], weights[-1]]):
        fitted.evidence_ = replace(evidence, weights=part)
        stretches = np.repeat(np.arange(len(values)), values.shape[1])
        found.append(
            fitted.decision_function(values.reshape(-1, 1), stretches=stretches).reshape(values.shape)
        )
    fitted.evidence_ = evidence
    return found[0], found[1]


def precision(scores: Any, labels: Any) -> float:
    """Average precision."""
    from engine.scoring.metrics import curve

    return float(curve(scores, labels.astype(float)).average_precision)


def rate_part(chosen: Any) -> None:
    """The section on readings scored a second."""
    import numpy as np

    from engine.detectors.masked_series import MaskedSeries

    rows = []
    for channels, n in ((1, 100_000), (8, 20_000)):
        rng = np.random.default_rng(0)
        X = np.sin(np.arange(n)[:, None] / 7 + np.arange(channels)) + 0.1 * rng.normal(size=(n, channels))
        fitted = MaskedSeries(num_epochs=2).fit(X[:5_000])
        times, spent = [], []
        for _ in range(chosen.repeats):
            started, used = time.perf_counter(), time.process_time()
            fitted.decision_function(X)
            times.append(time.perf_counter() - started)
            spent.append(time.process_time() - used)
        rate, cpu_rate = n / median(times), n / median(spent)
        figure = met(rate, RATE, at_least=True) if channels == 1 else ""
        rows.append(
            [channels, f"{n:,}", f"{rate:,.0f}", f"{n / min(times):,.0f}", f"{cpu_rate:,.0f}", figure]
        )
    header = ["channels", "readings", "a second", "best", "a processor second", "100,000 a second to reach"]
    text = table(header, rows)
    publish("Masked Series: readings scored a second", text, write=chosen.write, part="rate")


def memory_part(chosen: Any) -> None:
    """The section on the memory that training and scoring take."""
    rows = []
    for n in READINGS:
        held, trained, scored, seconds = outside(peaks, n)
        cells = [f"{part - held:,.0f} MB ({(part - held) * 2**20 / n:.0f})" for part in (trained, scored)]
        rows.append([f"{n:,}", f"{8 * n / 2**20:,.0f} MB", *cells, f"{seconds:,.0f} s"])
    header = ["readings", "as they are", "training", "scoring", "both, processor time"]
    text = f"""Most memory that training and scoring took beyond what the process held before, the readings among it; in
brackets bytes a reading. One channel, 2 epochs of a small network: how long the training is and how large the network
is makes no difference to what grows.

{table(header, rows)}"""
    publish("Masked Series: memory", text, write=chosen.write, part="memory")


def peaks(n: int) -> tuple[float, float, float, float]:
    """Memory in MB before, most while training and most while scoring; and processor seconds."""
    import os
    from pathlib import Path

    import numpy as np

    from engine.detectors.masked_series import MaskedSeries

    rng, X = np.random.default_rng(0), np.empty((n, 1))
    for first in range(0, n, 100_000):
        part = X[first : first + 100_000, 0]
        part[:] = np.sin(np.arange(first, first + len(part)) / 7) + 0.1 * rng.normal(size=len(part))
    layers = ("num_encoder_layers", "num_teacher_decoder_layers", "num_student_decoder_layers")
    fitted = MaskedSeries(num_epochs=2, d_model=8, nhead=1, **dict.fromkeys(layers, 1))
    MaskedSeries(num_epochs=1).fit(X[:2_000])  # torch is loaded, and holds what it holds
    started, held, found = time.process_time(), memory_mb(os.getpid()), []
    for work in (fitted.fit, fitted.decision_function):
        Path("/proc/self/clear_refs").write_text("5")  # the most so far begins again
        work(X)
        found.append(memory_mb(os.getpid(), "VmHWM"))
    return held, found[0], found[1], time.process_time() - started


def main() -> None:
    parts = {"waves": waves_part, "belief": belief_part, "rate": rate_part, "memory": memory_part}
    chosen = options(
        __doc__,
        part={"choices": list(parts), "default": None},
        batches={"type": int, "default": 5, "help": "mini-batches of the plain form that are timed"},
        repeats={"type": int, "default": 3},
        seed={"type": int, "default": 0, "help": "of the waves"},
    )
    for name, part in parts.items():
        if chosen.part in (None, name):
            part(chosen)


if __name__ == "__main__":
    main()
