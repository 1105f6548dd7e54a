"""Overruling what reading found: the file is read again with the choices a person changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from engine import Dataset, Roles
from ui import server
from ui.panels import attempt
from ui.session import session, widget

LISTS = ("text_columns", "number_columns", "datetime_columns")


def form(data: Dataset) -> None:
    """How the file was read, to be changed where that was wrong."""
    shown = _shown(data)
    with st.form(f"overrule-{data.id}", border=False):
        left, middle, right = st.columns(3)
        if "sheet" in shown:
            sheets = list(data.about["sheets"])
            left.selectbox("Sheet", sheets, index=sheets.index(shown["sheet"]), key=_key("sheet"))
        elif "delimiter" in shown:
            left.text_input("Delimiter", shown["delimiter"], key=_key("delimiter"), help="\\t for a tab")
        if "header_row" in shown:
            middle.number_input(
                "Row with the column names",
                0,
                value=shown["header_row"],
                key=_key("header_row"),
                help="0: there are no names",
            )
        right.segmented_control("Decimal mark", [".", ","], default=shown["decimal"], key=_key("decimal"))
        for place, title, name in (
            (left, "Keep as text", "text_columns"),
            (middle, "Read as numbers", "number_columns"),
            (right, "Read as dates", "datetime_columns"),
        ):
            place.multiselect(title, data.columns, default=shown[name], key=_key(name))
        st.form_submit_button("Read again", on_click=_reread, args=(data,))


def _shown(data: Dataset) -> dict[str, Any]:
    """What the form shows before anything is changed: as the file was read."""
    about, options = data.about, data.options
    found = next((finding.value for finding in data.findings if finding.option == "decimal"), None)
    shown: dict[str, Any] = {"decimal": options.decimal or found}
    if about.get("sheet") in (about.get("sheets") or []):
        shown["sheet"] = about["sheet"]
    elif about.get("delimiter"):
        shown["delimiter"] = about["delimiter"].replace("\t", "\\t")
    if about.get("header_row") is not None:
        shown["header_row"] = int(about["header_row"])
    return shown | {name: [c for c in getattr(options, name) if c in data.columns] for name in LISTS}


def _reread(data: Dataset) -> None:
    """Read the file again with what differs from the form as it was shown."""
    shown = _shown(data)
    changed: dict[str, Any] = {
        name: widget(_key(name)) for name in shown if widget(_key(name)) != shown[name]
    }
    lists = {name: list(shown[name]) for name in LISTS}
    for name in LISTS:
        if name in changed:
            added = [column for column in changed.pop(name) if column not in shown[name]]
            kept = [column for column in shown[name] if column in widget(_key(name))]
            # A column is read one way: the newest word counts.
            lists = {other: [c for c in columns if c not in added] for other, columns in lists.items()}
            lists[name] = kept + added
    if changed.keys() & {"sheet", "header_row", "delimiter"}:  # the columns will be other ones
        lists = {name: [] for name in LISTS}
    if "delimiter" in changed:
        changed["delimiter"] = changed["delimiter"].replace("\\t", "\t") or None
    changed |= {name: tuple(columns) for name, columns in lists.items()}
    options = replace(data.options, **changed)

    def read_again() -> None:
        store = server.workspace().datasets
        again = store.reread(data, options)
        if data.roles_given and not again.roles_given:
            columns = {c: data.roles.columns.get(c, role) for c, role in again.roles.columns.items()}
            kind = data.roles.kind if "time" in columns.values() else "table"
            again = store.set_roles(again, Roles(columns, kind))
        session().open_dataset(again.id)

    attempt(read_again)


def _key(name: str) -> str:
    return f"read-{name}"
