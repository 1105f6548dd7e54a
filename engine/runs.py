"""What one training was asked and how it went, kept for people and notebooks in a folder of its own.

    <root>/<model>@<version>/run.json      choices, data, metrics, history, seconds, versions
    <root>/<model>@<version>/features.txt  one feature a line
    <root>/<model>@<version>/log.txt       what was said meanwhile
    <root>/.staging/                       being prepared, or on its way out

Nothing needs a run: a model is complete without it, and deleting the folder harms nothing.
"""

from __future__ import annotations

import io
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypedDict

from engine import files
from engine.errors import DataError, StoreError

if TYPE_CHECKING:
    import pandas as pd

    from engine.analysis import Training
    from engine.model import Card

FORMAT = 1
RUN, FEATURES, LOG = "run.json", "features.txt", "log.txt"
MOST_RUN_BYTES = 8 * 2**20


class Metrics(TypedDict):
    """How a model does on the rows it learned from."""

    share_flagged: float  # of the rows that could be judged
    roc_auc: float | None
    average_precision: float | None


class Recording:
    """What is noted while a training is under way: its start, the seconds of each step, its course, its words."""

    def __init__(self) -> None:
        self.started = _now()
        self.seconds: dict[str, float] = {}
        self.history: list[dict[str, Any]] = []
        self._said = io.StringIO()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the seconds spent inside as those of a step."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 3)

    def record(self, **values: float | str | None) -> None:
        """Note one point of the course of learning, such as an epoch with its losses."""
        self.history.append({name: _finite(value) for name, value in values.items()})

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note everything printed inside, on its way to where it is printed."""
        with redirect_stdout(_Tee(sys.stdout, self._said)), redirect_stderr(_Tee(sys.stderr, self._said)):
            yield

    @property
    def total(self) -> float:
        """Seconds of all steps so far."""
        return sum(self.seconds.values())

    @property
    def said(self) -> str:
        """What was printed so far."""
        return self._said.getvalue()


class RunStore:
    """A folder of runs, one for each version of a model."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._staging = self.root / ".staging"

    def folder(self, model: str) -> Path:
        """Where the run of a model (name@version) is kept, if it is."""
        return self.root / model

    def keep(
        self,
        card: Card,
        recording: Recording,
        *,
        given: Mapping[str, Any],
        metrics: Metrics,
    ) -> Path:
        """Keep the run of a saved model and return its folder; all of it appears in one step.

        ``given``: the choices as they were made. A run of that name, of a model in another store or of one that was
        deleted with its store, gives way.
        """
        run = {
            "format": FORMAT,
            "model": card.id,
            "created": card.created,
            "state": "done",
            "started": recording.started,
            "ended": _now(),
            "seconds": recording.seconds,
            "config": {"given": dict(given), "used": _used(card)},
            "data": {
                "file": card.dataset,
                "sha256": card.dataset_hash,
                "rows": card.rows,
                "judged": card.judged,
            },
            "features": len(card.features),
            "threshold": card.threshold,
            "metrics": metrics,
            "injected": card.injected,
            "history": recording.history,
            "notes": card.notes,
            "versions": card.versions,
        }
        contents = {
            RUN: json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n",
            FEATURES: "".join(f"{_one_line(name)}\n" for name in card.features),
            LOG: recording.said,
        }
        target = self.folder(card.id)
        try:
            files.make_folder(self._staging)
            files.sweep(self._staging)
            with files.staged_folder(self._staging) as staged:
                for name, text in contents.items():
                    files.write_new(staged / name, text.encode("utf-8", "replace"))
                if target.exists():
                    files.remove_folder(target, staging=self._staging)
                files.publish(staged, target)
        except OSError as problem:
            raise StoreError(f"the run of '{card.id}' was not kept: {files.reason(problem)}") from problem
        return target

    def find(self, model: str, created: str) -> Path | None:
        """The folder of the run that made a model, by its id and the moment it was saved; None if it is gone."""
        folder = self.folder(model)
        try:
            run = json.loads(files.read_plain_file(folder / RUN, limit=MOST_RUN_BYTES) or b"null")
        except (OSError, ValueError):
            return None
        # A model of another store may have the same id.
        return folder if isinstance(run, dict) and run.get("created") == created else None


def metrics_of(training: Training, frame: pd.DataFrame) -> Metrics:
    """How many of the rows the model learned from it flags, and how well its scores find the known answers.

    A measure that cannot be taken, for want of a label with answers of both kinds, is None.
    """
    from engine.data.roles import as_binary
    from engine.scoring.metrics import curve

    values = training.scores.values
    share = int(training.model.detector.labels_.sum()) / training.model.card.judged
    label = training.model.recipe.roles.label
    if label is not None:
        with suppress(DataError):  # one class only
            points = curve(values, as_binary(frame[label])[0])
            return Metrics(
                share_flagged=share, roc_auc=points.roc_auc, average_precision=points.average_precision
            )
    return Metrics(share_flagged=share, roc_auc=None, average_precision=None)


def _used(card: Card) -> dict[str, Any]:
    """The choices a training came to, those it made itself included, under the names of a configuration."""
    return {
        "detector": card.detector,
        "hyperparameters": card.hyperparameters,
        "scaling": card.scaling,
        "window": card.window,
        "roles": card.roles,
    }


class _Tee(io.TextIOBase):
    """A stream that also writes what passes through to a second one.

    When the reader of the first has gone, as in ``… | head``, the second still hears it, and the work goes on.
    """

    def __init__(self, stream: TextIO, copy: io.StringIO) -> None:
        self._stream, self._copy = stream, copy

    def write(self, text: str) -> int:
        with suppress(BrokenPipeError):
            self._stream.write(text)
        return self._copy.write(text)

    def flush(self) -> None:
        with suppress(BrokenPipeError):
            self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def _finite(value: float | str | None) -> float | str | None:
    """A value as JSON can hold it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _one_line(name: str) -> str:
    return " ".join(name.splitlines()) or name


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
