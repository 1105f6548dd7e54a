"""The process that reads one file for :func:`convert`: limits first, then the table, then the report.

It takes its order as JSON on standard input and says on the last line of standard output how it went:
``{"done": true}`` or ``{"error": sentence}``. What every order takes it imports before it has one, so that a server can
have it wait with all that done; it ends when the other end of its input is closed without an order.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.data.reading.limits import CHILD_CPU_SECONDS, CHILD_FILE_SIZE, CHILD_MEMORY
from engine.errors import EngineError
from engine.leaving import leave

WARM_MODULES = ("pyarrow.parquet", "engine.data.reading.table", "engine.data.reading.workbook")
ROW_GROUP = 32_768  # rows read at least, to look at one: a server shows single rows of large tables


def main() -> int:
    """Read what standard input orders; 0 when the table was written."""
    limit()
    with contextlib.suppress(Exception):  # the file that needs it will say so
        for module in WARM_MODULES:
            importlib.import_module(module)
    ordered = sys.stdin.read()
    if not ordered:
        return 0
    order = json.loads(ordered)
    try:
        _obey(order)
    except EngineError as error:
        return _say(error=str(error))
    except MemoryError:
        return _say(
            error=f"'{order['name']}' needs more memory than is allowed; bring fewer rows or columns."
        )
    except Exception:  # a bug here or in an ``after`` function: the log gets the trace, the person a sentence
        traceback.print_exc()
        return _say(error=f"'{order['name']}' could not be stored as a table; the log has the details.")
    return _say(done=True)


def limit() -> None:
    """Bound this process.

    Not by RLIMIT_AS: numpy and Arrow map gigabytes they never touch, and good files would die.
    """
    if sys.platform == "win32":  # no such limits there; the wall clock of the parent remains
        return
    import resource

    for what, most in (
        (resource.RLIMIT_DATA, CHILD_MEMORY),
        (resource.RLIMIT_CPU, CHILD_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, CHILD_FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS does not know every limit
            resource.setrlimit(what, (bounded, bounded))


def _obey(order: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from engine.data.reading.table import read_table
    from engine.data.reading.types import ReadingOptions

    pa.set_cpu_count(1)
    options = ReadingOptions.from_dict(order["options"])
    reading = read_table(order["source"], options, name=order["name"])
    answers = {dotted: _function(dotted)(reading) for dotted in order["after"]}
    table = pa.Table.from_pandas(reading.frame, preserve_index=False)
    texts = [name for name, kind in reading.types.items() if kind == "text"]  # numbers rarely repeat
    with _beside(order["target"]) as part:
        pq.write_table(
            table,
            part,
            compression="zstd",
            compression_level=1,
            use_dictionary=texts,
            row_group_size=ROW_GROUP,
        )
    report = {
        "rows": len(reading.frame),
        "columns": len(reading.types),
        "names": list(reading.types),
        "types": reading.types,
        "findings": [asdict(finding) for finding in reading.findings],
        "delimiter": reading.delimiter,
        "encoding": reading.encoding,
        "header_row": reading.header_row,
        "sheet": reading.sheet,
        "sheets": list(reading.sheets),
        "options": order["options"],
        "after": answers,
    }
    with _beside(order["report"]) as part:
        part.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


def _function(dotted: str) -> Callable[[Any], dict[str, Any]]:
    module, _, function = dotted.partition(":")
    return getattr(importlib.import_module(module), function)


@contextlib.contextmanager
def _beside(target: str) -> Any:
    """A path to write to; it takes the place of ``target`` when all went well and is gone otherwise."""
    part = Path(f"{target}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _say(**outcome: Any) -> int:
    sys.stdout.write(json.dumps(outcome) + "\n")
    sys.stdout.flush()
    return 0 if "done" in outcome else 3


if __name__ == "__main__":
    leave(main())
