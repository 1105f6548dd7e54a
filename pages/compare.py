"""Models side by side on the data at hand: who finds the known anomalies, who agrees, what only one of them flags."""

import streamlit as st

from ui import (
    comparing_board,
    comparing_models,
    comparing_rows,
    comparing_stages,
    comparing_unlabelled,
    panels,
)

panels.show_problem()
data = panels.need_dataset()
st.title("Compare", anchor=False)
judged = comparing_models.choose(data)
if judged:
    board = comparing_board.show(data, judged)
    comparing_stages.show_stages(data, judged)
    comparing_unlabelled.show(data, judged)
    if board is not None:
        comparing_rows.show(data, judged, board)
