"""How well named classes agree with the true ones: confusion, figures of each class, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.scoring.metrics import curve

Array = NDArray[np.float64]
BINS = 10  # of probability, from 0 to 1


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """How well one class is found."""

    name: str
    rows: int  # that belong to it
    named: int  # that were called so
    precision: float  # 0 where none was called so
    recall: float  # 0 where none belongs to it
    f1: float
    average_precision: (
        float | None
    )  # of its probability; None without probabilities, or where all rows or none belong


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Rows whose best class had a probability in one tenth of the scale."""

    probability: float  # their mean
    accuracy: float  # share of them named rightly
    rows: int


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Named classes against true ones."""

    names: tuple[str, ...]
    confusion: NDArray[np.int64]  # (n_classes, n_classes): rows of true class i that were named j
    classes: tuple[ClassFigures, ...]
    accuracy: float
    macro_f1: float  # mean over the classes that have rows
    reliability: tuple[Reliability, ...] = ()
    calibration_error: float | None = (
        None  # mean distance of probability from accuracy, by rows; None without any
    )

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain JSON."""
        return {
            "names": list(self.names),
            "confusion": self.confusion.tolist(),
            "classes": [vars(each) for each in self.classes],
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "reliability": [vars(each) for each in self.reliability],
            "calibration_error": self.calibration_error,
        }


def classification(
    truth: NDArray[Any],
    named: NDArray[Any],
    probabilities: Array | None = None,
    names: Sequence[str] | None = None,
) -> Classification:
    """Compare true classes (n,) in words with named ones (n,); no rows at all are a :class:`DataError`.

    ``probabilities`` (n, len(names)) of the classes ``names``, where there are any. A class that occurs only among the
    true ones is one that was never named. Average precision as in Davis and Goadrich (2006); reliability as in Guo,
    Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks.
    """
    if not len(truth):
        raise DataError(
            "classes can be compared only on rows whose class is known, and there is none; label some"
        )
    true, called = truth.astype(str), named.astype(str)
    every = tuple(sorted({*true.tolist(), *called.tolist(), *(names or ())}))
    place = {name: number for number, name in enumerate(every)}
    confusion = np.zeros((len(every), len(every)), dtype=np.int64)
    np.add.at(confusion, ([place[name] for name in true], [place[name] for name in called]), 1)
    column = {name: number for number, name in enumerate(names or ())}
    own = {
        name: probabilities[:, column[name]] for name in every if probabilities is not None and name in column
    }
    classes = tuple(
        _figures(name, confusion, number, true == name, own.get(name)) for number, name in enumerate(every)
    )
    reliability = () if probabilities is None else _reliability(probabilities.max(axis=1), true == called)
    return Classification(
        names=every,
        confusion=confusion,
        classes=classes,
        accuracy=float(np.trace(confusion) / len(true)),
        macro_f1=float(np.mean([each.f1 for each in classes if each.rows])),
        reliability=reliability,
        calibration_error=sum(r.rows * abs(r.probability - r.accuracy) for r in reliability) / len(true)
        if reliability
        else None,
    )


def untempered(probabilities: Array, temperature: float) -> Array:
    """Probabilities (n, n_classes) as they were before their logits were divided by a temperature."""
    risen = np.maximum(probabilities, np.finfo(np.float64).tiny) ** temperature
    shares: Array = risen / risen.sum(axis=1, keepdims=True)
    return shares


def _figures(
    name: str,
    confusion: NDArray[np.int64],
    number: int,
    belongs: NDArray[np.bool_],
    probability: Array | None,
) -> ClassFigures:
    hits, rows = int(confusion[number, number]), int(confusion[number].sum())
    named = int(confusion[:, number].sum())
    told = probability is not None and 0 < rows < len(belongs)
    return ClassFigures(
        name=name,
        rows=rows,
        named=named,
        precision=hits / named if named else 0.0,
        recall=hits / rows if rows else 0.0,
        f1=2 * hits / (rows + named) if rows + named else 0.0,
        average_precision=curve(probability, belongs.astype(float)).average_precision
        if told and probability is not None
        else None,
    )


def _reliability(probability: Array, right: NDArray[np.bool_]) -> tuple[Reliability, ...]:
    """Each tenth of the scale that holds rows."""
    tenth = np.minimum((probability * BINS).astype(int), BINS - 1)
    return tuple(
        Reliability(
            probability=float(probability[tenth == number].mean()),
            accuracy=float(right[tenth == number].mean()),
            rows=int((tenth == number).sum()),
        )
        for number in np.unique(tenth)
    )
