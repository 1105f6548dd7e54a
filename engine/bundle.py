"""A model as one file to send: exported from one store, checked like a stranger's, and imported into another.

A bundle is a zip of what a version's folder holds, and a probe::

    manifest.json        card, parts with size and sha256; sealed by a digest
    recipe.json          from table to matrix
    fingerprint.json     how the training columns were distributed
    *.safetensors        what the detector learned, and probe.safetensors

Nothing in it can run. It is checked from the outside in: size, zip, manifest, checksums, then in a process of its own
(:mod:`engine.trial`) structure and probe; only what passes everything reaches the store.
"""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import StoreError
from engine.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_PARTS,
    described,
    manifest_bytes,
    read_manifest,
    validated_name,
)

if TYPE_CHECKING:
    from engine.model import Card
    from engine.store import ModelStore

MAX_BUNDLE_BYTES = 200 * 10**6
MAX_INFLATED = 10**9
MAX_RATIO = 100
TRIAL_SECONDS = 180.0
PART_SUFFIXES = (".json", ".safetensors")
RUNS_CODE = (
    ".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".pt2", ".ckpt", ".onnx", ".h5", ".hdf5", ".keras",
    ".skops", ".npz", ".mar", ".bin", ".so", ".py",
)  # fmt: skip

_SIGNATURES = (
    b"\x80\x02",
    b"\x80\x03",
    b"\x80\x04",
    b"\x80\x05",
    b"\x89HDF\r\n\x1a\n",
)  # pickle 2 to 5, HDF5
_CHUNK = 1 << 20
_LOG = logging.getLogger(__name__)
_HOME = Path(__file__).resolve().parents[1]


# ---- out


def export_bundle(store: ModelStore, ref: str) -> bytes:
    """The bundle of a stored model; the same model always gives the same bytes."""
    from engine.model import Model
    from engine.trial import PROBE, probe_of

    chosen = store.resolve(ref)
    card, parts = store.card(chosen), store.parts(chosen)
    parts[PROBE] = probe_of(Model.load(store, chosen))
    own = {"parts": {name: described(part) for name, part in parts.items()}, "created": card["created"]}
    parts = {MANIFEST: manifest_bytes(card, name=chosen.name, version=chosen.version, **own), **parts}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:  # stored as it is: arrays of numbers hardly shrink
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    if made.tell() > MAX_BUNDLE_BYTES:
        raise StoreError(
            f"model '{chosen}' makes a bundle of {made.tell() / 1e6:,.0f} MB, and at most "
            f"{MAX_BUNDLE_BYTES / 1e6:,.0f} MB can be imported; train a smaller model"
        )
    return made.getvalue()


# ---- in


def import_bundle(store: ModelStore, path: Path, *, label: str = "", name: str | None = None) -> Card:
    """Keep a bundle's model as the next version of its name, or of ``name``; a StoreError says why not.

    ``label`` is what the person calls the file.
    """
    from engine.data.dataset import shown_name
    from engine.model import Card

    label = shown_name(label or path.name)
    wanted = None if name is None else validated_name(name)
    try:
        if label.lower().endswith(RUNS_CODE):
            raise _runs_code()
        manifest, parts = read_bundle(path)
        _try_in_child(path)
    except StoreError as problem:
        raise StoreError(f"'{label}' was not imported: {problem}") from None
    from engine.trial import PROBE

    kept = {part: data for part, data in parts.items() if part != PROBE}
    kept_since = manifest["created"][:16].replace("T", " ")
    origin = f"{label}, there {manifest['name']}@{manifest['version']} of {kept_since} UTC"
    ref = store.save(wanted or manifest["name"], {**manifest, "origin": origin}, kept)
    return Card.from_dict(store.card(ref))


def read_bundle(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest of a bundle and its parts, each as the manifest describes it; nothing of it is put together yet."""
    size = path.stat().st_size
    if size > MAX_BUNDLE_BYTES:
        raise StoreError(
            f"a bundle may have {MAX_BUNDLE_BYTES / 1e6:,.0f} MB, this file has {size / 1e6:,.0f}"
        )
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_SIGNATURES):
        raise _runs_code()
    if not start.startswith(b"PK\x03\x04"):
        raise StoreError(
            "this is not a bundle; a bundle is the .zip that 'models export' or the models page made"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive.infolist())
            manifest = read_manifest(_part(archive, MANIFEST, MAX_MANIFEST_BYTES))
            return manifest, _checked_parts(archive, manifest["parts"])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise StoreError("the zip file is damaged; export the model again, or copy the file again") from None


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Raise unless the zip holds few plain files that may lie in a model's folder, and no bomb."""
    names = [entry.filename for entry in entries]
    for name in names:
        if name.lower().endswith(RUNS_CODE):
            raise _runs_code(name)
    if len(names) > MAX_PARTS:
        raise StoreError(f"a bundle has at most {MAX_PARTS} parts, this one has {len(names)}")
    if len({name.casefold() for name in names}) < len(names):
        raise StoreError("it holds the same part twice")
    if MANIFEST not in names:
        raise StoreError(f"it holds no {MANIFEST}, so it is not a bundle; export the model as a Loupe bundle")
    for entry in entries:
        _check_entry(entry)
    total = sum(entry.file_size for entry in entries)
    if total > MAX_INFLATED:
        raise StoreError(
            f"it unpacks to {total / 1e6:,.0f} MB, and at most {MAX_INFLATED / 1e6:,.0f} are read"
        )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, mode = entry.filename, entry.external_attr >> 16
    shown = ascii(name[:80])
    plain = name.isascii() and "/" not in name and "\\" not in name and not name.startswith(".")
    if not plain or "\0" in entry.orig_filename or ":" in name:
        raise StoreError(f"its parts must be plain files without folders, found {shown}")
    if not name.endswith(PART_SUFFIXES):
        raise StoreError(f"its parts must end in {' or '.join(PART_SUFFIXES)}, found {shown}")
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        raise StoreError(f"its part {shown} is a link or a folder, and must be a plain file")
    if entry.flag_bits & 0x1:
        raise StoreError(f"its part {shown} is encrypted; export the model again without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise StoreError(f"its part {shown} is packed in a way that is not read; zip it again with 'deflate'")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        raise StoreError(f"its part {shown} unpacks to more than {MAX_RATIO} times its size")


def _part(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The content of a part, of which no more than ``limit`` bytes are unpacked."""
    with archive.open(name) as part:
        pieces, left = [], limit + 1
        while left > 0 and (piece := part.read(min(_CHUNK, left))):
            pieces.append(piece)
            left -= len(piece)
    if left <= 0:
        raise StoreError(f"its part '{name}' is larger than it may be")
    return b"".join(pieces)


def _checked_parts(archive: zipfile.ZipFile, parts: dict[str, Any]) -> dict[str, bytes]:
    """Every part the manifest lists, as it describes it; a part it does not list is refused."""
    unlike = set(archive.namelist()) ^ {*parts, MANIFEST}
    if unlike:
        raise StoreError(f"its {MANIFEST} and its parts differ: {', '.join(map(repr, sorted(unlike)))}")
    contents = {name: _part(archive, name, saved["size"]) for name, saved in parts.items()}
    for name, saved in parts.items():
        if described(contents[name]) != saved:
            raise StoreError(f"its part '{name}' was changed after it was exported")
    return contents


def _try_in_child(path: Path) -> None:
    """Have a process with limits put the model together and score its probe."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_HOME), os.environ.get("PYTHONPATH"))))
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", "engine.trial"],
            input=json.dumps({"bundle": str(path.absolute())}).encode(),
            capture_output=True,
            env=environment,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StoreError(f"trying it took more than {TRIAL_SECONDS:.0f} seconds") from None
    if child.stderr:
        _LOG.warning("trying a bundle: %s", child.stderr.decode("utf-8", "replace")[-4000:])
    try:
        outcome = json.loads(child.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise StoreError(
            "trying it ended without an answer: it needs too much memory, or is damaged"
        ) from None
    if "error" in outcome:
        raise StoreError(str(outcome["error"]))


def _runs_code(part: str = "") -> StoreError:
    """The refusal of a file, or of a part in it, that is no data."""
    found = f"it holds {part[:80]!a}: " if part else ""
    return StoreError(f"{found}this file can run code when opened; export the model as a Loupe bundle")
