"""Tokenization: byte pair encoding, seen happening.  Source: GPT-1, section 4.1; GPT-2, section 2.2; Sennrich et al. 2016."""

import streamlit as st

from gptlab.ui import link, merging, show, tokens
from gptlab.words import _

VIEWS = {
    "text": tokens.one_text, "tax": tokens.tax, "merges": merging.film, "vocabulary": tokens.big_vocabulary,
    "split": tokens.split_first, "edges": tokens.edges,
}  # fmt: skip

st.title(_("From text to tokens"))
st.markdown(_("A GPT never sees letters. What does it see, who decided that, and what does it cost in Korean?"))
show.kept_error()

names = {
    "text": _("One text"), "tax": _("Two languages"), "merges": _("Merge by merge"), "vocabulary": _("A whole vocabulary"),
    "split": _("Why cut first"), "edges": _("Edges"),
}  # fmt: skip
view = link.segments(_("View"), list(VIEWS), "text", names.__getitem__, "view", label_visibility="collapsed")
VIEWS[view]()

st.divider()
st.latex(
    r"(a^*, b^*) = \arg\max_{(a,b)} \#(a\,b), \qquad \mathcal{V} \leftarrow \mathcal{V} \cup \{a^* b^*\} "
    r"\qquad \text{(Sennrich et al. 2016)}"
)
show.lesson(
    notice=[
        _("A token with a space in front is another token than the same word without one."),
        _("A Korean syllable has three bytes in UTF-8: a vocabulary with few Korean merges spends up to three tokens on it."),
        _("Each doubling of the vocabulary saves less, while the embedding doubles each time."),
    ],
    attempt=[
        _("Play the merges and guess the next pair before it is marked."),
        _("Train a BPE on Korean text on the Train page, then come back: its vocabulary stands beside GPT-2's."),
        _("Look for a word that GPT-2 cuts where no syllable ends."),
    ],
)
