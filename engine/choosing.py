"""Letting the program choose the detector: what is quick to try is tried on held-out readings with injected anomalies.

No label is looked at. Of a table nothing is tried; there the shape of the data decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.comparing import Trial
from engine.data.column_codes import Scaling
from engine.data.roles import Role, Roles
from engine.detectors import (
    READINGS_FOR_WINDOWS,
    MaskedSeries,
    NearestWindows,
    detector_class,
    recommended,
)
from engine.detectors.base import Detector, Progress, quiet, within
from engine.errors import DataError
from engine.scoring.comparison import Comparison

CANDIDATES: tuple[type[Detector], ...] = (NearestWindows, MaskedSeries)  # the quick one, the slow one
READINGS_FOR_A_NETWORK = 3_000
MARGIN = 0.05  # of VUS-PR, by which the slow one must be better: it has practised on such anomalies


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A detector by name, and why in one sentence."""

    detector: str
    why: str
    comparison: Comparison | None = None  # of a model that learned without the held-out readings


def choose(
    frame: pd.DataFrame,
    roles: Roles,
    hyperparameters: Mapping[str, Any],
    *,
    scaling: Scaling = "standard",
    progress: Progress = quiet,
) -> Choice:
    """The detector that ranks injected anomalies best, of those that suit the data and are quick enough to try.

    ``hyperparameters``: those that every detector has.
    """
    advice = recommended(len(frame), len(roles.features), roles.kind)
    if roles.kind != "series" or len(frame) < READINGS_FOR_WINDOWS:
        title = detector_class(advice.detector).title
        return Choice(detector=advice.detector, why=f"{title} was chosen: {advice.why}")
    if len(frame) < READINGS_FOR_A_NETWORK:
        few = f"with fewer than {READINGS_FOR_A_NETWORK:,} readings a network has too little to learn from"
        return Choice(detector=NearestWindows.name, why=f"{NearestWindows.title} was chosen: {few}")
    trial = Trial.of(frame, _without_label(roles), scaling)
    found = _tried(trial, hyperparameters, progress) if trial else {}
    if len(found) < 2:
        only = next(iter(found), NearestWindows.name)
        why = advice.why if only == NearestWindows.name else "no other could learn from these readings"
        return Choice(
            detector=only,
            why=f"{detector_class(only).title} was chosen: {why}",
            comparison=found.get(only),
        )
    return _better(found[NearestWindows.name], found[MaskedSeries.name])


def _without_label(roles: Roles) -> Roles:
    """The same roles with the known answers left out, so that they cannot sway the choice."""
    columns: dict[str, Role] = {
        column: "ignore" if role == "label" else role for column, role in roles.columns.items()
    }
    return Roles(columns, roles.kind)


def _better(quick: Comparison, slow: Comparison) -> Choice:
    """The quick candidate, unless the slow one is clearly better."""
    one, other = (found.figures[found.model].vus_pr for found in (quick, slow))
    slower = other > one + MARGIN
    found, loser, won, lost = (slow, quick, other, one) if slower else (quick, slow, one, other)
    more = ", too little more to be worth its time" if lost > won else ""
    return Choice(
        detector=MaskedSeries.name if slower else NearestWindows.name,
        why=(
            f"{found.model} was chosen: on held-out readings with injected anomalies its VUS-PR is "
            f"{won:.3f}, that of {loser.model} {lost:.3f}{more}"
        ),
        comparison=found,
    )


def _tried(trial: Trial, hyperparameters: Mapping[str, Any], progress: Progress) -> dict[str, Comparison]:
    """What came of the candidates, by name; one that cannot learn from these readings is not there."""
    scores, found = {}, {}
    for number, kind in enumerate(CANDIDATES):
        part = within(progress, number / len(CANDIDATES), (number + 1) / len(CANDIDATES))
        try:
            learner = trial.learned(kind(**hyperparameters), trial.recipe, part)
        except DataError:
            continue
        scores[kind] = trial.scores_of(learner, trial.recipe)
    baselines = trial.baselines()
    for kind, told in scores.items():
        comparison = trial.compared(kind.title, told, baselines, unseen=True)
        if comparison is not None:
            found[kind.name] = comparison
    return found
