"""What a model said about a data set, kept on disk so that the screen never scores anything twice."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import StoreError
from engine.files import write_atomically
from engine.model import Scores
from engine.scoring.reasons import Explained, sentence

WORST = "worst.parquet"
MOST_OBSTACLES = 10_000  # rows whose obstacle is kept word for word; the rest are counted


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
    worst_path: Path

    @property
    def columns(self) -> list[str]:
        return list(self.about["columns"])

    @property
    def notes(self) -> list[str]:
        return list(self.about["notes"])

    @property
    def mapping(self) -> dict[str, str]:
        return dict(self.about.get("mapping", {}))

    @property
    def obstacles(self) -> dict[int, str]:
        return {int(row): why for row, why in self.about["obstacles"].items()}

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The explained rows as the table holds them, most unusual first, under their row numbers."""
        return pd.read_parquet(self.worst_path).set_axis(self.explained_rows)

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
        return None if place is None else list(self.about["reasons"][place])

    def sentence(self, row: int) -> str:
        """The strongest reasons of a row in one line; empty when it was not among the rows explained."""
        place = self._place.get(row)
        return "" if place is None else str(self.about["sentences"][place])


class ResultStore:
    """A folder of results, each appearing whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @staticmethod
    def id_of(model: str, dataset: str) -> str:
        """The id of what a model (name@version) says about a data set."""
        return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', model)}__{dataset}"

    def save(
        self,
        model: str,
        dataset: str,
        scores: Scores,
        explained: Explained,
        frame: pd.DataFrame,
        mapping: dict[str, str] | None = None,
    ) -> str:
        """Keep scores, reasons and the explained rows of ``frame``; a result of the same two is replaced."""
        id = self.id_of(model, dataset)
        obstacles = list(scores.obstacles.items())
        about = {
            "model": model,
            "dataset": dataset,
            "mapping": mapping or {},
            "columns": explained.columns,
            "notes": list(scores.notes),
            "obstacles": {str(row): why for row, why in obstacles[:MOST_OBSTACLES]},
            "reasons": [[reason.as_dict() for reason in reasons] for reasons in explained.reasons],
            "sentences": [sentence(reasons) for reasons in explained.reasons],
        }
        staging = self.root / ".staging" / uuid.uuid4().hex
        staging.mkdir(parents=True)
        arrays = {
            "values": scores.values,
            "severity": scores.severity,
            "explained_rows": explained.rows,
            "contributions": explained.contributions,
        }
        for name, array in arrays.items():
            np.save(staging / f"{name}.npy", array, allow_pickle=False)
        frame.iloc[explained.rows].to_parquet(staging / WORST, index=False)
        write_atomically(staging / "about.json", json.dumps(about).encode())
        target, old = self.root / id, self.root / ".staging" / f"old-{uuid.uuid4().hex}"
        if target.exists():
            target.rename(old)
        staging.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        return id

    def exists(self, model: str, dataset: str) -> bool:
        return (self.root / self.id_of(model, dataset) / "about.json").exists()

    def stamp(self, id: str) -> int:
        """A number that changes when the result is replaced; 0 when there is none."""
        about = self.root / id / "about.json"
        return about.stat().st_mtime_ns if about.exists() else 0

    def load(self, id: str) -> Result:
        """The result of that id."""
        folder = self.root / id
        if re.search(r"[^A-Za-z0-9_.-]", id) or not (folder / "about.json").exists():
            raise StoreError("this result is no longer stored; score the data again")
        about = json.loads((folder / "about.json").read_text())
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("values", "severity", "explained_rows", "contributions")
        }
        return Result(
            id=id,
            model=about["model"],
            dataset=about["dataset"],
            about=about,
            worst_path=folder / WORST,
            **arrays,
        )

    def of_dataset(self, dataset: str) -> list[str]:
        """The ids of the results of one data set, newest first."""
        found = [p.parent for p in self.root.glob(f"*__{dataset}/about.json")]
        return [p.name for p in sorted(found, key=lambda p: (p / "about.json").stat().st_mtime, reverse=True)]
