"""A stranger's file is read in a process of its own with limits, so that no bomb takes the caller down.

The child writes two files, each beside and renamed: the table as Parquet, then a JSON report. The
report holds everything of a :class:`Reading` except the frame, and the answers of the ``after`` functions.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.data.reading.limits import CHILD_WALL_SECONDS
from engine.data.reading.readers import Reader, Readers
from engine.data.reading.types import ReadingOptions
from engine.errors import ReadingError

_LOG = logging.getLogger(__name__)


def convert(
    source: Path | str,
    target_parquet: Path | str,
    options: ReadingOptions | None = None,
    *,
    name: str | None = None,
    after: Sequence[str] = (),
    report: Path | str | None = None,
    wall_seconds: float = CHILD_WALL_SECONDS,
    readers: Readers | None = None,
) -> dict[str, Any]:
    """Read ``source`` in a child process into ``target_parquet``; returns the report, also written as JSON.

    The report stands in ``report``, by default ``<target_parquet>.json``. Its keys: rows, columns, names,
    types, findings, delimiter, encoding, header_row, sheet, sheets, options, after.

    ``after`` names functions as ``"package.module:function"``; the child calls each with the Reading before
    it ends and puts the JSON-able dict it returns under that same text in ``report["after"]``.

    ``readers`` may have a child ready; without them one is started now.

    Every failure is one ReadingError: what the file's reader says, or that time or memory ran out.
    """
    source, target = Path(source), Path(target_parquet)
    answer = Path(report) if report is not None else Path(f"{target}.json")
    label = name or source.name
    order = {
        "source": str(source.absolute()),
        "target": str(target.absolute()),
        "report": str(answer.absolute()),
        "options": (options or ReadingOptions()).as_dict(),
        "name": label,
        "after": list(after),
    }
    outcome = _run(Reader() if readers is None else readers.take(), order, label, wall_seconds)
    if "error" in outcome:
        raise ReadingError(outcome["error"])
    return json.loads(answer.read_text(encoding="utf-8"))


def _run(reader: Reader, order: dict[str, Any], label: str, wall_seconds: float) -> dict[str, Any]:
    try:
        child = reader.obey(order, wall_seconds)
    except subprocess.TimeoutExpired as error:
        raise ReadingError(
            f"'{label}' could not be read within {wall_seconds:.0f} seconds; "
            "bring fewer rows or save it as Parquet."
        ) from error
    if child.stderr:
        _LOG.warning("reading %r: %s", label, child.stderr.decode("utf-8", "replace")[-4000:])
    try:
        return json.loads(child.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise ReadingError(_why_died(label, child.returncode)) from error


def _why_died(label: str, code: int) -> str:
    """A child without a last word: killed for time or memory, or crashed on a damaged file."""
    if os.name == "posix":
        import signal

        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return f"'{label}' takes too long or too much memory to read; bring fewer rows or columns."
    return (
        f"'{label}' needs more memory than is allowed or is damaged; "
        "bring fewer rows, or export it again as CSV."
    )
