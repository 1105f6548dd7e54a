"""One row: why it is unusual, what is usual instead, and what the nearest ordinary rows look like."""

import streamlit as st

from ui import inspecting, panels

panels.show_problem()
found, card, data = panels.need_result()
row = inspecting.choose_row(found)
inspecting.headline(found, card, data, row)
reasons = inspecting.reasons(found, row)
left, right = st.columns(2, gap="large")
with left:
    inspecting.contributions(reasons)
with right:
    inspecting.ranges(found, row)
if inspecting.is_series(found):
    inspecting.neighbourhood(found, card, data, row)
else:
    inspecting.nearest_rows(found, row)
