"""The versioned store of trained models: plain folders, each complete or not there.

    <root>/<name>/<version>/manifest.json   card, parts with size and sha256; sealed by a digest
    <root>/<name>/<version>/*.safetensors   the parts: arrays and JSON, nothing that can run
    <root>/<name>/active                    only after a promotion: which version, and the newest then
    <root>/.staging/                        being prepared, or on its way out
    <root>/.retired/<name>                  the last number of a name from which versions were deleted
    <root>/.lock                            held while a number is given out or an active version changes

A version is saved by one rename of a complete folder and never changes after it. Numbers are never
given out twice, also not after a deletion: scores are kept under ``name@version``. Models that come
with the project lie in a second folder that is only read; a user's versions continue their numbers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from engine import files
from engine.errors import StoreError, UsageError
from engine.manifest import (
    MANIFEST,
    checked_parts,
    described,
    folder_name,
    manifest_bytes,
    suggested_name,
    validated_name,
)
from engine.shelf import ACTIVE, NUMBER, RETIRED, Problem, Shelf, complete, quoted

__all__ = ["ModelRef", "ModelStore", "Problem", "suggested_name", "validated_name"]

SPARE_BYTES = 100 * 10**6
"""What a save leaves free on the disk, so that everything else can go on."""

_TRIES = 5  # a reader would have to lose that many races in a row with somebody who deletes

T = TypeVar("T")


@dataclass(frozen=True)
class ModelRef:
    """One version of one model; its text, ``name@version``, is how people and files refer to it."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class ModelStore:
    """Models by name and version, safe to use from any number of threads and processes at once.

    Where a model is asked for, ``"pump"`` is its active version and ``"pump@3"`` (or a ModelRef) the
    third. Capitals do not matter. ``shipped`` is a folder of the same kind that is never written to.
    """

    def __init__(self, root: Path, *, shipped: Path | None = None) -> None:
        self._root = Path(root)
        self._staging = self._root / ".staging"
        self._shelf = Shelf([self._root] if shipped is None else [self._root, Path(shipped)])

    # ---- writing

    def save(self, name: str, card: Mapping[str, Any], parts: Mapping[str, bytes]) -> ModelRef:
        """Keep a model as the next version of its name, which becomes the active one."""
        name = validated_name(name)
        checked_parts(parts)
        key = folder_name(name)
        self._require_place(name)
        with _in_words(f"model '{name}' was not saved"):
            files.make_folder(self._staging)
            files.sweep(self._staging)
            self._require_space(name, sum(map(len, parts.values())))
            with files.staged_folder(self._staging) as staged:
                for part, data in parts.items():
                    files.write_new(staged / part, data)
                own = {"parts": {part: described(data) for part, data in parts.items()}, "created": _now()}
                with self._locked():
                    spelling = self._spelling(name, self._shelf.newest(key))
                    ref = ModelRef(spelling, self._shelf.last_number(key) + 1)
                    manifest = manifest_bytes(card, name=ref.name, version=ref.version, **own)
                    files.write_new(staged / MANIFEST, manifest)
                    files.publish(staged, self._root / key / str(ref.version))
        return ref

    def promote(self, ref: str | ModelRef) -> None:
        """Make a version the active one, until another is promoted or saved."""
        with _in_words(f"model '{ref}' was not promoted"), self._locked():
            chosen = self.resolve(ref)
            self.parts(chosen)  # a damaged version must not become the one everybody uses
            key = folder_name(chosen.name)
            newest = max(self._shelf.versions(key))
            record = {"version": chosen.version, "newest": newest, "before": self._replaced(key, chosen)}
            files.make_folder(self._root / key)
            files.write_atomically(self._root / key / ACTIVE, _json(record), staging=self._staging)

    def before(self, name: str) -> ModelRef | None:
        """The version that was active before the present one; None if there is no other."""
        name = _parsed(name)[0]
        with _in_words(f"model '{name}' cannot be found"):
            self._found(name, None)
            folder = self._shelf.before(folder_name(name))
            return None if folder is None else self._ref(name, folder)

    def roll_back(self, name: str) -> ModelRef:
        """Make the version active that was so before; once more comes back to the present one."""
        earlier = self.before(name)
        if earlier is None:
            raise UsageError(f"model '{name}' has one version only, so there is none to go back to")
        self.promote(earlier)
        return earlier

    def delete(self, ref: str | ModelRef) -> None:
        """Remove one version (``"pump@3"``), or all that the user saved under a name (``"pump"``)."""
        name, version = _parsed(ref)
        key = folder_name(name)
        with _in_words(f"model '{ref}' was not deleted"), self._locked():
            own = complete(self._root / key)
            if not (version in own if version else own):
                self._found(name, version)  # there may be none at all
                raise UsageError(f"model '{ref}' comes with the program and cannot be deleted")
            number = {"last": self._shelf.last_number(key)}
            files.make_folder(self._root / RETIRED)
            files.write_atomically(self._root / RETIRED / key, _json(number), staging=self._staging)
            if version and own[version] == self._shelf.active(key):
                (self._root / key / ACTIVE).unlink(missing_ok=True)  # then the newest one is active
            files.remove_folder(own[version] if version else self._root / key, staging=self._staging)

    # ---- reading

    def resolve(self, ref: str | ModelRef) -> ModelRef:
        """The version that is meant; a UsageError with the nearest names if there is none."""
        name, version = _parsed(ref)
        with _in_words(f"model '{ref}' cannot be found"):
            return self._ref(name, self._found(name, version))

    def active(self, name: str) -> int:
        """The number of the version that is used when none is said."""
        return self.resolve(_parsed(name)[0]).version

    def card(self, ref: str | ModelRef) -> dict[str, Any]:
        """A model's card, with ``name``, ``version``, ``created``, ``parts``, ``digest`` and ``shipped``."""
        return self._read(ref, self._shelf.card)

    def parts(self, ref: str | ModelRef) -> dict[str, bytes]:
        """The content of a model's parts, each the same to the bit as when it was saved."""
        return self._read(ref, lambda folder: dict(self._shelf.parts(folder)))

    def folder(self, ref: str | ModelRef) -> Path:
        """Where a version lies, for a person to look at; programs read it through this store."""
        return self._read(ref, lambda folder: folder)

    def models(self) -> list[dict[str, Any]]:
        """The card of each model's active version: the user's own first, then shipped, the newest first.

        One that cannot be used has ``damaged``, the reason, and none of what its card says.
        """
        with _in_words("the models cannot be listed"):
            cards = [card for key in self._shelf.every_key() if (card := self._listed_active(key))]
        cards.sort(key=lambda card: str(card["created"]), reverse=True)
        return sorted(cards, key=lambda card: bool(card["shipped"]))

    def versions(self, name: str) -> list[dict[str, Any]]:
        """The card of each version of a model, the newest first; ``active`` is true for one of them."""
        name = _parsed(name)[0]
        with _in_words(f"the versions of model '{name}' cannot be listed"):
            active = self._found(name, None)
            folders = sorted(self._shelf.versions(folder_name(name)).items(), reverse=True)
            cards = [card for _, folder in folders if (card := self._listed(name, folder))]
        return [{**card, "active": card["version"] == int(active.name)} for card in cards]

    def verify(self) -> list[Problem]:
        """All that is not as it was saved, after reading everything; also sweeps what was left behind."""
        with _in_words("the store cannot be verified"):
            files.sweep(self._staging)
            return [problem for key in self._shelf.every_key() for problem in self._shelf.problems(key)]

    # ---- which version is meant

    def _found(self, name: str, version: int | None) -> Path:
        """The folder of the version that is meant."""
        key = folder_name(name)
        folder = self._shelf.version(key, version) if version else self._shelf.active(key)
        if folder:
            return folder
        versions = self._shelf.versions(key)
        if version and versions:
            known = ", ".join(map(str, sorted(versions)[-8:]))
            raise UsageError(f"model '{name}' has no version {version}; it has {known}")
        names = [card["name"] for card in self.models()]
        near = get_close_matches(name, names, 3, 0.5) or names[:8]
        known = f"there is {quoted(near)}" if near else "none has been saved yet"
        raise UsageError(f"there is no model '{name}'; {known}")

    def _ref(self, name: str, folder: Path) -> ModelRef:
        return ModelRef(self._spelling(name, folder), int(folder.name))

    def _spelling(self, name: str, folder: Path | None) -> str:
        """A name with the capitals it has in a version's manifest, if there is one and it can be read."""
        if folder is None:
            return name
        try:
            return str(self._shelf.manifest(folder)["name"])
        except (StoreError, FileNotFoundError):
            return name

    def _read(self, ref: str | ModelRef, read: Callable[[Path], T]) -> T:
        """What ``read`` makes of the folder of the version that is meant."""
        name, version = _parsed(ref)
        for _ in range(_TRIES):
            with _in_words(f"model '{ref}' cannot be found"):
                folder = self._found(name, version)
            try:
                return read(folder)
            except FileNotFoundError:
                continue  # it was deleted after it was found: look again which one is meant
            except (StoreError, OSError) as problem:
                raise StoreError(
                    f"model '{self._ref(name, folder)}' cannot be used: {files.reason(problem)}; "
                    "use another version, or restore this one from a backup"
                ) from None
        raise StoreError(f"model '{ref}' was deleted while it was read")

    def _listed(self, name: str, folder: Path) -> dict[str, Any] | None:
        """The card of a version, or what can be said of a damaged one; None if it was deleted meanwhile."""
        try:
            return self._shelf.card(folder)
        except FileNotFoundError:
            return None
        except (StoreError, OSError) as problem:
            return _damaged(name, int(folder.name), problem, shipped=self._shelf.is_shipped(folder))

    def _listed_active(self, key: str) -> dict[str, Any] | None:
        try:
            folder = self._shelf.active(key)
        except (StoreError, OSError) as problem:
            return _damaged(key, None, problem, shipped=False)
        return self._listed(key, folder) if folder else None

    def _replaced(self, key: str, chosen: ModelRef) -> int:
        """The version a promotion takes the place of; 0 where that cannot be told."""
        try:
            folder = self._shelf.active(key)
            if folder is not None and int(folder.name) == chosen.version:
                folder = self._shelf.before(key)  # promoted again: what was before stays before
        except StoreError:  # the record is damaged, and about to be replaced
            return 0
        return int(folder.name) if folder else 0

    # ---- the disk

    @contextmanager
    def _locked(self) -> Iterator[None]:
        files.make_folder(self._staging)
        with files.locked(self._root / ".lock"):
            yield

    def _require_place(self, name: str) -> None:
        """Raise unless a model's folder may be made, and would lie in the store."""
        folder = self._root / folder_name(name)
        if folder in self._shelf.places:
            raise UsageError(f"a model cannot be called '{name}': that is the folder of the shipped models")
        if folder.is_symlink():
            raise StoreError(f"model '{name}' cannot be saved: its folder is a link; replace it by a folder")

    def _require_space(self, name: str, size: int) -> None:
        needed, free = 2 * size + SPARE_BYTES, shutil.disk_usage(self._root).free
        if free < needed:
            raise StoreError(
                f"model '{name}' was not saved: {needed / 1e6:,.0f} MB must be free on the disk, and "
                f"{free / 1e6:,.0f} MB are; delete something that is no longer needed"
            )


def _parsed(ref: str | ModelRef) -> tuple[str, int | None]:
    """The name and the version, if one is said, of ``name`` or ``name@version``."""
    name, at, number = str(ref).rpartition("@")
    if not at:
        return validated_name(number), None
    if not NUMBER.fullmatch(number):
        raise UsageError(f"a model's version must be a number, as in 'pump@3', got {str(ref)[:100]!r}")
    return validated_name(name), int(number)


def _damaged(name: str, number: int | None, problem: Exception, *, shipped: bool) -> dict[str, Any]:
    reason = files.reason(problem)
    return {"name": name, "version": number, "created": "", "shipped": shipped, "damaged": reason}


def _json(record: dict[str, int]) -> bytes:
    return json.dumps(record).encode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Say what the operating system refused as a StoreError."""
    try:
        yield
    except OSError as problem:
        raise StoreError(f"{what}: {files.reason(problem)}") from problem
