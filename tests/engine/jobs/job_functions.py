"""What the jobs of these tests do; workers import it by name."""

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.errors import DataError


def add(spec, job):
    job.log("adding")
    job.record(epoch=1, loss=0.5)
    job.record(epoch=2, loss=0.25)
    job.progress(0.5, "half way")
    return {"sum": spec["a"] + spec["b"], "pid": os.getpid(), "nice": os.nice(0)}


def environment(spec, job):
    return {
        "threads": os.environ["OMP_NUM_THREADS"],
        "warm": "sklearn.ensemble" in sys.modules,
        "torch": "torch" in sys.modules,
        "oom": Path("/proc/self/oom_score_adj").read_text().strip(),
        "own_session": os.getsid(0) == os.getpid(),
        "pid": os.getpid(),
    }


def steps(spec, job):
    """Small steps, each a chance to stop; leaves a mark when it begins."""
    with (job.directory.parent.parent / "began.txt").open("a") as began:
        began.write(f"{spec['name']}\n")
    for step in range(spec.get("steps", 600)):
        job.progress(step / 600, f"step {step}")
        time.sleep(0.05)
    return {}


def deaf(spec, job):
    """Never looks whether it should stop, and has a child that would outlive it."""
    child = subprocess.Popen(["sleep", "60"])
    job.progress(0.1, str(child.pid))
    while True:
        time.sleep(0.05)


def bad_data(spec, job):
    job.progress(0.3, "reading")
    raise DataError("The column “time” must hold dates, got 7; choose another column.")


def divide(spec, job):
    return {"answer": 1 / 0}


def leave(spec, job):
    sys.exit(0)


def vanish(spec, job):
    os._exit(0)


def unspeakable(spec, job):
    return {"answer": object()}


def abort(spec, job):
    os.abort()


def segfault(spec, job):
    ctypes.string_at(0)


def killed(spec, job):
    os.kill(os.getpid(), signal.SIGKILL)


def terminated(spec, job):
    os.kill(os.getpid(), signal.SIGTERM)
    job.check()


def full_disk(spec, job):
    raise OSError(errno.ENOSPC, "No space left on device")


def hungry(spec, job):
    return {"size": len(bytearray(4_000_000_000))}


def chatter(spec, job):
    for line in range(spec["lines"]):
        job.log(f"line {line}")
        job.progress(line / spec["lines"], f"line {line}")
    return {}
