"""The columns of a data set: what each holds, and the role it is given."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import Dataset, Roles
from ui import cache, server
from ui.panels import attempt
from ui.session import set_widget, widget

ROLES = ("feature", "time", "entity", "label", "id", "ignore")
KINDS = {"table": "Table", "series": "Time series"}


def roles_form(data: Dataset) -> None:
    """A table of columns with their roles, changed in place and remembered with the data set."""
    roles = data.roles
    st.subheader("What are the columns?", anchor=False)
    kind_key = f"kind-{data.id}-{roles.kind}"
    st.segmented_control(
        "The rows are",
        list(KINDS),
        default=roles.kind,
        required=True,
        format_func=lambda kind: KINDS[kind],
        key=kind_key,
        on_change=_change_kind,
        args=(data, kind_key),
        help="A table: every row stands for itself. A time series: rows are readings in order of time.",
    )
    key = f"roles-{data.id}-{_mark(roles)}"
    st.data_editor(
        [_line(data, name) for name in data.columns],
        key=key,
        hide_index=True,
        width="stretch",
        height=min(35 * len(data.columns) + 38, 563),
        disabled=["Column", "Type", "Missing", "Distinct", "Range", "Shape", "Why"],
        on_change=_change_roles,
        args=(data, key),
        column_config={
            "Role": st.column_config.SelectboxColumn(
                options=list(ROLES),
                required=True,
                help="feature: used to judge a row. time: when it happened. entity: which machine or customer. "
                "label: the known answer, only for checking. id: names the row. ignore: left out.",
            ),
            "Missing": st.column_config.NumberColumn(format="%.1f %%"),
            "Distinct": st.column_config.NumberColumn(format="localized"),
            "Shape": st.column_config.BarChartColumn(
                help="How the values are spread, or the commonest values."
            ),
        },
    )
    if roles.columns != data.suggested_roles.columns:
        st.button("Back to the suggested roles", on_click=_reset, args=(data,), type="tertiary")


def preview(data: Dataset) -> None:
    """The first rows."""
    with st.expander("First rows", icon=":material/table_rows:"):
        st.dataframe(cache.preview(data.id), hide_index=True, width="stretch", height=320)


def _line(data: Dataset, name: str) -> dict[str, Any]:
    facts = data.profile["columns"][name]
    return {
        "Column": name,
        "Role": data.roles.columns[name],
        "Type": facts["type"],
        "Missing": 100 * facts["missing"] / max(1, data.rows),
        "Distinct": facts["distinct"],
        "Range": _range(facts),
        "Shape": facts["shape"],
        "Why": data.profile["reasons"].get(name, ""),
    }


def _range(facts: dict[str, Any]) -> str:
    if facts.get("commonest"):
        return ", ".join(list(facts["commonest"])[:4])
    if facts["low"] is None:
        return ""
    if facts["type"] == "datetime":
        low, high = (str(facts[end])[:16].removesuffix(" 00:00") for end in ("low", "high"))
        return f"{low} to {high}"
    return f"{facts['low']:,.6g} to {facts['high']:,.6g}"


def _mark(roles: Roles) -> int:
    """A number that changes with the roles: an editor keeps its edits under its key, and these are already taken."""
    return abs(hash(tuple(roles.columns.items())))


def _change_roles(data: Dataset, key: str) -> None:
    changed = dict(data.roles.columns)
    for row, edit in widget(key)["edited_rows"].items():
        name, role = data.columns[int(row)], edit.get("Role")
        if role in ("time", "entity", "label"):  # there can be one: the one before steps back
            changed = {c: ("ignore" if r == role else r) for c, r in changed.items()}
        if role:
            changed[name] = role
    kind = data.roles.kind if "time" in changed.values() else "table"
    attempt(lambda: _keep(data, Roles(changed, kind)))


def _change_kind(data: Dataset, key: str) -> None:
    if not attempt(lambda: _keep(data, Roles(data.roles.columns, widget(key)))):
        set_widget(key, data.roles.kind)


def _reset(data: Dataset) -> None:
    _keep(data, data.suggested_roles)


def _keep(data: Dataset, roles: Roles) -> None:
    server.workspace().datasets.set_roles(data, roles)
