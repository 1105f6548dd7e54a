"""What a file really is, told by its first bytes; the name only breaks ties."""

from __future__ import annotations

import re
from typing import Literal

from engine.errors import ReadingError

Kind = Literal["xlsx", "xls", "ods", "parquet", "json", "text", "gz", "zip"]

_TO_CSV = "save the table as CSV, XLSX or Parquet and bring that"
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a rich-text document"),
    (b"%!PS", "a PostScript document"),
    (b"\x7fELF", "a program"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ARROW1\x00\x00", "an Arrow/Feather file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"fLaC", "a sound file"),
)
_PACKED = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"(\xb5/\xfd", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
)
_MAY_BE_BLANK = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def kind_of(data: bytes, name: str) -> Kind:
    """The format of ``data``, or a ReadingError that says what else it is."""
    if len(data) < _MAY_BE_BLANK and not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise ReadingError(f"'{name}' is empty; choose a file with a header and rows.")
    if data[:4] == b"PAR1":
        return "parquet"
    if data[:2] == b"\x1f\x8b":
        return "gz"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip_kind(data, name)
    if data[:8] == _OLE:
        return _ole_kind(data, name)
    _refuse_foreign(data, name)
    return _text_kind(data, name)


def _zip_kind(data: bytes, name: str) -> Kind:
    if data[30:38] == b"mimetype" and b"opendocument" in data[38:120]:
        if b"opendocument.spreadsheet" in data[38:120]:
            return "ods"
        raise ReadingError(f"'{name}' is an OpenDocument file but no spreadsheet; {_TO_CSV}.")
    listing = data[-min(len(data), 1 << 18) :]  # the directory of a zip stands at its end
    if b"xl/workbook.bin" in listing:
        raise ReadingError(
            f"'{name}' is a binary Excel workbook (XLSB); open it in Excel and save it as .xlsx."
        )
    if b"xl/" in listing and b"[Content_Types].xml" in data:
        return "xlsx"
    for part, what in (
        (b"word/", "a Word document"),
        (b"ppt/", "a PowerPoint file"),
        (b"Index/", "a Numbers or Pages file"),
    ):
        if part in listing and (b"[Content_Types].xml" in data or part == b"Index/"):
            raise ReadingError(f"'{name}' is {what}, not a table; {_TO_CSV}.")
    return "zip"


def _ole_kind(data: bytes, name: str) -> Kind:
    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if holds("EncryptedPackage") or holds("EncryptionInfo"):
        raise ReadingError(f"'{name}' is protected by a password; open it in Excel and save it without one.")
    if holds("Workbook") or holds("Book"):
        return "xls"
    raise ReadingError(f"'{name}' is an old Office file but no Excel workbook; {_TO_CSV}.")


def _refuse_foreign(data: bytes, name: str) -> None:
    for magic, method in _PACKED:
        if data.startswith(magic):
            raise ReadingError(f"'{name}' is packed with {method}; unpack it, or pack it with gzip or zip.")
    what = next((what for magic, what in _FOREIGN if data.startswith(magic)), None)
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        what = "a picture" if data[8:12] == b"WEBP" else "a sound or video file"
    if data[4:8] == b"ftyp":
        what = "a video or picture"
    if data[:2] in (b"BM", b"MZ") and b"\x00" in data[:64]:
        what = "a BMP picture" if data[:2] == b"BM" else "a program"
    if data[257:262] == b"ustar":
        what = "a tar archive"
    if what:
        raise ReadingError(f"'{name}' is {what}, not a table; {_TO_CSV}.")


def _text_kind(data: bytes, name: str) -> Kind:
    start = as_plain_text(data[:4096]).lstrip("\ufeff \t\r\n")
    low = start[:2048].lower()
    if low.startswith(("<!doctype html", "<html", "<head", "<body", "<table", "<div", "<meta")) or (
        low.startswith(("<?xml", "<!--")) and "<html" in low
    ):
        raise ReadingError(
            f"'{name}' is a web page (HTML), not a table; open it in Excel and save it as .xlsx."
        )
    if low.startswith("<?xml") or re.match(r"<[a-z][\w:.-]*[\s>]", low):
        what = (
            "an Excel 2003 XML spreadsheet"
            if "mso-application" in low or "office:spreadsheet" in low
            else "XML"
        )
        raise ReadingError(f"'{name}' is {what}, which cannot be read as a table; {_TO_CSV}.")
    claims = name.lower().endswith((".json", ".jsonl", ".ndjson"))
    if claims and len(data) < 4096 and re.fullmatch(r'-?\d[\d.eE+-]*|true|false|null|"[^"]*"', start.strip()):
        return "json"  # a single value: its reader says why that is no table
    if start[:1] in ("{", "["):
        end = as_plain_text(data[-256:]).rstrip("\x00 \t\r\n")
        looks = re.match(r'\{\s*("|\}|$)|\[\s*([\[{"\]\d-]|null|true|false|NaN|$)', start) is not None
        if claims or (looks and (end[-1:] in ("}", "]") or start[0] == "{")):
            return "json"
    return "text"


def as_plain_text(data: bytes) -> str:
    """Bytes as text good enough to look at: UTF-16 without its zeros, anything else byte by byte."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:64].count(b"\x00") > 16:
        data = data.replace(b"\xff\xfe", b"").replace(b"\xfe\xff", b"").replace(b"\x00", b"")
    return data.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
