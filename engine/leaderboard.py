"""Several scorings of one data set side by side: how well each ranks known anomalies, and who agrees with whom.

Every figure is of the rows that all of them judge, so that nobody gains by leaving hard rows out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Progress, quiet
from engine.errors import DataError, UsageError
from engine.scoring.agreement import (
    Measure,
    agreement_matrix,
    average_ranks,
    consensus_of_ranks,
    kendall,
    rank_correlation,
    top_overlap,
)
from engine.scoring.baselines import distance_from_median, window_energy
from engine.scoring.group_references import OwnLines
from engine.scoring.metrics import Curve, curve
from engine.scoring.paired_bootstrap import PairedBootstrap, event_blocks, paired_bootstrap
from engine.scoring.series_metrics import vus
from engine.scoring.thresholds import AlertBudget

CONSENSUS = "Consensus of ranks"
MEDIAN, ENERGY = "Distance from the median", "Window energy"
Sort = Literal["model", "consensus", "baseline"]
AgreementMeasure = Literal["spearman", "kendall", "top"]
TOPS = 16  # sizes of the top at which an overlap is drawn
TOLERANCE = 50  # readings of VUS-PR; also the length of the blocks in which readings are resampled
TOP_SHARE, FEWEST_TOP = 0.01, 10  # of the rows: the top in which two scorings are compared, where nobody says

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
Tops = dict[str, tuple[Array, Array]]  # name -> sizes of the top, and how much of it others share


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One scoring of all rows of a data set, and what is known of whoever made it."""

    name: str  # name@version of a model
    detector: str  # its title; of a baseline, what it does
    scores: Array  # (n_rows,), higher = more anomalous, NaN = not judged
    sort: Sort = "model"
    threshold: float | None = None  # None: no line is drawn by itself
    own: OwnLines | None = (
        None  # lines of groups of rows beside the common threshold; None: it is that of all
    )
    seconds: float | None = None  # its training took
    size: int | None = None  # bytes it takes on disk

    @property
    def flags(self) -> Flags | None:
        """The rows above its own threshold (n_rows,), or above their own lines; None where it draws none."""
        if self.own is not None:
            return self.own.flags(self.scores)
        if self.threshold is None:
            return None
        with np.errstate(invalid="ignore"):
            return np.asarray(self.scores > self.threshold)


@dataclass(frozen=True, kw_only=True)
class InTime:
    """How the rows of a series follow one another."""

    order: Rows  # row numbers by entity and time (n_readings,)
    segments: NDArray[np.integer]  # in that order: equal numbers without a gap between them


@dataclass(frozen=True, kw_only=True)
class Found:
    """How well a scoring finds the known anomalies, each figure 0 to 1."""

    average_precision: float
    low: float  # the middle 95 % of average precision over resamples
    high: float
    roc_auc: float
    vus_pr: float | None  # of a series; forgives being a few readings early or late
    precision: float | None  # at its own threshold; None where it flags nothing
    recall: float | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A line of the leaderboard."""

    entry: Entry
    judged: int
    flagged: int | None  # by its own threshold
    found: Found | None  # None without known answers
    agreement: float | None  # mean rank correlation with the other models
    overlap: float | None  # share of its top rows in the top of the consensus of the other models


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """All scorings beside each other; with known answers the best first, else as they were named."""

    standings: tuple[Standing, ...]
    rows: int  # judged by all of them
    anomalies: int  # known among these
    top: int  # rows that make the top
    why_unmeasured: str  # why nothing could be measured by known answers; empty where it was
    curves: Mapping[str, Curve]
    bootstrap: PairedBootstrap | None
    ranks: Mapping[str, Array]  # by each of them of the rows that all judge, from 1, the least unusual first
    agreements: dict[AgreementMeasure, Array] = field(default_factory=dict)  # measured so far
    shared_tops: Tops | None = None  # what ``overlaps`` says, where it is known already

    @property
    def entries(self) -> list[Entry]:
        return [standing.entry for standing in self.standings]

    @property
    def models(self) -> list[Entry]:
        """The models among the scorings, in the order of the board."""
        return [entry for entry in self.entries if entry.sort == "model"]

    @property
    def average_precision(self) -> dict[str, float]:
        """Of each scoring, in the order of the board; empty without known answers."""
        return {s.entry.name: s.found.average_precision for s in self.standings if s.found is not None}

    def agreement(self, measure: AgreementMeasure) -> Array:
        """How far every two scorings agree (n_scorings, n_scorings), in the order of the board; kept once measured."""
        if measure not in self.agreements:
            how: Measure = rank_correlation if measure == "spearman" else kendall
            if measure == "top":
                how = partial(top_overlap, k=self.top)
            ranks = [self.ranks[entry.name] for entry in self.entries]
            self.agreements[measure] = agreement_matrix(ranks, how)
        return self.agreements[measure]

    @cached_property
    def overlaps(self) -> Tops:
        """For each model, tops of growing size and the share of them that the consensus of the others has, too.

        Of two models one curve under both names.
        """
        if self.shared_tops is not None:
            return self.shared_tops
        models = self.models
        if len(models) < 2 or self.rows < 2 * FEWEST_TOP:
            return {}
        sizes = np.unique(np.geomspace(FEWEST_TOP, self.rows / 2, TOPS).astype(np.int64))
        found = {}
        for entry in models:
            others = np.sum([self.ranks[o.name] for o in models if o.name != entry.name], axis=0)
            shares = [top_overlap(self.ranks[entry.name], others, int(size)) for size in sizes]
            found[entry.name] = sizes.astype(np.float64), np.array(shares)
        if len(models) == 2:
            return {" and ".join(found): found[models[0].name]}
        return found

    @cached_property
    def verdicts(self) -> list[tuple[str, str, float]]:
        """Of every two scorings the one that is better more often, the other, and in which share of resamples."""
        if self.bootstrap is None:
            return []
        pairs = []
        for one, other in combinations([entry.name for entry in self.entries], 2):
            share = self.bootstrap.better(one, other)
            pairs.append((one, other, share) if share >= 0.5 else (other, one, 1 - share))
        return pairs


def leaderboard(
    entries: Sequence[Entry],
    labels: Array | None = None,
    *,
    top: int | None = None,
    series: InTime | None = None,
    progress: Progress = quiet,
) -> Leaderboard:
    """Measure scorings of the same rows; ``labels`` (n_rows,) 1 anomaly, 0 normal, NaN unknown.

    The consensus of the models among them joins by itself. ``top``: how many rows count as the top.
    """
    entries = with_consensus(entries)
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise UsageError(f"each model can take part once; found {', '.join(names)}")
    together = np.all([np.isfinite(entry.scores) for entry in entries] or np.zeros((1, 0)), axis=0)
    rows = int(together.sum())
    top = min(top or max(FEWEST_TOP, round(TOP_SHARE * rows)), max(rows, 1))
    found: dict[str, Found] = {}
    curves: dict[str, Curve] = {}
    bootstrap, why, anomalies = None, "there are no known answers", 0
    if labels is not None and entries:
        known = np.where(together, labels, np.nan)
        anomalies = int((known == 1).sum())
        try:
            progress(0.1, "Measuring by the known answers")
            curves = {entry.name: curve(entry.scores, known) for entry in entries}
        except DataError as problem:
            why = str(problem)
        else:
            why = ""
            units = None if series is None else _units(known, series)
            progress(0.3, "Measuring how sure the order is")
            bootstrap = paired_bootstrap({e.name: e.scores for e in entries}, known, units=units)
            found = {e.name: _found(e, curves[e.name], bootstrap, known, series) for e in entries}
    progress(0.6, "Measuring who agrees with whom")
    ranks = {entry.name: average_ranks(np.asarray(entry.scores)[together]) for entry in entries}
    standings = [_standing(entry, entries, found.get(entry.name), ranks, top) for entry in entries]
    standings.sort(key=_place)
    return Leaderboard(
        standings=tuple(standings),
        rows=rows,
        anomalies=anomalies,
        top=top,
        why_unmeasured=why,
        curves=curves,
        bootstrap=bootstrap,
        ranks=ranks,
    )


def surely(share: float) -> str:
    """In what share of resamples one is better, as a whole percentage that is never quite certain."""
    return "> 99 %" if share > 0.995 else f"{100 * share:.0f} %"


def with_consensus(entries: Sequence[Entry]) -> list[Entry]:
    """The entries and the consensus of the models among them, where there are two or more."""
    models = [entry for entry in entries if entry.sort == "model"]
    if len(models) < 2:
        return list(entries)
    scores = consensus_of_ranks([entry.scores for entry in models])
    said = f"mean rank over {len(models)} models"
    return [*entries, Entry(name=CONSENSUS, detector=said, scores=scores, sort="consensus")]


def plain_baselines(values: Array, series: InTime | None = None) -> list[Entry]:
    """What needs no training: how far a row lies from the median; of a series also the energy around a reading.

    ``values`` (n_rows, n_columns) of the columns of numbers; cells that are missing count as typical, rows without any
    number are not judged. Nothing without a column.
    """
    known = np.isfinite(values)
    if not known.any():
        return []
    with np.errstate(over="ignore", invalid="ignore"):
        typical = np.array(
            [np.median(column[ok]) if ok.any() else 0.0 for column, ok in zip(values.T, known.T, strict=True)]
        )
        filled = np.where(known, values, typical)
        distance = distance_from_median(filled, filled)
        distance[~known.any(axis=1)] = np.nan
        entries = [
            Entry(name=MEDIAN, detector="in the column furthest off", scores=distance, sort="baseline")
        ]
        if series is not None:
            inside = filled[series.order]
            energy = np.full(len(values), np.nan)
            energy[series.order] = window_energy(inside, inside, series.segments.astype(np.int64))
            energy[~np.isfinite(distance)] = np.nan
            entries.append(Entry(name=ENERGY, detector="around each reading", scores=energy, sort="baseline"))
    return entries


def flags_of(entries: Sequence[Entry], budget: int | None = None) -> dict[str, Flags]:
    """What each flags (n_rows,): the ``budget`` most unusual rows of each, or what its own threshold, or lines, flag.

    Without a budget, scorings without a threshold are left out.
    """
    flags = {}
    for entry in entries:
        found = entry.flags
        if budget is not None:
            line = AlertBudget(budget).threshold(np.zeros(1), entry.scores)
            with np.errstate(invalid="ignore"):
                found = entry.scores > line
        if found is not None:
            flags[entry.name] = found
    return flags


def flagged_by_one(flags: Mapping[str, Flags]) -> dict[str, Rows]:
    """The rows that only one of them flags, by name."""
    if not flags:
        return {}
    count = np.sum(list(flags.values()), axis=0)
    return {name: np.flatnonzero(marks & (count == 1)) for name, marks in flags.items()}


def _found(
    entry: Entry, points: Curve, bootstrap: PairedBootstrap, labels: Array, series: InTime | None
) -> Found:
    low, high = bootstrap.interval(entry.name)
    precision = recall = None
    flags = entry.flags
    if flags is not None:
        caught, false = int((labels[flags] == 1).sum()), int((labels[flags] == 0).sum())
        recall = caught / points.positives
        precision = caught / (caught + false) if caught + false else None
    volume = None
    if series is not None:
        at = series.order
        volume = vus(entry.scores[at], labels[at], TOLERANCE, segments=series.segments.astype(np.int64)).pr
    return Found(
        average_precision=points.average_precision,
        low=low,
        high=high,
        roc_auc=points.roc_auc,
        vus_pr=volume,
        precision=precision,
        recall=recall,
    )


def _standing(
    entry: Entry, entries: Sequence[Entry], found: Found | None, ranks: Mapping[str, Array], top: int
) -> Standing:
    others = [ranks[other.name] for other in entries if other.sort == "model" and other.name != entry.name]
    own, compared = ranks[entry.name], bool(others) and entry.sort != "consensus"
    flags = entry.flags
    return Standing(
        entry=entry,
        judged=int(np.isfinite(entry.scores).sum()),
        flagged=None if flags is None else int(flags.sum()),
        found=found,
        agreement=float(np.mean([rank_correlation(own, other) for other in others])) if compared else None,
        overlap=top_overlap(own, np.sum(others, axis=0), top) if compared else None,
    )


def _place(standing: Standing) -> float:
    """The best first where it was measured; else all are equal, and the order stays."""
    if standing.found is None:
        return 0.0
    volume = standing.found.vus_pr
    return -(standing.found.average_precision if volume is None else volume)


def _units(labels: Array, series: InTime) -> Rows:
    """What of a series is resampled together (n_rows,): events whole, other readings in blocks."""
    units = np.full(len(labels), -1, dtype=np.int64)
    units[series.order] = event_blocks(labels[series.order], series.segments, TOLERANCE)
    return units
