"""The frame around every page: navigation, what is at hand, and the jobs."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit adds only this script's own folder
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from ui.panels import in_plain_words, page  # noqa: E402
from ui.session import remember, session, turn_to  # noqa: E402
from ui.sidebar import at_hand  # noqa: E402
from ui.tray import job_tray  # noqa: E402

st.set_page_config(page_title="Loupe", page_icon=str(ROOT / "ui" / "icon.png"), layout="wide")

here = st.navigation(
    {
        "Your data": [
            st.Page(page("data"), title="Data", icon=":material/table:", default=True),
            st.Page(page("detect"), title="Detect", icon=":material/search_insights:"),
            st.Page(page("results"), title="Results", icon=":material/flag:"),
            st.Page(page("inspect"), title="Inspect", icon=":material/zoom_in:"),
            st.Page(page("evaluate"), title="Evaluate", icon=":material/rule:"),
            st.Page(page("compare"), title="Compare", icon=":material/leaderboard:"),
        ],
        "Library": [st.Page(page("models"), title="Models", icon=":material/inventory_2:")],
    }
)
turn_to(here.title)
with st.sidebar, in_plain_words():
    at_hand(session())
    job_tray()
with in_plain_words():
    here.run()
remember()
