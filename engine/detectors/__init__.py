"""The catalogue of detectors. Adding one is a file beside this and a line here."""

from __future__ import annotations

import difflib

from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.base import Detector
from engine.detectors.isolation_forest import IsolationForest
from engine.detectors.neighbours import KNearestNeighbours
from engine.detectors.one_class_svm import OneClassSVM
from engine.errors import UsageError

CATALOGUE: dict[str, type[Detector]] = {
    detector.name: detector for detector in (IsolationForest, KNearestNeighbours, OneClassSVM, AutoEncoder)
}


def detector_class(name: str) -> type[Detector]:
    """The detector of that name; an unknown name is answered with the nearest known one."""
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"there is no detector '{name}'{hint} (there are {', '.join(CATALOGUE)})")
    return CATALOGUE[name]


__all__ = [
    "CATALOGUE",
    "AutoEncoder",
    "Detector",
    "IsolationForest",
    "KNearestNeighbours",
    "OneClassSVM",
    "detector_class",
]
