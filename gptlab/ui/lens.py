"""The views of the Lens page."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.figures import inside as figures
from gptlab.ui import cached_inside, inside, link, show, state
from gptlab.words import _


def logit_lens() -> None:
    """What each layer would say next."""
    subject = inside.choose()
    if subject is None:
        return
    found = cached_inside.lens(subject.run.id, subject.step, subject.text)
    n = subject.shape.n_layer
    names = [_("embedding"), *(_("after {n}").format(n=i) for i in range(1, n)), _("output")]
    show.figure(
        figures.lens_figure(found.top_labels, found.lens.top, found.tokens, names), key="lens", table=lambda: lens_table(found, names)
    )
    st.caption(
        _("The model's own head reads the residual stream after every block: the likeliest next token, shaded by its probability; "
          "five at the mouse. The bottom row is the embedding, the top row is what the model says.")
        + (" " + post_norm() if subject.shape.norm_position == "post" else "")
    )  # fmt: skip
    if len(found.tokens) > 1:
        st.subheader(_("When does it know?"))
        show.figure(figures.rank_figure(found.lens.rank, names), key="ranks")
        st.caption(_("Rank of the token that really comes next: every token a grey line, the median in colour. {n} tokens of one "
                     "text.").format(
            n=len(found.tokens) - 1))  # fmt: skip


def post_norm() -> str:
    return _(
        "This model is post-LN (GPT-1): every block ends in a LayerNorm, so there is no running sum that only grows. What a middle "
        "layer would say is read from a normalised state that later blocks still rescale: take it as a hint."
    )


def lens_table(found: cached_inside.Lensed, names: list[str]) -> pd.DataFrame:
    rows = [
        {"layer": name, "position": t, "token": token, **{f"top_{k + 1}": label for k, label in enumerate(found.top_labels[i][t])},
         "probability": float(found.lens.top[i, t, 0])}
        for i, name in enumerate(names) for t, token in enumerate(found.tokens)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def losses() -> None:
    """Where the model fails: every token coloured by its surprise."""
    subject = inside.choose()
    if subject is None:
        return
    found = cached_inside.surprises(subject.run.id, subject.step, subject.text)
    about = [_("never predicted: it is the first")]
    for nats, names, chances in zip(found.nats, found.expected, found.chances, strict=True):
        expected = "\n".join(f"{p:.2f}  {name}" for name, p in zip(names, chances, strict=True))
        about.append(_("{nats} nats (probability {p})").format(nats=f"{nats:.2f}", p=f"{np.exp(-nats):.3f}") + "\n" + expected)
    show.shaded(found.tokens, [0.0, *found.nats.tolist()], about)
    show.numbers([
        (_("mean"), f"{found.nats.mean():.2f}", _("nats per token")), (_("median"), f"{np.median(found.nats):.2f}", _("nats per token")),
        (_("highest"), f"{found.nats.max():.2f}", found.tokens[1 + int(found.nats.argmax())]),
        (_("likeliest was right"), f"{found.right.mean():.0%}", _("of {n} tokens").format(n=len(found.nats))),
    ])  # fmt: skip
    st.caption(_("The darker, the more surprised. Rest the mouse on a token to see what the model expected there: its five likeliest."))


def embeddings() -> None:
    """Neighbours of a token, and the village's things as a map."""
    subject = inside.choose(with_text=False)
    if subject is None:
        return
    language = link.segments(
        _("Words"), ["en", "ko"], state.language(), lambda n: {"en": _("English"), "ko": _("Korean")}[n], "words_language"
    )
    ids, words, kinds = cached_inside.words_by_kind(subject.run.id, language)
    vectors = cached_inside.embeddings(subject.run.id, subject.step)
    left, right = st.columns([3, 2], gap="large")
    with right:
        default = {"en": " kite", "ko": " 연"}[language] if subject.run.is_shipped else inside.default_text(subject.run).split()[0]
        word = st.text_input(_("Token (the first one of what you write)"), default, key=f"word_{subject.run.id}_{language}")
        if not word:
            st.info(_("Write a word."))
            return
        chosen = cached_inside.token_ids(subject.run.id, word)[0]
        from gptlab.interpret.lens import neighbours

        near = neighbours(vectors, chosen)
        labels = cached_inside.alone(subject.run.id, np.array([i for i, _cosine in near]))
        st.markdown(
            "**" + _("Nearest to {token}, by cosine").format(token=cached_inside.alone(subject.run.id, np.array([chosen]))[0]) + "**"
        )
        show.bars([(label, cosine) for label, (_i, cosine) in zip(labels, near, strict=True)])
    with left:
        if len(ids) < 10:
            st.info(_("This vocabulary has too few of the village's words as single tokens for a map; the models that ship have them."))
            return
        points, shares = cached_inside.plane(subject.run.id, subject.step, ids)
        place = ids.index(chosen) if chosen in ids else None
        show.figure(figures.plane_figure(points, words, kinds, shares, place), key="plane")
        about = _("{n} things of the village that are one token, by kind: the two directions in which their embeddings differ most (PCA).")
        st.caption(about.format(n=len(ids)))


MOST_PLACES = 256
"""Places in the figure. Chosen here: a point each on a screen; a longer context is thinned out."""


def places() -> None:
    """What the model knows of where a token stands."""
    subject = inside.choose(with_text=False)
    if subject is None:
        return
    from gptlab.interpret.lens import cosines, neighbours

    vectors = cached_inside.places(subject.run.id, subject.step)
    n, alike = len(vectors), cosines(vectors)
    shown = np.unique(np.linspace(0, n - 1, min(n, MOST_PLACES)).astype(int))
    left, right = st.columns([3, 2], gap="large")
    with left:
        show.figure(figures.places_figure(alike[np.ix_(shown, shown)], shown.tolist()), key="places")
    with right:
        if n < 2:
            return
        distances = [d for d in (1, 8, 64) if d < n]
        show.numbers([(_("{d} apart").format(d=d), f"{np.diagonal(alike, d).mean():.2f}", _("mean cosine")) for d in distances])
        chosen = int(st.number_input(_("Place"), 0, n - 1, min(20, n - 1), key="place", bind="query-params"))
        st.markdown("**" + _("Nearest to place {n}, by cosine").format(n=chosen) + "**")
        show.bars([(str(i), cosine) for i, cosine in neighbours(vectors, chosen, k=8)])
    st.caption(
        _("The embeddings of the {n} places of the context, each with each: 1 points the same way, 0 across, -1 the other way. Nobody "
          "tells the model that place 7 comes before place 8; before training all places are alike by chance only. Move the checkpoint to "
          "see the order come into being.").format(n=n)
    )  # fmt: skip
