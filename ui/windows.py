"""The window around a reading as its detector sees it: rebuilt by a network, and beside the most similar normal one."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Normal, Rebuilt, SeriesFiles, WindowView, charts
from ui.panels import chart, plain
from ui.session import theme

ALL = 0  # the passes together
VIEWS = {
    "raw": "compared as they are",
    "centred": "compared without their level: the normal one is drawn at the level of this one",
    "normalised": "compared without level and size: the normal one is drawn at the level and in the size of this one",
}


def pictures(view: WindowView, channel: str, files: SeriesFiles) -> None:
    """All that the detector sees in one channel of a window."""
    if channel not in view.channels:
        st.caption("This channel adds too little to the score to be looked at closer.")
        return
    if view.rebuilt is not None:
        _rebuilt(view, view.rebuilt, channel, files)
    if view.normal is not None:
        _normal(view, view.normal, channel, files)


def _rebuilt(view: WindowView, rebuilt: Rebuilt, channel: str, files: SeriesFiles) -> None:
    """The window as measured and as a network rebuilds it, and how far every channel is off."""
    passes, window = len(rebuilt.masks), slice(rebuilt.begin, rebuilt.begin + len(rebuilt.teacher))
    number = view.channels.index(channel)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader(
            "As a network rebuilds it",
            anchor=False,
            help="Patches of the window are hidden from two networks that have to rebuild them from the rest. The "
            "teacher learned it from ordinary windows, the smaller student learned to agree with it. Where a "
            "rebuilt line leaves the measured one, or the two leave each other, the reading is strange.",
        )
        chosen = ALL
        if passes > 1:
            chosen = st.segmented_control(
                "Passes",
                range(passes + 1),
                default=ALL,
                required=True,
                format_func=lambda number: f"Pass {number}" if number else "All passes",
                key="passes",
                help="In each pass other patches are hidden, which are shaded here. All passes: each patch as "
                "rebuilt in the pass that hid it.",
            )
    one = int(chosen) if passes > 1 else 1
    drawn = charts.rebuilt_window(
        view.seconds[window],
        view.values[window, number],
        rebuilt.teacher[:, number],
        rebuilt.student[:, number],
        rebuilt.discrepancy[:, number],
        view.at - rebuilt.begin,
        rebuilt.masks[one - 1] if one else None,
        channel=channel,
        clock=files.clock,
        theme=theme(),
    )
    chart(drawn, "rebuilt")
    st.markdown(
        "**Error of each channel**",
        help="How far the teacher's line is from the measured one, in sizes of the window: in standard deviations "
        "of its readings. The channels that add most to the score come first.",
    )
    errors = charts.error_map(
        view.channels, view.seconds[window], rebuilt.error, clock=files.clock, theme=theme()
    )
    chart(errors, f"errors-{len(view.channels)}")


def _normal(view: WindowView, normal: Normal, channel: str, files: SeriesFiles) -> None:
    """The window over the most similar normal one, and how unusual so large a distance is."""
    st.subheader(
        "The most similar normal window",
        anchor=False,
        help="Of all windows the model keeps from training, the one nearest to this one, at the length and in the "
        "view in which this reading is strangest. The distance counts all channels together.",
    )
    length, number = len(normal.values), view.channels.index(channel)
    window = slice(normal.begin, normal.begin + length)
    than = "any of" if normal.percentile >= 100 else f"{normal.percentile:.4g} % of"
    began = "" if np.isnan(normal.origin) else f" It began {charts.moment(normal.origin, clock=files.clock)}."
    st.markdown(
        f"{length:,} readings, {VIEWS[normal.view]}. It is **{normal.ratio:.3g} times** as far away as usual: farther "
        f"than {than} the windows of training are from their nearest. {100 * normal.parts[number]:.0f} % of the "
        f"distance lies in {plain(channel)}.{began}"
    )
    drawn = charts.normal_window(
        view.seconds[window],
        view.values[window, number],
        normal.values[:, number],
        view.at - normal.begin,
        channel=channel,
        clock=files.clock,
        theme=theme(),
    )
    chart(drawn, "normal")
