"""A server to be killed: it queues what it is told, says so, and waits."""

import json
import sys
import time
from pathlib import Path

from engine.jobs import JobManager

if __name__ == "__main__":
    root, orders = Path(sys.argv[1]), json.loads(sys.argv[2])
    manager = JobManager(
        root,
        max_running=1,
        max_queued=1000,
        max_queued_per_owner=1000,
        spare=False,
        functions={"steps": "job_functions:steps"},
    )
    for name in orders:
        job = manager.submit("steps", {"name": name}, owner="ada", title=name)
        sys.stdout.write(f"{job.id}\n")
        sys.stdout.flush()
    time.sleep(60)
