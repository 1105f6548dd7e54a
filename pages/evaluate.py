"""Is the model any good? Scores against the known answers, at the threshold in use."""

import streamlit as st

from ui import answers, comparing_unlabelled, evaluating, evaluating_classes, panels, unlabelled

panels.show_problem()
found, card, data = panels.need_result()
st.title("Evaluate", anchor=False)
answers.choose(data)
label = answers.in_use(data)
if label is None:
    panels.empty_state(
        "No known answers",
        "To check a model, give one column the role label, which says which rows are anomalies; or label rows on the "
        "pages Results and Inspect.",
        "data",
        "Choose a label column",
    )
    unlabelled.board(found, card)
    comparing_unlabelled.show(data, (found.id,))
else:
    evaluating.board(found, card, data, label)
evaluating_classes.board(found, card, data)
evaluating.show_history(card, data, alone=label is None)
