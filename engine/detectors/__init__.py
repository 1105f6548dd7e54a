"""The catalogue of detectors. Adding one is a file beside this and a line here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.base import Detector
from engine.detectors.consensus import Consensus
from engine.detectors.isolation_forest import IsolationForest
from engine.detectors.masked_series import MaskedSeries
from engine.detectors.masked_table import MaskedTable
from engine.detectors.nearest_windows import NearestWindows
from engine.detectors.neighbours import KNearestNeighbours
from engine.detectors.one_class_svm import OneClassSVM
from engine.errors import UsageError
from engine.hyperparameters import checked, declared

AUTO = "auto"  # in the place of a name: the program chooses, see engine.choosing
READINGS_FOR_WINDOWS = 200
ROWS_FOR_A_NETWORK = 500
COLUMNS_FOR_A_NETWORK = 3

CATALOGUE: dict[str, type[Detector]] = {
    detector.name: detector
    for detector in (
        IsolationForest,
        KNearestNeighbours,
        OneClassSVM,
        AutoEncoder,
        Consensus,
        NearestWindows,
        MaskedSeries,
        MaskedTable,
    )
}


def detector_class(name: str) -> type[Detector]:
    """The detector of that name; an unknown name is answered with the nearest known one."""
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"there is no detector '{name}'{hint} (there are {', '.join(CATALOGUE)})")
    return CATALOGUE[name]


def checked_choices(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """All hyperparameters of the detector of that name, the given values checked; for ``auto`` those that all have."""
    if name != AUTO:
        return checked(detector_class(name), values)
    shared = declared(Detector)
    other = next((knob for knob in values if knob not in shared), None)
    if other is not None:
        raise UsageError(
            f"'{other}' cannot be set while the detector is chosen for you; choose a detector, or set only "
            f"{', '.join(shared)}"
        )
    return checked(Detector, values)


def suitable(kind: str) -> list[type[Detector]]:
    """The detectors for a ``kind`` of data, table or series, the quick ones first."""
    fitting = [each for each in CATALOGUE.values() if kind == "series" or not each.sequential]
    return sorted(fitting, key=lambda each: -each.speed)


@dataclass(frozen=True)
class Recommendation:
    """The detector to begin with, by name, and why in one sentence for people."""

    detector: str
    why: str


def recommended(rows: int, features: int, kind: str) -> Recommendation:
    """The detector that suits the shape of the data: ``features`` columns of a ``kind`` table or series.

    A series is compared with itself, within seconds. Of a table a network learns how columns hang together, which needs
    rows to learn from and to hold out, and several columns. With fewer of either, random cuts say as much.
    """
    if kind == "series" and rows >= READINGS_FOR_WINDOWS:
        alike = f"it compares each stretch of {rows:,} readings with all others, and answers fast"
        return Recommendation(NearestWindows.name, alike)
    if rows < ROWS_FOR_A_NETWORK:
        few = f"with fewer than {ROWS_FOR_A_NETWORK} rows there is little to learn relations from, and it answers fast"
        return Recommendation(IsolationForest.name, few)
    if features < COLUMNS_FOR_A_NETWORK:
        alone = "with so few columns no value can be predicted from the others, and it answers fast"
        return Recommendation(IsolationForest.name, alone)
    many = f"with {rows:,} rows it can learn what the columns say about each other, and tell what it expected"
    return Recommendation(AutoEncoder.name, many)


__all__ = [
    "AUTO",
    "CATALOGUE",
    "AutoEncoder",
    "Consensus",
    "Detector",
    "IsolationForest",
    "KNearestNeighbours",
    "MaskedSeries",
    "MaskedTable",
    "NearestWindows",
    "OneClassSVM",
    "Recommendation",
    "checked_choices",
    "detector_class",
    "recommended",
    "suitable",
]
