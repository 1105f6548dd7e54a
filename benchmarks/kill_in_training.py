"""Trainings killed at random moments, again and again until they end: do they end with the bytes of an unhurt one?"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import ROOT, options, publish, table

ROWS, WIDTH = 3_000, 10
KILLS = 20  # of each mode
EPOCHS = {"robust": 24, "classic": 24}
LONGEST_WAIT = 3.0  # seconds a process lives at most once it trains; a kill may also fall before that

TRAINING = f"""
import hashlib, sys
from pathlib import Path
import numpy as np
from engine.arrays import pack
from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.base import Course
folder, mode, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rng = np.random.default_rng(0)
rows = rng.normal(size=({ROWS}, 3)) @ rng.normal(size=(3, {WIDTH})) + 0.3 * rng.normal(size=({ROWS}, {WIDTH}))
begun = []
def listen(done, message):
    if message.startswith("Epoch") and not begun:
        begun.append(message)
        (folder / "begun").write_text(message.split()[1])
detector = AutoEncoder(mode=mode, epochs=epochs, early_stopping_patience=epochs)
detector.fit(rows, progress=listen, course=Course(checkpoint=folder / "checkpoint"))
(folder / "part").write_text(hashlib.sha256(pack(detector.arrays())).hexdigest())
(folder / "part").rename(folder / "ended")
"""


def start(folder: Path, mode: str) -> subprocess.Popen[bytes]:
    (folder / "begun").unlink(missing_ok=True)
    command = [sys.executable, "-c", TRAINING, str(folder), mode, str(EPOCHS[mode])]
    return subprocess.Popen(command, cwd=ROOT)


def hurt(folder: Path, mode: str, rng: random.Random, kills: int) -> dict[str, int]:
    """Train to the end, killed up to ``kills`` times: how often killed, how often it went on from a checkpoint."""
    counts = {"killed": 0, "went on": 0}
    while not (folder / "ended").exists():
        process = start(folder, mode)
        while process.poll() is None and not (folder / "begun").exists():
            time.sleep(0.005)
        if counts["killed"] < kills:
            with_luck_later = rng.uniform(0, LONGEST_WAIT / 2 ** rng.randrange(4))
            try:
                process.wait(with_luck_later)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        counts["killed"] += process.wait() == -signal.SIGKILL
        begun = folder / "begun"
        counts["went on"] += begun.exists() and begun.read_text() not in ("", "1")
    return counts


def main() -> None:
    chosen = options(__doc__, kills={"type": int, "default": KILLS}, seed={"type": int, "default": 0})
    rng, rows = random.Random(chosen.seed), []
    for mode in EPOCHS:
        counts = {"trainings": 0, "killed": 0, "went on": 0, "equal": 0}
        with tempfile.TemporaryDirectory() as name:
            whole = Path(name)
            start(whole, mode).wait()
            expected = (whole / "ended").read_text()
        while counts["killed"] < chosen.kills:
            with tempfile.TemporaryDirectory() as name:
                found = hurt(Path(name), mode, rng, chosen.kills - counts["killed"])
                counts["equal"] += (Path(name) / "ended").read_text() == expected
            counts["trainings"] += 1
            counts |= {key: counts[key] + found[key] for key in found}
            print(mode, counts, flush=True)
        rows.append([mode, *counts.values()])
    text = f"""An AutoEncoder of {ROWS:,} × {WIDTH} is killed with SIGKILL at random moments (seed {chosen.seed})
and started again until it ends. *Went on*: starts that began after the first epoch. *Equal*: trainings whose
arrays are, byte for byte, those of a training that nobody killed.

{table(["mode", "trainings", "killed", "went on", "equal"], rows)}"""
    publish("Trainings killed and gone on with", text, write=chosen.write)


if __name__ == "__main__":
    main()
