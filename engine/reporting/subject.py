"""What a report is about: one stored result beside its data and its model, at one threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.analysis import Judgement, judge
from engine.class_evaluation import ClassEvaluation, kept_evaluation
from engine.data.dataset import Dataset
from engine.data.features import FeatureRecipe
from engine.data.roles import as_binary
from engine.group_lines import stored_judgement
from engine.model import Card, load_fingerprint, load_recipe
from engine.results import Result
from engine.scoring.events import Events
from engine.scoring.thresholds import FixedValue, Rule
from engine.series_files import SeriesFiles
from engine.series_result import SeriesColumns, SeriesResult

if TYPE_CHECKING:
    from engine.labels.current import Labels
    from engine.workspace import Workspace

EVERY_EVENT = (0, 1, 0.0)
"""Readings to bridge, the fewest readings and the severity to exceed, where nobody chose: every run of flags counts."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An analysis. Arrays go by row number."""

    dataset: Dataset
    card: Card
    recipe: FeatureRecipe
    result: Result
    rule: Rule
    judgement: Judgement
    columns: SeriesColumns | None  # None where every row was judged for itself
    series: SeriesResult | None
    events: Events | None
    given: Labels | None = None  # labels given in Loupe; None without any
    class_evaluation: ClassEvaluation | None = (
        None  # where the model names classes and the true ones are known
    )

    @classmethod
    def of(
        cls,
        space: Workspace,
        result: Result,
        rule: Rule,
        threshold: float,
        choices: Sequence[float] | None = None,
        *,
        own_lines: bool = False,
        given: Labels | None = None,
    ) -> Subject:
        """A result of a workspace with what is above ``threshold`` flagged, which is where ``rule`` has drawn the line.

        ``choices`` make the events of a series; see :data:`EVERY_EVENT`. With ``own_lines`` the rule has drawn a line
        for each group of rows.
        """
        dataset = space.datasets.get(result.dataset)
        card = Card.from_dict(space.models.card(space.models.resolve(result.model)))
        recipe = load_recipe(space.models, result.model)
        values = np.asarray(result.values)
        now = stored_judgement(space, result, rule) if own_lines else _judged(values, card, rule, threshold)
        columns = SeriesColumns.of(recipe, dataset, result.mapping)
        series = events = None
        if columns is not None:
            files = SeriesFiles.of(dataset, columns.time, columns.entity)
            if len(files):
                series = SeriesResult.of(result, files, load_fingerprint(space.models, result.model))
                bridge, shortest, above = choices or EVERY_EVENT
                line = threshold if now.own is None else now.own.of_rows
                events = series.events(line, bridge=int(bridge), shortest=int(shortest), above=above or None)
        return cls(
            dataset=dataset,
            card=card,
            recipe=recipe,
            result=result,
            rule=rule,
            judgement=now,
            given=given,
            columns=columns,
            series=series,
            events=events,
            class_evaluation=None if result.classes is None else kept_evaluation(space.results, result.id),
        )

    @property
    def scores(self) -> NDArray[np.float64]:
        """The anomaly scores (n_rows,)."""
        return np.asarray(self.result.values)

    @property
    def level(self) -> NDArray[np.float64]:
        """The scores (n_rows,); with lines of their own moved so that the line of each row lies at the common one."""
        values, own = self.scores, self.judgement.own
        return values if own is None else own.levelled(values)

    @property
    def label(self) -> str | None:
        """The column of known answers."""
        return self.dataset.roles.label

    @cached_property
    def labels(self) -> tuple[NDArray[np.float64], str] | None:
        """Known answers (n_rows,), 1 anomaly, 0 normal, NaN unknown, and how they were understood; None without."""
        return None if self.label is None else as_binary(self.dataset.frame([self.label])[self.label])

    @cached_property
    def known(self) -> NDArray[np.float64] | None:
        """The answers by which readings are marked (n_rows,): those of the column, else the labels given; or None."""
        if self.labels is not None:
            return self.labels[0]
        return None if self.given is None else self.given.spread(self.dataset.rows)

    @property
    def row_word(self) -> str:
        """What a row is called here."""
        return "row" if self.series is None else "reading"


def _judged(scores: NDArray[np.float64], card: Card, rule: Rule, threshold: float) -> Judgement:
    """What lies above a threshold, with all that the rule says of its line where it can be asked again."""
    if not rule.needs_labels:
        again = judge(scores, card, rule)
        if again.threshold == threshold:
            return again
    return judge(scores, card, FixedValue(threshold))
