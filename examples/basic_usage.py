"""Basic usage: train on windows of waves, judge others, and see how well the anomalies are found.

    python examples/basic_usage.py

Few windows and few epochs, so that it takes seconds; the first constants below make it a real training.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

from engine import Roles, Timeline, as_binary, evaluate_series, train
from engine.data.synthetic.waves import LENGTH, waves

WINDOWS, EPOCHS = 100, 5  # 5,000 and 100, the default, for figures worth comparing
ROLES = Roles(
    {"window": "entity", "t": "time", "value": "feature", "label": "label", "anomaly_type": "ignore"},
    kind="series",
)


def main() -> None:
    learned = waves(WINDOWS, part="train").table()  # 3 % of the windows with an anomaly
    judged = waves(WINDOWS, part="test").table()  # 25 %, two of the seven types new

    model = train(learned, ROLES, "masked_series", {"num_epochs": EPOCHS}, name="waves")
    scores = model.score(judged)

    labels, said = as_binary(judged["label"])
    found = evaluate_series(
        scores.values,
        labels,
        model.card.threshold,
        window=LENGTH // 4,
        timeline=Timeline.of(judged, ROLES),
    )
    print(
        f"{model.card.title}: {model.card.rows:,} readings learned from, {int(scores.judged.sum()):,} judged"
    )
    print(f"answers: {said}")
    for name, value in found.figures().items():
        print(f"  {name}: {'-' if value is None else f'{value:.3f}'}")


if __name__ == "__main__":
    main()
