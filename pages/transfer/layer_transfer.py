"""Layer transfer: does every layer of the pretrained model help?  Source: GPT-1, section 5, Figure 2 left."""

import streamlit as st

from gptlab.ui import launch, show, study
from gptlab.words import _

st.title(_("Does every layer help?"))
st.markdown(_("Hand over nothing, the embeddings, one layer, two, ... all of a pretrained model. Train the whole each time, and test it."))
show.kept_error()

launch.form(study.plan_layers, study.button, study.start)
run = study.choose("layers")
if run is not None:
    study.watch(run, study.layers)

st.divider()
show.lesson(
    notice=[
        _("n layers transferred means: embeddings and the first n blocks begin pretrained, the others at random. All of them are trained."),
        _("Nothing handed over is training from scratch: whatever it reaches above guessing came from the labels alone."),
        _("Training scores can be high everywhere: a small model learns a thousand examples by heart. Only the test score tells."),
        _("Kinds of things are facts, and half of the test's questions ask for one that stands among 512 labels: the point of training "
          "from scratch shows how far learning those by heart goes."),
    ],
    attempt=[
        _("Compute it with 256 and with 4,096 labels: is the gap between nothing and all smaller with more labels?"),
        _("Take the layers from the top instead: are the first ones the ones that matter?"),
        _("Keep the blocks handed over frozen, and compare with training everything."),
    ],
)
