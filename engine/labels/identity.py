"""What a row is known by when its data come again in another file: its names and its cells.

Within a data set, which never changes, a row is known by its number. In another upload it is the same row where it has
the same names (its id, or whose reading it is and when) and the same cells under the same columns. See
docs/decisions/0017.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.dataset import Dataset
    from engine.data.roles import Roles

MOST_EXACT = 2**53  # beyond, neighbouring whole numbers are one floating-point number


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What names a row elsewhere; empty where nothing does."""

    key: str = ""  # JSON pairs of a column and its cell
    columns: str = ""  # a digest of the names of all columns
    cells: str = ""  # a digest of all cells

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    @property
    def names(self) -> dict[str, str]:
        """The row's names: column -> cell."""
        return dict(json.loads(self.key)) if self.key else {}


def key_columns(roles: Roles) -> tuple[str, ...]:
    """The columns that name a row: its ids; of a series without one its entity and time; else none."""
    if roles.of("id"):
        return roles.of("id")
    if roles.kind == "series" and roles.time is not None:
        return (roles.time,) if roles.entity is None else (roles.entity, roles.time)
    return ()


def columns_digest(columns: Sequence[str]) -> str:
    """A digest of the names of columns, whatever their order."""
    return _digest(sorted(columns))


def identities(dataset: Dataset, rows: Sequence[int]) -> dict[int, Identity]:
    """Row number -> what names the row elsewhere."""
    names = key_columns(dataset.roles)
    columns = columns_digest(dataset.columns)
    if not names:
        return {row: Identity(columns=columns) for row in rows}
    table = dataset.rows_at(sorted(set(rows)))
    texts = {name: texts_of(table[name]) for name in sorted(table.columns)}
    found = {}
    for number, row in enumerate(table.index.tolist()):
        pairs = [[name, texts[name][number]] for name in names]
        named = all(text is not None for _, text in pairs)
        found[row] = Identity(
            key=json.dumps(pairs) if named else "",
            columns=columns,
            cells=_digest([[name, cells[number]] for name, cells in texts.items()]),
        )
    return found


def found_again(dataset: Dataset, wanted: Collection[Identity]) -> dict[int, Identity]:
    """The rows of a data set that are those of other uploads: row number -> which of the ``wanted`` it is.

    Where several rows are the same in everything, each of them is.
    """
    names = list(key_columns(dataset.roles))
    sought = [identity for identity in wanted if list(identity.names) == names]
    if not sought or not names:
        return {}
    last = names[-1]  # the time rather than the entity: it tells more rows apart
    column = dataset.frame([last])[last]
    texts = {identity.names[last] for identity in sought}
    likely = column.index[_is_one_of(column, texts)].tolist()
    here = identities(dataset, likely) if likely else {}
    return {row: identity for row, identity in here.items() if identity in wanted}


def texts_of(column: pd.Series) -> list[str | None]:
    """Cells as texts that are the same however a file was typed, 5 and 5.0 are one; None where one is missing."""
    return [cell_text(value) for value in column.astype(object).where(column.notna(), None).tolist()]


def cell_text(value: Any) -> str | None:
    """A cell as a text; None where it is None."""
    if value is None:
        return None
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, float) and abs(value) < MOST_EXACT and value.is_integer():
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _is_one_of(column: pd.Series, texts: set[str]) -> Any:
    """Which cells may be one of some texts (n_rows,); at least those that are."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return column.isin(
            pd.to_datetime(sorted(texts), errors="coerce", format="ISO8601").dropna()
        ).to_numpy()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.isin(pd.to_numeric(pd.Series(sorted(texts)), errors="coerce").dropna()).to_numpy()
    return column.astype(str).isin(texts).to_numpy()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]
