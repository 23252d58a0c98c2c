"""Generate: one token after the other.  Source: GPT-2's sampling code (top-k); Holtzman et al. 2020 (top-p)."""

import streamlit as st

from gptlab.errors import LabError
from gptlab.figures.generation import next_token_figure
from gptlab.ui import cached, coherent, pick, show, write
from gptlab.words import _

st.title(_("Let it write"))
st.markdown(_("What does the model say next, and what do temperature, top-k and top-p leave of it?"))

left, right = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
with left:
    run = pick.run_that_writes(_("Run"))
if run is None:
    show.empty(_("There is no model yet. Train one first: the smallest takes about a minute."), "pretrain/train", _("Train a model"))
    st.stop()
with right:
    step = pick.checkpoint(run)
if step is None:
    show.empty(_("This run has no checkpoint yet; it comes within the first steps."), "pretrain/train", _("Watch it train"))
    st.stop()

try:
    prompt = write.prompt(run)
    sampling = pick.sampling()
    n_tokens = write.stepper()
    written = cached.continuation(run.id, step, prompt, n_tokens, **sampling)
    text, bars = st.columns([5, 4], gap="large")
    with text:
        show.tokens(written.prompt, written.written)
        st.caption(
            _("Grey: the prompt. Blue: what the model wrote, one shade a token; the framed token is the one of the bars.")
        )
        write.stream(run, step, prompt, sampling)
    with bars:
        show.figure(next_token_figure(written.candidates[-1]), key="next_token", table=lambda: write.table(written))
        st.latex(r"P(u) \propto \exp(\mathrm{logit}_u / \text{temperature})")
    coherent.section(run, step, sampling)
except LabError as problem:
    show.error(problem)

st.divider()
show.lesson(
    notice=[
        _("At the first checkpoint every token is about equally likely; later a few tokens share nearly everything."),
        _("The drawn token is often not the likeliest one. Temperature 0 always takes the likeliest, and soon repeats itself."),
        _("The same seed and prompt give the same text on this computer: what you see is repeatable."),
    ],
    attempt=[
        _("Drag the training time from left to right and read the same prompt again: noise, letters, words."),
        _("Set top-k to 1, then to 5, and watch which bars lose their colour."),
        _("Write a prompt that the training text does not contain, and one that it contains word for word."),
        _("Count stories that hold together at temperature 1 and top-p 1, then at 0.5: what is the price?"),
    ],
)
