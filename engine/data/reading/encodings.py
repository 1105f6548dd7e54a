"""In which alphabet a text file is written: byte order marks, UTF-8, UTF-16, or an old Windows code page."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from engine.data.reading.types import Finding, Level
from engine.errors import ReadingError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 1 << 18
_SYMBOLS = "°µ²³±€£§«»–—’‘“”„…×·½¼¾©®´\u00a0"
# letters beyond ASCII of the languages each code page was made for; earlier lines win ties
_ALPHABETS = (
    ("cp1252", "äöüßé"),
    ("cp1252", "àâçéèêëîïôùûüÿœæ"),
    ("cp1252", "áéíñóúü¿¡"),
    ("cp1252", "ãõáâàçéêíóôú"),
    ("cp1252", "æøåéäö"),
    ("cp1252", "àèéìòù"),
    ("cp1250", "ąćęłńóśźż"),
    ("cp1250", "áčďéěíňóřšťúůýž"),
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),
    ("cp1250", "áéíóöőúüű"),
    ("cp1250", "čćđšž"),
    ("cp1254", "çğıöşüİâ"),
    ("cp1251", "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ№"),
    ("cp1253", "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώ"),
    ("cp1252", "äöüßéàâçèêëîïôùûÿœæáíñóúãõøåìò¿¡"),  # several western languages in one file
)
_OTHER_SCRIPTS = {"cp1251", "cp1253"}  # whole words beyond ASCII, where Latin languages have single letters
_EAST_ASIAN = (
    ("shift_jis", r"[\u3040-\u30ff]"),
    ("gb18030", r"[\u4e00-\u9fff]"),
    ("euc-kr", r"[\uac00-\ud7a3]"),
)


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A text file as UTF-8 bytes without mark, the codec it came in, and what was noticed."""

    utf8: bytes
    encoding: str
    findings: tuple[Finding, ...] = ()


def decoded(data: bytes, name: str, encoding: str | None = None) -> Decoded:
    """Turn the file into UTF-8, by the given codec or by the best guess."""
    findings: list[Finding] = []
    codec = _known(encoding) if encoding else _guessed(data, name)
    if codec == "utf-8":
        data = data.removeprefix(codecs.BOM_UTF8)
    if not codec.startswith(("utf-16", "utf-32")) and b"\x00" in data:
        data = _without_nul(data, name, findings)
    if codec != "utf-8" or not data.isascii():
        try:
            text = data.decode(codec)
        except (UnicodeDecodeError, LookupError) as error:
            raise ReadingError(f"'{name}' is not written in {codec}; choose another encoding.") from error
        data = data if codec == "utf-8" else text.removeprefix("\ufeff").encode("utf-8", "replace")
    if encoding is None and codec != "utf-8":
        certain = codec.startswith("utf")
        tail = "." if certain else "; check letters beyond a to z, or choose another encoding."
        sentence = f"The file is written in {codec}{tail}"
        level: Level = "info" if certain else "warning"
        findings.append(Finding(kind="encoding", text=sentence, level=level, option="encoding", value=codec))
    return Decoded(utf8=data, encoding=codec, findings=tuple(findings))


def _known(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding).name
    except LookupError as error:
        raise ReadingError(f"the encoding '{encoding}' is not known; try utf-8, utf-16 or cp1252.") from error
    return {"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(found, found)


def _guessed(data: bytes, name: str) -> str:
    marked = next((codec for mark, codec in _MARKS if data.startswith(mark)), None)
    if marked:
        return marked
    sample = data[:_SAMPLE]
    zeros = sample.count(b"\x00")
    if zeros > 0.2 * len(sample):
        return _utf16_without_mark(sample, name)
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        if error.end >= len(data) and error.start > len(data) - 4 and not sample[: error.start].isascii():
            return "utf-8"
    _refuse_binary(sample, name)
    return _code_page(data)


def _utf16_without_mark(sample: bytes, name: str) -> str:
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.6 * len(sample) / 2 or min(even, odd) > 0.1 * len(sample) / 2:
        raise _binary(name)
    return "utf-16-le" if odd > even else "utf-16-be"


def _binary(name: str) -> ReadingError:
    return ReadingError(f"'{name}' holds binary data, not a table; save the table as CSV, XLSX or Parquet.")


def _refuse_binary(sample: bytes, name: str) -> None:
    control = len(re.findall(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]", sample))
    if control > 0.02 * len(sample):
        raise _binary(name)


def _without_nul(data: bytes, name: str, findings: list[Finding]) -> bytes:
    n_zeros = data.count(b"\x00")
    _refuse_binary(data[:_SAMPLE], name)
    if n_zeros > 0.3 * len(data):
        raise _binary(name)
    plural = "" if n_zeros == 1 else "s"
    sentence = f"{n_zeros} NUL byte{plural} (often a sign of a damaged file) were left out."
    findings.append(Finding(kind="nul_bytes", text=sentence, level="warning"))
    return data.replace(b"\x00", b"")


def _code_page(data: bytes) -> str:
    """The code page whose languages explain most of the bytes beyond ASCII."""
    lines = [line for line in data[: 8 * _SAMPLE].splitlines() if not line.isascii()][:2000]
    sample = b"\n".join(lines)
    n_high = sum(byte > 127 for byte in sample)
    n_letters = sum(chr(byte).isalpha() for byte in sample)
    if n_letters and n_high > 0.5 * n_letters:
        for codec, script in _EAST_ASIAN:
            try:
                if len(re.findall(script, sample.decode(codec))) > 0.3 * n_high / 2:
                    return codec
            except UnicodeDecodeError:
                continue
    best, best_share = "cp1252", -1.0
    lonely = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample)) > 0.5 * n_high
    for codec, letters in _ALPHABETS:
        if lonely and codec in _OTHER_SCRIPTS:
            continue
        high = [letter for letter in sample.decode(codec, "replace") if letter > "\x7f"]
        share = sum(letter.lower() in letters or letter in _SYMBOLS for letter in high) / max(len(high), 1)
        if share > best_share + 0.02:
            best, best_share = codec, share
    if best == "cp1252" and re.search(rb"[\x81\x8d\x8f\x90\x9d]", data):
        return "latin-1"  # cp1252 has no letters there
    return best
