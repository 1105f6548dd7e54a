"""The class a model names for each row, as a result keeps it: compact, versioned, checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.files import write_new

FORMAT = 1
ABOUT = "classes.json"
ARRAYS = ("codes", "probability", "unlike", "taught")
NONE = 255  # in place of a class's number: not judged, or not told
MOST_NAMES = 200  # of classes; a detector may have a limit below
DIGITS = 6  # of a probability in a file to take away

UNLIKE = "unlike any known class"
UNUSUAL = 99.0  # severity above which a row may be of a kind nobody has labelled yet
LIKELY = 0.7  # probability at and above which a class is named all the same


def unlike_any(severity: NDArray[Any], probability: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows (n_samples,) are very unusual while no class is likely; none that could not be judged."""
    found: NDArray[np.bool_] = (np.nan_to_num(severity) > UNUSUAL) & (
        np.nan_to_num(probability, nan=1.0) < LIKELY
    )
    return found


def class_columns(words: NDArray[Any], probability: NDArray[Any]) -> dict[str, Any]:
    """What a file to take away has of classes: ``class`` and ``class_probability``, empty where not judged."""
    return {
        "class": pd.Series(words, dtype="str").mask(words == "").array,
        "class_probability": np.round(probability.astype(np.float64), DIGITS),
    }


@dataclass(frozen=True, kw_only=True)
class NamedClasses:
    """The likeliest class of each row; arrays go by row number and are read-only where they come from disk."""

    names: tuple[str, ...]
    codes: NDArray[
        np.uint8
    ]  # (n_rows,) number of the likeliest class, NONE where the row could not be judged
    probability: NDArray[np.float32]  # (n_rows,) of that class, NaN where the row could not be judged
    unlike: NDArray[np.bool_]  # (n_rows,) very unusual, and no class is likely
    taught: NDArray[np.uint8]  # (n_rows,) number of the class the model was told in training, NONE without
    column: str = ""  # that told the classes; empty where the model learned from other data

    @classmethod
    def of(
        cls,
        names: tuple[str, ...],
        probabilities: NDArray[np.float64],
        severity: NDArray[np.float64],
        taught: NDArray[Any] | None = None,
        column: str = "",
    ) -> Self:
        """From the probabilities (n_rows, n_names) of the classes, NaN where a row could not be judged.

        ``taught`` (n_rows,) are the classes told in training in words, "" where none was.
        """
        judged = np.isfinite(probabilities[:, 0])
        best = np.nan_to_num(probabilities)
        probability = np.where(judged, best.max(axis=1), np.nan)
        told = np.full(len(judged), NONE, dtype=np.uint8)
        if taught is not None:
            words = taught.astype(str)
            known = np.isin(words, names)
            told[known] = pd.Index(names).get_indexer(words[known]).astype(np.uint8)
        return cls(
            names=names,
            codes=np.where(judged, best.argmax(axis=1), NONE).astype(np.uint8),
            probability=probability.astype(np.float32),
            unlike=unlike_any(severity, probability),
            taught=told,
            column=column,
        )

    # ---- in words

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every answer there may be: the classes, and that a row is like none."""
        return (*self.names, UNLIKE)

    @cached_property
    def kind_codes(self) -> NDArray[np.uint8]:
        """The number (n_rows,) of each row's answer among :attr:`kinds`, NONE where it could not be judged."""
        return np.where(self.unlike, len(self.names), self.codes).astype(np.uint8)

    def words(self, rows: Any = slice(None)) -> NDArray[Any]:
        """The likeliest class of rows (n,), or that they are like none; "" where one could not be judged."""
        return _words(self.kinds, self.kind_codes[rows])

    def told(self, rows: Any = slice(None)) -> NDArray[Any]:
        """The classes of rows (n,) that the model was told in training; "" where it was told none."""
        return _words(self.names, np.asarray(self.taught)[rows])

    def shown(self, row: int) -> str:
        """The class of a row and its probability, short: ``misuse (83 %)``; empty where it could not be judged."""
        if self.codes[row] == NONE:
            return ""
        if self.unlike[row]:
            return f"{UNLIKE} (nearest: {self._likeliest(row)})"
        return self._likeliest(row)

    def counts(self, rows: Any = slice(None)) -> dict[str, int]:
        """How many of the rows got each of the answers, those that none got left out, the most frequent first."""
        numbers = np.bincount(self.kind_codes[rows], minlength=NONE + 1)
        found = {name: int(count) for name, count in zip(self.kinds, numbers, strict=False) if count}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def columns(self) -> dict[str, Any]:
        """What a file to take away has of them."""
        return class_columns(self.words(), np.asarray(self.probability))

    def _likeliest(self, row: int) -> str:
        return f"{self.names[int(self.codes[row])]} ({100 * float(self.probability[row]):.0f} %)"

    # ---- on disk

    def save(self, folder: Path) -> None:
        """Write them into the folder of a result that is being saved."""
        for name in ARRAYS:
            np.save(folder / f"class_{name}.npy", getattr(self, name), allow_pickle=False)
        about = {"format": FORMAT, "names": list(self.names), "column": self.column}
        write_new(folder / ABOUT, json.dumps(about).encode())

    @classmethod
    def read(cls, folder: Path, rows: int) -> Self | None:
        """Those of a stored result of so many rows, None where it has none; a ValueError where they are not sound."""
        if not (folder / ABOUT).exists():
            return None
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        if about["format"] != FORMAT:
            raise ValueError(f"its classes have format {about['format']!r}, this program reads {FORMAT}")
        names, column = about["names"], about["column"]
        arrays = {
            name: np.load(folder / f"class_{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS
        }
        found = cls(names=tuple(names), column=column, **arrays)
        if not (_are_names(names) and isinstance(column, str) and found._sound(rows)):
            raise ValueError("its classes do not add up")
        return found

    def _sound(self, rows: int) -> bool:
        kinds = {"codes": np.uint8, "probability": np.float32, "unlike": np.bool_, "taught": np.uint8}
        arrays: Mapping[str, NDArray[Any]] = {name: getattr(self, name) for name in ARRAYS}
        if any(array.shape != (rows,) or array.dtype != kinds[name] for name, array in arrays.items()):
            return False
        known = self.codes != NONE
        numbered = all(((a == NONE) | (a < len(self.names))).all() for a in (self.codes, self.taught))
        share = self.probability[known]
        return bool(numbered and (share >= 0).all() and (share <= 1).all() and not self.unlike[~known].any())


def _words(names: tuple[str, ...], codes: NDArray[np.uint8]) -> NDArray[Any]:
    found: NDArray[Any] = np.array([*names, ""], dtype=object)[np.minimum(codes, len(names))]
    return found


def _are_names(names: Any) -> bool:
    return (
        isinstance(names, list)
        and 0 < len(names) <= MOST_NAMES
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
    )
