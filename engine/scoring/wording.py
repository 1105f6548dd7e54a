"""Numbers and days as a person writes them, wherever the engine speaks of data."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import floor, isfinite, isinf, log10

NOT_MEASURED = "not measured"  # of reasons that nobody worked out


def number_in_words(number: float) -> str:
    """Four significant digits, thousands marked: 9,800 · 0.01234 · 1.2e+09."""
    if not isfinite(number):
        return "infinite" if isinf(number) else "missing"
    if number == 0:
        return "0"
    if 1e-4 <= abs(number) < 1e9:
        digits = max(0, 3 - floor(log10(abs(number))))
        text = f"{number:,.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{number:.3g}"


def day_in_words(seconds: float) -> str:
    """The day of a moment given in seconds since 1970: 2024-05-06."""
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(seconds)):%Y-%m-%d}"
    except (OverflowError, ValueError):  # a file may hold a moment no calendar knows
        return number_in_words(seconds)


def moment_in_words(at: object) -> str:
    """A moment without a midnight or zeros that say nothing: 2024-05-06 · 2024-05-06 07:08:09.5."""
    return re.sub(r"(\.\d*?)0+$", r"\1", str(at).removesuffix(" 00:00:00"))


def percent(share: float) -> str:
    """A share as a percentage with as many digits as it deserves: 40 % · 2.5 % · 0.04 %."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
