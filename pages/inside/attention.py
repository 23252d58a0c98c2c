"""Attention: what each head looks at.  Source: Vaswani et al. 2017, section 3.2; GPT-1, section 3.1."""

import streamlit as st

from gptlab.ui import attention, inside, link, show
from gptlab.words import _

VIEWS = {"matrix": attention.matrix, "bertviz": attention.bertviz, "time": attention.through_time, "compare": attention.compare}

st.title(_("What does each head look at?"))
st.markdown(
    _("Every token asks (query); it and every token before it answer (key). The weights decide from where a head takes what it passes on.")
)

subject = inside.choose()
if subject is not None:
    names = {"matrix": _("Matrix"), "bertviz": "BertViz", "time": _("Through time"), "compare": _("Compare")}
    view = link.segments(_("View"), list(VIEWS), "matrix", names.__getitem__, "attention_view", label_visibility="collapsed")
    with show.mistakes():
        VIEWS[view](subject)

st.divider()
st.latex(r"\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}} + \text{causal mask}\right) V")
show.lesson(
    notice=[
        _("Large models have heads that look at the token before, at the first token, at where the same word stood. The Heads page "
          "measures how far a model has any."),
        _("Attention to the first token often means: nothing to see. A head has to look somewhere, because its weights add up to 1."),
        _("Whether attention explains is disputed (Jain and Wallace 2019: no; Wiegreffe and Pinter 2019: it depends on what one calls an "
          "explanation). A weight says where a value was taken from, not what it did: to see that, switch the head off."),
    ],
    attempt=[
        _("Write a name twice, far apart, and look for the head that connects them."),
        _("Go through time: at step 0 every row is nearly flat. When does the first clear pattern appear?"),
        _("Fine-tune a model, then compare it with the one it came from."),
    ],
)  # fmt: skip
