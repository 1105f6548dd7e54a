"""What the jobs of these tests do in place of real work."""

import time
from pathlib import Path


def linger(spec, job):
    """Say that it runs, and go on until the file ``go`` lies in the workspace, or somebody stops it."""
    go = Path(spec["workspace"]) / "go"
    job.progress(0.25, "lingering")
    while not go.exists():
        job.check()
        time.sleep(0.02)
    raise RuntimeError("a bug in the job")
