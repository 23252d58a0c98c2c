"""Work behind a cache, keyed by plain values. What is returned is shared and must not be changed."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from gptlab.config import SamplingConfig, TokenizerConfig
from gptlab.errors import DataError
from gptlab.figures.generation import Candidates
from gptlab.figures.training import Expected
from gptlab.paths import home
from gptlab.runs.curve import Curve
from gptlab.runs.estimate import Speed, measured_speed
from gptlab.runs.store import open_run
from gptlab.tokenizer import Tokenizer

MOST_CANDIDATES = 15
"""Next tokens that are shown. Chosen here: their bars fit on a screen."""


@dataclass(frozen=True)
class Prepared:
    """A text under a tokenizer."""

    tokenizer: Tokenizer
    n_train: int
    n_validation: int
    expected: Expected


@st.cache_resource(max_entries=8, show_spinner=False)
def prepared(corpus_id: str, kind: str, vocab_size: int, validation_fraction: float, base: str = "") -> Prepared:
    """Train the tokenizer, encode the text, count what simple models would reach.

    Args:
        base: the model whose tokenizer it is instead.

    Raises:
        DataError: the text has not two tokens in either part.
        TokenizerError: the base's vocabulary cannot express the text.
    """
    from gptlab.data.corpus import check_length
    from gptlab.data.library import encoded, open_corpus
    from gptlab.data.statistics import expectations
    from gptlab.runs.plan import tokenizer_for

    corpus = open_corpus(corpus_id, home())
    config = TokenizerConfig(kind=kind, vocab_size=vocab_size)
    tokenizer = open_run(base).tokenizer() if base else tokenizer_for(corpus, config, validation_fraction)
    train, validation = encoded(corpus_id, tokenizer, validation_fraction, home())
    check_length(len(train), len(validation), block_size=1)
    found = expectations(train, validation, tokenizer.vocab_size)
    return Prepared(
        tokenizer, len(train), len(validation), Expected(found.uniform_nats, found.unigram_nats, found.bigram_nats)
    )


@dataclass(frozen=True)
class Preview:
    """What a person wants to know of a text."""

    title: str
    n_characters: int
    n_bytes: int
    n_documents: int
    beginning: str


@st.cache_data(max_entries=8, show_spinner=False)
def preview(corpus_id: str) -> Preview:
    """Title, size and the beginning of a text in the library."""
    from gptlab.data.library import open_corpus

    corpus = open_corpus(corpus_id, home())
    return Preview(corpus.title, corpus.n_characters, corpus.n_bytes, len(corpus.documents), corpus.text[:1200])


@st.cache_data(max_entries=4, show_spinner=False)
def python_text(which: str) -> str:
    """Id of Python's own documentation or sources, put into the library."""
    from gptlab.data import library, sources

    return library.save(getattr(sources, which)(), home())


@st.cache_resource(max_entries=4, show_spinner=False)
def speed(device: str) -> Speed:
    """The measured speed of a device."""
    return measured_speed(device)


@st.cache_resource(max_entries=32, show_spinner=False)
def _curve(run_id: str) -> tuple[Curve, threading.Lock]:
    return Curve(open_run(run_id).folder), threading.Lock()


def curve(run_id: str) -> Curve:
    """All that a run has reported, up to now; only what is new is read."""
    found, lock = _curve(run_id)
    with lock:
        found.read()
    return found


@st.cache_resource(max_entries=2, show_spinner=False)
def model(run_id: str, step: int) -> Any:
    """A run's model at a checkpoint, in `eval()`, without gradients."""
    from gptlab.runs.checkpoint import load_model

    return load_model(open_run(run_id), step)


@st.cache_data(max_entries=32, show_spinner=False)
def first_prompt(run_id: str) -> str:
    """A few words that suit a run's model: the first ones of its validation text, or "The " where there is no text (any more)."""
    from gptlab.data.library import open_corpus

    data = open_run(run_id).config().data
    try:
        text = open_corpus(data.corpus, home()).split(data.validation_fraction)[1] if data else ""
    except DataError:
        text = ""
    begins = re.match(r"\S*\s+((?:\S+\s+){1,3})", text[:400])  # the first word may be cut; spaces are those that the vocabulary knows
    return begins[1] if begins else text[:20] or "The "


@st.cache_data(max_entries=4, show_spinner=False)
def validation_text(run_id: str) -> str:
    """The beginning of the text that a run never learned from.

    Raises:
        DataError: the text is not in the library any more.
    """
    from gptlab.data.library import open_corpus

    data = open_run(run_id).config().data
    if data is None:
        raise DataError("This model did not learn a text here, so there is no held-out part of it. Choose another model.")
    return open_corpus(data.corpus, home()).split(data.validation_fraction)[1][:40_000]


@dataclass(frozen=True)
class Continuation:
    """A prompt and what a model wrote after it."""

    prompt: list[str]
    """Readable tokens."""
    written: list[str]
    """Readable tokens."""
    candidates: list[Candidates]
    """For every written token, what it was drawn from."""


@st.cache_data(max_entries=64, show_spinner=False)
def continuation(
    run_id: str, step: int, prompt: str, n_tokens: int, temperature: float, top_k: int | None, top_p: float, seed: int
) -> Continuation:
    """Write `n_tokens` tokens; the same arguments give the same text."""
    from gptlab.generation import generate
    from gptlab.tokenizer import readable

    tokenizer = open_run(run_id).tokenizer()
    sampling = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    ids = [int(i) for i in tokenizer.encode(prompt)]
    drawn = list(generate(model(run_id, step), ids, sampling, n_tokens, tokenizer.end_of_text, tokenizer.vocab_size))
    labels = readable(tokenizer, ids + [t.id for t in drawn])
    candidates = [_candidates(tokenizer, t.probabilities.numpy(), t.adjusted.numpy(), t.id) for t in drawn]
    return Continuation(labels[: len(ids)], labels[len(ids) :], candidates)


def _candidates(tokenizer: Tokenizer, probabilities: np.ndarray, adjusted: np.ndarray, chosen: int) -> Candidates:
    from gptlab.tokenizer import readable

    likeliest = np.argsort(-probabilities, kind="stable")[:MOST_CANDIDATES]
    if chosen not in likeliest:  # an unlikely token was drawn: show it in the last place
        likeliest[-1] = chosen
    return Candidates(
        labels=[readable(tokenizer, [int(i)])[0] for i in likeliest],
        probabilities=probabilities[likeliest],
        adjusted=adjusted[likeliest],
        chosen=int(np.flatnonzero(likeliest == chosen)[0]),
    )



def pieces(
    run_id: str, step: int, prompt: str, n_tokens: int, temperature: float, top_k: int | None, top_p: float, seed: int
) -> Iterator[str]:
    """What a model writes, as it writes it; begins with the prompt. Markdown signs are kept as they are."""
    from gptlab.generation import generate
    from gptlab.tokenizer import decode_stream

    tokenizer = open_run(run_id).tokenizer()
    sampling = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    ids = [int(i) for i in tokenizer.encode(prompt)]
    tokens = generate(model(run_id, step), ids, sampling, n_tokens, tokenizer.end_of_text, tokenizer.vocab_size)
    yield as_written(prompt)
    for piece in decode_stream(tokenizer, (token.id for token in tokens)):
        yield as_written(piece)


def as_written(text: str) -> str:
    """Text for a Markdown reader that is to show it letter for letter."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", text)
    return escaped.replace("\n", "  \n")
