"""What a vocabulary makes of a text: how much it saves, what it spends its slots on, and which of them the text ever uses."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptlab.errors import DataError
from gptlab.tokenizer import BPETokenizer, Tokenizer
from gptlab.tokenizer.bpe import merges_of, train_rust

HELD_OUT = 0.1
"""Share of a text, at its end, on which a vocabulary learned from the rest is measured: the text it comes from flatters it."""

LEAST_CHARACTERS = 200
"""Shortest text that a vocabulary is measured on. Chosen here: a tenth of it is a sentence."""

_STEM = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class SizePoint:
    """A vocabulary size and what it reaches on the held-out text."""

    vocab_size: int
    bytes_per_token: float


@dataclass(frozen=True)
class Slots:
    """What the learned tokens of a vocabulary are, and what they reach.

    variants: a word -> the tokens that hold it together with something else than one leading space, as `dog.` or `the dog`.
    """

    n_learned: int
    variants: dict[str, list[str]]
    bytes_per_token: float
    """On the held-out text."""

    @property
    def n_mixed(self) -> int:
        """Learned tokens that run over the border of a word."""
        return sum(map(len, self.variants.values()))


def parts_of(text: str) -> tuple[str, str]:
    """The part of a text that a vocabulary learns from, and the part on which it is measured.

    Raises:
        DataError: the text is too short to be parted.
    """
    if len(text) < LEAST_CHARACTERS:
        raise DataError("The text has {n} characters; at least {least} are needed here.", n=len(text), least=LEAST_CHARACTERS)
    cut = len(text) - int(len(text) * HELD_OUT)
    return text[:cut], text[cut:]


def bytes_per_token(n_tokens: int, text: str) -> float:
    return len(text.encode("utf-8")) / n_tokens if n_tokens else 0.0


def token_counts(tokenizer: Tokenizer, text: str) -> np.ndarray:
    """(V,) how often every token occurs in a text."""
    return np.bincount(tokenizer.encode(text), minlength=tokenizer.vocab_size)


def size_curve(tokenizer: BPETokenizer, held_out: str) -> list[SizePoint]:
    """What the vocabulary would reach had its training stopped earlier: the first merges of a larger vocabulary are the smaller one."""
    sizes = [size for size in (257 * 2**i for i in range(10)) if size < tokenizer.vocab_size] + [tokenizer.vocab_size]
    smaller = [BPETokenizer(tokenizer.merges[: size - 257]) for size in sizes]
    return [SizePoint(t.vocab_size, bytes_per_token(len(t.encode(held_out)), held_out)) for t in smaller]


def slots(text: str, vocab_size: int, split: bool) -> Slots:
    """Train a vocabulary with or without cutting into words first, and see what its slots hold.

    >>> text = "My dog. His dog! A dog? " * 40
    >>> slots(text, 300, split=False).variants["A"], slots(text, 300, split=True).variants
    (['A dog', '! A dog', '! A dog? '], {})

    Raises:
        DataError: the text is too short.
        TokenizerError: the text is not encodable.
    """
    learning, held_out = parts_of(text)
    trained = train_rust(learning, vocab_size - 1, split)
    learned = [left + right for left, right in merges_of(trained)]
    n_tokens = len(trained.encode(held_out).ids)
    return Slots(len(learned), variants(learned), bytes_per_token(n_tokens, held_out))


def variants(tokens: Sequence[bytes]) -> dict[str, list[str]]:
    """Tokens that hold letters together with something else than one leading space, by their first word; most variants first."""
    found: dict[str, list[str]] = defaultdict(list)
    for token in tokens:
        text = token.decode("utf-8", errors="ignore")
        stem = _STEM.search(text)
        if stem and text.removeprefix(" ") != stem.group():
            found[stem.group()].append(text)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
