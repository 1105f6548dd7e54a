"""Two models side by side, with what is different marked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import Card
from ui.panels import plain

DIFFERENT = ":orange-badge[differs]"


def two_models(cards: Sequence[Card]) -> None:
    """Choose two of all versions of all models, and see their cards beside each other."""
    known = {card.id: card for card in cards}
    if len(known) < 2:
        return
    with st.expander("Compare two models", icon=":material/compare:"):
        left, right = st.columns(2)
        refs = list(known)
        first = left.selectbox("One", refs, index=0, key="compare-one")
        second = right.selectbox("The other", refs, index=1, key="compare-other")
        only = st.toggle("Only what differs", key="compare-only")
        if first == second:
            st.caption("Choose two different ones.")
            return
        _table(known[first], known[second], only=only)


def _table(one: Card, other: Card, *, only: bool) -> None:
    a, b = facts(one), facts(other)
    names = [name for name in {**a, **b} if not only or a.get(name) != b.get(name)]
    st.table(
        {
            one.id: {name: plain(a.get(name, "–")) for name in names},
            other.id: {name: plain(b.get(name, "–")) for name in names},
            "": {name: DIFFERENT if a.get(name) != b.get(name) else "" for name in names},
        }
    )


def facts(card: Card) -> dict[str, str]:
    """What may differ between two models, by name."""
    hyperparameters = {f"Hyperparameter {name}": str(value) for name, value in card.hyperparameters.items()}
    return {
        "Detector": card.title,
        **hyperparameters,
        "Threshold": f"{card.threshold:.6g}",
        "Rule": f"{card.rule['kind']} {card.rule['value']:g}",
        "Columns": ", ".join(sorted(card.columns)),
        "Left out": ", ".join(sorted(card.left_out)) or "none",
        "Readings per window": str(card.window) if card.window else "not a series",
        "Rows": f"{card.rows:,}",
        "Rows judged": f"{card.judged:,}",
        "Data": card.dataset,
        "Data sha256": card.dataset_hash[:16],
        "Imported" if card.origin else "Kept": f"{card.created[:16].replace('T', ' ')} UTC",
        "Training took": f"{card.seconds:.1f} s",
        "Versions": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
    }
