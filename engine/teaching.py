"""What a detector that names classes is told beside the rows: the class of each, and the encoder to go on from.

A part of :func:`engine.analysis.train_and_score`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import as_levels
from engine.data.features import FeatureRecipe
from engine.data.roles import Role, Roles, as_binary
from engine.detectors import CATALOGUE, detector_class
from engine.detectors.base import Detector
from engine.errors import DataError, SchemaError, UsageError

if TYPE_CHECKING:
    from engine.detectors.table_start import TableStart
    from engine.model import Model

SHAPE = ("recipe", "d_model", "n_heads", "n_layers")  # of a network: an encoder fits no other


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The class of each row in words, "" where it is not known, and the column that holds them."""

    column: str
    classes: NDArray[Any]  # (n_samples,)

    @property
    def known(self) -> int:
        """Rows whose class is known."""
        return int((self.classes != "").sum())


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a detector learns from beside the rows of a table."""

    labelled: NDArray[np.bool_] | None = None  # (n_samples,) known anomalies
    lesson: Lesson | None = None  # for a detector that names classes
    start: TableStart | None = None  # the encoder it goes on from
    note: str = ""  # where that comes from, in words

    @property
    def known(self) -> int:
        """Labelled rows that are learned from."""
        if self.lesson is not None:
            return self.lesson.known
        return 0 if self.labelled is None else int(self.labelled.sum())

    def for_rows(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """What a detector that names classes is told when it is fitted to these rows."""
        return {"classes": None if self.lesson is None else self.lesson.classes[rows], "start": self.start}


def taught_by(
    frame: pd.DataFrame, roles: Roles, kind: type[Detector], classes: str | None, *, learn_from_label: bool
) -> Taught:
    """What the labels of a table teach a detector; nothing where it is not to learn from them."""
    if kind.names_classes and (classes or learn_from_label):
        return Taught(lesson=lesson_of(frame, classes or str(roles.label)))
    return Taught(labelled=labelled_rows(frame, roles) if learn_from_label else None)


def taught_roles(roles: Roles, classes: str | None) -> Roles:
    """The roles with the column of classes kept from the features: as the label where there is no other."""
    if classes is None:
        return roles
    if classes not in roles.columns:
        known = ", ".join(map(repr, roles.columns))
        raise UsageError(f"there is no column '{classes}' to learn classes from; the columns are {known}")
    given: dict[str, Role] = dict(roles.columns)
    given[classes] = "label" if roles.label in (None, classes) else "ignore"
    return Roles(given, roles.kind)


def check_taught(detector: str, classes: str | None, encoder: Model | None) -> None:
    """A UsageError unless the detector can learn classes and start from the encoder, where these are given."""
    able = [name for name, kind in CATALOGUE.items() if kind.names_classes]
    if detector not in able and (classes is not None or encoder is not None):
        what = "learns no classes" if classes is not None else "starts from no encoder"
        title = detector_class(detector).title if detector in CATALOGUE else f"'{detector}'"
        raise UsageError(f"{title} {what}; choose a detector that does: {', '.join(able)}")
    if encoder is not None and encoder.card.detector != detector:
        raise UsageError(
            f"'{encoder.card.id}' is no encoder for {detector_class(detector).title}, it is an "
            f"{encoder.card.title}; name a model that `pretrain` made"
        )


def labelled_rows(frame: pd.DataFrame, roles: Roles) -> NDArray[np.bool_]:
    """The rows that their label calls an anomaly (n_samples,); a DataError where there is none."""
    marks: NDArray[np.bool_] = as_binary(frame[str(roles.label)])[0] == 1
    if not marks.any():
        raise DataError(
            f"'{roles.label}' names no anomaly to learn from; leave 'learn from label' out, or choose another column"
        )
    return marks


def lesson_of(frame: pd.DataFrame, column: str) -> Lesson:
    """The classes in a column, each called as its cell reads; a DataError where none is filled in."""
    words = lesson_words(frame[column])
    if not (words != "").any():
        raise DataError(
            f"'{column}' holds no class to learn; fill in some of its cells, or choose another column"
        )
    return Lesson(column=column, classes=words)


def lesson_words(column: pd.Series) -> NDArray[Any]:
    """The classes in a column (n_samples,), each called as its cell reads; "" where it is empty."""
    numbers, names = as_levels(column)
    words: NDArray[Any] = np.array([*names, ""], dtype=object)[numbers]
    return words


def shaped(kind: type[Detector], given: Mapping[str, Any], encoder: Model | None) -> dict[str, Any]:
    """The hyperparameters given, with those of the encoder that its network cannot do without."""
    if encoder is None or not kind.names_classes:
        return dict(given)
    own = {name: encoder.card.hyperparameters[name] for name in SHAPE}
    other = next((name for name in SHAPE if name in given and str(given[name]) != str(own[name])), None)
    if other is not None:
        raise UsageError(
            f"'{encoder.card.id}' was trained with {other} {own[other]}, and a model that starts from it has the "
            f"same; leave {other} out"
        )
    return own | dict(given)


def started_from(recipe: FeatureRecipe, encoder: Model, taught: Taught) -> tuple[FeatureRecipe, Taught]:
    """The recipe with the columns the encoder knows encoded as it knows them, and what is taught with that start.

    Raises a :class:`SchemaError` where they share no column.
    """
    from engine.detectors.masked_table import MaskedTable
    from engine.detectors.table_start import TableStart

    theirs = {code.name: (number, code) for number, code in enumerate(encoder.recipe.encoder.codes)}
    codes, groups = [], []
    for code in recipe.encoder.codes:
        number, known = theirs.get(code.name, (-1, code))
        same = number >= 0 and known.kind == code.kind and known.one_cell_a_level == code.one_cell_a_level
        codes.append(known if same else code)
        groups.append(number if same else -1)
    shared = sum(number >= 0 for number in groups)
    if not shared:
        wanted = ", ".join(f"'{name}'" for name in list(theirs)[:5])
        raise SchemaError(
            f"'{encoder.card.id}' and this data have no column in common; it knows {wanted}. Rename the columns that "
            "mean the same, or train without an encoder"
        )
    joined = replace(recipe, encoder=replace(recipe.encoder, codes=codes))
    first = np.searchsorted(encoder.recipe.encoder.sources, np.arange(len(theirs)))
    levels = [
        first[number] + place if number >= 0 else -1
        for number, code in zip(groups, codes, strict=True)
        for place in range(len(code.encoded_names))
    ]
    assert isinstance(encoder.detector, MaskedTable)
    start = TableStart(
        stage=encoder.detector.rows_, groups=np.array(groups), levels=np.array(levels, dtype=np.int64)
    )
    said = f"started from the encoder '{encoder.card.id}', which knows {shared} of {len(codes)} columns"
    return joined, replace(taught, start=start, note=said)


def named_classes(learner: Detector, taught: Taught) -> dict[str, Any] | None:
    """The classes a fitted detector names, the column that taught it, and its accuracy on held-out rows.

    None where it names none.
    """
    found = getattr(learner, "classes_", None)
    if found is None or taught.lesson is None:
        return None
    return {"names": list(found.names), "column": taught.lesson.column, **found.measured}
