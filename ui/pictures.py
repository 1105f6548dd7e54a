"""Charts that are shown, and can be taken away as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from engine import Dataset, charts, picture_name
from ui import server
from ui.panels import chart, plain
from ui.session import owner, theme

OFFERED: tuple[charts.Format, ...] = ("png", "svg")


@dataclass(frozen=True)
class Figure:
    """A chart by the key of its place, its title, and how it is drawn for a theme."""

    key: str
    title: str
    draw: Callable[..., charts.Chart]  # (*, theme)
    height: int | None = None


def show(figure: Figure, *, on_select: Callable[[str], None] | None = None, still: str = "") -> None:
    """Draw a figure for the theme the visitor sees; ``on_select`` as for :func:`ui.panels.chart`.

    ``still`` describes a figure whose own sentence changes with what a slider moves, which would have the browser build
    the chart again; the sentence then stands below it.
    """
    drawn = figure.draw(theme=theme())
    chart(replace(drawn, alt=still or drawn.alt), figure.key, figure.height, on_select=on_select)
    if still:
        st.caption(plain(drawn.alt))


def take_away(
    figures: Sequence[Figure], data: Dataset, model: str, content: str = "", *, key: str = "charts-away"
) -> None:
    """A popover with every figure in every format, filled when it is opened; drawn on white when it is asked for.

    ``content`` changes with what the figures show, beside data and model; ``key`` tells popovers of a page apart.
    """
    if not figures:
        return
    box = st.popover("Take the charts away", icon=":material/image:", key=key, on_change="rerun")
    if not box.open:
        return
    who = owner()  # the download runs outside the page and could not ask
    with box:
        for figure in figures:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(figure.title, width="stretch")
                for format in OFFERED:
                    st.download_button(
                        format.upper(),
                        data=partial(_made, figure, format, data, model, who),
                        file_name=picture_name(
                            data.name, model, f"{data.sha256} {content}", figure.title, format
                        ),
                        on_click="ignore",
                        key=f"picture-{figure.key}-{format}",
                    )
        st.caption("Drawn on white, as of now: at the threshold in use.")


def _made(figure: Figure, format: charts.Format, data: Dataset, model: str, who: str) -> bytes:
    """The file, drawn by a job process: what draws weighs much and this process has no other use for it."""
    drawn = figure.draw(theme="light")
    spec = {
        "chart": drawn.spec,
        "alt": drawn.alt,
        "title": figure.title,
        "below": f"{data.name}, {model}",
        "format": format,
    }
    answer = server.answer("picture", data.id, spec, owner=who, title=f"Drawing {figure.title}")
    path = Path(answer["path"])
    content = path.read_bytes()
    path.unlink(missing_ok=True)
    return content
