"""Bring a file, see what reading made of it, say what its columns are."""

import streamlit as st

from engine import CATALOGUE, SAMPLES, STORIES
from ui import columns, detecting, panels, stories, upload
from ui.session import session

panels.show_problem()

if session().dataset is None:
    st.title("Find what does not belong", anchor=False)
    st.write("Bring a table or a time series. Loupe finds the rows that are unlike the others, and says why.")
    upload.uploader()
    stories.stories(STORIES)
    upload.samples(SAMPLES)
    upload.recent()
    st.stop()

data = panels.need_dataset()
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(panels.plain(data.name), anchor=False, width="stretch")
    st.button("Bring another file", icon=":material/upload_file:", on_click=upload.close)
upload.facts(data)
with st.container(horizontal=True):
    detecting.straight_to_flags(CATALOGUE, data)
    if st.button("Choose a detector", icon=":material/arrow_forward:", key="to-detect"):
        st.switch_page(panels.page("detect"))
if not data.roles.features:
    st.caption(
        "No column has the role 'feature': there is nothing to judge the rows by. Give one that role below."
    )
upload.findings(data)
columns.roles_form(data)
columns.preview(data)
