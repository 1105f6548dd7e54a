"""Rows judged by lines of their own: a model, a rule, and whose each row is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.analysis import Judgement, judge
from engine.arrays import unpack
from engine.errors import StoreError, UsageError
from engine.model import GROUPS, Card, Model
from engine.scoring.group_references import Codes, GroupReferences
from engine.scoring.thresholds import Rule, percentile_of

if TYPE_CHECKING:
    import pandas as pd

    from engine.results import Result
    from engine.store import ModelRef, ModelStore
    from engine.workspace import Workspace

Array = NDArray[np.float64]


def judge_by_group(
    scores: Array, card: Card, rule: Rule, references: GroupReferences, codes: Codes
) -> Judgement:
    """Flag the scores (n_samples,) strictly above the line of the group of their row (n_samples,), -1: the common one.

    The threshold told is the common line. A rule that draws one line only is a :class:`UsageError`.
    """
    check_by_group(rule)
    plain = judge(scores, card, rule)
    reference, rows = card.reference_scores, card.independent_rows
    own = references.own_lines(rule, plain.threshold, scores, codes, reference, rows)
    flags = own.flags(scores)
    count, percentile = int(flags.sum()), percentile_of(own.common, reference)
    return replace(
        plain,
        threshold=own.common,
        flags=flags,
        flagged=count,
        share=count / plain.judged if plain.judged else 0.0,
        share_in_training=1 - percentile / 100,
        percentile=percentile,
        expected=own.expected(reference, rows),
        own=own,
    )


def check_by_group(rule: Rule) -> None:
    """A UsageError for a rule that draws one line only."""
    if not rule.by_group:
        raise UsageError(
            f"the rule '{rule.title}' draws one line for all rows; choose another, or one line for all"
        )


def judged_by_group(
    model: Model, frame: pd.DataFrame, scores: Array, rule: Rule, mapping: Mapping[str, str] | None = None
) -> Judgement:
    """:func:`judge_by_group` for a table that says whose each row is; ``mapping`` as in :meth:`Model.score`."""
    references = required(model.groups, model.card)
    return judge_by_group(scores, model.card, rule, references, codes_of(references, frame, mapping))


@dataclass(frozen=True, kw_only=True)
class GroupedResult:
    """A stored result whose model keeps reference scores group by group."""

    result: Result
    card: Card
    references: GroupReferences
    codes: Codes | None  # the group of each row (n_rows,); None where the data do not say whose a row is

    @classmethod
    def of(cls, space: Workspace, result: Result) -> GroupedResult | None:
        """None where the model keeps none."""
        references = load_groups(space.models, result.model)
        if references is None:
            return None
        card = Card.from_dict(space.models.card(space.models.resolve(result.model)))
        dataset = space.datasets.get(result.dataset)
        column = result.mapping.get(references.column, references.column)
        codes = references.codes(dataset.frame([column])[column]) if column in dataset.columns else None
        return cls(result=result, card=card, references=references, codes=codes)

    def judge(self, rule: Rule) -> Judgement:
        """:func:`judge_by_group`; data that do not say whose a row is are a :class:`UsageError`."""
        if self.codes is None:
            check_column(self.references, (), self.result.mapping)
        assert self.codes is not None
        return judge_by_group(np.asarray(self.result.values), self.card, rule, self.references, self.codes)


def stored_judgement(space: Workspace, result: Result, rule: Rule) -> Judgement:
    """:func:`judge_by_group` for a stored result."""
    found = GroupedResult.of(space, result)
    if found is None:
        required(None, Card.from_dict(space.models.card(space.models.resolve(result.model))))
    assert found is not None
    return found.judge(rule)


def required(references: GroupReferences | None, card: Card) -> GroupReferences:
    """The reference scores of a model's groups; a :class:`UsageError` for a model that has none."""
    if references is None:
        raise UsageError(
            f"model '{card.id}' keeps no reference scores by group, so it has one line for all; train it on data with "
            "the role entity, or with --threshold-group COLUMN, and enough rows of each"
        )
    return references


def codes_of(
    references: GroupReferences, frame: pd.DataFrame, mapping: Mapping[str, str] | None = None
) -> Codes:
    """The group of each row of a table (n_rows,); a :class:`UsageError` where the column is not there."""
    column = check_column(references, frame.columns, mapping)
    return references.codes(frame[column])


def check_column(
    references: GroupReferences, columns: Iterable[str], mapping: Mapping[str, str] | None = None
) -> str:
    """The column of a table that says whose each row is; a :class:`UsageError` where it is not there."""
    column = (mapping or {}).get(references.column, references.column)
    if column not in columns:
        raise UsageError(
            f"the lines of their own go by the column '{column}', which this data does not have; map it, or leave them"
        )
    return column


def load_groups(store: ModelStore, ref: str | ModelRef) -> GroupReferences | None:
    """The reference scores of a stored model's groups; None where it has none."""
    ref = store.resolve(ref)
    parts = store.parts(ref)
    try:
        return GroupReferences.restored(unpack(parts[GROUPS])) if GROUPS in parts else None
    except StoreError as problem:
        raise StoreError(
            f"model '{ref}' is damaged and cannot be used ({problem}); train it again"
        ) from problem
