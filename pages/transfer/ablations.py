"""What matters: pretraining, the auxiliary loss, the architecture.  Source: GPT-1, section 5, Table 5."""

import streamlit as st

from gptlab.ui import launch, show, study
from gptlab.words import _

st.title(_("What matters? Table 5 again"))
st.markdown(_("Take one thing away at a time: pretraining, the auxiliary loss, the Transformer. What is left of the score?"))
show.kept_error()

launch.form(study.plan_ablations, study.button, study.start)
run = study.choose("ablations")
if run is not None:
    study.watch(run, study.ablations)
study.paper_ablations()

st.divider()
show.lesson(
    notice=[
        _("All rows of a column have the same labels, updates and batches. Only what the row names is different."),
        _("In the paper, pretraining is worth 14.8 points on average; the auxiliary loss costs 0.3 points on average."),
        _("Where intervals overlap it is open whether there is a difference. Three seeds show large effects only."),
    ],
    attempt=[
        _("Compare the rows with few and with many labels: does the auxiliary loss help with more of them, as the paper says?"),
        _("Take a Korean task: does a model that read both languages transfer as well?"),
        _("Ask about pronouns with 4,096 labels, once with W_y, once with words: does the model not know, or can the new head not tell?"),
    ],
)
