"""Reference scores group by group, such as machine by machine, and the line of its own that each group gets by a rule.

What is usual for one machine is unusual for another. A group with enough reference scores has a line of its own, drawn
by the same rule as the common line; all other rows keep the common one. Rules see reference scores alone here, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, StoreError
from engine.scoring.thresholds import N_QUANTILES, Rule, reference_quantiles, share_above

Array = NDArray[np.float64]
Codes = NDArray[np.int32]

FEWEST = 100  # independent reference scores from which a group can have a line of its own
MOST_GROUPS = 500  # the largest; what a model keeps of each is 16 kB
QUANTILES, ROWS, NAMES = "quantiles", "rows", "names"  # arrays they are kept in


@dataclass(frozen=True, kw_only=True)
class GroupReferences:
    """The reference scores of the groups that have enough of them, as quantiles."""

    column: str
    names: tuple[str, ...]
    rows: NDArray[np.int64]  # independent scores behind each (n_groups,)
    quantiles: Array  # (n_groups, 2001)

    @classmethod
    def of(cls, column: str, cells: Any, scores: Array, reference: Array, window: int | None) -> Self | None:
        """From the training rows: their cells in a column, their scores (n_samples,), and those that are for reference.

        Rows of a detector that holds some out count where their score is among the ``reference`` scores. Readings of
        one window are alike, so a series has as many independent scores as windows. None where no group has enough.
        """
        used = np.isfinite(scores) & np.isin(scores, reference)
        codes, names = numbered(cells)
        codes = np.where(used, codes, -1)
        counts = np.bincount(codes[codes >= 0], minlength=len(names)) // (window or 1)
        largest = np.argsort(-counts, kind="stable")[:MOST_GROUPS]
        enough = np.sort(largest[counts[largest] >= FEWEST])
        if not len(enough):
            return None
        parts = by_group(codes, len(names))
        return cls(
            column=column,
            names=tuple(names[number] for number in enough),
            rows=counts[enough].astype(np.int64),
            quantiles=np.stack([reference_quantiles(scores[parts[number]]) for number in enough]),
        )

    def codes(self, cells: Any) -> Codes:
        """For each row the number of its group here (n_rows,), -1 where it has none."""
        codes, names = numbered(cells)
        known = {name: number for number, name in enumerate(self.names)}
        table = np.array([*(known.get(name, -1) for name in names), -1], dtype=np.int32)
        found: Codes = table[codes]
        return found

    def own_lines(
        self, rule: Rule, common: float, scores: Array, codes: Codes, reference: Array, rows: int
    ) -> OwnLines:
        """The line of each group by a rule; ``scores``, ``codes`` (n_rows,) of the rows at hand.

        A group for which the rule can draw no sound line keeps the ``common`` one, which comes from the ``reference``
        quantiles (2001,) of so many ``rows``. A rule that counts rows draws all lines together, the common one anew.
        """
        lines = np.full(len(self.names), np.nan)
        carried = [rule.by_group and rule.carried_by(count) for count in self.rows.tolist()]
        if rule.counts_rows and any(carried):
            chosen = np.flatnonzero(carried)
            places = np.append(np.where(carried, np.cumsum(carried) - 1, -1), -1)[codes]
            members = by_group(places, len(chosen))
            parts = [
                (self.quantiles[number], scores[part], int(self.rows[number]))
                for number, part in zip(chosen, members, strict=True)
            ]
            *lines[chosen], common = rule.thresholds([*parts, (reference, scores[places < 0], rows)])
        elif not rule.counts_rows:
            for number in np.flatnonzero(carried):
                try:
                    own = rule.threshold(self.quantiles[number], np.zeros(0), rows=int(self.rows[number]))
                except DataError:  # such as a tail that does not fit
                    continue
                lines[number] = own
        own_ones = np.isfinite(lines)
        found = OwnLines(
            references=self,
            rule=rule,
            codes=codes,
            common=common,
            lines=np.where(own_ones, lines, common),
            own=own_ones,
        )
        judged = int(np.isfinite(scores).sum())
        if not (rule.counts_rows and own_ones.any() and judged) or found.flags(scores).any():
            return found
        few = f"Nothing is flagged: of {judged:,} rows too few lie far enough beyond what their groups had in training."
        return replace(found, remark=few)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept with the model."""
        told = json.dumps({"column": self.column, "names": self.names}).encode()
        return {QUANTILES: self.quantiles, ROWS: self.rows, NAMES: np.frombuffer(told, dtype=np.uint8)}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take back what :meth:`arrays` gave; a :class:`StoreError` where it does not hold together."""
        try:
            told = json.loads(arrays[NAMES].tobytes())
            found = cls(
                column=str(told["column"]),
                names=tuple(str(name) for name in told["names"]),
                rows=arrays[ROWS],
                quantiles=arrays[QUANTILES],
            )
            n = len(found.names)
            sound = (
                0 < n <= MOST_GROUPS
                and len(set(found.names)) == n
                and found.rows.shape == (n,)
                and found.rows.dtype == np.int64
                and bool((found.rows >= FEWEST).all())
                and found.quantiles.shape == (n, N_QUANTILES)
                and found.quantiles.dtype == np.float64
                and bool(np.isfinite(found.quantiles).all())
                and bool((np.diff(found.quantiles, axis=1) >= 0).all())
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise StoreError(f"the reference scores of its groups are damaged ({problem})") from problem
        if not sound:
            raise StoreError("the reference scores of its groups do not hold together")
        return found


@dataclass(frozen=True, kw_only=True)
class OwnLines:
    """A line for each group, and the common one for the other rows."""

    references: GroupReferences
    rule: Rule
    codes: Codes  # the group of each row at hand (n_rows,), -1: none
    common: float
    lines: Array  # (n_groups,)
    own: NDArray[np.bool_]  # which groups have a line of their own (n_groups,)
    remark: str = ""  # a sentence that must be known of these lines with these rows; empty for nothing

    @property
    def of_rows(self) -> Array:
        """The line of each row (n_rows,)."""
        found: Array = np.append(self.lines, self.common)[self.codes]  # -1 is the last
        return found

    def flags(self, scores: Array) -> NDArray[np.bool_]:
        """Which scores (n_rows,) lie strictly above the line of their row; one that is NaN never does."""
        with np.errstate(invalid="ignore"):
            found: NDArray[np.bool_] = scores > self.of_rows
        return found

    def line_of(self, row: int) -> float:
        """The line of one row."""
        number = int(self.codes[row])
        return self.common if number < 0 else float(self.lines[number])

    def levelled(self, scores: Array) -> Array:
        """Scores (n_rows,) moved so that the line of each row lies at the common one, above which are the same rows."""
        own, flags = self.of_rows, self.flags(scores)
        moved = scores - own + self.common
        just = np.nextafter(
            self.common, np.where(flags, np.inf, -np.inf)
        )  # what rounding took to the wrong side
        with np.errstate(invalid="ignore"):
            right = ((moved > self.common) == flags) | ~np.isfinite(scores)
        level: Array = np.where(right, moved, just)
        return level

    def expected(self, reference: Array, rows: int) -> float:
        """The share of ordinary rows to be expected above their lines, with groups as large as they are here."""
        rule, sizes = self.rule, np.bincount(self.codes + 1, minlength=len(self.lines) + 1)
        if not sizes.sum():
            return rule.expected_share(self.common, reference, rows=rows)
        shares = [rule.expected_share(self.common, reference, rows=rows)]
        for line, own, quantiles, behind in zip(
            self.lines.tolist(),
            self.own,
            self.references.quantiles,
            self.references.rows.tolist(),
            strict=True,
        ):
            share = (
                rule.expected_share(line, quantiles, rows=behind)
                if own
                else share_above(line, quantiles, behind)
            )
            shares.append(share)
        return float(np.dot(sizes, shares) / sizes.sum())

    @property
    def sentence(self) -> str:
        """Which groups have a line of their own, what becomes of the others, and what must be known."""
        return f"{self._groups} {self.remark}".rstrip()

    @property
    def _groups(self) -> str:
        here = np.bincount(self.codes[self.codes >= 0], minlength=len(self.lines)) > 0
        count, column = int((here & self.own).sum()), self.references.column
        if not count:
            return f"No group by '{column}' has enough reference scores for a line of its own here: all have one line."
        rest = int((~self.own[self.codes] | (self.codes < 0)).sum())
        groups = "group has a line of its" if count == 1 else "groups have lines of their"
        said = f"{count:,} {groups} own, by '{column}'"
        if not rest:
            return f"{said}."
        few = f"{rest:,} {'row' if rest == 1 else 'rows'} of other groups, with too few reference scores,"
        return f"{said}; {few} {'keeps' if rest == 1 else 'keep'} the common line."


def numbered(cells: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Cells as numbers (n_rows,), -1 for a missing one, and the text of each number: 5 and 5.0 are one text."""
    import pandas as pd

    codes, values = pd.factorize(cells)
    texts = [_text(value) for value in values.tolist()]
    if len(set(texts)) == len(texts):
        return codes, texts
    places = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    table = np.array([*(places[text] for text in texts), -1], dtype=np.int64)
    return table[codes], list(places)


def by_group(codes: NDArray[Any], groups: int) -> Sequence[NDArray[np.int64]]:
    """The rows of each group, by one sort."""
    order = np.argsort(codes, kind="stable")
    cuts = np.searchsorted(codes[order], np.arange(groups + 1))
    return [order[start:stop] for start, stop in pairwise(cuts.tolist())]


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
