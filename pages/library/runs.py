"""Runs: everything that was trained here, kept, compared, exported, deleted."""

import streamlit as st

from gptlab.ui import library, pick, show
from gptlab.words import _

st.title(_("Runs"))
st.markdown(_("Every training is a folder on this computer, with its settings, its curve, its checkpoints and its writing."))
show.kept_error()

library.table()
run = pick.run(_("Run"))
if run is None:
    show.empty(_("There is no run yet."), "pretrain/train", _("Train a model"))
    st.stop()
library.settings(run)
left, right = st.columns(2, gap="large")
with left:
    library.export(run)
with right:
    library.delete(run)

st.divider()
show.lesson(
    notice=[
        _("A run keeps its seed, versions, hardware and commit: enough to repeat it."),
        _("An exported folder opens in transformers with AutoModelForCausalLM and AutoTokenizer, and gives the same logits."),
    ],
    attempt=[
        _("Stop the app while a run trains, start it again: the run went on."),
        _("Export a run and open it in a notebook."),
    ],
)
