"""Saving a model and scoring new data with it: real files in, a file with flags out.

    python examples/save_and_load.py [FOLDER]

Learns from the first half of `sample_data/machine_sensor.csv`, keeps the model in FOLDER (default: `saved_model`),
loads it again as another program would, judges the second half, and writes what it flags.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from anywhere, without an installation

import numpy as np

from engine import SAMPLES, Model, ModelStore, judge, read_table, suggest, train
from engine.report import result_table, write_result

SAMPLE = next(sample for sample in SAMPLES if sample.file == "machine_sensor.csv")


def main(folder: Path) -> None:
    table = read_table(SAMPLE.path)  # CSV, Excel, Parquet or JSON; says what it found on the way
    roles = suggest(table.frame, table.types).roles
    half = len(table.frame) // 2
    known, new = table.frame.iloc[:half], table.frame.iloc[half:].reset_index(drop=True)

    store = ModelStore(folder)
    card = train(known, roles, "nearest_windows", name="compressor").save(store)
    print(f"kept as {card.id}: {', '.join(card.parts)}")

    model = Model.load(store, "compressor")
    scores = model.score(new)
    judgement = judge(scores.values, model.card, model.card.default_rule)
    flagged = result_table(
        new,
        scores=scores.values,
        severity=scores.severity,
        flags=judgement.flags,
        judged=scores.judged,
        reasons={},
        obstacles=scores.obstacles,
    )
    write_result(folder / "flagged.csv", flagged, {"model": card.id})
    same = np.array_equal(scores.values, Model.load(store, card.id).score(new).values, equal_nan=True)
    print(f"loaded twice, the same scores: {'yes' if same else 'no'}")
    print(f"{judgement.flagged:,} of {judgement.judged:,} new readings flagged -> {folder / 'flagged.csv'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "saved_model"))
