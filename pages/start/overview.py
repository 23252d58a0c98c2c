"""Start: what the lab is, and which page belongs to which section of which paper."""

import streamlit as st

from gptlab.ui import overview, show
from gptlab.words import _

st.title("GPT Lab")
st.markdown(
    _(
        "Watch the claims of the GPT papers happen: a small GPT learns on this computer while you look. What the pages show is computed "
        "here, or was recorded with the models that ship and says so. Nothing leaves the machine."
    )
)
overview.steps()
st.divider()
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader(_("From the papers to the pages"))
    overview.paper_map()
with right:
    st.subheader(_("Your latest runs"))
    overview.latest_runs()
    st.subheader(_("Sizes, counted exactly"))
    overview.sizes()
st.divider()
show.lesson(
    notice=[
        _("A language model is trained on one task only: say which token comes next. All that follows on these pages grows out of it."),
        _("The sizes that GPT-2's paper prints, 117M to 1542M, are miscounts; the exact numbers stand in the table."),
    ],
    attempt=[
        _("Train the smallest size on Python's documentation: it takes about a minute on a laptop."),
        _("Then let it write, and drag its training time from the first step to the last."),
    ],
)
