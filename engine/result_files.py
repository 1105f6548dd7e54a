"""What a result's file may be called: by its format, and so that the name says what is inside.

Apart from :mod:`engine.report`, so that a wrong name is refused before anything heavy is imported.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from engine.errors import UsageError

SUFFIXES = (".csv", ".xlsx", ".parquet")

_DATA_SUFFIX = re.compile(r"(\.(csv|tsv|txt|xlsx|parquet|json|jsonl|gz|zip))+$", re.IGNORECASE)
_MAX_PART_BYTES = 90  # of a file name: three parts and a hash stay below the 255 a file system takes


def check_suffix(path: Path | str) -> str:
    """The suffix of a file, or a suffix itself, in lower case; a UsageError if no result can have it."""
    name = Path(path).name
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix not in SUFFIXES:
        raise UsageError(
            f"a result's file must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got '{name}'"
        )
    return suffix


def result_name(
    dataset_name: str, model_id: str, content: bytes | str, suffix: str, *, percentile: float | None = None
) -> str:
    """A file name safe everywhere that says what is inside: ``cards__demo-3__95pct__a1b2c3d4.csv``.

    ``content`` is the file's bytes, or a text that changes with them. Its hash makes the name of every
    other content another one: browsers and download buttons remember files by their names.
    """
    more = [] if percentile is None else [f"{percentile:g}pct"]
    return _name(dataset_name, model_id, content, *more) + check_suffix(suffix)


def picture_name(dataset_name: str, model_id: str, content: bytes | str, what: str, format: str) -> str:
    """The same for a chart: ``cards__demo-3__roc__a1b2c3d4.png``."""
    return f"{_name(dataset_name, model_id, content, _safe(what))}.{format}"


def report_name(dataset_name: str, model_id: str, content: bytes | str, suffix: str) -> str:
    """The same for a report: ``cards__demo-3__report__a1b2c3d4.html``."""
    return f"{_name(dataset_name, model_id, content, 'report')}{suffix}"


def _name(dataset_name: str, model_id: str, content: bytes | str, *more: str) -> str:
    digest = hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:8]
    parts = [_safe(_DATA_SUFFIX.sub("", dataset_name)) or "data", _safe(model_id) or "model"]
    return "__".join([*parts, *more, digest])


def _safe(text: str) -> str:
    """Letters, digits, - and single _: no dots, so no second suffix and no way up; nothing at the ends."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"_{2,}", "_", re.sub(r"[^\w-]+", "-", text)).strip("-_")
    return text.encode()[:_MAX_PART_BYTES].decode(errors="ignore").strip("-_")
