"""What the labels given so far say: how right the flags are, which threshold suits them; files of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from engine import (
    Card,
    Dataset,
    Judgement,
    Labels,
    Result,
    bring_labels,
    labels_csv,
    precision_so_far,
    threshold_from_labels,
)
from ui import cache, labelling, labelling_row, server, upload
from ui.panels import attempt, page
from ui.session import session, widget


def chosen_rows(found: Result, data: Dataset, rows: Sequence[int]) -> None:
    """What can be done with the rows ticked in a table: label them, or look at one."""
    if not rows:
        st.caption("Tick rows to label them, or one to see why it is unusual.")
        labelling.saved()
        return
    labelling.bar(found, data, rows, place="rows", then=_fresh_table)
    if len(rows) == 1 and st.button(f"Why is row {rows[0] + 1:,} unusual?", icon=":material/zoom_in:"):
        session().row = rows[0]
        st.switch_page(page("inspect"))


def board(found: Result, card: Card, data: Dataset, answer: Judgement) -> None:
    """The labels in numbers, what follows from them, and files of labels."""
    labels = cache.given_labels(data)
    st.subheader("Labels", anchor=False)
    if len(labels):
        _numbers(found, labels, answer)
    else:
        st.caption(
            "No row is labelled yet. Labels say how right the flags are, and a detector can learn from them."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if labelling_row.next_button(found, card, data):
            st.switch_page(page("inspect"))
        if len(labels):
            if st.button("Train with these labels", icon=":material/model_training:", key="label-train"):
                session().teach = True
                st.switch_page(page("detect"))
            stamp = hashlib.sha256(str(labels.own[-1].sequence if labels.own else 0).encode()).hexdigest()[:8]
            st.download_button(
                "Labels (CSV)",
                data=partial(_csv, data),
                file_name=f"labels__{data.id}__{stamp}.csv",
                on_click="ignore",
                icon=":material/download:",
                key="download-labels",
            )
        labelling.undo(data, "board", keys=False)
        with st.popover("Bring labels", icon=":material/upload_file:"):
            _uploader(data)


def _numbers(found: Result, labels: Labels, answer: Judgement) -> None:
    scores = np.asarray(found.values[labels.rows])
    line = answer.threshold if answer.own is None else answer.own.of_rows[labels.rows]
    precision = precision_so_far(scores, labels.answers, line, flagged=answer.flagged)
    counts = labels.counts
    with st.container(horizontal=True):
        st.metric("Labelled rows", f"{len(labels):,}")
        st.metric("Anomalies", f"{counts['anomaly']:,}")
        st.metric("Normal", f"{counts['normal']:,}")
        if counts["unsure"]:
            st.metric("Not sure", f"{counts['unsure']:,}")
        st.metric(
            "Precision so far",
            "no label yet" if precision.share is None else f"{100 * precision.share:.0f} %",
            help="Of the flagged rows with a label, the share that are anomalies.",
        )
    if precision.labelled:
        low, high = precision.interval
        have = "has" if precision.labelled == 1 else "have"
        st.caption(
            f"Of {precision.flagged:,} flagged rows {precision.labelled:,} {have} a label. Were they drawn by lot, the "
            f"precision would lie between {100 * low:.0f} and {100 * high:.0f} %."
        )
    _threshold(found, scores, labels, answer)


def _threshold(found: Result, scores: np.ndarray, labels: Labels, answer: Judgement) -> None:
    """The threshold that suits the labels best, a click away."""
    best = threshold_from_labels(scores, labels.answers)
    if best is None:
        st.caption("A threshold is suggested once there are anomalies and normal rows among the labels.")
        return
    caught = f"{best.caught:,} of {best.anomalies:,} labelled anomalies and {best.false_alarms:,} of {best.normal:,}"
    flags = f"it flags {found.flagged(best.threshold):,} rows here"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"The labels suggest the threshold **{best.threshold:.5g}**: {caught} normal rows lie above it; {flags}.",
            width="stretch",
        )
        st.button(
            "Use it",
            key="label-threshold",
            disabled=best.threshold == answer.threshold,
            on_click=session().set_rule,
            args=("fixed", best.threshold),
        )


def _uploader(data: Dataset) -> None:
    key = f"labels-file-{session().tables}"
    st.file_uploader(
        "A CSV file with a label for a row, an id or a time",
        type=["csv", "txt"],
        key=key,
        on_change=_bring,
        args=(data, key),
    )
    st.caption(
        "Such as `series,timestamp,value,label`, an id and a label, or `row,label`; a label is 1 or 0, −1 or 1, a "
        "word, or a class."
    )


def _bring(data: Dataset, key: str) -> None:
    file = widget(key)
    if file is None:
        return

    def bring() -> None:
        new, found = bring_labels(server.labels(), data, file.getvalue(), who=labelling.analyst())
        noticed = " ".join(finding.text for finding in found.findings)
        said = f"Saved: {new:,} labels." if new else "All of these labels were saved before."
        session().saved = f"{said} {noticed}"

    attempt(bring)
    upload.release(file)
    _fresh_table()


def _csv(data: Dataset) -> bytes:
    return labels_csv(cache.given_labels(data), data)


def _fresh_table() -> None:
    """A table, or an uploader, without what was chosen in it."""
    session().tables += 1
