"""Zero, one, few shots against fine-tuning.  Source: GPT-3, sections 2 and 3.9; GPT-2."""

import streamlit as st

from gptlab.ui import shots, show
from gptlab.words import _

st.title(_("Show it, or train it?"))
st.markdown(_("Demonstrations in the prompt change no weight. Labels in a training do. What does each buy?"))

with show.mistakes():
    shots.few_shots()

st.divider()
st.latex(r"\hat a = \arg\max_a \log P(a \mid \text{demonstrations}, \text{question})")
show.lesson(
    notice=[
        _("Zero-, one- and few-shot are the same model with other prompts. Nothing is learned that would stay. GPT-3's zero-shot tells "
          "the task in words; here nothing stands before the question unless you write an instruction."),
        _("A rule that only demonstrations show (lists of pairs) cannot be guessed with k = 0: there the gain is in-context learning."),
        _("GPT-3's largest model gained most from demonstrations; small ones often gain nothing, and long ones do not fit their context."),
    ],
    attempt=[
        _("Change one demonstration in the literal prompt to a wrong one and watch the answers."),
        _("Compare sum and mean where the answers have different lengths: the sum prefers short ones."),
        _("Fine-tune on 64 labels, then come back: how many demonstrations are 64 labels worth?"),
    ],
)
