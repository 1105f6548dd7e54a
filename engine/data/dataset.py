"""Data sets: uploaded files, read once, kept as Parquet under their content hash, with the roles of their columns."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import unicodedata
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from engine.data.reading import MAX_BYTES, Finding, ReadingOptions, convert
from engine.data.reading.readers import Readers
from engine.data.roles import Roles
from engine.errors import ReadingError, StoreError
from engine.files import remove_folder, write_atomically

log = logging.getLogger(__name__)

CHUNK = 1 << 20
LONGEST_ID = 64  # a longer one, as an address may bring, is no name a file system takes
PROFILE = "engine.data.profile:describe"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table whose columns have been given roles. Known by ``id``, the hash of its content and how it was read."""

    id: str
    folder: Path
    name: str  # what the person called it; a label, never a path
    sha256: str
    created: str
    about: dict[str, Any]  # reading and profile, see engine.data.profile
    roles: Roles

    @property
    def rows(self) -> int:
        return int(self.about["rows"])

    @property
    def columns(self) -> list[str]:
        return list(self.about["names"])

    @property
    def types(self) -> dict[str, str]:
        return dict(self.about["types"])

    @property
    def findings(self) -> list[Finding]:
        return [Finding(**finding) for finding in self.about["findings"]]

    @property
    def options(self) -> ReadingOptions:
        return ReadingOptions.from_dict(self.about.get("options", {}))

    @property
    def profile(self) -> dict[str, Any]:
        return dict(self.about["profile"])

    @property
    def roles_given(self) -> bool:
        """Whether a person has confirmed or changed the roles."""
        return (self.folder / "roles.json").exists()

    @property
    def suggested_roles(self) -> Roles:
        return Roles.from_dict(self.profile["roles"])

    @property
    def table_path(self) -> Path:
        return self.folder / "table.parquet"

    def frame(self, columns: list[str] | None = None) -> pd.DataFrame:
        """The table, or some of its columns."""
        return pd.read_parquet(self.table_path, columns=columns)

    def rows_at(self, rows: Sequence[int]) -> pd.DataFrame:
        """Some rows by number, in that order; only the pieces of the file that hold them are read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        wanted = np.asarray([row for row in rows if 0 <= row < self.rows], dtype=np.int64)
        with pq.ParquetFile(self.table_path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            starts = np.r_[0, np.cumsum(sizes)]
            group = np.searchsorted(starts, wanted, side="right") - 1
            pieces = []
            for number in np.unique(group):
                inside = pa.array(np.unique(wanted[group == number]) - starts[number])
                pieces.append(file.read_row_group(int(number)).take(inside))
            table = pa.concat_tables(pieces) if pieces else file.schema_arrow.empty_table()
        return table.to_pandas().set_axis(np.unique(wanted)).loc[wanted]


class DatasetStore:
    """A folder of data sets. A data set's folder appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._readers = Readers()

    def keep_ready(self) -> None:
        """For a server: have what reads a file ready before there is one, until :meth:`close`."""
        self._readers.keep_ready()

    def close(self) -> None:
        """Keep nothing ready any more."""
        self._readers.close()

    def add(self, source: BinaryIO | Path, name: str, options: ReadingOptions | None = None) -> Dataset:
        """Keep a file: to disk in pieces, hashed, read in a child process, converted to Parquet once.

        The same content read the same way is kept once. Raises :class:`ReadingError` with a sentence.
        """
        options = options or ReadingOptions()
        staging = self.root / ".staging" / uuid.uuid4().hex
        staging.mkdir(parents=True)
        try:
            original = staging / "original"
            sha256 = _spool(source, original)
            return self._convert(staging, original, sha256, shown_name(name), options)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def reread(self, dataset: Dataset, options: ReadingOptions) -> Dataset:
        """The same file read with other options, as a data set of its own."""
        return self.add(dataset.folder / "original", dataset.name, options)

    def get(self, id: str) -> Dataset:
        """The data set of that id; one that is gone or damaged is a :class:`StoreError` that says so."""
        folder = self._folder(id)
        try:
            about = json.loads((folder / "about.json").read_text("utf-8"))
            roles = folder / "roles.json"
            given = json.loads(roles.read_text("utf-8")) if roles.exists() else about["profile"]["roles"]
            return Dataset(
                id=id,
                folder=folder,
                name=about["name"],
                sha256=about["sha256"],
                created=about["created"],
                about=about,
                roles=Roles.from_dict(given),
            )
        except FileNotFoundError:
            raise StoreError(f"there is no data set '{id}' here any more; bring the file again") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise StoreError(f"data set '{id}' is damaged ({problem}); bring the file again") from problem

    def ids(self) -> set[str]:
        """The id of every data set, without opening any."""
        return {about.parent.name for about in self.root.glob("*/about.json")}

    def all(self) -> list[Dataset]:
        """Every data set that can be read, newest first."""
        return sorted(self._each(), key=lambda dataset: dataset.created, reverse=True)

    def set_roles(self, dataset: Dataset, roles: Roles) -> Dataset:
        """Remember the roles with the data set."""
        write_atomically(dataset.folder / "roles.json", json.dumps(roles.as_dict()).encode())
        return self.get(dataset.id)

    def delete(self, id: str) -> None:
        """Forget a data set."""
        try:
            remove_folder(self._folder(id), staging=self.root / ".staging")  # a damaged one too
        except FileNotFoundError:
            raise StoreError(f"there is no data set '{id}' here any more") from None

    def _convert(
        self, staging: Path, original: Path, sha256: str, name: str, options: ReadingOptions
    ) -> Dataset:
        chosen = options.as_dict()
        id = hashlib.sha256(f"{sha256}{json.dumps(chosen, sort_keys=True)}".encode()).hexdigest()[:16]
        if (kept := self._sound(id)) is not None:
            return kept
        table = staging / "table.parquet"
        about = convert(original, table, options, name=name, after=[PROFILE], readers=self._readers)
        about["profile"] = about["after"].pop(PROFILE)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        about |= {"name": name, "sha256": sha256, "created": now, "options": chosen}
        write_atomically(staging / "about.json", json.dumps(about).encode())
        if (kept := self._sound(id)) is not None:  # another request kept the same file meanwhile
            return kept
        with suppress(StoreError):
            self.delete(id)  # what is damaged makes room for the file brought again
        try:
            staging.rename(self._folder(id))
        except OSError:
            if self._sound(id) is None:
                raise
        return self.get(id)

    def _folder(self, id: str) -> Path:
        """Where a data set lies; an id that is none, as an address may bring it, never becomes a path."""
        if not (id.isascii() and id.isalnum()) or len(id) > LONGEST_ID:
            raise StoreError(f"there is no data set '{id[:80]}' here any more; bring the file again")
        return self.root / id

    def _sound(self, id: str) -> Dataset | None:
        with suppress(StoreError):
            return self.get(id)
        return None

    def _each(self) -> Iterator[Dataset]:
        for about in self.root.glob("*/about.json"):
            try:
                yield self.get(about.parent.name)
            except StoreError as problem:  # it must not hide the others; or it was deleted just now
                log.warning("a data set is left out of the list: %s", problem)


def shown_name(name: str) -> str:
    """A file's name as a harmless label: no folders, no control or direction-changing characters, 120 at most."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    kept = "".join(ch for ch in last if unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept.strip()[:120] or "unnamed"


def _spool(source: BinaryIO | Path, target: Path) -> str:
    """Copy to disk in pieces and return the sha256; stops at the size limit."""
    stream = source.open("rb") if isinstance(source, Path) else source
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("wb") as copy:
            while piece := stream.read(CHUNK):
                size += len(piece)
                if size > MAX_BYTES:
                    limit = MAX_BYTES // 1_000_000
                    raise ReadingError(f"the file is larger than {limit} MB; split it, or save it as Parquet")
                digest.update(piece)
                copy.write(piece)
    finally:
        if isinstance(source, Path):
            stream.close()
    return digest.hexdigest()
