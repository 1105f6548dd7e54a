"""What can be said of a model where nobody knows the answers: what it finds of injected anomalies, how steady it is.

Neither is quality. Injected anomalies are made up, and a model that says the same twice may be wrong twice.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.analysis import earliest, flagged, train
from engine.comparing import Trial
from engine.data.dataset import Dataset
from engine.data.roles import Roles
from engine.data.table_injection import KINDS, disturbed_rows
from engine.detectors.base import Progress, quiet, within
from engine.errors import DataError
from engine.fitting import FEWEST_ROWS
from engine.leaderboard import FEWEST_TOP, TOP_SHARE
from engine.model import Model
from engine.scoring.agreement import spearman, top_overlap
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.data.column_codes import Scaling
    from engine.results import ResultStore
    from engine.tasks import Job

KEPT = "unlabelled.json"
MOST_DISTURBED = 500  # rows of each kind
MOST_KEPT = 2_000  # scores of disturbed readings
MOST_LEARNED = 50_000  # rows of the half a twin learns from

Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """Figures from 0 to 1 that need no known answers; of steadiness -1 to 1."""

    found: dict[str, float]  # kind of injected anomaly -> share that lies above the model's threshold
    flagged: float  # share of the rows as they are that lie above the same threshold
    order: (
        float | None
    )  # rank correlation with a twin of the same settings that learned from half of the rows
    top: float | None  # share of the top rows that are in the twin's top
    why_unsteady: str = ""  # why steadiness was not measured; empty where it was
    scores: dict[str, list[float]] = field(default_factory=dict)  # kind -> scores of its injected anomalies

    def found_at(self, threshold: float) -> dict[str, float]:
        """Kind of injected anomaly -> share that lies above another threshold than the model's own."""
        return {kind: _share(np.array(told), threshold) for kind, told in self.scores.items()}

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return cls(**json.loads(data))


def unlabelled(
    model: Model, frame: pd.DataFrame, scores: Scores, *, learned: bool, progress: Progress = quiet
) -> Unlabelled:
    """Measure a model on a table it has given ``scores`` (n_rows,); ``learned``: it learned from this very table."""
    made = _injected(model, frame, scores, within(progress, 0.0, 0.3))
    found = {kind: _share(told, model.card.threshold) for kind, told in made.items()}
    order = top = None
    why = "" if learned else "the model learned from other data"
    if learned:
        try:
            told = _twin(model, frame, within(progress, 0.3, 0.9)).score(frame).values
        except DataError as problem:  # half of the rows are too few for this detector
            why = str(problem)
        else:
            steady = spearman(scores, told)
            order = steady if np.isfinite(steady) else None
            top = top_overlap(scores, told, max(FEWEST_TOP, round(TOP_SHARE * len(scores))))
    share = _share(scores[np.isfinite(scores)], model.card.threshold)
    kept = {kind: told.tolist() for kind, told in made.items()}
    return Unlabelled(found=found, flagged=share, order=order, top=top, why_unsteady=why, scores=kept)


def run_unlabelled(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Measure the model of ``result`` on its data set, and keep what was found beside the result."""
    space = Workspace(Path(spec["workspace"]), Path(spec["models"]))
    dataset, result = space.datasets.get(spec["dataset"]), space.results.load(spec["result"])
    model = Model.load(space.models, result.model)
    job.progress(0.0, "Reading the data")
    frame = _in_the_models_names(dataset, result.mapping)
    learned = dataset.sha256 == model.card.dataset_hash and not result.mapping
    found = unlabelled(model, frame, np.asarray(result.values), learned=learned, progress=job.progress)
    space.results.keep_beside(result.id, KEPT, json.dumps(asdict(found)).encode())
    return asdict(found)


def kept_unlabelled(store: ResultStore, result: str) -> Unlabelled | None:
    """What was kept of a result by :func:`run_unlabelled`; None for nothing."""
    data = store.beside(result, KEPT)
    return None if data is None else Unlabelled.from_json(data)


def _in_the_models_names(dataset: Dataset, mapping: dict[str, str]) -> pd.DataFrame:
    """The table with its columns called as the model knows them."""
    frame = dataset.frame()
    here = {column: name for name, column in mapping.items() if column}
    return frame.rename(columns=here) if here else frame


def _injected(model: Model, frame: pd.DataFrame, scores: Scores, progress: Progress) -> dict[str, Scores]:
    """What the model says of injected anomalies, by kind; none of a series too short to hold a part out."""
    roles, threshold = Roles.from_dict(model.card.roles), model.card.threshold
    if roles.kind == "series":
        trial = Trial.of(frame, _of_columns(roles, frame))
        if trial is None:
            return {}
        progress(0.0, "Judging injected anomalies")
        copy = trial.copies[0]
        told = model.score(copy.rows).values
        hit = told[np.isfinite(told) & (copy.labels == 1)]
        return {"disturbed": hit[:: -(-len(hit) // MOST_KEPT)]} if len(hit) else {}
    rng = np.random.default_rng(0)
    # Rows the model finds ordinary: of others nobody could say what flags them.
    ordinary = np.flatnonzero(np.isfinite(scores) & ~flagged(scores, threshold))
    rows = rng.choice(ordinary, min(MOST_DISTURBED, len(ordinary)), replace=False)
    features = [column for column in model.recipe.channels if column in frame.columns]
    found: dict[str, Scores] = {}
    for number, kind in enumerate(KINDS):
        progress(number / len(KINDS), "Judging injected anomalies")
        made = disturbed_rows(frame, rows, features, kind, seed=number)
        if len(made):
            told = model.score(made).values
            found[kind] = told[np.isfinite(told)]
    return found


def _twin(model: Model, frame: pd.DataFrame, progress: Progress) -> Model:
    """A model of the same settings and another seed that learned from half of the rows: the earlier of a series."""
    card = model.card
    roles = _of_columns(Roles.from_dict(card.roles), frame)
    half = max(FEWEST_ROWS, min(len(frame) // 2, MOST_LEARNED))
    if roles.kind == "series":
        part = earliest(frame, roles, half)
    else:
        rows = np.random.default_rng(1).choice(len(frame), min(half, len(frame)), replace=False)
        part = frame.iloc[np.sort(rows)].reset_index(drop=True)
    settings = {**card.hyperparameters, "random_state": card.hyperparameters["random_state"] + 1}
    window = None if model.recipe.windows is None else card.window
    return train(
        part,
        roles,
        card.detector,
        settings,
        scaling=cast("Scaling", card.scaling),
        window=window,
        progress=progress,
    )


def _of_columns(roles: Roles, frame: pd.DataFrame) -> Roles:
    return Roles({name: role for name, role in roles.columns.items() if name in frame.columns}, roles.kind)


def _share(told: Scores, threshold: float) -> float:
    return float(flagged(told, threshold).mean()) if len(told) else 0.0
