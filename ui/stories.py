"""The stories of the first page: one click has a model judge a sample, and ends on an anomaly with reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from engine import Dataset, Result, Story, offers_for
from ui import cache, server, upload, waiting
from ui.panels import page
from ui.session import session


def stories(known: Sequence[Story]) -> None:
    """A card for each story, with its button."""
    st.subheader("See it at work", anchor=False)
    grid = st.grid(4, min_column_width=180, gap="small")
    chosen = None
    for story in known:
        with grid.cell(), st.container(border=True, height="stretch"):
            st.markdown(f"**{story.title}**")
            st.caption(story.promise)
            if st.button("Show me", key=f"story-{story.key}", icon=":material/play_arrow:"):
                chosen = story
    if chosen is not None:
        _tell(chosen)


def ending(known: Sequence[Story], found: Result, data: Dataset, row: int) -> None:
    """What the anomaly of a story means, and the ways on; nothing on any other row."""
    name = found.model.partition("@")[0]
    story = next((each for each in known if each.file == data.name and name in each.models), None)
    if story is None or row != _telling_row(found, data):
        return
    with st.container(border=True, key="story"):
        st.markdown(f":material/auto_stories: **{story.title}.** {story.ending}")
        if data.roles.label:
            st.caption(
                "Of the rows that are known to be anomalies, this one is the most unusual to the model."
            )
        with st.container(horizontal=True):
            if st.button(
                "All that is flagged, and a report to send", icon=":material/flag:", key="story-results"
            ):
                st.switch_page(page("results"))
            if data.roles.label and st.button("Was it right?", icon=":material/rule:", key="story-evaluate"):
                st.switch_page(page("evaluate"))


def _tell(story: Story) -> None:
    """Open the sample, judge it where nobody has before, and turn to the anomaly."""
    data = upload.opened(story.sample)
    model = _model(story, data)
    current = session()
    current.open_dataset(data.id)
    if model is None:
        st.switch_page(page("detect"))
    results = server.workspace().results
    result = results.id_of(model, data.id)
    if not results.exists(model, data.id):
        spec = {"model": model, "mapping": {}}
        result = waiting.done("score", data, spec, f"{model} judges {data.name}")["result"]
    current.open_result(result)
    current.row = _telling_row(cache.result(result), data)
    st.switch_page(page("inspect"))


def _model(story: Story, data: Dataset) -> str | None:
    """The first model of the story that is there and fits; else the best that fits; None without any."""
    found, _ = offers_for(server.workspace().models, data, printed=cache.fingerprint)
    fitting = [offer.card for offer in found if offer.fit.fits]
    wanted = [card for name in story.models for card in fitting if card.name == name]
    best = next(iter([*wanted, *fitting]), None)
    return None if best is None else best.id


def _telling_row(found: Result, data: Dataset) -> int | None:
    """The most unusual row that is known to be an anomaly; without known answers the most unusual of all."""
    order = np.asarray(found.order)
    if data.roles.label is not None:
        truth = cache.labels(data.id, data.roles.label)[0]
        known = order[truth[order] == 1]
        order = known if len(known) else order
    return int(order[0]) if len(order) else None
