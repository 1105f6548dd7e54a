"""A text column as its distinct values and where they stand: every question is asked once per value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.missing import is_missing

FEW = 0.02  # this share of a column may fail to parse and still be called a few bad cells


@dataclass(kw_only=True)
class Distinct:
    """Distinct ``texts``, how often each occurs, and per row which one it is (-1: an empty cell)."""

    name: str
    texts: pa.Array
    counts: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, name: str, cells: pa.Array) -> Distinct:
        """Number the distinct texts in order of appearance."""
        encoded = cells.dictionary_encode()
        codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        counts = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary))
        return cls(name=name, texts=encoded.dictionary, counts=counts, codes=codes)

    def sample(self, n: int) -> Distinct:
        """At most about ``n`` of the texts, spread over the file; the column itself if it has no more."""
        if len(self.texts) <= 2 * n:
            return self
        places = np.linspace(0, len(self.texts) - 1, n).astype(np.int64)
        counts = np.ones(n, np.int64)
        return Distinct(
            name=self.name, texts=self.texts.take(pa.array(places)), counts=counts, codes=np.arange(n)
        )

    def without_missing(self, *, among_values: bool) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
        """The texts with null in place of words for missing, and which texts those are."""
        missing = is_missing(self.texts, among_values=among_values)
        mask = np.asarray(missing)
        return pc.if_else(missing, pa.scalar(None, self.texts.type), self.texts), mask

    def weight(self, mask: npt.NDArray[np.bool_]) -> int:
        """In how many cells the marked texts stand."""
        return int(self.counts[mask].sum())

    def examples(self, mask: npt.NDArray[np.bool_], at_most: int = 3) -> list[str]:
        """The first marked texts, shortened for a sentence."""
        places = np.flatnonzero(mask)[:at_most]
        return [shortened(self.texts[int(place)].as_py()) for place in places]

    def tally(self, mask: npt.NDArray[np.bool_]) -> dict[str, int]:
        """Marked texts with their number of cells."""
        return {self.texts[int(i)].as_py(): int(self.counts[i]) for i in np.flatnonzero(mask)}

    def spread(self, values: npt.NDArray[Any], empty: Any) -> npt.NDArray[Any]:
        """One value per distinct text to one value per row, ``empty`` where the cell is."""
        return np.append(values, np.array([empty], values.dtype))[self.codes]


def shortened(text: str, length: int = 40) -> str:
    """A text short enough to stand in a sentence."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def quoted(words: list[str]) -> str:
    """'a', 'b' and 'c'."""
    marked = [f"'{word}'" for word in words]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}" if marked else ""


def trimmed(cells: pa.Array) -> pa.Array:
    """Without spaces around the text; what is left empty becomes null."""
    cells = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)
