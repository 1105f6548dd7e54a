"""Drawing a detection: a series with its flags, how scores are distributed, and the ROC curve, as web pages.

    python examples/draw_detection.py [FOLDER]

Writes `series.html`, `scores.html` and `roc.html`, and prints of each the sentence that says the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

import numpy as np

from engine import Roles, confusion_at, curve, judge, train
from engine.charts import histogram, html_page, joined, label_histogram, roc_chart, series_chart
from engine.data.synthetic.waves import waves

WINDOWS = 200
DRAWN = 12  # windows of the series that is drawn
ROLES = Roles(
    {"window": "entity", "t": "time", "value": "feature", "label": "ignore", "anomaly_type": "ignore"},
    kind="series",
)


def main(folder: Path) -> None:
    model = train(waves(WINDOWS, part="train", anomalies=0.0).table(), ROLES, "nearest_windows")
    judged = waves(WINDOWS, part="test")
    scores = model.score(judged.table()).values
    judgement = judge(scores, model.card, model.card.default_rule)
    labels = judged.point_labels.ravel().astype(float)
    points = curve(scores, labels)

    shown = slice(0, DRAWN * judged.values.shape[1])
    times = np.arange(shown.stop, dtype=float)  # windows one after the other
    flags, truth = judgement.flags[shown], labels[shown] > 0
    edges, _ = histogram(scores)
    normal, anomalous = (np.histogram(scores[labels == label], edges)[0] for label in (0, 1))
    now = confusion_at(points, judgement.threshold)
    false_alarms = now.false_positives / points.negatives
    charts = {
        "series": series_chart(
            times,
            judged.values.ravel()[shown],
            flagged=flags,
            channel="value",
            clock=False,
            label_spans=joined(times[truth], times[truth], apart=1.0),
            segments=np.repeat(np.arange(DRAWN), judged.values.shape[1]),
            theme="light",
        ),
        "scores": label_histogram(edges, normal, anomalous, judgement.threshold, theme="light"),
        "roc": roc_chart(
            points.false_positive_rate,
            points.recall,
            (false_alarms, now.recall),
            points.roc_auc,
            theme="light",
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in charts.items():
        (folder / f"{name}.html").write_text(html_page(chart), encoding="utf-8")
        print(f"{name}.html: {chart.alt}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "detection"))
