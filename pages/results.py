"""Move the threshold and see at once what is flagged, and why."""

import streamlit as st

from ui import drifting, panels, results

panels.show_problem()
found, card, data = panels.need_result()
st.title("Results", anchor=False)
drifting.banner(found)
results.workbench(found, card, data)
