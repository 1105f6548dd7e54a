"""What can be said of a model without labels: how steady it is, who agrees, and which made-up anomalies it flags.

None of it says whether the flagged rows are real anomalies, so nothing here is a grade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.comparing import Trial
from engine.data.features import FeatureRecipe
from engine.data.prepared import Prepared
from engine.data.roles import Roles, seconds_of
from engine.detectors import detector_class
from engine.detectors.base import Progress, quiet, within
from engine.errors import DataError
from engine.fitting import fitted
from engine.hyperparameters import checked
from engine.model import Card, Model

SEEDS = 3
MOST_LEARNED = 20_000  # rows on which seeds are compared
MOST_RANKED = 100_000  # rows by which two rankings are compared
DISTURBED = 400  # rows of a table for each kind of made-up anomaly
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # of the rows flagged, at which seeds are compared
SERIES = "disturbed readings"
UNDISTURBED = "the same rows, undisturbed"

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Alike:
    """How far two sets of scores of the same rows say the same."""

    rank_correlation: float  # Spearman's, -1 to 1
    overlap: (
        float | None
    )  # share of the flagged rows that both flag when they flag as many; None: nothing is flagged


def alike(scores: Array, others: Array, flagged: int) -> Alike | None:
    """Compare two detectors on the rows that both judged; None where these are fewer than two."""
    both = np.flatnonzero(np.isfinite(scores) & np.isfinite(others))
    if len(both) < 2:
        return None
    one, other = scores[both], others[both]
    overlap = None
    if 0 < flagged <= len(both):
        most = [set(np.argsort(-told, kind="stable")[:flagged].tolist()) for told in (one, other)]
        overlap = len(most[0] & most[1]) / flagged
    few = np.linspace(0, len(both) - 1, min(len(both), MOST_RANKED)).astype(np.int64)
    ranks = [pd.Series(told[few]).rank().to_numpy() for told in (one, other)]
    spread = min(float(np.std(ranked)) for ranked in ranks)
    correlation = float(np.corrcoef(*ranks)[0, 1]) if spread > 0 else 0.0
    return Alike(rank_correlation=correlation, overlap=overlap)


@dataclass(frozen=True, kw_only=True)
class Unlabelled:
    """What a check without labels found, ready to be read at any threshold."""

    rows: int  # on which the seeds were compared
    seeds: int
    rank_correlation: float  # mean of the pairs of seeds
    overlaps: list[float | None]  # the same for rows flagged by both, at each of ``SHARES``
    injected: dict[str, list[float]]  # kind of made-up anomaly -> scores of its rows; with ``UNDISTURBED``

    def overlap_at(self, share: float) -> tuple[float, float | None]:
        """The share in ``SHARES`` nearest to one, and how many of the rows flagged at it are the same."""
        nearest = int(np.argmin(np.abs(np.log(SHARES) - np.log(max(share, 1e-9)))))
        return SHARES[nearest], self.overlaps[nearest]

    def recalls(self, threshold: float) -> dict[str, tuple[int, int]]:
        """Kind of made-up anomaly -> rows above the threshold, and all of them."""
        return {
            kind: (int((np.array(told) > threshold).sum()), len(told)) for kind, told in self.injected.items()
        }

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_unlabelled(
    model: Model, frame: pd.DataFrame, roles: Roles, progress: Progress = quiet
) -> Unlabelled:
    """Learn again with other seeds, and judge rows that were disturbed on purpose."""
    correlation, overlaps, rows = _seeds(model.card, frame, roles, within(progress, 0.0, 0.8))
    progress(0.8, "Judging made-up anomalies")
    found = (
        _injected_readings(model, frame, roles) if roles.kind == "series" else _injected_rows(model, frame)
    )
    return Unlabelled(rows=rows, seeds=SEEDS, rank_correlation=correlation, overlaps=overlaps, injected=found)


def _seeds(
    card: Card, frame: pd.DataFrame, roles: Roles, progress: Progress
) -> tuple[float, list[float | None], int]:
    """Mean rank correlation of the same detector learned with several seeds, its overlaps, and on how many rows."""
    if len(frame) > MOST_LEARNED and roles.kind == "series" and roles.time is not None:
        frame = frame.iloc[np.argsort(seconds_of(frame[roles.time]), kind="stable")[:MOST_LEARNED]]
    elif len(frame) > MOST_LEARNED:
        frame = frame.iloc[np.sort(np.random.default_rng(0).choice(len(frame), MOST_LEARNED, replace=False))]
    frame, kind = frame.reset_index(drop=True), detector_class(card.detector)
    window = None if kind.sequential else card.window
    recipe = FeatureRecipe.fit(frame, roles, window=window, mixed=kind.mixed, sequential=kind.sequential)
    prepared, told = Prepared.by(recipe, frame), []
    for seed in range(SEEDS):
        chosen = checked(kind, {**card.hyperparameters, "random_state": seed + 1})
        part = within(progress, seed / SEEDS, (seed + 1) / SEEDS)
        told.append(fitted(kind(**chosen), prepared, recipe, part, None)[1])
    pairs = list(combinations(told, 2))
    judged = int(np.isfinite(told[0]).sum())
    overlaps = [_mean([alike(*pair, round(share * judged)) for pair in pairs]) for share in SHARES]
    ranks = [found.rank_correlation for pair in pairs if (found := alike(*pair, 0)) is not None]
    return float(np.mean(ranks)) if ranks else 0.0, overlaps, judged


def _mean(found: Sequence[Alike | None]) -> float | None:
    known = [one.overlap for one in found if one is not None and one.overlap is not None]
    return float(np.mean(known)) if known else None


def _injected_readings(model: Model, frame: pd.DataFrame, roles: Roles) -> dict[str, list[float]]:
    """Scores of readings in which the library of :mod:`engine.data.injection` disturbed something."""
    trial = Trial.of(frame, roles)
    if trial is None:
        return {}
    scores = trial.scores_of(model.detector, model.recipe)
    labels = np.concatenate([copy.labels for copy in trial.copies])
    return {SERIES: _kept(scores[labels == 1]), UNDISTURBED: _kept(scores[labels == 0])}


def _injected_rows(model: Model, frame: pd.DataFrame) -> dict[str, list[float]]:
    """Scores of rows of a table in which a cell, or some, were replaced."""
    rng = np.random.default_rng(0)
    rows = frame.iloc[rng.permutation(len(frame))[:DISTURBED]].reset_index(drop=True)
    numbers = [c for c, kind in model.card.columns.items() if kind in ("number", "integer") and c in rows]
    found = {}
    try:
        if numbers:
            found["a number beyond all others"] = model.score(_far_out(rows, frame, numbers, rng)).values
        if len(model.card.columns) > 1:
            found["cells of other rows, half of the columns"] = model.score(
                _mixed(rows, frame, model.card, rng)
            ).values
        found[UNDISTURBED] = model.score(rows).values
    except DataError:  # too few rows to be judged as a table of their own
        return {}
    return {kind: _kept(scores) for kind, scores in found.items()}


def _far_out(
    rows: pd.DataFrame, frame: pd.DataFrame, numbers: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """One number of each row moved beyond all there are, by half of the range at least."""
    changed, which = rows.copy(), rng.integers(len(numbers), size=len(rows))
    for place, column in enumerate(numbers):
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        low, high = float(known.min()), float(known.max())
        far = high + (0.5 + rng.random(len(rows))) * ((high - low) or 1.0)
        here = pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        moved = np.where(which == place, far, here)
        whole = pd.api.types.is_integer_dtype(rows[column])
        changed[column] = pd.array(np.round(moved), dtype="Int64") if whole else moved
    return changed


def _mixed(rows: pd.DataFrame, frame: pd.DataFrame, card: Card, rng: np.random.Generator) -> pd.DataFrame:
    """Half of the columns of each row taken from another row: every cell usual, not together."""
    changed, columns = rows.copy(), [column for column in card.columns if column in rows]
    chosen = rng.permutation(columns)[: max(1, len(columns) // 2)]
    other = rng.integers(len(frame), size=len(rows))
    for column in chosen:
        changed[column] = frame[column].iloc[other].to_numpy()
    return changed.astype({column: rows[column].dtype for column in chosen})


def _kept(scores: Array) -> list[float]:
    """Judged scores as JSON holds them, at most 2,000 of them, spread evenly."""
    known = np.sort(scores[np.isfinite(scores)])
    few = np.linspace(0, len(known) - 1, min(len(known), 2_000)).astype(np.int64)
    return [float(value) for value in known[few]]
