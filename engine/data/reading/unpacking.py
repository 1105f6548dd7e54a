"""The one file inside a gzip or zip, inflated in memory with a counter; nothing is ever written to disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

from engine.data.reading.limits import MAX_INFLATED, MAX_PARTS, MAX_RATIO, MB, RATIO_COUNTS_FROM
from engine.errors import ReadingError

_CHUNK = 1 << 20


WORKBOOKS = (".xlsx", ".xlsm", ".ods")  # formats that are zip archives inside


def bomb(name: str) -> ReadingError:
    """The one sentence for every file that grows out of all proportion."""
    return ReadingError(
        f"'{name}' unpacks to far more than it should (over {MAX_RATIO} times its size "
        f"or {MAX_INFLATED // MB} MB); unpack it yourself and bring the part you need."
    )


def check_growth(name: str, packed: int, inflated: int) -> None:
    """Raise where a part has grown beyond every honest table."""
    if inflated > MAX_INFLATED or (inflated > RATIO_COUNTS_FROM and inflated > MAX_RATIO * max(packed, 1)):
        raise bomb(name)


def gunzipped(data: bytes, name: str) -> tuple[bytes, str]:
    """What a gzip file holds, and the name it has without .gz."""
    pieces: list[bytes] = []
    total, rest = 0, data
    while rest[:2] == b"\x1f\x8b":  # gzip files may be concatenated
        inflater = zlib.decompressobj(wbits=31)
        while not inflater.eof:
            try:
                piece = inflater.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise ReadingError(f"'{name}' is a damaged gzip file; pack or download it again.") from error
            total += len(piece)
            check_growth(name, len(data), total)
            pieces.append(piece)
            rest = inflater.unconsumed_tail
            if not piece and not rest and not inflater.eof:
                raise ReadingError(
                    f"'{name}' ends in the middle (a truncated gzip file); download or copy it again."
                )
        rest = inflater.unused_data.lstrip(b"\x00")
    inner = name[:-3] if name.lower().endswith(".gz") else name
    return b"".join(pieces), inner


def unzipped(data: bytes, name: str) -> tuple[bytes, str]:
    """The only file in a zip archive, and its bare name."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _only_part(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        what, remedy = "a damaged or unusual zip archive", "pack it again, or unpack it"
        if name.lower().endswith(WORKBOOKS):
            what, remedy = (
                "a workbook that is damaged or was cut off",
                "copy or download it again, or save it anew",
            )
        raise ReadingError(f"'{name}' is {what}; {remedy}.") from error


def _only_part(archive: zipfile.ZipFile, name: str) -> tuple[bytes, str]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_litter(entry.filename)]
    if len(entries) > MAX_PARTS:
        raise ReadingError(f"'{name}' holds {len(entries)} files; bring one table at a time.")
    if not entries:
        raise ReadingError(f"'{name}' is an empty zip archive; choose one that holds a table.")
    if len(entries) > 1:
        names = ", ".join(f"'{_bare(entry.filename)}'" for entry in entries[:5])
        more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
        raise ReadingError(f"'{name}' holds {len(entries)} files ({names}{more}); bring one table at a time.")
    entry = entries[0]
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ReadingError(f"'{name}' holds only a link to another file; pack the file itself.")
    check_entry(entry, name)
    return inflated(archive, entry, name), _bare(entry.filename)


def check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    """Raise for a part that is encrypted, packed in an unusual way, or says itself that it is too large."""
    if entry.flag_bits & 1:
        raise ReadingError(f"'{name}' is protected by a password; unpack it, or save it without one.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ReadingError(
            f"'{name}' is packed in a way tables never are (not deflate); save or pack it again."
        )
    check_growth(name, entry.compress_size, entry.file_size)


def inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """A part's bytes, counted while they come so that a lying header does not help."""
    pieces, total = [], 0
    with archive.open(entry) as part:
        while piece := part.read(_CHUNK):
            total += len(piece)
            check_growth(name, entry.compress_size, total)
            pieces.append(piece)
    return b"".join(pieces)


def is_litter(path: str) -> bool:
    return path.startswith("__MACOSX/") or path.rsplit("/", 1)[-1] in (
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
    )


def _bare(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1][:120] or "file"
