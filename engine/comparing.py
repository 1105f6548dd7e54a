"""A model compared with plain baselines on held-out readings of its series, with injected anomalies.

What is quick to learn is learned once more, from the readings before, so that it judges readings it has never seen. A
slow detector would take as long again; there the trained model itself judges, and the comparison says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import Scaling
from engine.data.features import FeatureRecipe
from engine.data.injection import HeldOut
from engine.data.pace import Readings
from engine.data.prepared import Prepared
from engine.data.pseudo_anomalies import VERSION
from engine.data.roles import Roles, as_binary
from engine.data.windows import numeric_channels
from engine.detectors.base import Detector, Progress, quiet
from engine.detectors.nearest_windows import NearestWindows
from engine.errors import DataError
from engine.fitting import fitted, scored
from engine.scoring.baselines import distance_from_median, window_energy
from engine.scoring.comparison import Comparison, rounded
from engine.scoring.metrics import curve
from engine.scoring.series_metrics import vus

ENOUGH = 3_000  # held-out readings; of fewer, several copies are disturbed, each in its own way
MOST_COPIES = 5
TOLERANCE = 50  # readings: the window of VUS-PR
SLOW = 1  # speed of a detector that is not learned a second time
ENERGY, MEDIAN = "Window energy", "Distance from the median"

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The held-out readings after anomalies were injected."""

    rows: pd.DataFrame
    labels: Floats  # (n_rows,): 1 where a reading was disturbed, 0 where not, NaN where it does not count


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A series with a part held out, and disturbed copies of that part, to judge detectors by."""

    frame: pd.DataFrame
    held_out: HeldOut
    copies: tuple[Copy, ...]
    recipe: FeatureRecipe  # of its readings, for the baselines

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles, scaling: Scaling = "standard") -> Trial | None:
        """Hold out, and inject; None for a table, for a short series, and for one without a column of numbers.

        Readings with the label of an anomaly count neither as normal nor as injected.
        """
        if roles.kind != "series":
            return None
        try:
            recipe = FeatureRecipe.fit(frame, roles, scaling=scaling, sequential=True)
        except DataError:
            return None
        held_out = HeldOut.of(frame, roles)
        channels = [c for c in numeric_channels(frame, roles) if c in set(recipe.channels)]
        if held_out is None or not channels:
            return None
        known = np.zeros(len(held_out.shown), dtype=bool)
        if roles.label is not None:
            known = as_binary(frame[roles.label])[0][held_out.shown] == 1
        copies = []
        for number in range(int(np.clip(-(-ENOUGH // held_out.size), 1, MOST_COPIES))):
            rows, labels = held_out.injected(frame, channels, np.random.default_rng(number))
            copies.append(Copy(rows=rows, labels=np.where(known, np.nan, labels)))
        return cls(frame=frame, held_out=held_out, copies=tuple(copies), recipe=recipe)

    def scores_of(self, learner: Detector, recipe: FeatureRecipe) -> Floats:
        """What a fitted detector says of the rows of all copies, one after the other (n_copies x n_shown,)."""
        return np.concatenate([scored(learner, Prepared.by(recipe, copy.rows)) for copy in self.copies])

    def learned(self, learner: Detector, recipe: FeatureRecipe, progress: Progress = quiet) -> Detector:
        """A detector fitted to the readings that were not held out."""
        known = Prepared.by(recipe, self.frame.iloc[self.held_out.learned])
        return fitted(learner, known, recipe, progress, None)[0]

    def baselines(self) -> dict[str, Floats]:
        """The scores of plain rivals that learned from what was not held out, by name; as :meth:`scores_of`."""
        known = self._readings(self.frame.iloc[self.held_out.learned])
        found: dict[str, list[Floats]] = {ENERGY: [], MEDIAN: []}
        for copy in self.copies:
            here = self._readings(copy.rows)
            energy = window_energy(known.values, here.values, here.stretches)
            found[ENERGY].append(here.of_rows(energy))
            found[MEDIAN].append(here.of_rows(distance_from_median(known.values, here.values)))
        scores = {name: np.concatenate(parts) for name, parts in found.items()}
        try:
            nearest = self.learned(NearestWindows(), self.recipe)
        except DataError:  # every stretch that is left is too short
            return scores
        return {NearestWindows.title: self.scores_of(nearest, self.recipe), **scores}

    def _readings(self, rows: pd.DataFrame) -> Readings:
        readings = Prepared.by(self.recipe, rows).readings
        assert readings is not None, "the recipe is one of readings"
        return readings

    def compared(
        self, model: str, scores: Floats, baselines: Mapping[str, Floats], *, unseen: bool
    ) -> Comparison | None:
        """The figures of a model's scores and of the baselines on readings that all of them judge; None for too few."""
        contestants = {model: scores, **{name: told for name, told in baselines.items() if name != model}}
        labels = np.concatenate([copy.labels for copy in self.copies])
        together = np.all([np.isfinite(told) for told in contestants.values()], axis=0)
        labels = np.where(together, labels, np.nan)
        n = len(self.copies)
        stretches = np.tile(self.held_out.stretches, n) + np.repeat(
            np.arange(n) * (self.held_out.stretches.max() + 1), len(self.held_out.stretches)
        )
        try:
            figures = {}
            for name, told in contestants.items():
                points = curve(told, labels)
                volume = vus(told, labels, TOLERANCE, segments=stretches)
                figures[name] = rounded(
                    {
                        "average_precision": points.average_precision,
                        "roc_auc": points.roc_auc,
                        "vus_pr": volume.pr,
                    }
                )
        except DataError:  # no injected reading was judged, or nothing else
            return None
        return Comparison(
            model=model,
            figures=figures,
            readings=int(np.isfinite(labels).sum()),
            anomalous=int((labels == 1).sum()),
            library=VERSION,
            unseen=unseen,
        )


def comparison_of(
    learner: Detector,
    recipe: FeatureRecipe,
    frame: pd.DataFrame,
    roles: Roles,
    progress: Progress = quiet,
) -> Comparison | None:
    """A trained detector beside the baselines; None where there is nothing to measure by.

    ``frame`` and ``roles`` are those it learned from.
    """
    trial = Trial.of(frame, roles)
    if trial is None:
        return None
    progress(0.95, "Comparing with baselines on injected anomalies")
    kind, unseen = type(learner), learner.speed > SLOW
    try:
        judge = trial.learned(kind(**learner.get_params()), recipe) if unseen else learner
    except DataError:  # what is left is too little for this detector
        return None
    return trial.compared(kind.title, trial.scores_of(judge, recipe), trial.baselines(), unseen=unseen)
