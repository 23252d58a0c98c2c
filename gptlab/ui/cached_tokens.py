"""As `cached`, for the Tokenization page."""

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.data import open_corpus
from gptlab.data.compression import SizePoint, Slots, parts_of, size_curve, token_counts
from gptlab.data.compression import slots as found_slots
from gptlab.paths import home
from gptlab.runs.vocabularies import vocabulary
from gptlab.tokenizer import BPETokenizer, Tokenizer, gpt2, readable
from gptlab.tokenizer.labels import shown_bytes, visible
from gptlab.tokenizer.replay import MergeStep, derivation, replay

MOST_LISTED = 10

MOST_MERGES_TOLD = 6

LEAST_LETTERS = 3
"""More different letters than these make a word."""

SPLIT_CHARACTERS = 2_000_000
"""Text from which two vocabularies are learned. Chosen here: seconds; without cutting into words the trainer is three times slower."""


@dataclass(frozen=True)
class Tokens:
    """A text as tokens."""

    tokenizer: Tokenizer
    ids: np.ndarray
    """(n,)"""
    byte_of_token: np.ndarray
    """(n + 1,) where each token begins, and where the last one ends"""
    byte_of_character: np.ndarray
    """(c + 1,) where each character begins, and where the last one ends"""

    @property
    def n_tokens(self) -> int:
        return len(self.ids)

    @property
    def bytes_per_token(self) -> float:
        return int(self.byte_of_character[-1]) / max(1, self.n_tokens)

    def between(self, first: int, last: int) -> tuple[list[int], list[str]]:
        """Ids and readable labels of the tokens that hold the characters from `first` up to, without it, `last`."""
        begin_byte, end_byte = self.byte_of_character[[first, min(last, len(self.byte_of_character) - 1)]]
        begin = max(0, int(np.searchsorted(self.byte_of_token, begin_byte, side="right")) - 1)
        end = min(self.n_tokens, int(np.searchsorted(self.byte_of_token, end_byte, side="left")))
        before, after = min(begin, 3), min(self.n_tokens - end, 3)  # a character may begin before the first token or end after the last
        ids = [int(id) for id in self.ids[begin - before : end + after]]
        labels = readable(self.tokenizer, ids)
        inside = slice(before, before + end - begin)
        return ids[inside], labels[inside]

    def all(self) -> tuple[list[int], list[str]]:
        return self.between(0, len(self.byte_of_character) - 1)


@st.cache_resource(max_entries=16, show_spinner=False)
def tokens(name: str, text: str) -> Tokens:
    """A text under a vocabulary.

    Raises:
        LabError: no such vocabulary, or it cannot express the text.
    """
    tokenizer = vocabulary(name, text)
    ids = tokenizer.encode(text)
    data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    starts = np.flatnonzero((data & 0xC0) != 0x80)  # a byte 10xxxxxx continues a character
    ends = np.cumsum(_lengths(tokenizer)[ids], dtype=np.int32)
    return Tokens(tokenizer, ids.astype(np.int32), np.append(np.int32(0), ends), np.append(starts, len(data)).astype(np.int32))


@lru_cache(maxsize=16)
def _lengths(tokenizer: Tokenizer) -> np.ndarray:
    """(V,) bytes of every token."""
    return np.array([len(tokenizer.token_bytes(id)) for id in range(tokenizer.vocab_size)], dtype=np.int64)


@lru_cache(maxsize=100_000)
def about_token(tokenizer: Tokenizer, id: int) -> str:
    """Id, bytes and the last merges of a token, as lines."""
    token = tokenizer.token_bytes(id)
    made = derivation(token, getattr(tokenizer, "ranks", {}))
    merges = [f"{shown_bytes(left)} + {shown_bytes(right)}" for left, right in made[-MOST_MERGES_TOLD:]]
    return "\n".join([f"id {id}", token.hex(" "), *merges])


@st.cache_data(max_entries=8, show_spinner=False)
def merge_steps(text: str, n_merges: int) -> tuple[list[tuple[bytes, bytes]], list[MergeStep], int]:
    """The merges learned from a text, how they went, and how many bytes there were."""
    merges = BPETokenizer.train(text, 257 + n_merges).merges
    return list(merges), list(replay(text, merges)), len(text.encode("utf-8"))


def _longest_words(tokens: list[bytes]) -> list[str]:
    """The longest of the tokens that are words: without this they are all rulers of dashes and the like."""
    texts = [token.decode("utf-8", errors="replace") for token in tokens]
    words = [text for text in texts if text.removeprefix(" ").isalpha() and len(set(text)) > LEAST_LETTERS]
    return [visible(text) for text in sorted(words, key=len, reverse=True)[:MOST_LISTED]]


@dataclass(frozen=True)
class BigVocabulary:
    """What was learned from a whole text."""

    vocab_size: int
    merges: pd.DataFrame
    longest: list[str]
    """Of the tokens that are words."""
    counts: np.ndarray
    """(V,) times in the text it was learned from"""
    curve: list[SizePoint]
    held_out_bytes: int
    seconds: float


@st.cache_data(max_entries=4, show_spinner=False)
def big_vocabulary(corpus_id: str, vocab_size: int) -> BigVocabulary:
    """
    Raises:
        LabError: the text is too short.
    """
    learning, held_out = parts_of(open_corpus(corpus_id, home()).text)
    begin = time.perf_counter()
    tokenizer = BPETokenizer.train(learning, vocab_size)
    seconds = time.perf_counter() - begin
    counts = token_counts(tokenizer, learning)
    tokens = [left + right for left, right in tokenizer.merges]
    table = pd.DataFrame(
        {
            "number": range(1, len(tokens) + 1),
            "left": [shown_bytes(left) for left, _right in tokenizer.merges],
            "right": [shown_bytes(right) for _left, right in tokenizer.merges],
            "token": [shown_bytes(token) for token in tokens],
            "bytes": [len(token) for token in tokens],
            "count": counts[256 : 256 + len(tokens)],
        }
    )
    longest = _longest_words(tokens)
    return BigVocabulary(
        tokenizer.vocab_size, table, longest, counts, size_curve(tokenizer, held_out), len(held_out.encode("utf-8")), seconds
    )


@st.cache_data(max_entries=8, show_spinner=False)
def slots(corpus_id: str, vocab_size: int, split: bool) -> Slots:
    """
    Raises:
        LabError: the text is too short.
    """
    return found_slots(open_corpus(corpus_id, home()).text[:SPLIT_CHARACTERS], vocab_size, split)


@dataclass(frozen=True)
class Unused:
    """Tokens of GPT-2 that a text does without."""

    n_unused: int
    vocab_size: int
    longest: list[str]
    glitches: list[tuple[str, int, int]]
    """Token, id, times in the text."""


@st.cache_data(max_entries=8, show_spinner=False)
def unused(corpus_id: str, glitches: tuple[str, ...]) -> Unused:
    """GPT-2's vocabulary against a text."""
    tokenizer = gpt2()
    counts = token_counts(tokenizer, open_corpus(corpus_id, home()).text)
    never = [tokenizer.token_bytes(int(id)) for id in np.flatnonzero(counts == 0)]
    longest = _longest_words(never)
    found = [(text, tokenizer.ranks[text.encode()], int(counts[tokenizer.ranks[text.encode()]])) for text in glitches]
    return Unused(len(never), tokenizer.vocab_size, longest, found)
