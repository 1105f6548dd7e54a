"""Models and plain baselines as scorings of one data set, from stored results or from a table, for a leaderboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.analysis import judge
from engine.data.dataset import Dataset
from engine.data.roles import Roles, as_binary
from engine.data.schema import type_of
from engine.data.timeline import Timeline
from engine.detectors.base import Progress, quiet
from engine.group_lines import GroupedResult
from engine.leaderboard import Entry, InTime, Leaderboard, leaderboard, plain_baselines
from engine.model import Card
from engine.results import Result
from engine.scoring.group_references import OwnLines
from engine.series_files import SeriesFiles
from engine.workspace import Workspace

NUMBERS = ("integer", "number")
MOST_CELLS = 30_000_000  # of the columns of numbers; a larger table has no baselines beside its models

Array = NDArray[np.float64]


def stored_leaderboard(
    data: Dataset, models: Sequence[Entry], labels: Array | None, *, progress: Progress = quiet
) -> Leaderboard:
    """What models said about a data set, beside the baselines; ``labels`` (n_rows,) 1, 0 and NaN."""
    progress(0.0, "Reading the data")
    series = None
    if data.roles.kind == "series" and data.roles.time is not None:
        files = SeriesFiles.of(data, data.roles.time, data.roles.entity)
        order = np.arange(len(files)) if files.order is None else np.asarray(files.order)
        series = InTime(order=order, segments=np.asarray(files.segments))
    columns = number_columns(data.roles, data.types)
    values = np.zeros((data.rows, 0))
    if columns and len(columns) * data.rows <= MOST_CELLS:
        values = numbers_of(data.frame(columns), columns)
    entries = [*models, *plain_baselines(values, series)]
    return leaderboard(entries, labels, series=series, progress=progress)


def entry_of(space: Workspace, result: Result, *, own_lines: bool = False) -> Entry:
    """A stored result as a scoring; with ``own_lines`` by the lines of its groups, where model and data have any."""
    card = Card.from_dict(space.models.card(space.models.resolve(result.model)))
    own = None
    if own_lines and card.default_rule.by_group:
        grouped = GroupedResult.of(space, result)
        if grouped is not None and grouped.codes is not None:
            own = grouped.judge(card.default_rule).own
    return model_entry(card, np.asarray(result.values), own)


def table_leaderboard(
    frame: pd.DataFrame, roles: Roles, judged: Sequence[tuple[Card, Array]], *, top: int | None = None
) -> Leaderboard:
    """The same of a table at hand; its known answers are in the column with the role label, if there is one."""
    series = None
    if roles.kind == "series":
        timeline = Timeline.of(frame, roles)
        series = InTime(order=timeline.order, segments=timeline.segments)
    labels = None if roles.label is None else as_binary(frame[roles.label])[0]
    columns = number_columns(roles, {name: type_of(frame[name]) for name in frame.columns})
    models = [model_entry(card, scores) for card, scores in judged]
    baselines = plain_baselines(numbers_of(frame, columns), series)
    return leaderboard([*models, *baselines], labels, top=top, series=series)


def model_entry(card: Card, scores: Array, own: OwnLines | None = None) -> Entry:
    """What a model says of every row (n_rows,), with what its card knows of it.

    A rule that counts rows draws its line on these, as everywhere else.
    """
    rule = card.default_rule
    return Entry(
        name=card.id,
        detector=card.title,
        scores=scores,
        threshold=judge(scores, card, rule).threshold if rule.counts_rows else card.threshold,
        own=own,
        seconds=card.seconds,
        size=sum(part["size"] for part in card.parts.values()),
    )


def number_columns(roles: Roles, types: Mapping[str, str]) -> list[str]:
    """The feature columns that hold numbers."""
    return [column for column in roles.features if types.get(column) in NUMBERS]


def numbers_of(frame: pd.DataFrame, columns: Sequence[str]) -> Array:
    """Columns of numbers as a matrix (n_rows, n_columns), NaN where a cell is missing or infinite."""
    found = np.full((len(frame), len(columns)), np.nan)
    for at, column in enumerate(columns):
        found[:, at] = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    found[~np.isfinite(found)] = np.nan
    return found
