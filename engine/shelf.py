"""What lies in the folders of the model store: it is looked at here, and changed only by :mod:`engine.store`.

Every look may meet a writer: what it finds was true at one moment, and a version that vanishes between
two looks is a FileNotFoundError. What is damaged is a StoreError whose text is the reason alone.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import files
from engine.errors import StoreError
from engine.manifest import MANIFEST, MAX_MANIFEST_BYTES, described, folder_name, read_manifest

ACTIVE, RETIRED = "active", ".retired"
NUMBER = re.compile(r"[1-9][0-9]{0,8}")

_MAX_KEPT_MANIFESTS = 5000


@dataclass(frozen=True)
class Problem:
    """Something in the store that is not as it was saved."""

    ref: str
    reason: str

    def __str__(self) -> str:
        return f"'{self.ref}': {self.reason}"


class Shelf:
    """All models by key (the name of a model's folder) and version, in the user's own place and others.

    Where the same number is in two places, the first place wins.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = list(places)
        self._manifests: dict[Path, tuple[tuple[int, int, int], dict[str, Any]]] = {}

    # ---- which versions there are

    def every_key(self) -> list[str]:
        """The names of all folders that may be a model's."""
        names = {name for place in self.places for name in _names(place) if (place / name).is_dir()}
        return sorted(name for name in names if name[0] != "." and folder_name(name) == name)

    def versions(self, key: str) -> dict[int, Path]:
        """The folder of each version: one without a manifest does not exist."""
        return {n: folder for place in reversed(self.places) for n, folder in complete(place / key).items()}

    def version(self, key: str, number: int) -> Path | None:
        """The folder of one version, if it exists."""
        folders = (place / key / str(number) for place in self.places)
        return next((folder for folder in folders if _is_complete(folder)), None)

    def active(self, key: str) -> Path | None:
        """The folder of the promoted version, or of the newest if that was saved since."""
        # The record is read before the versions: one saved in between then counts as newer.
        record = _record(self.places[0] / key / ACTIVE, "version", "newest")
        versions = self.versions(key)
        newest = max(versions, default=0)
        if record and record["version"] in versions and newest <= record["newest"]:
            return versions[record["version"]]
        return versions.get(newest)

    def before(self, key: str) -> Path | None:
        """The folder of the version that was active before the present one; None if there is none."""
        active, versions = self.active(key), self.versions(key)
        if active is None:
            return None
        unpromoted = {"version": 0, "newest": 0, "before": 0}
        record = _record(self.places[0] / key / ACTIVE, "version", "newest", optional="before") or unpromoted
        if int(active.name) == record["version"]:  # promoted instead of
            earlier = [record["before"] or record["newest"]]
        else:  # saved after another since the promotion, else after the one promoted
            earlier = sorted((n for n in versions if record["newest"] < n < int(active.name)), reverse=True)
            earlier.append(record["version"])
        others = sorted((n for n in versions if n != int(active.name)), reverse=True)
        chosen = next((n for n in [*earlier, *others] if n in versions and n != int(active.name)), None)
        return None if chosen is None else versions[chosen]

    def newest(self, key: str) -> Path | None:
        """The folder of the version saved last, whichever is active."""
        versions = self.versions(key)
        return versions[max(versions)] if versions else None

    def last_number(self, key: str) -> int:
        """The highest number given out under a name, also to what is deleted or half there."""
        numbers = [
            int(name) for place in self.places for name in _names(place / key) if NUMBER.fullmatch(name)
        ]
        retired = _record(self.places[0] / RETIRED / key, "last") or {}
        return max([0, *numbers, *retired.values()])

    # ---- what one version holds

    def manifest(self, folder: Path) -> dict[str, Any]:
        """The manifest in a version's folder; shared, so not to be changed."""
        status = (folder / MANIFEST).lstat()
        stamp = (status.st_ino, status.st_size, status.st_ctime_ns)
        kept = self._manifests.get(folder)
        if kept and kept[0] == stamp:
            return kept[1]
        data = files.read_plain_file(folder / MANIFEST, limit=MAX_MANIFEST_BYTES)
        if data is None:
            raise StoreError(
                f"its {MANIFEST} is not an ordinary file of at most {MAX_MANIFEST_BYTES:,} bytes"
            )
        manifest = read_manifest(data, folder=folder.parent.name, version=int(folder.name))
        if len(self._manifests) >= _MAX_KEPT_MANIFESTS:
            self._manifests.clear()
        self._manifests[folder] = (stamp, manifest)
        return manifest

    def card(self, folder: Path) -> dict[str, Any]:
        """A version's manifest, to keep, and whether the version is shipped."""
        return {**copy.deepcopy(self.manifest(folder)), "shipped": self.is_shipped(folder)}

    def is_shipped(self, folder: Path) -> bool:
        """Whether a version lies in a place that is only read."""
        return folder.parent.parent != self.places[0]

    def parts(self, folder: Path) -> Iterator[tuple[str, bytes]]:
        """Each part of a version and its content, if nothing was changed, added or removed."""
        parts = self.manifest(folder)["parts"]
        unlike = set(os.listdir(folder)) ^ {*parts, MANIFEST}
        if unlike:
            what = "missing" if unlike <= {*parts} else "there but does not belong to it"
            raise StoreError(f"{quoted(sorted(unlike))} is {what}")
        for name, saved in parts.items():
            data = files.read_plain_file(folder / name, limit=saved["size"])
            if data is None or described(data) != saved:
                raise StoreError(f"its part '{name}' was changed after it was saved")
            yield name, data

    def problems(self, key: str) -> Iterator[Problem]:
        """What is wrong with any version of a model, or with the record of its active one."""
        try:
            self.active(key)
            self.last_number(key)
        except (StoreError, OSError) as problem:
            yield Problem(key, files.reason(problem))
        for place in self.places:
            for number in sorted(filter(NUMBER.fullmatch, _names(place / key)), key=int):
                folder = place / key / number
                try:
                    self._verify(folder)
                except (StoreError, OSError) as problem:
                    if os.path.lexists(folder):  # else it was deleted while it was looked at
                        yield Problem(f"{key}@{number}", files.reason(problem))

    def _verify(self, folder: Path) -> None:
        if not _is_complete(folder):
            raise StoreError(f"it is no folder with a {MANIFEST}, so it does not count; it can be removed")
        for _ in self.parts(folder):
            pass  # reading is the check


def complete(folder: Path) -> dict[int, Path]:
    """The versions in one model's folder; a link leads out of the store, so it holds none."""
    if folder.is_symlink():
        return {}
    try:
        with os.scandir(folder) as entries:
            return {int(entry.name): Path(entry.path) for entry in entries if _is_version(entry)}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _is_version(entry: os.DirEntry[str]) -> bool:
    # A thousand versions are common in a sweep, so this is spared the paths of _is_complete.
    numbered = NUMBER.fullmatch(entry.name) is not None and entry.is_dir(follow_symlinks=False)
    return numbered and os.path.lexists(f"{entry.path}/{MANIFEST}")


def _is_complete(folder: Path) -> bool:
    return os.path.lexists(folder / MANIFEST) and not (folder.is_symlink() or folder.parent.is_symlink())


def quoted(names: Sequence[str]) -> str:
    """Names as they stand in a sentence."""
    return ", ".join(f"'{name}'" for name in names)


def _names(folder: Path) -> list[str]:
    """What a folder holds; nothing if it is not a folder, or not any more."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _record(path: Path, *keys: str, optional: str = "") -> dict[str, int] | None:
    """The numbers in a small file of the store's own, or None if there is no such file.

    ``optional`` is 0 where an earlier version of this program did not write it.
    """
    try:
        record = json.loads(files.read_plain_file(path, limit=1000) or b"")
        numbers = {key: int(record[key]) for key in keys}
        return numbers | ({optional: int(record.get(optional, 0))} if optional else {})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise StoreError(
            f"the file '{path.name}' in '{path.parent.name}' is damaged; remove it to go on"
        ) from None
