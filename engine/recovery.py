"""What a server does with the jobs it finds when it starts."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from pathlib import Path

from engine.job_folder import Ending, ending_of, write_json
from engine.ledger import Ledger
from engine.processes import end_stranger, lease_held
from engine.scheduler import INTERRUPTED, record

_KEPT_WHATEVER_THE_CLOCK_SAYS = 100  # so that a clock a year ahead does not empty the list
_IN_THE_MAKING_SECONDS = 3600.0  # a folder may be this young and have no row yet


def settle_left_behind(ledger: Ledger, directory: Path, *, place: str, server: str) -> None:
    """Queue what waited and close what ran at servers that are gone; leave alone what a living one has."""
    for row in ledger.active(place):
        if lease_held(directory / ".servers" / f"{row.server}.lock"):
            continue
        if row.state == "queued":
            ledger.take_over(row.id, previous=row.server, server=server)
            continue
        if row.pid is not None:
            end_stranger(row.pid, row.pid_started)
        # A worker may have finished in the moment its server died: then its answer stands.
        ending = ending_of(directory / row.id) or Ending("interrupted", INTERRUPTED)
        record(ledger, row.id, directory / row.id, ending, seconds=None)
    for lease in (directory / ".servers").glob("*.lock"):
        if not lease_held(lease):
            lease.unlink(missing_ok=True)
            lease.with_suffix(".log").unlink(missing_ok=True)


def sweep(ledger: Ledger, directory: Path, *, place: str, keep_seconds: float) -> None:
    """Remove the folders of jobs that ended long ago, and those of jobs that never were; rows stay."""
    now = time.time()
    ended = ledger.ended(place)
    old = {job_id for job_id, at in ended[_KEPT_WHATEVER_THE_CLOCK_SAYS:] if now - at > keep_seconds}
    known = {job_id for job_id, _ in ended} | {row.id for row in ledger.active(place)}
    for folder in directory.glob("[0-9a-f]*"):
        strange = folder.name not in known
        age = now - folder.stat().st_mtime
        if folder.name in old or (strange and age > max(keep_seconds, _IN_THE_MAKING_SECONDS)):
            shutil.rmtree(folder, ignore_errors=True)


def place_of(directory: Path) -> str:
    """A name for this workspace that stays when it moves: rows of other workspaces are not ours."""
    path = directory / ".place"
    if not path.exists():
        write_json(path, uuid.uuid4().hex)
    return str(json.loads(path.read_text("utf-8")))
