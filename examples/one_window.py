"""One window: what a trained network makes of a single sequence, reading by reading.

    python examples/one_window.py

Shows the window, what teacher and student made of it, their discrepancy, and where the network draws an anomaly.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

import numpy as np

from engine.data.synthetic.waves import LENGTH, waves
from engine.detectors import MaskedSeries

WINDOWS, EPOCHS = 100, 5
SHOWN = 10  # readings between two lines


def main() -> None:
    learned = waves(WINDOWS, part="train", anomalies=0.0)
    detector = MaskedSeries(num_epochs=EPOCHS, d_model=32, num_encoder_layers=2, num_teacher_decoder_layers=2)
    detector.fit(learned.values.reshape(-1, 1), stretches=np.repeat(np.arange(WINDOWS), LENGTH))

    one = waves(1, anomalies=1.0, types=("noise",), seed=7)
    window = one.values.reshape(-1, 1)
    scores = detector.decision_function(window)
    worst = int(scores.argmax())
    seen = detector.inspect(window, worst)

    print("reading | value | teacher | student | discrepancy | odd | score | truth")
    for t in range(0, len(seen.original), SHOWN):
        rebuilt = f"{seen.teacher[t, 0]:7.2f} | {seen.student[t, 0]:7.2f} | {seen.discrepancy[t, 0]:11.3f}"
        odd = f"{seen.map[t, 0]:3.2f} | {scores[seen.begin + t]:5.2f}"
        truth = "noise" if one.point_labels[0, seen.begin + t] else ""
        print(f"{seen.begin + t:7} | {seen.original[t, 0]:5.2f} | {rebuilt} | {odd} | {truth}".rstrip())
    flagged = "above" if scores[worst] > detector.threshold_ else "not above"
    print(f"the highest score, {scores[worst]:.2f} at reading {worst}, is {flagged} the threshold")


if __name__ == "__main__":
    main()
