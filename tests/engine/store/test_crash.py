"""A writer is killed at random moments: all that it confirmed is there, and nothing half-written is visible.

A kill finds what the program does wrong, not what the disk forgets: the order of writes, fsyncs and the
rename, which a power cut would test, is checked in `test_faults.py`. LOUPE_KILLS sets the number of kills.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.store import ModelStore
from tests.engine.store import saver
from tests.engine.store.specimens import make_old

KILLS = int(os.environ.get("LOUPE_KILLS", "25"))
PROJECT = Path(__file__).parents[3]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, saver.__file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def killed_after(root: Path, seed: int, n_saves: int, pause: float) -> list[list[str]]:
    """What a writer said until it was killed, some time after it began its n-th save."""
    lines: list[str] = []
    with start("churn", root, seed) as child:
        while lines.count("begin save\n") < n_saves:
            lines.append(child.stdout.readline())
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL, "the writer must not end by itself"
    return [line.split() for line in lines if line.endswith("\n")]


def median_save_seconds(root: Path) -> float:
    took = []
    for step in range(7):
        parts = saver.content(f"timed {step};", saver.PART_BYTES)
        began = time.perf_counter()
        ModelStore(root).save(saver.NAME, {}, parts)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


@pytest.mark.slow
def test_killed_while_saving(root, tmp_path, record_property):
    median = median_save_seconds(tmp_path / "timing")
    rng = random.Random(0)
    acknowledged: dict[int, str] = {}  # version -> digest of its parts
    inside = {"save": 0, "promote": 0, "delete": 0, "nothing": 0}
    left_behind: set[str] = set()
    unconfirmed = 0

    for round_number in range(KILLS):
        # Mostly within a save, sometimes in what follows it: promoting and deleting are hit too.
        said = killed_after(root, round_number, rng.randint(1, 5), rng.uniform(0, 1.2 * median))
        left_behind |= {path.name for path in (root / ".staging").glob("*")}
        inside[said[-1][1] if said[-1][0] == "begin" else "nothing"] += 1
        for word, verb, *what in said:
            if verb == "delete":  # begun is enough: it may have happened
                acknowledged.pop(int(what[0]), None)
            elif (word, verb) == ("ack", "save"):
                acknowledged[int(what[0])] = what[1]

        store = ModelStore(root)
        assert store.verify() == []
        found = {card["version"] for card in store.versions(saver.NAME)} if store.models() else set()
        assert set(acknowledged) <= found
        unconfirmed += len(found - set(acknowledged))
        for number in found:
            digest = saver.digest(store.parts(f"{saver.NAME}@{number}"))
            assert digest == acknowledged.setdefault(number, digest)  # what was seen once stays, too
        parts = saver.content(f"after {round_number};", 1000)
        following = store.save(saver.NAME, {}, parts)
        assert following.version > max(found | set(acknowledged), default=0)
        acknowledged[following.version] = saver.digest(parts)

    make_old(root / ".staging")
    assert store.verify() == []
    assert list((root / ".staging").iterdir()) == []
    record_property("inside", inside)
    sys.stdout.write(
        f"{KILLS} kills, median save {median * 1000:.0f} ms, inside {inside}, "
        f"{len(left_behind)} left something in staging, {unconfirmed} were complete but not confirmed\n"
    )
    assert inside["save"] >= KILLS / 2
