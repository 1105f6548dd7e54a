"""An Excel file uploaded to the HTTP API and judged by a stored AutoEncoder, cold and warm, from the first byte on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from excel_to_flags import mixed_table
from harness import ROOT, apart, free_port, median, met, options, publish, table

ROWS = 50_000
COLD_S, WARM_S = 8.0, 4.0
FILES = 4  # the first is cold, the others are warm
HEAD_START_S = 8.0  # from one file to the next: the next reader and the next worker make themselves ready


def prepare(folder: Path, rows: int, files: int) -> None:
    """A model, and workbooks of other rows of the same kind."""
    import openpyxl

    from engine import ModelStore, Roles, train

    frame = mixed_table(rows)
    roles = Roles({column: "ignore" if column == "taken" else "feature" for column in frame})
    train(frame, roles, "autoencoder", {"epochs": 10}, name="readings").save(ModelStore(folder / "models"))
    for number in range(files):
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("readings")
        sheet.append(list(frame.columns))
        for row in frame.sample(frac=1, random_state=number).itertuples(index=False):
            sheet.append(list(row))
        book.save(folder / f"readings {number}.xlsx")


@contextlib.contextmanager
def api(folder: Path) -> Iterator[tuple[str, str]]:
    """``python -m engine serve`` with a workspace of its own: its address and a token."""
    places = {"LOUPE_WORKSPACE": str(folder / "workspace"), "LOUPE_MODELS": str(folder / "models")}
    environment, port = os.environ | places, free_port()
    engine = [sys.executable, "-m", "engine"]
    made = subprocess.run(
        [*engine, "token", "create", "--name", "benchmark"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    server = subprocess.Popen(
        [*engine, "serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", made.stdout.split()[-1]
    finally:
        server.terminate()
        server.wait(20)


def judged(address: str, token: str, file: Path) -> tuple[float, int]:
    """Seconds from the first byte sent to the flags, and how many there are."""
    import httpx

    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=120) as client:
        started = time.perf_counter()
        with file.open("rb") as content:
            sent = client.post("/api/anomaly/datasets/upload", files={"file": (file.name, content)})
        place = f"/api/anomaly/datasets/{sent.raise_for_status().json()['id']}"
        client.post(f"{place}/analyze", json={"model": "readings"}).raise_for_status()
        while True:
            status = client.get(f"{place}/status").raise_for_status().json()
            if status["status"] == "analyzed":
                return time.perf_counter() - started, status["anomaly_count"]
            if status["status"] not in ("queued", "running"):
                raise RuntimeError(f"the analysis ended as {status}")
            time.sleep(0.25)  # a token may ask 120 times at once, and then twice a second


def wait_for(address: str) -> None:
    import httpx

    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/api/health", timeout=1).status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the API did not become ready")


def main() -> None:
    chosen = options(__doc__, rows={"type": int, "default": ROWS}, files={"type": int, "default": FILES})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apart(prepare, folder, chosen.rows, chosen.files)
        took, flagged = [], 0
        with api(folder) as (address, token):
            wait_for(address)
            for number in range(chosen.files):
                seconds, flagged = judged(address, token, folder / f"readings {number}.xlsx")
                took.append(seconds)
                time.sleep(HEAD_START_S)
    cold, warm = took[0], median(took[1:])
    rows = [
        ["cold: the first file after the start", f"{cold:.1f} s", f"{COLD_S:g} s: {met(cold, COLD_S)}"],
        [f"warm: median of {len(took) - 1}", f"{warm:.1f} s", f"{WARM_S:g} s: {met(warm, WARM_S)}"],
    ]
    text = (
        f"An .xlsx of {chosen.rows:,} × 20 by `upload`, `analyze` and `status`, judged by a stored AutoEncoder, which "
        f"flags {flagged:,} rows and explains 2,000; the status is asked for four times a second. Every file has other "
        f"content, so nothing of one is used for the next, but a server has one process ready that reads files and one "
        f"that runs jobs.\n\n{table(['', 'seconds', 'figure'], rows)}"
    )
    publish("An Excel file through the HTTP API", text, write=chosen.write)


if __name__ == "__main__":
    main()
