"""Bringing data: the uploader, the samples, and what reading noticed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import streamlit as st

from engine import Dataset, ReadingOptions, Roles
from ui import rereading, server
from ui.panels import attempt, plain
from ui.session import session, upload_key, uploaded

TYPES = ["csv", "tsv", "txt", "xlsx", "xlsm", "xls", "ods", "parquet", "json", "jsonl", "ndjson", "gz", "zip"]


def uploader() -> None:
    """Ask for a file. It goes to disk and out of memory at once."""
    with st.container(border=True):
        st.file_uploader(
            "CSV, Excel, Parquet or JSON, up to 200 MB and 50 million cells",
            type=TYPES,
            key=upload_key(),
            on_change=_ingest,
        )


def samples(known: Sequence[Any]) -> None:
    """The samples that come with Loupe, one click each."""
    st.subheader("Or open a sample", anchor=False)
    grid = st.grid(3, min_column_width=260, gap="small")
    for sample in known:
        with grid.cell(), st.container(border=True, height="stretch"):
            st.markdown(f"**{sample.title}**")
            st.caption(sample.story)
            st.button("Open", key=f"sample-{sample.file}", on_click=_open_sample, args=(sample,))


def recent() -> None:
    """Data sets brought before."""
    found = server.workspace().datasets.all()[:8]
    if not found:
        return
    st.subheader("Recent data", anchor=False)
    for data in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                plain(data.name),
                key=f"open-{data.id}",
                on_click=session().open_dataset,
                args=(data.id,),
                type="tertiary",
            )
            st.caption(
                f"{data.rows:,} rows × {len(data.columns)} columns · {data.created[:16].replace('T', ' ')} UTC"
            )


def close() -> None:
    """Turn away from the data set at hand; it stays stored."""
    current = session()
    current.dataset = current.result = current.row = current.model = None


def facts(data: Dataset) -> None:
    """The data set in a few numbers, and what to know before training."""
    profile = data.profile
    cells = data.rows * len(data.columns)
    missing = sum(column["missing"] for column in profile["columns"].values())
    with st.container(horizontal=True):
        st.metric("Rows", f"{data.rows:,}")
        st.metric("Columns", len(data.columns))
        st.metric("Missing cells", f"{100 * missing / cells:.2g} %" if cells else "0 %")
        sampling = profile["sampling"]
        if sampling and data.roles.kind == "series":
            st.metric("One reading every", _duration(sampling["step_seconds"]))
            st.metric("Gaps", sampling["gaps"], help="Steps of more than three times the usual one.")
            if sampling["entities"] > 1:
                st.metric("Series", sampling["entities"])
    for note in profile["notes"]:
        st.caption(f":material/info: {plain(note)}")


def findings(data: Dataset) -> None:
    """What reading the file found, each of which can be overruled."""
    found = data.findings
    worrying = sum(finding.level == "warning" for finding in found)
    title = f"What reading the file found ({len(found)})" if found else "The file was read without surprises"
    with st.expander(title, expanded=worrying > 0, icon=":material/fact_check:"):
        icons = [":material/warning:" if f.level == "warning" else ":material/check:" for f in found]
        lines = [f"{icon} {plain(finding.text)}" for icon, finding in zip(icons, found, strict=True)]
        st.markdown("  \n".join(lines))  # a paragraph each would push the columns off the screen
        st.caption("Something read wrongly? Say how it should be; the file is read again.")
        rereading.form(data)


def _ingest() -> None:
    file = uploaded()
    if file is None:
        return
    attempt(lambda: session().open_dataset(server.workspace().datasets.add(file, file.name).id))
    release(file)
    session().upload += 1  # a fresh widget: the old one would hold the bytes


def release(file: Any) -> None:
    """Let go of the uploaded bytes, which Streamlit would keep until the visitor leaves (its issue 9218)."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    file.close()
    context = get_script_run_ctx()
    manager = getattr(context, "uploaded_file_mgr", None)
    if context is not None and manager is not None:
        manager.remove_file(context.session_id, file.file_id)


def _open_sample(sample: Any) -> None:
    attempt(lambda: session().open_dataset(opened(sample).id))


def opened(sample: Any) -> Dataset:
    """A sample as a data set, with its roles unless somebody has given it others."""
    options = ReadingOptions(sheet=sample.sheet) if sample.sheet else ReadingOptions()
    store = server.workspace().datasets
    data = store.add(sample.path, sample.file, options)
    return data if data.roles_given else store.set_roles(data, Roles(dict(sample.roles), sample.kind))


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:g} ms"
    if seconds < 120:
        return f"{seconds:g} s"
    if seconds < 7200:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h" if seconds < 172_800 else str(timedelta(seconds=seconds)).split(",")[0]
