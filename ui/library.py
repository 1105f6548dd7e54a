"""The model library: every model with its versions and cards; promote, roll back, compare, send, delete, verify."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Card, EngineError, charts, readable_card
from ui import bundles, cache, comparing, server
from ui.panels import attempt, chart, empty_state, page, plain
from ui.session import owner, session, theme

LOG_LINES = 12


def shelf() -> None:
    """All models, newest first, and what can be done with them."""
    news = session().take_news()
    if news:
        st.success(news, icon=":material/check_circle:")
    listed = server.workspace().models.models()
    if not listed:
        empty_state(
            "No models yet", "Train a detector on your data; the model is kept here.", "detect", "Detect"
        )
    versions: list[Card] = []
    for values in listed:
        with st.container(border=True):
            card = readable_card(values)
            if card is not None:
                versions += _model(card)
                continue
            why = values.get("damaged") or "this version of Loupe does not know it"
            st.error(plain(f"{values['name']} cannot be used: {why}"), icon=":material/error:")
            _delete_button(values["name"])
    comparing.two_models(versions)
    bundles.import_form()
    if listed and st.button("Check every stored model for damage", icon=":material/verified:"):
        problems = server.workspace().models.verify()
        for problem in problems:
            st.error(plain(f"{problem.ref}: {problem.reason}"), icon=":material/error:")
        if not problems:
            st.success("Every stored model is sound.", icon=":material/check_circle:")


def _model(active: Card) -> list[Card]:
    """One model; returns the cards of its versions that can be used."""
    versions = server.workspace().models.versions(active.name)
    count = f"{len(versions)} {'version' if len(versions) == 1 else 'versions'}"
    origin = f"learned from {active.rows:,} rows of {active.dataset}"
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch", gap="small"):
            st.markdown(
                f"**{plain(active.name)}** · {active.title}"
                + (" · :blue-badge[comes with Loupe]" if active.shipped else "")
            )
            st.caption(plain(f"Active is version {active.version}, {origin}; {count}."))
        _roll_back_button(active.name)
        bundles.export_button(active)
        with st.popover("Versions"):
            for values in versions:
                _version(active.name, values)
            if not active.shipped:
                st.divider()
                _delete_button(active.name)
    with st.expander("Card"):
        _card(active)
    return [card for values in versions if (card := readable_card(values)) is not None]


def _version(name: str, values: dict[str, Any]) -> None:
    number = values.get("version")
    ref = f"{name}@{number}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if values.get("damaged"):
            st.markdown(f":material/error: {number}: damaged", width="stretch")
        else:
            when = values["created"][:16].replace("T", " ")
            badge = " :green-badge[active]" if values.get("active") else ""
            st.markdown(f"**{number}**{badge} {when} · threshold {values['threshold']:.5g}", width="stretch")
            if not values.get("active"):
                st.button("Make active", key=f"promote-{ref}", on_click=_promote, args=(ref,))
        if not values.get("shipped"):
            st.button("Delete", key=f"delete-{ref}", on_click=_delete, args=(ref,), type="tertiary")


def _roll_back_button(name: str) -> None:
    """Back to the version active before, where there is one."""
    try:
        before = server.workspace().models.before(name)
    except EngineError:
        return  # deleted a moment ago
    if before is not None:
        st.button(
            f"Roll back to version {before.version}",
            key=f"roll-back-{name}",
            icon=":material/undo:",
            on_click=_roll_back,
            args=(name,),
            help="Makes the version active that was so before. Once more brings you back.",
        )


def _card(card: Card) -> None:
    facts = {
        "Detector": card.title,
        "Imported" if card.origin else "Kept": f"{card.created[:16].replace('T', ' ')} UTC",
        "Training took": f"{card.seconds:.1f} s",
        "Data": f"{card.dataset} ({card.rows:,} rows, {card.judged:,} judged)",
        "Data sha256": card.dataset_hash[:16],
        "First threshold": f"{card.threshold:.6g}, {card.rule['kind']} {card.rule['value']:g}",
        "Kept aside": _aside(card),
        "Readings per window": str(card.window) if card.window else "not a series",
        "Versions": ", ".join(f"{name} {number}" for name, number in card.versions.items()),
    }
    if run := server.workspace().runs.find(card.id, card.created):
        facts["Run"] = f"{run.parent.name}/{run.name} in the workspace"
    if card.origin:
        facts["Imported from"] = card.origin
    left, right = st.columns(2)
    left.table({"Value": {name: plain(text) for name, text in facts.items()}})
    right.markdown("**Hyperparameters**")
    right.table({"Value": {name: plain(value) for name, value in card.hyperparameters.items()}})
    st.markdown(
        "**Columns it needs:** " + ", ".join(f"{plain(name)} ({kind})" for name, kind in card.columns.items())
    )
    if card.history:
        st.markdown("**What it learned, epoch by epoch**")
        chart(charts.loss_curves(card.history, theme=theme()), f"losses-{card.id}")
    _beside_baselines(card)
    for column, why in card.left_out.items():
        st.caption(plain(f"'{column}' was left out: it {why}."))
    for note in card.notes:
        st.caption(f":material/info: {plain(note)}")
    _lineage(card)


def _aside(card: Card) -> str:
    """What became of the label, in words."""
    labels = ", ".join(c for c, role in card.roles["columns"].items() if role == "label")
    if labels and card.labelled:
        return f"nothing: {card.labelled:,} anomalies of {labels} were learned from"
    return labels or "no label column"


def _beside_baselines(card: Card) -> None:
    """The model beside plain baselines on injected anomalies, where that was measured."""
    found = card.comparison
    if found is None:
        return
    st.markdown("**On injected anomalies, beside plain baselines**")
    columns = {"VUS-PR": "vus_pr", "Average precision": "average_precision", "ROC-AUC": "roc_auc"}
    st.table(
        {
            title: {plain(name): f"{getattr(told, figure):.3f}" for name, told in found.rows()}
            for title, figure in columns.items()
        }
    )
    if found.warning:
        st.info(plain(f"{found.warning}."), icon=":material/balance:")
    st.caption(plain(f"{found.origin}."))


def _lineage(card: Card) -> None:
    """Where the model comes from: its data, if it is stored here, and the job that trained it, if that was yours."""
    data = next((d for d in server.workspace().datasets.all() if d.sha256 == card.dataset_hash), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if data is not None and st.button(
            plain(f"Open {data.name}"), key=f"data-of-{card.id}", icon=":material/table:", type="tertiary"
        ):
            session().open_dataset(data.id)
            st.switch_page(page("data"))
        if data is None:
            st.caption("The data it learned from is not stored here.")
        _training_log(card)


def _training_log(card: Card) -> None:
    try:
        job = server.jobs().get(card.job) if card.job else None
    except EngineError:
        job = None  # jobs are kept for some weeks only
    if job is None or job.owner != owner():
        return
    log = server.jobs().log_tail(job.id, LOG_LINES)
    with st.popover("Training log", type="tertiary"):
        st.code(log or "The log is empty.", language=None)


def _delete_button(name: str) -> None:
    st.button(
        f"Delete {plain(name)} with all versions", key=f"delete-all-{name}", on_click=_delete, args=(name,)
    )


def _promote(ref: str) -> None:
    attempt(lambda: server.workspace().models.promote(ref))


def _roll_back(name: str) -> None:
    attempt(lambda: server.workspace().models.roll_back(name))


def _delete(ref: str) -> None:
    attempt(lambda: server.workspace().models.delete(ref))
    cache.forget_models()
