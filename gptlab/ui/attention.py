"""The views of the Attention page."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.config import ModelConfig
from gptlab.errors import LabError
from gptlab.figures import inside as figures
from gptlab.ui import bertviz_view, cached_inside, inside, link, pick, show
from gptlab.ui.inside import Subject
from gptlab.words import _


def layer_and_head(subject: Subject, average: bool = True) -> tuple[int, int | None]:
    """Which head; None for the mean of all heads of the layer."""
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with left:
        last = subject.shape.n_layer - 1
        layer = st.slider(_("Layer"), 0, last, (last + 1) // 2, key="layer", bind="query-params") if last else 0
    options = (["mean"] if average else []) + [str(head) for head in range(subject.shape.n_head)]
    with right:
        chosen = link.segments(
            _("Head"), options, "0", lambda name: _("mean of all") if name == "mean" else name, "head" if average else "one_head"
        )
    return layer, None if chosen == "mean" else int(chosen)


def matrix(subject: Subject) -> None:
    """One head large, all heads of its layer small."""
    layer, head = layer_and_head(subject)
    found = cached_inside.looked(subject.run.id, subject.step, subject.text)
    patterns = found.captured.patterns
    chosen = patterns[layer].mean(0) if head is None else patterns[layer, head]
    top = figures.top_of(patterns[layer])  # the large one has the shades of the small ones
    left, right = st.columns([3, 2], gap="large")
    with left:
        name = _("layer {layer}, mean of all heads") if head is None else _("layer {layer}, head {head}")
        st.markdown("**" + name.format(layer=layer, head=head) + "**")
        show.figure(
            figures.attention_figure(chosen, found.tokens, top, entropy_of(chosen)), key="pattern",
            table=lambda: as_table(chosen, found.tokens),
        )  # fmt: skip
        st.caption(
            _("Each row is a token that looks; its weights add up to 1. Above the diagonal there is nothing: no token sees what "
              "comes later. Entropy: 0 bits looks at one token, {most} bits would be all {n} alike.").format(
                most=f"{np.log2(len(found.tokens)):.1f}", n=len(found.tokens))
        )  # fmt: skip
    with right:
        st.markdown("**" + _("all heads of layer {layer}").format(layer=layer) + "**")
        titles = [_("head {n}").format(n=n) for n in range(len(patterns[layer]))]
        show.figure(figures.heads_figure(patterns[layer], found.tokens, titles, columns=2), key="heads")
    if len(found.tokens) == 1:
        st.info(_("A single token can only look at itself. Write a sentence."))


def entropy_of(pattern: np.ndarray) -> np.ndarray:
    from gptlab.interpret.capture import entropy_bits

    return entropy_bits(pattern)


def as_table(pattern: np.ndarray, tokens: list[str]) -> pd.DataFrame:
    """The weights, a row a query."""
    return pd.DataFrame(pattern, columns=[f"{i} {token}" for i, token in enumerate(tokens)]).assign(query=tokens)


def bertviz(subject: Subject) -> None:
    """The three views of BertViz, which everybody knows from the papers."""
    names = {"head": _("head view"), "model": _("model view"), "neuron": _("neuron view")}
    view = link.segments(_("View"), list(names), "head", names.__getitem__, "bertviz", label_visibility="collapsed")
    found = cached_inside.looked(subject.run.id, subject.step, subject.text)
    captured, dark = found.captured, st.context.theme.type == "dark"
    try:
        with st.spinner(_("Drawing ...")):
            if view == "head":
                html, height = bertviz_view.head_view(captured.patterns, found.tokens, 0, dark), 120 + 24 * len(found.tokens)
            elif view == "model":
                html = bertviz_view.model_view(captured.patterns, found.tokens, dark)
                height = 1000
            else:
                html = bertviz_view.neuron_view(captured.patterns, captured.queries, captured.keys, found.tokens, 0, 0, dark)
                height = 140 + 24 * len(found.tokens)
        st.iframe(html, height=min(1600, height))
    except LabError as problem:
        show.error(problem)
    st.caption({
        "head": _("A line from each token to those that it looks at; a colour is a head. Click on a colour to switch a head off."),
        "model": _("Every head of every layer; click on one to enlarge it."),
        "neuron": _("Click on + beside a token: query, keys, their product channel by channel, and the softmax."),
    }[view] + " " + _("BertViz: Vig 2019."))  # fmt: skip


def through_time(subject: Subject) -> None:
    """One head while the model learned."""
    steps = tuple(subject.run.checkpoint_steps())
    if len(steps) < 2:
        st.info(_("This model has one checkpoint only. Choose one with several: a run of your own, or {name}.").format(name="gpt2-6x96"))
        return
    layer, head = layer_and_head(subject, average=False)
    assert head is not None
    with st.spinner(_("Reading the text at every checkpoint ...")):
        patterns = cached_inside.film(subject.run.id, steps, subject.text, layer, head)
    tokens = cached_inside.looked(subject.run.id, subject.step, subject.text).tokens
    show.figure(figures.film_figure(patterns, tokens, steps), key="film")
    st.caption(_("The same text, the same head, at {n} moments of the training, evenly spread over log time.").format(n=len(steps)))


def first_to_compare(subject: Subject) -> str:
    """Another moment of the same model where there is one, else a model that cuts texts alike, else any; its id."""
    if len(subject.run.checkpoint_steps()) > 1:
        return subject.run.id
    others = [run.id for run in pick.with_weights(pick.is_transformer) if run.id != subject.run.id]
    own = cached_inside.vocabulary(subject.run.id)
    return next((id for id in others if cached_inside.vocabulary(id) == own), [*others, subject.run.id][0])


def compare(subject: Subject) -> None:
    """Two models, or two moments of one, and the difference."""
    left, right = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
    with left:
        inside.follow("other_model", first_to_compare(subject))
        other = pick.pretrained(pick.is_transformer, _("Compare with"), "other_model")
    assert other is not None  # there is one: the subject
    steps = other.checkpoint_steps()
    with right:
        others = [step for step in steps if step != subject.step] or steps
        first = others[0] if other.id == subject.run.id else steps[-1]  # where it came from; what the other one has become
        step = steps[0]
        if len(steps) > 1:
            step = st.select_slider(
                _("Training time: step of the checkpoint"), steps, value=first, format_func=lambda n: f"{n:,}", key=f"other_step_{other.id}"
            )
    one = cached_inside.looked(subject.run.id, subject.step, subject.text)
    two = cached_inside.looked(other.id, step, subject.text)
    if one.tokens != two.tokens:
        st.warning(_("The two models cut this text into different tokens ({a} and {b}); their patterns cannot be laid over each "
                     "other.").format(
            a=len(one.tokens), b=len(two.tokens)))  # fmt: skip
        return
    layer, head = layer_and_head(subject, average=False)
    shape = other.config().model
    assert isinstance(shape, ModelConfig)
    if layer >= shape.n_layer or head is None or head >= shape.n_head:
        st.warning(_("The other model has {n} layers of {m} heads; choose a head that both have.").format(
            n=shape.n_layer, m=shape.n_head))  # fmt: skip
        return
    a, b = one.captured.patterns[layer, head], two.captured.patterns[layer, head]
    titles = (
        f"{pick.short_name(subject.run)} · {subject.step:,}",
        f"{pick.short_name(other)} · {step:,}",
        _("difference: first minus second"),
    )
    both = figures.top_of(np.stack([a, b]))
    tops = (both, both, figures.top_of(a - b))
    for i, (column, title, pattern, top) in enumerate(zip(st.columns(3), titles, (a, b, a - b), tops, strict=True)):
        with column:
            st.markdown(f"**{title}**")
            show.figure(figures.attention_figure(pattern, one.tokens, top, difference=i == 2, narrow=True), key=f"compare_{i}")
    st.caption(
        _("Half of the summed differences a row, mean over rows: {value} (0: the same, 1: nothing in common).").format(
            value=f"{np.abs(a - b).sum(1).mean() / 2:.2f}"
        )
    )
