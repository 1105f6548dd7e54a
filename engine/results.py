"""What a model said about a data set, kept on disk so that the screen never scores anything twice."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine import files
from engine.errors import StoreError
from engine.model import Scores
from engine.named_classes import NamedClasses
from engine.scoring.drift import Drift
from engine.scoring.faithfulness import Faithfulness
from engine.scoring.reasons import Explained, Reason, sentence
from engine.scoring.shared_reasons import SharedReasons

ABOUT, WORST, REASONS = "about.json", "worst.parquet", "reasons.jsonl"
WINDOWS, MOST_BYTES = "windows", 16 << 20  # looks at single readings, each kept when it was first asked for
ARRAYS = ("values", "severity", "explained_rows", "contributions", "obstacle_rows", "obstacle_numbers")

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
_SAVED = re.compile(r"\d{20}-[0-9a-f]{8}")  # the clock when it was saved, and a lot


@dataclass(frozen=True, kw_only=True)
class Result:
    """Scores of one data set by one model, with the reasons of its most unusual rows. Arrays are read-only."""

    id: str
    model: str  # name@version
    dataset: str
    about: dict[str, Any]
    values: NDArray[np.float64]  # anomaly scores (n_samples,), NaN = could not be judged
    severity: NDArray[np.float64]
    explained_rows: NDArray[np.int64]  # most unusual first
    contributions: NDArray[np.float64]  # (n_explained, n_columns)
    worst: (
        pd.DataFrame
    )  # the explained rows as the table holds them, most unusual first, under their row numbers
    obstacle_rows: NDArray[np.int64]  # rows that could not be judged (n_obstacles,)
    obstacle_numbers: NDArray[np.int64]  # for each, which of the obstacles kept in ``about``
    # Of each explained row its sentence and its reasons: JSON that is read when it is asked for.
    told: list[bytes]
    classes: NamedClasses | None = None  # where its model names classes

    @property
    def columns(self) -> list[str]:
        return list(self.about["columns"])

    @property
    def notes(self) -> list[str]:
        return list(self.about["notes"])

    @property
    def reasons_ready(self) -> bool:
        """Whether its most unusual rows have been explained; scores are kept before that."""
        return bool(self.about.get("explained", True))

    @property
    def mapping(self) -> dict[str, str]:
        return dict(self.about.get("mapping", {}))

    @cached_property
    def drift(self) -> Drift:
        """Whether the data looks like what the model learned from; scores alone, and earlier versions, cannot say."""
        kept = self.about.get("drift")
        if kept:
            return Drift.from_dict(kept)
        why = "this result was stored before drift was measured; score the data again"
        if not self.reasons_ready:
            why = "only the scores are there yet; drift and reasons follow them"
        return Drift(verdict="not measured", rows=len(self.values), why=why)

    @cached_property
    def faithfulness(self) -> Faithfulness | None:
        """Whether scores come from the reasons that are named; None where it was not measured as it is now."""
        kept = self.about.get("faithfulness")
        return Faithfulness.from_dict(kept) if kept else None

    @cached_property
    def obstacles(self) -> dict[int, str]:
        """Row number -> why the row could not be judged."""
        texts = self.about["obstacles"]
        return {
            row: texts[number]
            for row, number in zip(self.obstacle_rows.tolist(), self.obstacle_numbers.tolist(), strict=True)
        }

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Row numbers of the judged rows, most unusual first."""
        judged = np.flatnonzero(np.isfinite(self.values))
        return judged[np.argsort(-self.values[judged], kind="stable")]

    @cached_property
    def ascending(self) -> NDArray[np.float64]:
        """The judged scores in ascending order: counting flags is one binary search."""
        return np.sort(self.values[np.isfinite(self.values)])

    @cached_property
    def _place(self) -> dict[int, int]:
        return {int(row): place for place, row in enumerate(self.explained_rows)}

    def flagged(self, threshold: float) -> int:
        """How many rows score strictly above the threshold."""
        return len(self.ascending) - int(np.searchsorted(self.ascending, threshold, side="right"))

    def reasons(self, row: int) -> list[dict[str, Any]] | None:
        """The reasons of a row, strongest first; None when it was not among the rows explained."""
        place = self._place.get(row)
        return None if place is None else [reason.as_dict() for reason in self._reasons_at(place)]

    def sentence(self, row: int) -> str:
        """The strongest reasons of a row in one line; empty when it was not among the rows explained."""
        place = self._place.get(row)
        return "" if place is None else sentence(self._reasons_at(place))

    @cached_property
    def shared_reasons(self) -> SharedReasons:
        """Which reasons the explained rows share; none of a result stored before they were told."""
        try:
            return SharedReasons.of([json.loads(line) for line in self.told])
        except (ValueError, TypeError, KeyError) as problem:
            raise _damaged(problem) from problem

    def _reasons_at(self, place: int) -> list[Reason]:
        try:
            return [Reason(**fields) for fields in json.loads(self.told[place])]
        except (ValueError, TypeError) as problem:
            raise _damaged(problem) from problem


class ResultStore:
    """A folder of results, safe to use from any number of threads and processes at once.

    A result's folder holds one folder for each time it was saved. These never change once they are there; the newest
    counts, and those before it are swept away after it has appeared.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._staging = self.root / ".staging"

    @staticmethod
    def id_of(model: str, dataset: str, mapping: Mapping[str, str] | None = None) -> str:
        """The id of what a model (name@version) says about a data set, its columns mapped in this way."""
        key = json.dumps([model, dataset, dict(mapping or {})], sort_keys=True)
        return f"{hashlib.sha256(key.encode()).hexdigest()[:16]}__{dataset}"

    def save(
        self,
        model: str,
        dataset: str,
        scores: Scores,
        explained: Explained | None,
        frame: pd.DataFrame,
        mapping: Mapping[str, str] | None = None,
        drift: Drift | None = None,
        classes: NamedClasses | None = None,
    ) -> str:
        """Keep scores, reasons and the explained rows of ``frame``; what was saved of the same before is replaced.

        Without reasons it can be read, so that flags need not wait for them, but does not count as the whole answer.
        """
        id, whole = self.id_of(model, dataset, mapping), explained is not None
        explained = explained or Explained.nothing()
        folder = self._folder(id)
        numbers, obstacles = pd.factorize(np.array(list(scores.obstacles.values()), dtype=object))
        about = {
            "model": model,
            "dataset": dataset,
            "mapping": dict(mapping or {}),
            "explained": whole,
            "columns": explained.columns,
            "notes": list(scores.notes),
            "obstacles": obstacles.tolist(),
            "drift": None if drift is None else drift.as_dict(),
            "faithfulness": None if explained.check is None else explained.check.as_dict(),
        }
        arrays = {
            "values": scores.values,
            "severity": scores.severity,
            "explained_rows": explained.rows,
            "contributions": explained.contributions,
            "obstacle_rows": np.array(list(scores.obstacles), dtype=np.int64),
            "obstacle_numbers": numbers.astype(np.int64),
        }
        files.sweep(self._staging)
        with files.staged_folder(self._staging) as staged:
            for name in ARRAYS:
                np.save(staged / f"{name}.npy", arrays[name], allow_pickle=False)
            frame.iloc[explained.rows].to_parquet(staged / WORST, index=False)
            files.write_new(staged / REASONS, "".join(map(_line, explained.reasons)).encode())
            files.write_new(staged / ABOUT, json.dumps(about).encode())
            if classes is not None:
                classes.save(staged)
            # Named by the clock, so that the newest is the last by name; two at once differ by what follows.
            files.publish(staged, folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}")
        self._sweep(folder)
        return id

    def exists(self, model: str, dataset: str, mapping: Mapping[str, str] | None = None) -> bool:
        """Whether a model's whole answer for a data set, scores and reasons, is stored."""
        return self.is_whole(self.id_of(model, dataset, mapping))

    def is_whole(self, id: str) -> bool:
        """Whether scores and reasons are stored: neither none at all, nor the scores alone."""
        saved = self._newest(id)
        if saved is None:
            return False
        try:
            return bool(json.loads((saved / ABOUT).read_bytes()).get("explained", True))
        except (OSError, ValueError, AttributeError):
            return True  # replaced just now by a whole one, or damaged: whoever reads it is told so

    def stamp(self, id: str) -> int:
        """A number that changes when the result is replaced; 0 when there is none."""
        saved = self._newest(id)
        return int(saved.name.partition("-")[0]) if saved else 0

    def load(self, id: str) -> Result:
        """The result of that id."""
        saved = self._newest(id)
        while saved is not None:
            try:
                return _read(id, saved)
            except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as problem:
                newer = self._newest(id)
                if newer == saved:
                    raise _damaged(problem) from problem
                saved = newer  # it was replaced and swept away while we read it
        raise StoreError("this result is no longer stored; score the data again")

    def keep_beside(self, id: str, name: str, data: bytes) -> None:
        """Keep something by a name for as long as the result is."""
        saved = self._newest(id)
        if saved is None:
            raise StoreError("this result is no longer stored; score the data again")
        with suppress(FileNotFoundError):  # it was replaced meanwhile
            files.make_folder((saved / name).parent)
            files.write_atomically(saved / name, data)

    def beside(self, id: str, name: str) -> bytes | None:
        """What was kept by :meth:`keep_beside`; None for nothing."""
        saved = self._newest(id)
        if saved is not None:
            with suppress(FileNotFoundError):
                return files.read_plain_file(saved / name, limit=MOST_BYTES)
        return None

    def keep_window(self, id: str, row: int, data: bytes) -> None:
        """Keep what was seen around a row for as long as the result is."""
        self.keep_beside(id, f"{WINDOWS}/{row}", data)

    def window(self, id: str, row: int) -> bytes | None:
        """What was kept of a row by :meth:`keep_window`; None for nothing."""
        return self.beside(id, f"{WINDOWS}/{row}")

    def of_dataset(self, dataset: str) -> list[str]:
        """The ids of the results of one data set, newest first."""
        stamps = {p.name: self.stamp(p.name) for p in self.root.glob(f"*__{glob.escape(dataset)}")}
        return sorted((id for id, stamp in stamps.items() if stamp), key=lambda id: stamps[id], reverse=True)

    def delete_of_dataset(self, dataset: str) -> None:
        """Remove what every model said about a data set."""
        for id in self.of_dataset(dataset):
            with suppress(FileNotFoundError):  # another deletion was quicker
                files.remove_folder(self._folder(id), staging=self._staging)

    def _folder(self, id: str) -> Path:
        """Where a result lies; the one place where an id, as an address may bring it, becomes a path."""
        if not _ID.fullmatch(id):
            raise StoreError(
                "this is not the id of a result; open it from its data set, or score the data again"
            )
        return self.root / id

    def _newest(self, id: str) -> Path | None:
        folder = self._folder(id)
        saved = [entry for entry in _entries(folder) if _SAVED.fullmatch(entry)]
        return folder / max(saved) if saved else None

    def _sweep(self, folder: Path) -> None:
        """Remove what lies beside the newest, each in one step, so that no reader takes a half for a whole."""
        newest = self._newest(folder.name)
        for entry in _entries(folder):
            if newest is not None and entry < newest.name:
                with suppress(OSError):  # another saver was quicker
                    files.remove_folder(folder / entry, staging=self._staging)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _line(reasons: list[Reason]) -> str:
    """The reasons of one row as one line."""
    return json.dumps([reason.fields for reason in reasons]) + "\n"


def _told(saved: Path, about: dict[str, Any]) -> list[bytes]:
    """A line of reasons for each of the explained rows."""
    try:
        return (saved / REASONS).read_bytes().splitlines()
    except FileNotFoundError:
        if "reasons" not in about:
            raise
    # Stored before the reasons had a file of their own, each with the text that follows from it.
    bare = [
        [{k: v for k, v in each.items() if k != "text"} for each in reasons] for reasons in about["reasons"]
    ]
    return [json.dumps(reasons).encode() for reasons in bare]


def _damaged(problem: Exception) -> StoreError:
    return StoreError(f"this result is damaged ({problem}); score the data again")


def _read(id: str, saved: Path) -> Result:
    """One saved result, all of it: whatever is swept away afterwards stays readable through its open maps."""
    about = json.loads((saved / ABOUT).read_text("utf-8"))
    arrays = {name: np.load(saved / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    told = _told(saved, about)
    if len(told) != len(arrays["explained_rows"]):
        raise ValueError(
            f"{len(arrays['explained_rows'])} rows were explained, and the reasons of {len(told)} are kept"
        )
    return Result(
        id=id,
        model=about["model"],
        dataset=about["dataset"],
        about=about,
        worst=pd.read_parquet(saved / WORST).set_axis(np.asarray(arrays["explained_rows"])),
        told=told,
        classes=NamedClasses.read(saved, len(arrays["values"])),
        **arrays,
    )
