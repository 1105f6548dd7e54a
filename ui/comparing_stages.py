"""Two stages of learning classes beside one, and beside plain classifiers, on the same rows: measured by a job."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import ClassEvaluation, Dataset, charts, kept_stages
from ui import cache, server, watching_one
from ui.evaluating_classes import contestants
from ui.panels import in_plain_words, plain
from ui.pictures import Figure, show

KIND = "stages"


def show_stages(data: Dataset, results: tuple[str, ...]) -> None:
    """What pre-training is worth, for a model that learned classes from this data; nothing where there is none."""
    taught = {
        found.model: found for found in map(cache.result, results) if found.classes and found.classes.column
    }
    if not taught:
        return
    st.subheader("Two stages or one?", anchor=False)
    with in_plain_words():
        model = next(iter(taught))
        if len(taught) > 1:
            model = st.selectbox("Model that names classes", list(taught), key=f"stages-of-{data.id}")
        found = taught[model]
        kept = kept_stages(server.workspace().results, found.id)
        if kept is None:
            st.caption(
                plain(
                    f"With the settings of {model}, classes are learned twice from the same labels: after learning to "
                    "fill in hidden columns, and without. Plain classifiers stand beside both. It takes about twice as "
                    "long as the training did."
                )
            )
            title = f"Two stages beside one, as {model}"
            label = "Compare two stages with one"
            watching_one.button_or_progress(KIND, data, found, label, title=title, icon="stacks")
            return
        _told(kept)


def _told(kept: ClassEvaluation) -> None:
    st.caption(
        plain(
            f"All learned the classes in '{kept.column}' from the same {kept.learned:,} labelled rows, and are "
            f"measured on the same {kept.held_out:,} held out."
        )
    )
    st.markdown(_verdict(kept))
    contestants(kept)
    st.markdown("**Average precision of each class**")
    shown = {
        each["title"]: {one["name"]: one["average_precision"] for one in each["classes"]}
        for each in kept.contestants
    }
    names = [one["name"] for one in kept.contestants[0]["classes"]]
    st.dataframe(
        [{"Class": name, **{title: known.get(name) for title, known in shown.items()}} for name in names],
        key="stages-by-class",
        hide_index=True,
        placeholder="–",
        column_config={title: st.column_config.NumberColumn(format="%.3f") for title in shown},
    )
    _losses(kept)


def _verdict(kept: ClassEvaluation) -> str:
    """Who is ahead by macro-F1, and by how much."""
    two, one = kept.contestants[0], kept.contestants[1]
    best = max(kept.contestants, key=lambda each: each["macro_f1"])
    ahead = two["macro_f1"] - one["macro_f1"]
    which = "Two stages are ahead of one" if ahead > 0 else "One stage is ahead of two"
    said = f"{which} by **{abs(ahead):.3f}** of macro-F1" if ahead else "Both come to the same macro-F1"
    return f"{said}; best of all is **{plain(best['title'])}** with {best['macro_f1']:.3f}."


def _losses(kept: ClassEvaluation) -> None:
    """The losses of each stage of each, side by side."""
    figures = []
    for each in kept.contestants:
        for stage in sorted({int(record["stage"]) for record in each["history"]}):
            records = [record for record in each["history"] if int(record["stage"]) == stage]
            title = f"{each['title']}: {'fills in hidden columns' if stage == 1 else 'names classes'}"
            key = f"stages-{each['title']}-{stage}"
            figures.append(Figure(key.replace(" ", "-"), title, partial(charts.loss_curves, records)))
    for first in range(0, len(figures), 2):
        for place, figure in zip(st.columns(2, gap="large"), figures[first : first + 2], strict=False):
            with place:
                st.markdown(f"**{plain(figure.title)}**")
                show(figure)
