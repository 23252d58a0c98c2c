"""Fine-tuning: the same model, a different input, a little labelled data.  Source: GPT-1, sections 3.2 and 3.3."""

import streamlit as st

from gptlab.ui import launch, pick, show, tuning
from gptlab.words import _

st.title(_("Fine-tune on a few labels"))
st.markdown(_("What is pretraining worth? The same model learns a task twice: from what it has read, and from nothing."))
show.kept_error()

launch.form(tuning.plan, lambda _plan: _("Fine-tune"), tuning.start, tuning.transformation)
run = pick.run_of_sort(_("Fine-tuning"), "tuning")
if run is not None:
    tuning.watch(run)
    tuning.outcome(run, run.status())

st.divider()
show.lesson(
    notice=[
        _("The task only changes what the model reads: a few new tokens and one linear layer ($W_y$) are all that is new."),
        _("Both models have the same shape, examples and number of updates; the weights that they begin with differ. From random weights "
          "everything learns, also where less of the pretrained model does."),
        _("L1 is the language model's loss on the labelled text itself. From scratch it begins at ln V, like every model."),
        _("Prompt tuning changes no weight of the model: only vectors that are read before the text, and $W_y$, learn."),
    ],
    attempt=[
        _("Take 64 labels, then 1,024: when does the model from scratch begin to catch up?"),
        _("Choose an early checkpoint of the same model: how much reading does the task need?"),
        _("Set λ to 0. GPT-1 found that the auxiliary loss helps with much data and not with little (Table 5)."),
        _("Bring a file of your own with a text and a label in every row."),
    ],
)
