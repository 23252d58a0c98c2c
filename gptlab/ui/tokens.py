"""The views of the Tokenization page, each an answer to one question."""

import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.errors import LabError
from gptlab.figures import tokenization as figures
from gptlab.runs.store import open_run
from gptlab.runs.vocabularies import trained_vocabularies
from gptlab.tokenizer.labels import visible
from gptlab.tokenizer.published import SOURCES, download, is_here
from gptlab.ui import cached_tokens as cached
from gptlab.ui import link, pick, show, state, text
from gptlab.words import _

SAMPLE = "GPT-2 reads bytes, not words.\n한국어 문장도 바이트로 읽습니다. 👩‍🔬"
ENGLISH, KOREAN = "The weather is nice today, so I went for a walk with my friend.", "오늘은 날씨가 좋아서 친구와 함께 산책을 했습니다."

PAGE_CHARACTERS = 10_000
"""Characters that are coloured at once; a longer text has pages."""

SYLLABLES = 12

EDGES = (
    "<|endoftext|>", "hello", " hello", "hello ", "3.14159", "20261121", "for i in range(10):\n    x += 1", "😀", "👩\u200d🔬", "\u00e9",
    "e\u0301", "한",
)  # fmt: skip
"""Texts on which vocabularies differ from what one expects; é and é are one and two code points."""

GLITCHES = (" SolidGoldMagikarp", "rawdownloadcloneembedreportprint", " davidjl", " guiActiveUn")
"""Names of users and pieces of pages that GPT-2's merges were learned from and its training text hardly held.
Source: Rumbelow and Watkins 2023, "SolidGoldMagikarp"."""


def vocabularies(key: str, default: Sequence[str]) -> list[str]:
    """The vocabularies to set side by side; those that are not on this computer can be fetched, and are no default until then."""
    own = trained_vocabularies()
    there = ["characters", "bytes", "gpt2", *(name for name in SOURCES if is_here(name)), *own]
    left, right = st.columns([5, 2], gap="medium", vertical_alignment="bottom")
    with left:
        first = [*(name for name in default if name in there), *own[:1]]
        chosen = link.several(_("Vocabularies"), there, vocabulary_name, key, first, max_selections=6)
    with right:
        _fetch([name for name in SOURCES if name not in there])
    return chosen


def vocabulary_name(name: str) -> str:
    known = {
        "characters": _("characters of the text"), "bytes": _("raw bytes"), "gpt2": "GPT-2", "cl100k_base": "cl100k (GPT-4)",
        "o200k_base": "o200k (GPT-4o)",
    }  # fmt: skip
    return known.get(name) or pick.run_label(open_run(name))


def _fetch(missing: list[str]) -> None:
    if not missing:
        return
    with st.popover(_("More vocabularies"), icon=":material/download:", key="more_vocabularies"):
        st.markdown(_("These are not on this computer. They are fetched once, from OpenAI's public files."))
        for name in missing:
            label = _("Download {name} ({size} MB)").format(name=vocabulary_name(name), size=SOURCES[name].megabytes)
            st.button(label, key=f"download_{name}", on_click=state.attempt, args=(download, name))


def one_text() -> None:
    """One text, many vocabularies, coloured token by token."""
    written = link.text(_("Text"), SAMPLE, "tokens_text", height=110)
    names = vocabularies("vocabularies", ["characters", "gpt2"])
    if not written:
        st.info(_("Type or paste a text."))
        return
    n_pages = -(-len(written) // PAGE_CHARACTERS)
    page = 1
    if n_pages > 1:
        label = _("Page (of {n}, {most} characters each)").format(n=n_pages, most=f"{PAGE_CHARACTERS:,}")
        page = st.number_input(label, 1, n_pages, 1, key="tokens_page", bind="query-params")
    for name in names:
        with show.mistakes():
            _coloured(name, written, page - 1)
    if names:
        show.csv(lambda: _tokens_table(written, names), key="tokens")


def _coloured(name: str, written: str, page: int) -> None:
    found = cached.tokens(name, written)
    n_words = max(1, len(written.split()))
    st.markdown(
        _("**{name}**: {n} tokens · {per_word} tokens per word · {bytes_each} bytes per token · vocabulary of {size}").format(
            name=vocabulary_name(name), n=f"{found.n_tokens:,}", per_word=f"{found.n_tokens / n_words:.2f}",
            bytes_each=f"{found.bytes_per_token:.2f}", size=f"{found.tokenizer.vocab_size:,}",
        )
    )  # fmt: skip
    ids, labels = found.between(page * PAGE_CHARACTERS, (page + 1) * PAGE_CHARACTERS)
    show.coloured(ids, labels, lambda id: cached.about_token(found.tokenizer, id), key=f"coloured_{name}")


def _tokens_table(written: str, names: list[str]) -> pd.DataFrame:
    tables = []
    for name in names:
        ids, labels = cached.tokens(name, written).all()
        tables.append(pd.DataFrame({"vocabulary": name, "position": range(len(ids)), "id": ids, "token": labels}))
    return pd.concat(tables)


def tax() -> None:
    """What the same sentence costs in two languages."""
    left, right = st.columns(2, gap="medium")
    with left:
        first = link.text(_("One language"), ENGLISH, "tax_first", height=90)
    with right:
        second = link.text(_("Another language"), KOREAN, "tax_second", height=90)
    names = vocabularies("tax_vocabularies", ["characters", "bytes", "gpt2", *SOURCES])
    if not first or not second or not names:
        st.info(_("Two texts and a vocabulary are needed."))
        return
    counts = np.array([[cached.tokens(name, written).n_tokens for name in names] for written in (first, second)])
    titles = [_short(first), _short(second) if _short(first) != _short(second) else _short(second) + " (2)"]
    labels = [vocabulary_name(name) for name in names]
    figure = figures.cost_figure(labels, titles, counts)
    table = pd.DataFrame(counts.T, columns=titles).assign(vocabulary=names)
    show.figure(figure, key="tax", table=lambda: table)
    dearest = int(np.argmax(counts[1] / counts[0]))
    st.markdown(
        _(
            "Under {name} the second text costs {ratio} times the tokens of the first; in characters it is {characters} times as long."
        ).format(
            name=labels[dearest], ratio=f"{counts[1, dearest] / counts[0, dearest]:.1f}", characters=f"{len(second) / len(first):.1f}"
        )
    )
    _from_below(second, [name for name in names if name not in ("characters", "bytes")])


def _short(written: str) -> str:
    return written if len(written) <= 40 else written[:38] + " ..."


def _from_below(written: str, names: list[str]) -> None:
    """Syllable -> jamo -> bytes -> tokens, for the first Korean syllables."""
    places = [i for i, c in enumerate(written) if "가" <= c <= "힣"][:SYLLABLES]
    if not places:
        return
    st.subheader(_("From below: syllable, jamo, bytes, tokens"))
    rows = []
    for place in places:
        syllable = written[place]
        holders = [" ".join(cached.tokens(name, written).between(place, place + 1)[1]) for name in names]
        rows.append((syllable, " ".join(unicodedata.normalize("NFD", syllable)), syllable.encode().hex(" "), *holders))
    show.table([_("Syllable"), _("Jamo"), _("UTF-8 bytes"), *(vocabulary_name(name) for name in names)], rows)
    st.caption(_("안[1-2/3] is a token that holds the bytes 1 to 2 of the three that make 안."))


def big_vocabulary() -> None:
    """A vocabulary of a whole text: its merges in order, its longest tokens, who is used how often, and what size buys."""
    left, middle, right = st.columns([4, 2, 2], gap="medium", vertical_alignment="bottom")
    with left:
        corpus = text.choose()
    with middle:
        sizes = ["1024", "2048", "4096", "8192", "16384", "32768", "50257"]
        size = int(link.select(_("Vocabulary"), sizes, "8192", lambda n: f"{int(n):,}", "learned_size"))
    with right:
        n_embd = int(link.select(_("Width d of the embedding"), ["128", "256", "768", "1024", "1600"], "768", str, "width"))
    if corpus is None:
        return
    with st.spinner(_("Learning the merges ...")):
        found = cached.big_vocabulary(corpus, size)
    if found.vocab_size < size:
        st.info(_("The text has no more pairs that occur twice: {n} merges instead of {wanted}.").format(
            n=f"{found.vocab_size - 257:,}", wanted=f"{size - 257:,}"))  # fmt: skip
    st.caption(
        _(
            "{n} merges learned from the first 90 % of the text in {seconds} s; bytes per token are measured on the rest, {held_out} bytes."
        ).format(
            n=f"{found.vocab_size - 257:,}", seconds=f"{found.seconds:.1f}", held_out=f"{found.held_out_bytes:,}"
        )
    )
    first, second = st.columns(2, gap="medium")
    with first:
        st.subheader(_("What a larger vocabulary buys, and costs"))
        sizes_reached = np.array([p.vocab_size for p in found.curve])
        reached = np.array([p.bytes_per_token for p in found.curve])
        table = pd.DataFrame({"vocab_size": sizes_reached, "embedding_parameters": sizes_reached * n_embd, "bytes_per_token": reached})
        show.figure(figures.size_figure(sizes_reached, reached, n_embd), key="sizes", table=lambda: table)
    with second:
        st.subheader(_("How often each token is used"))
        ranked = pd.DataFrame({"rank": range(1, len(found.counts) + 1), "count": np.sort(found.counts)[::-1]})
        show.figure(figures.rank_figure(found.counts), key="ranks", table=lambda: ranked)
        st.caption(
            _("{n} of {all} tokens never occur in the text they were learned from: bytes that it does not hold, and tokens that later "
              "merges took up.").format(n=f"{int((found.counts == 0).sum()):,}", all=f"{found.vocab_size:,}")
        )  # fmt: skip
    st.subheader(_("The merges, in order"))
    names = {
        "number": _("number"), "left": _("left"), "right": _("right"), "token": _("token"), "bytes": _("bytes"),
        "count": _("uses left"),
    }  # fmt: skip
    st.dataframe(found.merges.rename(columns=names), hide_index=True, height=330, key="merges_table")
    st.caption(_("The longest words among the tokens: {longest}").format(longest="  ".join(f"`{t}`" for t in found.longest)))
    show.csv(lambda: found.merges, key="merges")


def split_first() -> None:
    """With and without cutting into words, learned from the same text."""
    left, right = st.columns([4, 2], gap="medium", vertical_alignment="bottom")
    with left:
        corpus = text.choose()
    with right:
        size = int(link.select(_("Vocabulary"), ["512", "1024", "2048", "4096", "8192"], "2048", lambda n: f"{int(n):,}", "split_size"))
    if corpus is None:
        return
    with st.spinner(_("Learning two vocabularies ...")):
        cut, whole = cached.slots(corpus, size, True), cached.slots(corpus, size, False)
    header = ["", _("cut into words first"), _("not cut")]
    share = [f"{found.n_mixed:,} ({found.n_mixed / max(1, found.n_learned):.0%})" for found in (cut, whole)]
    show.table(header, [
        (_("learned tokens"), f"{cut.n_learned:,}", f"{whole.n_learned:,}"),
        (_("of these hold a word and something else"), *share),
        (_("bytes per token, held-out text"), f"{cut.bytes_per_token:.2f}", f"{whole.bytes_per_token:.2f}"),
    ])  # fmt: skip
    st.caption(_(
        "Learned from the first 90 % of the text, measured on the rest; of a longer text the first {most} characters are used."
    ).format(
        most=f"{cached.SPLIT_CHARACTERS:,}"))  # fmt: skip
    st.subheader(_("One word, many slots: found in this text when it is not cut"))
    several = [
        (word, "  ".join(visible(t) for t in tokens[:12]), f"{len(tokens)}") for word, tokens in whole.variants.items() if len(word) > 2
    ]
    show.table([_("Word"), _("Tokens that hold it"), _("slots")], several[:12])
    st.markdown(
        _("Merging over everything may save tokens, as the table says for this text, but the slots go to its phrases. GPT-2 (section 2.2) "
          "cuts first, so that a slot holds a word and not each word with each punctuation mark; one space in front is the exception.")
    )  # fmt: skip


def edges() -> None:
    """Where vocabularies surprise."""
    names = vocabularies("edge_vocabularies", ["gpt2", *SOURCES])
    rows = [(visible(written), f"U+{' U+'.join(f'{ord(c):04X}' for c in written)}" if len(written) <= 4 else "",
             *(" ｜ ".join(_all_labels(name, written)) for name in names)) for written in EDGES]  # fmt: skip
    show.table([_("Text"), _("Code points"), *(vocabulary_name(name) for name in names)], rows, numbers_right=False)
    st.caption(
        _("`<|endoftext|>` typed into a text is cut here like any other text. Other programs differ: `transformers` reads it as GPT-2's "
          "end-of-text token, 50256.")
    )  # fmt: skip
    st.subheader(_("Tokens in the vocabulary that a text never uses"))
    corpus = text.choose()
    if corpus is None:
        return
    unused = cached.unused(corpus, GLITCHES)
    st.markdown(_("{n} of GPT-2's {all} tokens never occur in this text. The longest words among them:").format(
        n=f"{unused.n_unused:,}", all=f"{unused.vocab_size:,}") + " " + "  ".join(f"`{label}`" for label in unused.longest))  # fmt: skip
    show.table([_("Known glitch token"), "id", _("times in this text")], [(visible(t), str(id), f"{n:,}") for t, id, n in unused.glitches])
    st.caption(
        _("Of a token that training hardly ever showed, a model has learned hardly anything: asked for it, it does something arbitrary. "
          "Source: Rumbelow and Watkins 2023.")
    )  # fmt: skip


def _all_labels(name: str, written: str) -> list[str]:
    try:
        return cached.tokens(name, written).all()[1]
    except LabError:  # characters that a vocabulary of characters has never seen
        return ["-"]
