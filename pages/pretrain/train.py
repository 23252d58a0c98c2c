"""Train: a small GPT learns a text while everybody looks.  Source: GPT-1, section 3.1; GPT-2, section 2."""

from functools import partial

import streamlit as st

from gptlab.errors import LabError
from gptlab.figures.training import loss_figure
from gptlab.runs.store import list_runs
from gptlab.ui import launch, live, pick, show, text
from gptlab.words import _


@st.fragment
def form() -> None:
    """What to train. A part of its own: another choice does not draw the curve anew."""
    with show.mistakes():
        first, second = st.columns([5, 4], gap="medium", vertical_alignment="bottom")
        third = st.columns([3, 4, 3, 2], gap="medium", vertical_alignment="bottom")
        ready = None
        try:
            with third[0]:
                architecture, base = pick.architecture()
            with second:
                tokenizer = pick.tokenizer(base)
            with third[2]:
                recipe = pick.recipe()
            with first:
                corpus = text.choose()
            if corpus is not None:
                prepared = launch.prepared(corpus, tokenizer, base.id if base else "")
                facts, beginning, more = st.columns([5, 3, 4], gap="medium")
                with facts:
                    text.facts(corpus, prepared)
                with beginning, st.expander(_("Preview of the text")):
                    text.beginning(corpus)
                with more, st.expander(_("More settings")):
                    device = pick.device()
                    speed = launch.measured(device)
                    if base is not None:
                        onward = partial(launch.draft_onward, corpus, base, recipe, device)
                        changes = pick.changes(None, onward({}).training, lambda n: onward({"n_steps": n}).training)
                        ready = launch.checked(onward(changes), prepared)
                        with third[1]:
                            pick.size_of(base, launch.label_of(ready, speed))
                    else:
                        with third[1]:
                            size = pick.size(launch.size_labels(prepared.tokenizer.vocab_size, architecture, recipe, speed))
                        anew = partial(launch.draft, corpus, prepared, tokenizer, size, architecture, recipe, device)
                        presets = anew({})
                        changes = pick.changes(presets.model, presets.training, lambda n: anew({"n_steps": n}).training)
                        ready = launch.checked(anew(changes), prepared)
                        if changes:
                            st.caption(_("With these settings: {label}").format(label=launch.label_of(ready, speed)))
                launch.wake_worker(device)
        except LabError as problem:
            show.error(problem)
        with third[3]:
            pressed = st.button(
                _("Train"), type="primary", icon=":material/play_arrow:", key="train", width="stretch", disabled=ready is None,
                on_click=launch.start, args=(ready, tokenizer),
            )  # fmt: skip
        if pressed:  # the run is to be shown below, outside of this part
            st.rerun()
        if ready is not None and not list_runs():
            show.figure(loss_figure([], prepared.expected), key="expected")
            st.caption(_("No run yet. These lines are what simple models reach on this text: a GPT has to fall below them."))


st.title(_("Train a GPT on your own text"))
st.markdown(_("How far does guessing the next token carry? Choose a text, press Train, and watch noise become words."))
show.kept_error()

form()
left, right = st.columns([4, 3], gap="medium", vertical_alignment="bottom")
with left:
    run = pick.training(_("Run"))
if run is not None:
    with right:
        others = pick.others(than=run)
    live.watch(run, others)

st.divider()
st.latex(r"L_1(\mathcal{U}) = \sum_i \log P(u_i \mid u_{i-k}, \ldots, u_{i-1}; \Theta) \qquad \text{(GPT-1, equation 1)}")
show.lesson(
    notice=[
        _("At step 0 the loss is close to ln V: the model guesses. Within a few steps it knows which tokens are frequent."),
        _("Below the bigram line it must be using more than one token of context; it began to before. Spelling comes first, then words."),
        _("When the validation loss rises while the training loss falls, the model learns the training text by heart, not the language."),
    ],
    attempt=[
        _("Train the same text with both recipes and lay the runs over each other: the list says what differs."),
        _("Train on a short text (a few pages) and wait for the validation loss to rise."),
        _("Let a model that ships go on with your text: how many updates until it writes like it, and is the village forgotten?"),
        _("Compare characters with BPE: switch the unit to bits per byte, since nats per token mean different tokens."),
    ],
)
