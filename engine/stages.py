"""Two stages beside one: a model that names classes trained both ways on the same split, with plain classifiers.

What pre-training is worth is seen here, and on how many labels.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.analysis import train
from engine.class_baselines import BASELINES, classified_by
from engine.classifying import Classified, classified, temperature_of
from engine.data.roles import Roles
from engine.detectors.base import Progress, quiet, within
from engine.errors import DataError, UsageError
from engine.model import Model
from engine.scoring.classification import Classification, classification, untempered
from engine.teaching import lesson_of, taught_roles

TESTED = 0.3  # share of the labelled rows that are held apart, class by class
BOTH = {"two stages": True, "one stage": False}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to learn classes, and how it did on the rows held apart."""

    title: str
    figures: Classification
    seconds: float
    history: list[dict[str, float]]  # losses of each epoch, where it learned in epochs
    temperature: float | None = None  # its logits were divided by, where it was calibrated
    before: Classification | None = None  # the figures of the same rows without that

    @classmethod
    def of(
        cls,
        model: Model,
        named: Classified,
        answers: NDArray[Any],
        *,
        title: str = "",
        seconds: float = 0.0,
    ) -> Self:
        """A model by the classes it named in some rows (n_rows,), of which the answers are the true ones.

        Those it could not judge are left out.
        """
        known = named.judged
        best, probabilities, answers = named.best[known], named.probabilities[known], answers[known]
        temperature = temperature_of(model)
        return cls(
            title=title or model.card.title,
            figures=classification(answers, best, probabilities, named.names),
            seconds=seconds,
            history=model.card.history,
            temperature=temperature,
            before=classification(answers, best, untempered(probabilities, temperature), named.names),
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON."""
        before = None if self.before is None else self.before.as_dict()
        kept = ("reliability", "calibration_error")
        return {
            "title": self.title,
            "seconds": self.seconds,
            "history": self.history,
            **self.figures.as_dict(),
            "temperature": self.temperature,
            "before": None if before is None else {name: before[name] for name in kept},
        }


def compare_stages(
    frame: pd.DataFrame,
    roles: Roles,
    column: str,
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    labels: float = 1.0,
    seed: int = 0,
    progress: Progress = quiet,
) -> list[Contestant]:
    """Learn the classes in ``column`` in two stages, in one, and by plain classifiers.

    A part of the labelled rows is held apart, class by class, and judged by all; rows the models cannot judge count for
    nobody. ``labels`` is the share of the other rows whose class is told; pre-training sees all of these. Raises
    :class:`DataError` where a class is too rare.
    """
    if not 0 < labels <= 1:
        raise UsageError(f"the share of labels must lie above 0 and at or below 1, got {labels:g}")
    roles = taught_roles(roles, column)
    truth = lesson_of(frame, column).classes
    tested, told = split(truth, labels, np.random.default_rng(seed))
    learned = frame[~tested].reset_index(drop=True)
    learned[column] = pd.Series(truth, dtype=object).where(told)[~tested].to_numpy()
    asked, answers = frame[tested], truth[tested]
    found = []
    for number, (title, two_stage) in enumerate(BOTH.items()):
        chosen = {"random_state": seed, **(hyperparameters or {}), "use_two_stage": two_stage}
        started = time.monotonic()
        part = within(progress, 0.45 * number, 0.45 * (number + 1))
        model = train(learned, roles, "masked_table", chosen, classes=column, progress=part)
        seconds = round(time.monotonic() - started, 3)
        named = classified(model, model.encode(asked))
        found.append(Contestant.of(model, named, answers, title=title, seconds=seconds))
    features = list(model.recipe.encoder.columns)
    asked, answers = (
        asked[named.judged],
        answers[named.judged],
    )  # both models encode rows alike, and judge the same
    progress(0.9, "Training plain classifiers")
    return found + plain_contestants(frame.loc[told, features], truth[told], asked[features], answers)


def plain_contestants(
    learned: pd.DataFrame, classes: NDArray[Any], asked: pd.DataFrame, answers: NDArray[Any]
) -> list[Contestant]:
    """The plain classifiers, taught by the classes (n_learned,) of some rows and judged by the answers (n_asked,)."""
    found = []
    for title in BASELINES:
        started = time.monotonic()
        named = classified_by(title, learned, classes, asked)
        seconds = round(time.monotonic() - started, 3)
        figures = classification(answers, named.best, named.probabilities, named.names)
        found.append(Contestant(title=title, figures=figures, seconds=seconds, history=[]))
    return found


def split(
    truth: NDArray[Any], labels: float, rng: np.random.Generator, *, lone: bool = False
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are held apart and which tell their class (n_samples,): of every class one of each at least.

    A class of one row is a :class:`DataError`; where ``lone`` ones may be, its row tells and none is held apart.
    """
    tested, told = np.zeros(len(truth), dtype=bool), np.zeros(len(truth), dtype=bool)
    for name in sorted(set(truth[truth != ""].tolist())):
        own = rng.permutation(np.flatnonzero(truth == name))
        if len(own) < 2 and not lone:
            raise DataError(
                f"to compare, every class needs two rows at least, one to learn from and one to be tested on; '{name}' "
                "has one; label more rows of it, or leave it out"
            )
        apart = min(max(1, round(TESTED * len(own))), len(own) - 1)  # of a lone row none
        tested[own[:apart]] = True
        told[own[apart : apart + max(1, round(labels * (len(own) - apart)))]] = True
    return tested, told
