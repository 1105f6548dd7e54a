"""Evaluate without labels: who agrees with a model, how steady it is, what it finds of injected anomalies."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Card, Judgement, Result, agreeing, kept_unlabelled
from ui import cache, comparing_unlabelled, glance, server
from ui.panels import in_plain_words, plain
from ui.session import remember
from ui.threshold import expected, judged, remark, threshold_control

MOST = 8  # other models


@st.fragment
def board(found: Result, card: Card) -> None:
    """What can be said, and what cannot, at the one threshold."""
    with in_plain_words():
        knobs, facts = st.columns([1, 2.4], gap="large")
        with knobs:
            rule = threshold_control(found, card, None)
            st.caption(plain(rule.sentence))
            now = judged(found, card, rule, None)
            remark(now)
            st.caption(
                f"Flags {now.flagged:,} of {now.judged:,} rows here. To expect of ordinary data: "
                f"{expected(now.expected, glance.readings_a_day(found))}."
            )
        with facts:
            st.caption(
                "None of this says whether the flagged rows are real anomalies: a model can be steady, agreed with, "
                "and wrong. To know, label some rows."
            )
            _agreement(found, now)
        glance.every_rule(found, card, None, rule)
        _injected(found, now)
    remember()


def _agreement(found: Result, now: Judgement) -> None:
    """This model beside every other that judged the same data."""
    st.markdown("**Agreement between detectors** that judged this data")
    others = [id for id in server.workspace().results.of_dataset(found.dataset) if id != found.id][:MOST]
    rows = []
    for id in others:
        other = cache.result(id)
        order, top = agreeing(np.asarray(found.values), np.asarray(other.values), now.flagged)
        rows.append(
            {
                "Model": other.model,
                "Detector": cache.card(other.model).title,
                "Flagged by both": "nothing to compare" if top is None else f"{100 * top:.0f} %",
                "Rank correlation": "nothing to compare" if order is None else f"{order:.2f}",
            }
        )
    if not rows:
        st.caption("No other model has judged this data yet. Train another detector under Detect.")
        return
    st.dataframe(rows, hide_index=True, width="stretch")
    st.caption(
        f"Flagged by both: of the {now.flagged:,} rows flagged here, those that the other also has among its "
        f"{now.flagged:,} most unusual. Rank correlation is Spearman's, over all rows: 1 is the same order, 0 is none."
    )


def _injected(found: Result, now: Judgement) -> None:
    """What is found of injected anomalies at the threshold in use, once a job has made some."""
    kept = kept_unlabelled(server.workspace().results, found.id)
    recalls = {} if kept is None else kept.found_at(now.threshold)
    if not recalls:
        return
    st.markdown("**Recall of injected anomalies**, at this threshold")
    with st.container(horizontal=True):
        for kind, share in recalls.items():
            name, help = comparing_unlabelled.FOUND[kind]
            st.metric(name, f"{100 * share:.0f} %", help=help)
