"""Train a detector on the data at hand, or judge it with a model trained before."""

import streamlit as st

from engine import CATALOGUE
from ui import detecting, offers, panels, training_all, watching

panels.show_problem()
data = panels.need_dataset()
st.title("Detect", anchor=False)
offers.ready(data)

train, several, load = st.tabs(["Train a detector", "Train several", "Use a trained model"])
with train:
    kind = detecting.choose_detector(CATALOGUE, data)
    detecting.training_form(kind, data)
with several:
    training_all.form(data)
with load:
    offers.model_list(data)
watching.progress(data)
training_all.progress(data)
detecting.earlier(data)
