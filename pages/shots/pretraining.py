"""Zero-shot during pretraining.  Source: GPT-1, section 5, Figure 2 right; GPT-2."""

import streamlit as st

from gptlab.ui import shots, show
from gptlab.words import _

st.title(_("What can it do without being told?"))
st.markdown(_("The model only learns to continue text; nobody fine-tunes it. Which tasks can it do, and from when on?"))

with show.mistakes():
    shots.through_time()

st.divider()
show.lesson(
    notice=[
        _("Scores rise without fine-tuning: the tasks are in the text (GPT-2's thesis). Six of ten documents that the models that ship "
          "read show one: questions with answers, summaries, translations, lists. Of acceptability, sentiment, pronouns, cloze and last "
          "words they read no question."),
        _("Forms come before facts: a sentence's word order is learned long before who has what."),
        _("At step 0 every score is guessing. A score below it is chance too: look at the interval."),
    ],
    attempt=[
        _("Lay the LSTM beside the Transformer: in the paper it is lower and varies more."),
        _("Train a village without documents that show a task, and ask it the same questions."),
        _("Switch the normalisation off: how far from 1 is each task really?"),
    ],
)
