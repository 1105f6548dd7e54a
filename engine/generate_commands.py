"""What each command of ``generate`` does: made-up data with known answers, as a file that the other commands take."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from engine.errors import UsageError

SUFFIXES = (".csv", ".parquet")


def add_commands(verbs: Any) -> None:
    """Add ``generate`` to the command line."""
    generate = verbs.add_parser("generate", help="write made-up data whose anomalies are known")
    kinds = generate.add_subparsers(required=True, metavar="KIND")
    made = kinds.add_parser("waves", help="windows of noisy sine waves, some with an anomaly")
    made.add_argument("--output", required=True, type=Path, metavar="FILE", help="ends in .csv or .parquet")
    made.add_argument("--windows", type=int, default=1_000, metavar="N", help="how many (default: 1000)")
    made.add_argument(
        "--variant",
        choices=("easy", "hard"),
        default="hard",
        help="waves all alike, or each its own (default)",
    )
    made.add_argument(
        "--part",
        choices=("train", "test"),
        default="test",
        help="3 %% of windows with an anomaly of five types, or 25 %% of seven (default: test)",
    )
    made.add_argument("--seed", type=int, default=0, metavar="S", help="random seed (default: 0)")
    made.set_defaults(run=waves)


def waves(options: argparse.Namespace) -> None:
    """Write windows of waves, and say what is in them."""
    if options.output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a table of waves must end in .csv or .parquet, got '{options.output.name}'")
    from engine.data.synthetic.waves import NORMAL, waves
    from engine.report import write_result

    made = waves(options.windows, variant=options.variant, part=options.part, seed=options.seed)
    told = {name: str(getattr(options, name)) for name in ("windows", "variant", "part", "seed")}
    write_result(options.output, made.table().round({"value": 4}), told)
    types = Counter(made.types.tolist())
    normal = types.pop(NORMAL, 0)
    held = ", ".join(f"{name} {count:,}" for name, count in sorted(types.items())) or "none"
    print(
        f"{len(made.values):,} windows of {made.values.shape[1]} readings: {normal:,} normal, anomalies: {held} "
        f"-> {options.output}"
    )
