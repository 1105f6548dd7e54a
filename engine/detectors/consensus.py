"""Consensus: a row is strange when several detectors, each on its own scale, find it among the strangest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Detector, Progress, Scores, quiet, within
from engine.errors import StoreError, UsageError
from engine.hyperparameters import hyperparameter
from engine.scoring.explanations import ablation, shares
from engine.scoring.thresholds import N_QUANTILES, reference_quantiles, severity

CHUNK = 65_536  # rows scored by one member after the other
FEWEST_MEMBERS = 2
REFERENCE, TYPICAL, GROUPS = "reference", "typical", "groups"  # arrays beside those of the members
TAIL = 99.0  # percentile from which the reach of the reference scores is measured


@dataclass(kw_only=True, eq=False, repr=False)
class Consensus(Detector):
    """Trains several detectors and averages what each says as a percentile among its own reference scores.

    The score is that mean, 0 to 100; 95 says that on average the members find the row more unusual than 95 % of the
    rows they learned from. Beyond everything a member has seen its percentile still grows, by less than 1, so that rows
    far out keep their order. A member whose scores are all equal says 0 of every row.

    References
    ----------
    Aggarwal and Sathe (2015), Theoretical foundations and algorithms for outlier ensembles.
    """

    name: ClassVar[str] = "consensus"
    title: ClassVar[str] = "Consensus of Detectors"
    summary: ClassVar[str] = "A row is strange when several detectors agree that it is among the strangest."
    works_when: ClassVar[str] = (
        "It is not known which detector suits the data: the average is seldom the best and seldom bad."
    )
    struggles_when: ClassVar[str] = (
        "Only one member can see the anomalies: the others outvote it. It takes as long as all members together."
    )
    speed: ClassVar[int] = 2
    reference: ClassVar[str] = "Aggarwal and Sathe (2015)"
    explained_by: ClassVar[str] = (
        "Mean of the shares: what each member says of the column, weighted by how unusual the member "
        "finds the row."
    )
    imports: ClassVar[tuple[str, ...]] = ("sklearn.ensemble", "sklearn.neighbors", "sklearn.svm")
    learning_share: ClassVar[float] = 0.95
    probe_tolerance: ClassVar[float] = 1e-4  # a network may be among the members

    members: str = hyperparameter(
        "isolation_forest, neighbours, one_class_svm",
        "The detectors that are asked, two or more. Each learns with its defaults.",
        choices=lambda: tuple(eligible()),
        several=True,
        title="Members",
    )

    # ---- learning and scoring

    def _learn(self, X: Scores, progress: Progress) -> None:
        self.members_ = self._new_members()
        self.typical_ = np.median(X, axis=0)
        references, told = [], []
        for member, part in zip(self.members_, self._parts(progress), strict=True):
            member.fit(X, groups=self.groups_, progress=part)
            references.append(reference_quantiles(member.reference_scores_))
            told.append(_percentile(member.decision_scores_, references[-1]))
        self.references_ = np.stack(references)
        self._told = np.stack(told).mean(axis=0)

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        progress(1.0, f"Scored {len(X):,} rows")
        told: Scores = self._told  # of the same rows, found while learning
        del self._told
        return told

    def _score(self, X: Scores, progress: Progress) -> Scores:
        scores = np.empty(len(X))
        for start in range(0, len(X), CHUNK):
            stop = min(start + CHUNK, len(X))
            part = within(progress, start / len(X), stop / len(X))
            scores[start:stop] = self._percentiles(X[start:stop], part).mean(axis=0)
        return scores

    def contributions(self, X: Scores) -> Scores:
        """What each group of columns adds to the scores of rows (n_samples, n_groups): the mean over the members.

        Of each member its own contributions, or those found by ablation, as shares that add up to its percentile.
        """
        total = np.zeros((len(X), int(self.groups_.max()) + 1))
        if not len(X):
            return total
        for member, percentile in zip(self.members_, self._percentiles(X), strict=True):
            told = member.contributions(X)
            if told is None:
                told = ablation(member.decision_function, X, self.typical_, self.groups_)
            total += shares(np.maximum(told, 0.0)) * percentile[:, None]
        return total / len(self.members_)

    def _percentiles(self, X: Scores, progress: Progress = quiet) -> Scores:
        """What each member says of rows (n_members, n_samples)."""
        found = [
            _percentile(member.decision_function(X, progress=part), reference)
            for member, reference, part in zip(
                self.members_, self.references_, self._parts(progress), strict=True
            )
        ]
        return np.stack(found)

    def _parts(self, progress: Progress) -> list[Progress]:
        """Progress of each member as progress of the whole."""
        n = len(self.members_)
        return [within(progress, number / n, (number + 1) / n) for number in range(n)]

    def _new_members(self) -> list[Detector]:
        """The detectors named, with this one's seed and expected share."""
        names = [name.strip() for name in self.members.split(",") if name.strip()]
        able = eligible()
        if len(set(names)) != len(names) or len(names) < FEWEST_MEMBERS:
            raise UsageError(
                f"members must name {FEWEST_MEMBERS} or more different detectors, got '{self.members}'"
            )
        return [
            able[name](contamination=self.contamination, random_state=self.random_state) for name in names
        ]

    # ---- keeping what was learned

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the members learned, each array under its member's name, with reference scores and a typical row."""
        own = {REFERENCE: self.references_, TYPICAL: self.typical_, GROUPS: self.groups_}
        return own | {
            f"{member.name}.{name}": array
            for member in self.members_
            for name, array in member.arrays().items()
        }

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Take the members back, each of which checks its own arrays."""
        members = self._new_members()
        references, typical, groups = arrays[REFERENCE], arrays[TYPICAL], arrays[GROUPS]
        sound = (
            references.shape == (len(members), N_QUANTILES)
            and np.isfinite(references).all()
            and (np.diff(references, axis=1) >= 0).all()
            and typical.shape == groups.shape == (n_features,)
            and np.isfinite(typical).all()
            and np.issubdtype(groups.dtype, np.integer)
            and np.array_equal(np.unique(groups), np.arange(len(np.unique(groups))))
        )
        if not sound:
            raise StoreError(
                "the stored Consensus is damaged: what it knows of its members does not hold together"
            )
        for member in members:
            start = f"{member.name}."
            own = {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
            try:
                member.restore(own, n_features=n_features)
            except KeyError as missing:
                raise KeyError(f"{start}{missing.args[0]}") from missing
            member.groups_ = groups
        self.members_, self.references_, self.typical_, self.groups_ = members, references, typical, groups
        self.n_features_in_ = n_features
        return self


def eligible() -> dict[str, type[Detector]]:
    """The detectors that can be members, by name: those that judge a row by itself."""
    from engine.detectors import CATALOGUE  # which names this one

    return {
        name: kind
        for name, kind in CATALOGUE.items()
        if not kind.sequential and not issubclass(kind, Consensus)
    }


def _percentile(scores: Scores, reference: Scores) -> Scores:
    """Scores as percentiles of reference scores, which grow on by less than 1 beyond the highest of these."""
    highest = reference[-1]
    reach = highest - float(np.interp(TAIL, np.linspace(0.0, 100.0, len(reference)), reference))
    beyond = np.maximum(scores - highest, 0.0)
    scale = reach if reach > 0 else 1.0
    return severity(scores, reference) + beyond / (beyond + scale)
