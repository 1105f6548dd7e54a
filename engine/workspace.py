"""Where everything is kept: one folder with data sets, results, runs and jobs, and one with models.

Set by environment: ``LOUPE_WORKSPACE`` (default ``workspace``), ``LOUPE_MODELS`` (default ``models``),
``LOUPE_DATABASE`` (an SQLAlchemy URL; default SQLite inside the workspace) and ``LOUPE_ACTIVE_MODEL`` (a model that is
offered before all others).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.data.dataset import DatasetStore
    from engine.data.roles import Roles
    from engine.labels.ledger import LabelLedger
    from engine.results import ResultStore
    from engine.runs import RunStore
    from engine.store import ModelStore

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED_MODELS = PROJECT / "models" / "shipped"
SAMPLE_DATA = PROJECT / "sample_data"


CHECKPOINTED = ("dataset", "detector", "hyperparameters", "window", "learn_from_label", "labels")
"""What of a training job says whether another one goes on from its checkpoint."""


@dataclass(frozen=True)
class Workspace:
    """The folders everything lives in, and the stores over them."""

    root: Path
    models_root: Path

    @classmethod
    def from_environment(cls) -> Workspace:
        """The workspace the environment names, by default inside the project."""
        root = os.environ.get("LOUPE_WORKSPACE", str(PROJECT / "workspace"))
        models = os.environ.get("LOUPE_MODELS", str(PROJECT / "models"))
        return cls(Path(root).absolute(), Path(models).absolute())

    @property
    def database_url(self) -> str | None:
        """Where jobs are recorded; None: SQLite inside the workspace."""
        return os.environ.get("LOUPE_DATABASE")

    @property
    def active_model(self) -> str:
        """The model everybody is to use, NAME or NAME@VERSION; empty when each data set may have its own."""
        return os.environ.get("LOUPE_ACTIVE_MODEL", "").strip()

    @cached_property
    def datasets(self) -> DatasetStore:
        from engine.data.dataset import DatasetStore

        return DatasetStore(self.root / "datasets")

    @cached_property
    def results(self) -> ResultStore:
        from engine.results import ResultStore

        return ResultStore(self.root / "results")

    @cached_property
    def runs(self) -> RunStore:
        from engine.runs import RunStore

        return RunStore(self.root / "runs")

    @property
    def frozen_labels(self) -> Path:
        """Where labels that a training learns from are kept as they were then."""
        return self.root / "labels"

    def open_labels(self) -> LabelLedger:
        """The ledger of labels, in the database of the jobs; its opener closes it."""
        from engine.database import database_url
        from engine.labels.ledger import LabelLedger

        self.root.mkdir(parents=True, exist_ok=True)
        return LabelLedger(database_url(self.root, self.database_url))

    def checkpoint(self, choices: Mapping[str, Any]) -> Path:
        """Where a training with these choices keeps its checkpoint, so that the same training goes on from it."""
        key = hashlib.sha256(json.dumps(choices, sort_keys=True, default=str).encode()).hexdigest()
        return self.root / "checkpoints" / f"{key[:32]}.safetensors"

    def checkpoint_of(self, spec: Mapping[str, Any], roles: Roles) -> Path:
        """Where the training job of that spec keeps its checkpoint; ``roles`` are those it learns by."""
        choices = {key: spec.get(key) for key in CHECKPOINTED}
        return self.checkpoint(choices | {"roles": roles.as_dict()})

    @cached_property
    def models(self) -> ModelStore:
        from engine.store import ModelStore

        return ModelStore(self.models_root, shipped=SHIPPED_MODELS)
