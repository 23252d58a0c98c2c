"""Lens: what each layer believes.  Source: nostalgebraist 2020 (logit lens)."""

import streamlit as st

from gptlab.ui import lens, link, show
from gptlab.words import _

VIEWS = {"lens": lens.logit_lens, "losses": lens.losses, "embeddings": lens.embeddings, "places": lens.places}

st.title(_("What does each layer believe?"))
st.markdown(_("Read the residual stream after every block with the model's own head, and see the next token take shape."))

names = {"lens": _("Logit lens"), "losses": _("Loss by token"), "embeddings": _("Embeddings"), "places": _("Places")}
view = link.segments(_("View"), list(VIEWS), "lens", names.__getitem__, "lens_view", label_visibility="collapsed")
with show.mistakes():
    VIEWS[view]()

st.divider()
st.latex(r"P_l(u) = \mathrm{softmax}\big(\mathrm{LN}_f(h_l)\, W_e^\top\big)")
show.lesson(
    notice=[
        _("The embedding's best guess is often the token itself: input and output share one matrix."),
        _("In the GPT-2 models that ship easy tokens settle some layers before the others, seldom in the first ones; in the GPT-1 model, "
          "which has no LN_f, nearly all only at the output."),
        _("The lens reads a middle layer with a head that was trained for the last one: what it misses may still be there."),
    ],
    attempt=[
        _("Write a sentence whose last word can only be known from its beginning, and look for the layer that finds it."),
        _("Look at the losses of a text in the other language: which tokens surprise the model?"),
        _("Follow the map of embeddings through the checkpoints: kinds of things come together."),
    ],
)
