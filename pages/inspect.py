"""One row: why it is unusual, what is usual instead, what would make it normal; and the worst rows together."""

import streamlit as st

from engine import STORIES
from ui import classes, expecting, inspecting, labelling_row, looking, panels, stories, walking, worst

panels.show_problem()
found, card, data = panels.need_result()
row = inspecting.choose_row(found)
inspecting.identity(data, row)
inspecting.headline(found, card, data, row)
classes.headline(found, row)
stories.ending(STORIES, found, data, row)
walking.walk(found, card, data, row)
labelling_row.row(found, card, data, row)
reasons = inspecting.reasons(found, row)
left, right = st.columns(2, gap="large")
with left:
    inspecting.contributions(found, reasons, card)
with right:
    inspecting.ranges(found, row)
expecting.board(found, card, data, row, reasons)
labelling_row.suppressed(found, card, data, row)
if inspecting.is_series(found):
    looking.around(found, card, data, row)
else:
    inspecting.nearest_rows(found, row)
worst.worst_rows(found, card, data)
