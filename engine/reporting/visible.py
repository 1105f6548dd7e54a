"""Texts of a stranger's file without what cannot be seen, or turns the direction of writing: each is written out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.charts.chart import Chart

# Controls, zero width, marks and overrides of direction, tags, halves of characters. Joiners stay: letters of many
# scripts need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with such characters as ``[U+202E]``; tabs and line feeds stay."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def visible_chart(chart: Chart) -> Chart:
    """A chart with all its texts visible: a picture may not hold a control character."""
    return Chart(_visible(chart.spec), visible(chart.alt))


def _visible(node: Any) -> Any:
    if isinstance(node, str):
        return visible(node)
    if isinstance(node, Mapping):
        return {key: _visible(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_visible(value) for value in node]
    return node
