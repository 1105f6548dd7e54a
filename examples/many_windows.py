"""Many windows at once, and a threshold of one's own: the line is moved without scoring again.

    python examples/many_windows.py

A window is flagged when one of its readings is. Three rules draw the line: a percentile of the training scores, a
number of alerts, and the best F1 on labelled windows.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

import numpy as np

from engine import Roles, best_f1_of, confusion_at, curve, judge, rule_from_dict, train
from engine.data.synthetic.waves import waves

WINDOWS = 300
ROLES = Roles(
    {"window": "entity", "t": "time", "value": "feature", "label": "ignore", "anomaly_type": "ignore"},
    kind="series",
)


def main() -> None:
    model = train(waves(WINDOWS, part="train", anomalies=0.0).table(), ROLES, "nearest_windows")
    judged = waves(WINDOWS, part="test")
    readings = model.score(judged.table()).values
    windows = readings.reshape(judged.values.shape).max(axis=1)  # a window is as strange as its worst reading

    points = curve(windows, judged.labels.astype(float))
    percentile = judge(windows, model.card, rule_from_dict({"kind": "percentile", "value": 99.0}))
    budget = float(np.sort(windows)[-WINDOWS // 10])
    lines = {
        "99th percentile of the training readings": percentile.threshold,
        f"the {WINDOWS // 10} strangest windows": budget,
        "best F1 on these labels": best_f1_of(points).threshold,
    }
    print(f"{WINDOWS} windows, {points.positives} with an anomaly; ROC-AUC {points.roc_auc:.3f}")
    for name, line in lines.items():
        found = confusion_at(points, line)
        precision = "-" if found.precision is None else f"{found.precision:.2f}"
        print(f"  {name}: threshold {line:.2f}, precision {precision}, recall {found.recall:.2f}")


if __name__ == "__main__":
    main()
