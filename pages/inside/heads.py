"""Heads: what kinds there are, and what each is worth.  Source: Olsson et al. 2022; Michel et al. 2019; Meng et al. 2022."""

import streamlit as st

from gptlab.ui import heads, link, show
from gptlab.words import _

VIEWS = {"kinds": heads.kinds, "ablation": heads.ablation, "patching": heads.patching, "induction": heads.induction}

st.title(_("What is a head for?"))
st.markdown(_("Measure what it attends to, switch it off, or carry its knowledge into another run: three ways to find out."))
show.kept_error()

names = {"kinds": _("Kinds of heads"), "ablation": _("Switch off"), "patching": _("Patching"), "induction": _("Induction, live")}
view = link.segments(_("View"), list(VIEWS), "kinds", names.__getitem__, "heads_view", label_visibility="collapsed")
with show.mistakes():
    VIEWS[view]()

st.divider()
show.lesson(
    notice=[
        _("A score only means something beside what random weights reach: a random head looks a little at everything. In the models that "
          "ship no head is pure enough for a name; the induction lesson makes one that is."),
        _("Most heads can be switched off one at a time with little harm; others do the same work. The map shows single heads only."),
        _("Induction needs two layers: one head notes what came before each token, a later one looks for it. One layer cannot do it."),
    ],
    attempt=[
        _("Train the induction lesson, then look at its heads in the Kinds view: which one made the loss fall?"),
        _("Switch heads off one at a time: is the one with the highest score the one that the loss needs most?"),
        _("Move the checkpoint back in time: from when on do scores rise above those of random weights?"),
    ],
)
