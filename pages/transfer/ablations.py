"""What matters: pretraining, the auxiliary loss, the architecture.  Source: GPT-1, section 5, Table 5."""

import streamlit as st

from gptlab.errors import LabError
from gptlab.ui import launch, show, study
from gptlab.ui.tuning import pick_device
from gptlab.words import _


@st.fragment
def form() -> None:
    """What is to be compared. A part of its own: another choice does not draw the tables anew."""
    with show.mistakes():
        chosen = None
        try:
            chosen = study.plan_ablations()
            if chosen is not None:
                launch.wake_worker(pick_device())
        except LabError as problem:
            show.error(problem)
        label = _("Compute {n} fine-tunings").format(n=len(chosen.points()) if chosen else 0)
        if st.button(
            label, type="primary", icon=":material/play_arrow:", key="study", disabled=chosen is None, on_click=study.start, args=(chosen,)
        ):
            st.rerun()


st.title(_("What matters? Table 5 again"))
st.markdown(_("Take one thing away at a time: pretraining, the auxiliary loss, the Transformer. What is left of the score?"))
show.kept_error()

form()
run = study.choose("ablations")
if run is not None:
    study.watch(run, study.ablations)

st.divider()
show.lesson(
    notice=[
        _("All rows of a column have the same labels, updates and batches. Only what the row names is different."),
        _("In the paper, pretraining is worth 14.8 points on average; the auxiliary loss costs 0.3 points on average."),
        _("Intervals that overlap are no difference. Three seeds show large effects only."),
    ],
    attempt=[
        _("Compare the rows with few and with many labels: does the auxiliary loss help with more of them, as the paper says?"),
        _("Take a Korean task: does a model that read both languages transfer as well?"),
    ],
)
