"""What a stored model says about itself: its name, its version, its card and the list of its parts.

A manifest is one JSON object, sealed by a digest of its own content, so that one changed character is
noticed. This module only turns bytes into words and back; :mod:`engine.store` puts them in folders.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from engine.errors import StoreError, UsageError

FORMAT = 1
MANIFEST = "manifest.json"
PART_SUFFIXES = (".json", ".safetensors", ".npy")
OWN_KEYS = frozenset(
    {"format", "name", "version", "created", "parts", "digest", "shipped", "active", "damaged"}
)
"""What the store says of a model; dropped from a card to save, which may have been read from a store."""

MAX_NAME_CHARACTERS = 80
MAX_MANIFEST_BYTES = 8 * 2**20
MAX_PARTS = 64
MAX_MODEL_BYTES = 2 * 2**30  # of all parts together, which are read into memory

_MAX_DEPTH = 32  # of lists in lists; no card needs more, and reading must not run out of stack
_MAX_FOLDER_BYTES = 240  # file systems take 255
_PUNCTUATION = " -_."
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?")  # devices on Windows
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


# ---- names


def validated_name(name: str) -> str:
    """A model's name in its one spelling (NFC); a UsageError says what is wrong with any other."""
    spelled = unicodedata.normalize("NFC", name)
    reason = _name_problem(spelled) or _name_problem(folder_name(spelled))
    if reason:
        raise UsageError(
            f"a model's name must {reason}, got {_shown(name)}; '{suggested_name(name)}' would do"
        )
    return spelled


def suggested_name(text: str) -> str:
    """A valid model name that looks like ``text``, such as a file's name."""
    spelled = unicodedata.normalize("NFC", text)
    name = "".join(character if _allowed(character) else "-" for character in spelled)
    name = re.sub(r"([-_. ])[-_. ]+", r"\1", name)
    name = name.strip(_PUNCTUATION)
    for length in range(min(len(name), MAX_NAME_CHARACTERS), 0, -1):
        shorter = name[:length].strip(_PUNCTUATION)
        shorter = (
            f"model {shorter}"[:MAX_NAME_CHARACTERS] if _RESERVED.fullmatch(shorter.casefold()) else shorter
        )
        if shorter and not (_name_problem(shorter) or _name_problem(folder_name(shorter))):
            return shorter
    return "model"


def folder_name(name: str) -> str:
    """What the model's folder is called: equal for names that differ only in capitals or width."""
    compatible = unicodedata.normalize("NFKC", name)
    return unicodedata.normalize("NFKC", compatible.casefold())


def _name_problem(name: str) -> str | None:
    """The rule a name breaks, as what follows "must", or None."""
    if not any(character.isalnum() for character in name):
        return "have a letter or a digit"
    if len(name) > MAX_NAME_CHARACTERS or len(name.encode("utf-8", "replace")) > _MAX_FOLDER_BYTES:
        return f"have at most {MAX_NAME_CHARACTERS} characters"
    if not all(map(_allowed, name)):
        return "have only letters, digits, spaces, '-', '_' and '.'"
    if name[0] in " ." or name[-1] in " .":  # hidden on Unix; Windows drops them
        return "not begin or end with a space or a dot"
    if ".." in name:
        return "not have two dots in a row"
    if _RESERVED.fullmatch(name.casefold()):
        return "not be the name of a device on Windows"
    return None


def _allowed(character: str) -> bool:
    # Letters, marks that belong to them, and decimal digits of any script: no control characters, no
    # slashes, none of the invisible characters that turn the direction of text.
    category = unicodedata.category(character)
    return character in _PUNCTUATION or category[0] == "L" or category in ("Mn", "Mc", "Nd")


def _shown(name: str) -> str:
    shorter = name if len(name) <= MAX_NAME_CHARACTERS else name[:MAX_NAME_CHARACTERS] + "…"
    return ascii(shorter) if not shorter.isprintable() else f"'{shorter}'"


# ---- parts


def checked_parts(parts: Mapping[str, bytes]) -> None:
    """Raise a UsageError unless every part may lie in a model's folder."""
    wrong = [name for name in parts if not _is_part_name(name)]
    if wrong:
        raise UsageError(f"a model's part must be a plain file name that ends in {_suffixes()}, got {wrong}")
    if len({name.casefold() for name in parts}) < len(parts):
        raise UsageError(f"a model's parts must differ in more than capitals, got {sorted(parts)}")
    if len(parts) > MAX_PARTS:
        raise UsageError(f"a model must have at most {MAX_PARTS} parts, got {len(parts)}")
    size = sum(map(len, parts.values()))
    if size > MAX_MODEL_BYTES:
        raise UsageError(f"a model must have at most {MAX_MODEL_BYTES:,} bytes, got {size:,}")


def described(part: bytes) -> dict[str, Any]:
    """What a manifest remembers of a part, to notice a change."""
    return {"sha256": hashlib.sha256(part).hexdigest(), "size": len(part)}


def _is_part_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and _PART.fullmatch(name) is not None
        and name.endswith(PART_SUFFIXES)
        and name.casefold() != MANIFEST
    )


def _is_description(part: object) -> bool:
    if not isinstance(part, dict) or set(part) != {"sha256", "size"}:
        return False
    digest, size = part["sha256"], part["size"]
    return (
        isinstance(digest, str) and _SHA256.fullmatch(digest) is not None and type(size) is int and size >= 0
    )


def _suffixes() -> str:
    return f"{', '.join(PART_SUFFIXES[:-1])} or {PART_SUFFIXES[-1]}"


# ---- the manifest


def manifest_bytes(card: Mapping[str, Any], **own: Any) -> bytes:
    """The manifest of a card, with what the store itself says of the model."""
    manifest = {"format": FORMAT, **own, **{key: card[key] for key in card if key not in OWN_KEYS}}
    try:
        # As it will be read: keys are text, tuples are lists.
        manifest = json.loads(json.dumps(manifest))
        sealed = {**manifest, "digest": _digest(manifest)}
        data = json.dumps(sealed, indent=1, ensure_ascii=False).encode()
        problem = _value_problem(manifest)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"a model's card must be plain JSON: {error}") from None
    if len(data) > MAX_MANIFEST_BYTES:
        problem = f"it has {len(data):,} bytes, and at most {MAX_MANIFEST_BYTES:,} fit"
    if problem:
        raise UsageError(f"a model's card must be plain JSON: {problem}")
    return data


def read_manifest(data: bytes, *, folder: str | None = None, version: int | None = None) -> dict[str, Any]:
    """The manifest in these bytes; a StoreError's text says what is wrong with it.

    ``folder`` and ``version`` say where it lies in a store; without them any model's will do.
    """
    try:
        manifest = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise StoreError(f"its {MANIFEST} is not readable JSON") from None
    problem = _value_problem(manifest)
    if problem:
        raise StoreError(f"its {MANIFEST} is damaged: {problem}")
    if not isinstance(manifest, dict) or type(manifest.get("format")) is not int:
        raise StoreError(f"its {MANIFEST} is not that of a model")
    if manifest["format"] > FORMAT:  # before all else: a newer format may differ in everything else
        raise StoreError(
            f"it was saved by a newer version of this program, which must be updated to use it "
            f"(format {manifest['format']}, and this one reads {FORMAT})"
        )
    digest = manifest.pop("digest", None)
    if digest != _digest(manifest):
        raise StoreError(f"its {MANIFEST} was changed after it was saved")
    manifest["digest"] = digest
    _check_own(manifest, folder=folder, version=version)
    return manifest


def _check_own(manifest: dict[str, Any], *, folder: str | None, version: int | None) -> None:
    """Raise a StoreError unless the store's own entries are sound and belong to this place, if there is one."""
    name, number, parts = manifest.get("name"), manifest.get("version"), manifest.get("parts")
    if not isinstance(name, str) or type(number) is not int:
        raise StoreError(f"its {MANIFEST} does not say which model it is of")
    if (folder is not None and folder_name(name) != folder) or (version is not None and number != version):
        raise StoreError(f"its {MANIFEST} is that of '{name}@{number}'")
    if not isinstance(manifest.get("created"), str):
        raise StoreError(f"its {MANIFEST} does not say when it was saved")
    if not isinstance(parts, dict) or len(parts) > MAX_PARTS:
        raise StoreError(f"its {MANIFEST} does not list its parts")
    wrong = [part for part in parts if not _is_part_name(part) or not _is_description(parts[part])]
    if wrong:
        raise StoreError(f"its {MANIFEST} lists parts that cannot be: {wrong[:3]}")
    if sum(part["size"] for part in parts.values()) > MAX_MODEL_BYTES:
        raise StoreError(f"its parts have more than {MAX_MODEL_BYTES:,} bytes")


def _digest(manifest: dict[str, Any]) -> str:
    """A fingerprint of the content, whatever the spaces and the order of keys."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _value_problem(value: Any, depth: int = 0) -> str | None:
    """Why a value read from JSON is refused, or None."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number is not finite"
    if not isinstance(value, (dict, list)):
        return None
    if depth == _MAX_DEPTH:
        return f"it is nested more than {_MAX_DEPTH} deep"
    inner = value.values() if isinstance(value, dict) else value
    return next((problem for each in inner if (problem := _value_problem(each, depth + 1))), None)
