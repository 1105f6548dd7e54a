"""How well a model names classes: on rows held out from learning, beside plain classifiers, by number of labels.

A model that learned from the very rows it is shown beside cannot be measured on them. A twin of it learns from a part
of the labels instead, and is measured on the others; it starts from the same pre-training, which saw no label.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.analysis import train
from engine.classifying import Classified, classified
from engine.data.prepared import Prepared
from engine.data.roles import Roles
from engine.detectors.base import Progress, quiet, within
from engine.errors import DataError, EngineError
from engine.model import Card, Model, Scores
from engine.named_classes import NamedClasses
from engine.stages import Contestant, compare_stages, plain_contestants, split
from engine.teaching import Lesson, lesson_words
from engine.workspace import Workspace

if TYPE_CHECKING:
    from engine.data.column_codes import Scaling
    from engine.results import Result, ResultStore
    from engine.tasks import Job

EVALUATION, CURVE, STAGES = "class-evaluation.json", "class-curve.json", "class-stages.json"
SHARES = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)  # of the labels that a learning curve is drawn for
MOST_ROWS = 20_000  # labelled rows that are learned from, and as many that are held out
FEWEST_BESIDE = 2_000  # rows of a twin's table: with fewer labelled ones, others stand beside them

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ClassEvaluation:
    """Contestants on the same rows held out, as plain JSON; see :meth:`engine.stages.Contestant.as_dict`."""

    column: str = ""  # that holds the true classes
    learned: int = 0  # labelled rows that were learned from; 0: the model learned from other data
    held_out: int = 0  # labelled rows that were not, and that the model could judge: on these all is measured
    contestants: list[dict[str, Any]] = field(default_factory=list)  # the model first
    why: str = ""  # why nothing was measured; empty where it was

    def as_json(self) -> bytes:
        """As it is kept beside a result."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return cls(**json.loads(data))


def evaluated_apart(
    model: Model,
    frame: pd.DataFrame,
    lesson: Lesson,
    *,
    labels: float = 1.0,
    seed: int = 0,
    progress: Progress = quiet,
) -> ClassEvaluation:
    """A twin of a model and plain classifiers, taught ``labels`` of a part of the lesson and measured on the rest.

    ``frame`` is the table the model learned from. Too few labels are said, and nothing is measured.
    """
    truth = lesson.classes
    rng = np.random.default_rng(seed)
    tested, told = split(truth, labels, rng, lone=True)
    tested, told = _at_most(tested, rng), _at_most(told, rng)
    answers, asked = truth[tested], frame[tested]
    try:
        started = time.monotonic()
        twin = _twin(model, frame, lesson, told, tested, progress)
        seconds = round(time.monotonic() - started, 3)
        named = classified(twin, twin.encode(asked))
        contestants = [Contestant.of(twin, named, answers, seconds=seconds)]
    except DataError as problem:  # too few labels, or classes
        return ClassEvaluation(column=lesson.column, why=str(problem))
    features = list(twin.recipe.encoder.columns)
    asked, answers = asked[named.judged], answers[named.judged]
    contestants += plain_contestants(frame.loc[told, features], truth[told], asked[features], answers)
    return ClassEvaluation(
        column=lesson.column,
        learned=int(told.sum()),
        held_out=len(answers),
        contestants=[each.as_dict() for each in contestants],
    )


def evaluated_elsewhere(model: Model, named: Classified, lesson: Lesson) -> ClassEvaluation:
    """What a model named in a table it did not learn from, where the lesson tells the true classes."""
    known = lesson.classes != ""
    part = Classified(names=named.names, probabilities=named.probabilities[known])
    try:
        found = Contestant.of(model, part, lesson.classes[known])
    except DataError as problem:
        return ClassEvaluation(column=lesson.column, why=str(problem))
    held_out = int(found.figures.confusion.sum())
    return ClassEvaluation(column=lesson.column, held_out=held_out, contestants=[found.as_dict()])


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The classes a model names for the rows of a table, beside the true ones."""

    model: Model
    frame: pd.DataFrame
    named: Classified | None  # None where it names none
    lesson: Lesson | None  # the true classes, where they are known
    learned: bool  # whether the model learned from this very table, and was told them

    @classmethod
    def of(
        cls, model: Model, prepared: Prepared, frame: pd.DataFrame, *, learned: bool, label: str | None = None
    ) -> Self:
        """Of a table; ``label`` is the column of its known answers, where it was not learned from.

        The true classes are looked for in the column that taught the model. Where that is not here, or in the card of
        a model of before, they are those of the label.
        """
        if model.card.classes is None:
            return cls(model=model, frame=frame, named=None, lesson=None, learned=learned)
        named = classified(model, prepared)
        column = Roles.from_dict(model.card.roles).label if learned else label
        taught = model.card.classes.get("column")
        if (learned or label is not None) and taught in list(frame.columns):
            column = taught
        words = None if column is None or column not in frame.columns else lesson_words(frame[column])
        known = words is not None and np.isin(words, named.names).any()
        lesson = Lesson(column=str(column), classes=words) if words is not None and known else None
        return cls(model=model, frame=frame, named=named, lesson=lesson, learned=learned)

    def kept(self, scores: Scores) -> NamedClasses | None:
        """What a result keeps of them."""
        return None if self.named is None else self.named.kept(scores, self.lesson if self.learned else None)

    def evaluated(self, progress: Progress) -> ClassEvaluation | None:
        """How well they are named; None where nobody knows the true ones."""
        if self.lesson is None or self.named is None:
            return None
        if not self.learned:
            return evaluated_elsewhere(self.model, self.named, self.lesson)
        progress(0.9, "Measuring how well classes are named")
        return evaluated_apart(self.model, self.frame, self.lesson, progress=within(progress, 0.9, 0.95))


def keep_evaluation(store: ResultStore, result: str, found: ClassEvaluation | None) -> None:
    """Keep an evaluation beside a result, for :func:`kept_evaluation`."""
    if found is not None:
        store.keep_beside(result, EVALUATION, found.as_json())


def learning_curve(
    model: Model, frame: pd.DataFrame, lesson: Lesson, *, progress: Progress = quiet
) -> list[ClassEvaluation]:
    """What more labels are worth: :func:`evaluated_apart` for several shares of them, on the same rows held out."""
    found: dict[int, ClassEvaluation] = {}
    for number, share in enumerate(SHARES):
        part = within(progress, number / len(SHARES), (number + 1) / len(SHARES))
        point = evaluated_apart(model, frame, lesson, labels=share, progress=part)
        if not point.why:
            found[point.learned] = point
    return [found[learned] for learned in sorted(found)]


# ---- jobs, and what they keep


def run_learning_curve(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Measure what more labels are worth to the model of ``result``, and keep it there. Returns how many points."""
    space, found, frame, lesson = _taught(spec, job)
    model = Model.load(space.models, found.model)
    points = learning_curve(model, frame, lesson, progress=job.progress)
    space.results.keep_beside(found.id, CURVE, json.dumps([asdict(point) for point in points]).encode())
    return {"points": len(points)}


def run_stages(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Learn the classes of ``result`` in two stages and in one on the same rows, and keep that there.

    Returns the ``titles`` of those that were compared.
    """
    space, found, frame, lesson = _taught(spec, job)
    card = Card.from_dict(space.models.card(found.model))
    chosen = {name: value for name, value in card.hyperparameters.items() if name != "use_two_stage"}
    seed = int(chosen.pop("random_state"))
    roles = _of_columns(card, frame)
    contestants = compare_stages(frame, roles, lesson.column, chosen, seed=seed, progress=job.progress)
    # held apart as they were, also those left unjudged
    tested, _ = split(lesson.classes, 1.0, np.random.default_rng(seed))
    kept = ClassEvaluation(
        column=lesson.column,
        learned=lesson.known - int(tested.sum()),
        held_out=int(contestants[0].figures.confusion.sum()),
        contestants=[each.as_dict() for each in contestants],
    )
    space.results.keep_beside(found.id, STAGES, kept.as_json())
    return {"titles": [each.title for each in contestants]}


def kept_evaluation(store: ResultStore, result: str, name: str = EVALUATION) -> ClassEvaluation | None:
    """What was kept beside a result: its evaluation, or with :data:`STAGES` its stages compared; None for nothing."""
    data = store.beside(result, name)
    return None if data is None else ClassEvaluation.from_json(data)


def kept_stages(store: ResultStore, result: str) -> ClassEvaluation | None:
    """What was kept by :func:`run_stages`; None for nothing."""
    return kept_evaluation(store, result, STAGES)


def kept_learning_curve(store: ResultStore, result: str) -> list[ClassEvaluation] | None:
    """What was kept by :func:`run_learning_curve`; None for nothing."""
    data = store.beside(result, CURVE)
    return None if data is None else [ClassEvaluation(**point) for point in json.loads(data)]


def _taught(spec: dict[str, Any], job: Job) -> tuple[Workspace, Result, pd.DataFrame, Lesson]:
    """A stored result, the table its model learned from with the classes it was told, and these."""
    space = Workspace(Path(spec["workspace"]), Path(spec["models"]))
    found = space.results.load(spec["result"])
    job.progress(0.0, "Reading the data")
    if found.classes is None or not found.classes.column:
        raise EngineError(
            "this is measured where a model learned classes from this data; open the result of such a training"
        )
    lesson = Lesson(column=found.classes.column, classes=found.classes.told())
    words = pd.Series(lesson.classes, dtype=object)
    frame = space.datasets.get(found.dataset).frame()
    return space, found, frame.assign(**{lesson.column: words.where(words != "").to_numpy()}), lesson


# ---- a twin


def _twin(
    model: Model, frame: pd.DataFrame, lesson: Lesson, told: Mask, tested: Mask, progress: Progress
) -> Model:
    """A model of the same settings that is told the classes of some rows alone; rows held out are not in its table."""
    card = model.card
    others = np.flatnonzero(~told & ~tested)
    beside = np.random.default_rng(card.hyperparameters["random_state"]).permutation(others)
    rows = np.sort(np.r_[np.flatnonzero(told), beside[: max(0, FEWEST_BESIDE - int(told.sum()))]])
    words = pd.Series(np.where(told, lesson.classes, ""), dtype=object)
    part = frame.assign(**{lesson.column: words.where(words != "").to_numpy()}).iloc[rows]
    return train(
        part.reset_index(drop=True),
        _of_columns(card, frame),
        card.detector,
        card.hyperparameters,
        scaling=cast("Scaling", card.scaling),
        classes=lesson.column,
        encoder=model if card.hyperparameters["use_two_stage"] else None,
        progress=progress,
    )


def _of_columns(card: Card, frame: pd.DataFrame) -> Roles:
    """The roles a model was trained with, of the columns that are here."""
    roles = Roles.from_dict(card.roles)
    return Roles({name: role for name, role in roles.columns.items() if name in frame.columns}, roles.kind)


def _at_most(rows: Mask, rng: np.random.Generator) -> Mask:
    """The rows, or so many of them drawn by lot that measuring takes minutes at most."""
    if rows.sum() <= MOST_ROWS:
        return rows
    kept = np.zeros(len(rows), dtype=bool)
    kept[rng.permutation(np.flatnonzero(rows))[:MOST_ROWS]] = True
    return kept
