"""Custom parameters: one detector in several configurations, compared on the same windows.

    python examples/custom_parameters.py

Every hyperparameter has a name, a default and a range; `python -m engine detectors` lists them all.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

from engine import Roles, as_binary, curve, train
from engine.data.synthetic.waves import waves

WINDOWS = 60
SMALL = {"num_epochs": 2, "d_model": 16, "num_encoder_layers": 1, "num_teacher_decoder_layers": 2}
CONFIGURATIONS = {
    "a small network": SMALL,
    "more hidden, wider margin": {**SMALL, "masking_ratio": 0.75, "margin": 2.0, "lambda_disc": 1.0},
    "teacher against student": {**SMALL, "score": "discrepancy", "mask": "last", "mask_last_n": 20},
}
ROLES = Roles(
    {"window": "entity", "t": "time", "value": "feature", "label": "label", "anomaly_type": "ignore"},
    kind="series",
)


def main() -> None:
    learned, judged = waves(WINDOWS, part="train").table(), waves(WINDOWS, part="test").table()
    labels, _ = as_binary(judged["label"])
    print(f"| {'configuration':<26} | ROC-AUC | average precision | seconds |")
    print(f"|{'-' * 28}|--------:|------------------:|--------:|")
    for name, chosen in CONFIGURATIONS.items():
        model = train(learned, ROLES, "masked_series", chosen)
        found = curve(model.score(judged).values, labels)
        figures = f"{found.roc_auc:>7.3f} | {found.average_precision:>17.3f} | {model.card.seconds:>7.1f}"
        print(f"| {name:<26} | {figures} |")


if __name__ == "__main__":
    main()
