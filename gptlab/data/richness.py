"""How rich a text is in words, and how well it can be guessed by counting them."""

import lzma
import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WordStatistics:
    """How rich a text is.

    Args:
        n_words: words and marks.
        counts: how often each form occurs, (forms,), the commonest first; forms in lower case.
        entropy_bits: of a word given none, one and two words before it, as the text's own counts have it. Such counts of pairs and threes
            are too low for short texts: compare texts of the same length only.
        compression: bytes over bytes after LZMA.
    """

    n_words: int
    counts: np.ndarray
    entropy_bits: tuple[float, float, float]
    compression: float

    @property
    def n_forms(self) -> int:
        return len(self.counts)


MOST_COUNTED_WORDS = 150_000
"""The first words of a text are counted, so that texts compare."""


MOST_COMPRESSED_CHARACTERS = 500_000
"""Likewise for the compression: longer texts repeat themselves more."""


def word_statistics(text: str) -> WordStatistics:
    """Statistics of the words of a text.

    >>> word_statistics("a b a b a b").entropy_bits[1]
    0.0
    """
    words = re.findall(r"\w+|[^\w\s]", text.lower())[:MOST_COUNTED_WORDS]
    counts = np.array(sorted(Counter(words).values(), reverse=True))
    data = text[:MOST_COMPRESSED_CHARACTERS].encode("utf-8")
    entropies = tuple(_conditional_bits(words, n) for n in (1, 2, 3))
    return WordStatistics(len(words), counts, (entropies[0], entropies[1], entropies[2]), len(data) / len(lzma.compress(data, preset=1)))


def _conditional_bits(words: list[str], n: int) -> float:
    """Entropy of the last of n words given the ones before it, in bits."""
    runs = Counter(zip(*(words[i:] for i in range(n)), strict=False))
    before: Counter[tuple[str, ...]] = Counter()
    for run, count in runs.items():
        before[run[:-1]] += count
    total = sum(runs.values())
    return -sum(count / total * math.log2(count / before[run[:-1]]) for run, count in runs.items()) + 0.0
