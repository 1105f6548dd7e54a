"""Reading files: ours, in its child process with types and findings, against a plain pandas call."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness import Run, apart, median, options, publish, run, table

PAIRS = 3
CSV_BYTES, XLSX_ROWS = 100_000_000, 50_000
OURS = "import sys; from engine.data.reading import convert; convert(sys.argv[1], sys.argv[2])"
# The peer keeps what it read as Parquet too, so that both end with the same thing on disk.
PEER = "import sys, pandas as pd; pd.{call}.to_parquet(sys.argv[2])"
FILES = {
    "CSV, 100 MB": ("table.csv", "read_csv(sys.argv[1])"),
    "CSV, 100 MB, dates parsed": ("table.csv", "read_csv(sys.argv[1], parse_dates=['seen'])"),
    "XLSX, 50,000 × 20": ("readings.xlsx", "read_excel(sys.argv[1], engine='openpyxl')"),
    "XLSX, 50,000 × 20, calamine": ("readings.xlsx", "read_excel(sys.argv[1], engine='calamine')"),
    "Parquet, the same table as the CSV": ("table.parquet", "read_parquet(sys.argv[1])"),
}


def prepare(folder: Path) -> None:
    """The three files."""
    import pandas as pd
    from excel_to_flags import mixed_table
    from start_up import write_csv

    write_csv(folder / "table.csv", CSV_BYTES)
    pd.read_csv(folder / "table.csv", parse_dates=["seen"]).to_parquet(folder / "table.parquet", index=False)
    mixed_table(XLSX_ROWS).to_excel(folder / "readings.xlsx", index=False)


def one_pair(file: Path, call: str, folder: Path) -> tuple[Run, Run]:
    """Ours and the peer, each a whole process."""
    ours = run([sys.executable, "-c", OURS, str(file), str(folder / "ours.parquet")])
    return ours, run([sys.executable, "-c", PEER.format(call=call), str(file), str(folder / "peer.parquet")])


def main() -> None:
    chosen = options(__doc__, pairs={"type": int, "default": PAIRS})
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apart(prepare, folder)
        for title, (file, call) in FILES.items():
            pairs = [one_pair(folder / file, call, folder) for _ in range(chosen.pairs)]
            ours, peer = zip(*pairs, strict=True)
            cells = [title]
            for key, form in (("wall", ".2f"), ("cpu", ".2f"), ("peak_mb", ".0f")):
                mine, theirs = ([getattr(each, key) for each in side] for side in (ours, peer))
                ratio = median([b / a for a, b in zip(mine, theirs, strict=True)])
                cells += [f"{median(mine):{form}}", f"{median(theirs):{form}}", f"{ratio:.1f} ×"]
            rows.append(cells)
    header = ["file", "wall s", "pandas", "ratio", "CPU s", "pandas", "ratio", "peak MB", "pandas", "ratio"]
    text = f"""`convert` (types found, findings written, Parquet kept, in a child with limits) against pandas, which
reads into memory and writes Parquet. {chosen.pairs} alternating pairs of whole processes, medians; a ratio
above 1 is in our favour.

{table(header, rows)}"""
    publish("Reading files", text, write=chosen.write)


if __name__ == "__main__":
    main()
