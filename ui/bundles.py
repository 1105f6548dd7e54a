"""Models sent and received: a bundle to download, and one to bring."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from engine import Card, import_bundle
from ui import server
from ui.panels import attempt, plain
from ui.session import bundle_key, owner, session, widget
from ui.upload import release

MOST_MB = 200
NAME = "bundle-name"


def export_button(card: Card) -> None:
    """A model as one file, made when it is asked for."""
    st.download_button(
        "Export",
        data=partial(_made, card.id, owner()),  # the download runs outside the page and could not ask
        file_name=f"{card.name}-{card.version}.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/upload:",
        key=f"export-{card.id}",
        help="One file with the model, its card and its fingerprint. Nothing in it can run.",
    )


def import_form() -> None:
    """Bring a bundle; it is checked, and kept as the next version of its name."""
    with st.expander("Import a model", icon=":material/download:"):
        st.caption(
            "A bundle that Loupe exported. It is checked part by part and has to score its own probe rows as it did "
            "where it was made. It becomes the newest version of its name."
        )
        st.text_input("Name to keep it under", key=NAME, max_chars=80, placeholder="its own")
        st.file_uploader(
            f"Bundle (.zip), up to {MOST_MB} MB",
            key=bundle_key(),
            on_change=_receive,
            max_upload_size=MOST_MB,
        )


def _made(model: str, who: str) -> bytes:
    """The bundle, made by a job process: this one loads no learning library."""
    answer = server.answer("bundle", "", {"model": model}, owner=who, title=f"Exporting {model}")
    path = Path(answer["path"])
    content = path.read_bytes()
    path.unlink(missing_ok=True)
    return content


def _receive() -> None:
    file = widget(bundle_key())
    if file is None:
        return

    def keep() -> None:
        with tempfile.NamedTemporaryFile(suffix=".zip") as copy, st.spinner("Checking the bundle"):
            copy.write(file.getbuffer())
            copy.flush()
            name = (widget(NAME) or "").strip() or None
            card = import_bundle(server.workspace().models, Path(copy.name), label=file.name, name=name)
        session().news = plain(f"{card.id} is imported and is now the active version of {card.name}.")

    attempt(keep)
    release(file)
    session().bundle += 1  # a fresh widget: the old one would hold the bytes
