"""Trained models: versions, cards, which one is active."""

import streamlit as st

from ui import library, panels

panels.show_problem()
st.title("Models", anchor=False)
library.shelf()
