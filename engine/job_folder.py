"""What lies in a job's folder, and how to read it while a worker writes it.

spec.json      what to do; written by the server, complete before the worker starts
events.jsonl   progress and records, one JSON object a line; appended by the worker
log.txt        everything printed; a bug's traceback lands here and nowhere else
result.json    how it ended; it exists only when it is complete
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_BLOCK_BYTES = 65_536
_MOST_LOG_BYTES = 1_048_576  # of a log without line breaks, its end is enough


@dataclass(frozen=True)
class Ending:
    """How a job ended, as the ledger keeps it."""

    state: Literal["done", "failed", "cancelled", "interrupted"]
    error: str | None = None
    incident: str | None = None
    result: dict[str, Any] | None = None


class Tail:
    """The end of a growing file of events, read from where the last look stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._progress, self._message = 0.0, ""
        self.records: list[dict[str, Any]] = []

    def newest(self) -> tuple[float, str]:
        """Progress and message as of now."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return self._progress, self._message
        complete = new[: new.rfind(b"\n") + 1]  # the worker may be in the middle of a line
        self._offset += len(complete)
        for line in complete.splitlines():
            self._take(line)
        return self._progress, self._message

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # torn by a full disk, and continued when there was room again
            return
        if "record" in event:
            self.records.append(event["record"])
        else:
            self._progress, self._message = event["progress"], event["message"]


def ending_of(directory: Path) -> Ending | None:
    """How a worker says its job ended, or None if it could not say."""
    try:
        answer = json.loads((directory / "result.json").read_text("utf-8"))
        return Ending(**answer)
    except (FileNotFoundError, ValueError, TypeError):  # none, or something else wrote over it
        return None


def log_tail(path: Path, lines: int) -> str:
    """The last lines of a log; a longer log costs no more."""
    try:
        with path.open("rb") as log:
            start = size = log.seek(0, os.SEEK_END)
            end = b""
            while start and end.count(b"\n") <= lines and size - start < _MOST_LOG_BYTES:
                start, stop = max(0, start - _BLOCK_BYTES), start
                log.seek(start)
                end = log.read(stop - start) + end
    except FileNotFoundError:
        return ""
    return "\n".join(end.decode("utf-8", errors="replace").splitlines()[-lines:])


def write_json(path: Path, value: object) -> None:
    """Write a JSON file that is either complete or not there, also after a power cut."""
    beside = path.with_name(path.name + ".tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(value, file, default=plain)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def plain(value: Any) -> Any:
    """A NumPy number or array, or a path, as JSON can hold it."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a result must be JSON, found {type(value).__name__}")
