"""Byte pair encoding in slow motion: what `tokenizers` learned and what `tiktoken` does, one merge at a time.

    for step in replay("aaabdaaabac", BPETokenizer.train("aaabdaaabac", vocab_size=260).merges):
        step.pair, step.count, step.n_tokens        # a a 4 -> 9 tokens, a b 2 -> 7, aa ab 2 -> 5

Nothing is trained here; the merges are given. Source of the algorithm: Sennrich et al. 2016.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gptlab.tokenizer.bpe import BYTE_ORDER, Merge, pre_split

MOST_CANDIDATES = 10


@dataclass(frozen=True)
class MergeStep:
    """One merge, as it happened in a text."""

    number: int
    """Merges done, with this one."""
    pair: Merge
    count: int
    """How often the two stood side by side before they were merged. Three in a row count as two pairs."""
    candidates: tuple[tuple[Merge, int], ...]
    """The most frequent pairs at that moment, the more frequent first, of equals the one with the lower ids."""
    n_tokens: int
    """Tokens of the text afterwards."""


def replay(text: str, merges: Sequence[Merge]) -> Iterator[MergeStep]:
    """The merges one by one on a text: the pairs there were to choose from, and how many tokens are left.

    Equal words are merged once and counted as often as they occur; only the words that hold the pair are looked at again.

    Raises:
        TokenizerError: the text is not encodable.
    """
    ranks = {bytes([byte]): id for id, byte in enumerate(BYTE_ORDER)}
    words = Counter(pre_split(text))
    parts = {word: [bytes([byte]) for byte in word] for word in words}
    counts: Counter[Merge] = Counter()
    holders: dict[Merge, set[bytes]] = {}
    for word in words:
        _register(parts[word], word, words[word], counts, holders)
    n_tokens = sum(len(parts[word]) * n for word, n in words.items())
    for number, pair in enumerate(merges, start=1):
        candidates = heapq.nsmallest(MOST_CANDIDATES, counts.items(), key=lambda item: (-item[1], ranks[item[0][0]], ranks[item[0][1]]))
        count = counts[pair]
        merged = pair[0] + pair[1]
        ranks[merged] = len(ranks)
        ways = [(merged[:cut], merged[cut:]) for cut in range(1, len(merged))]  # any two parts that make the new token are merged
        for word in {word for way in ways for word in holders.get(way, ())}:
            before = parts[word]
            _register(before, word, -words[word], counts, holders)
            parts[word], _made = apply(before, ranks, len(ranks))
            _register(parts[word], word, words[word], counts, holders)
            n_tokens -= (len(before) - len(parts[word])) * words[word]
        yield MergeStep(number, pair, count, tuple(candidates), n_tokens)


def apply(parts: Sequence[bytes], ranks: Mapping[bytes, int], below: int) -> tuple[list[bytes], list[Merge]]:
    """Merge neighbours, the pair of the lowest rank first, until none has a rank under `below`; and the merges in that order."""
    parts, made = list(parts), []
    while len(parts) > 1:
        rank, place = min((ranks.get(a + b, below), i) for i, (a, b) in enumerate(zip(parts, parts[1:], strict=False)))
        if rank >= below:
            break
        made.append((parts[place], parts[place + 1]))
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts, made


def derivation(token: bytes, ranks: Mapping[bytes, int]) -> list[Merge]:
    """The merges that make a token out of its bytes, in order; none for a byte, or where no merge made it, as in a special token."""
    if token not in ranks:
        return []
    parts, made = apply([bytes([byte]) for byte in token], ranks, ranks[token] + 1)
    return made if len(parts) == 1 else []


def _register(parts: list[bytes], word: bytes, n: int, counts: Counter[Merge], holders: dict[Merge, set[bytes]]) -> None:
    """Count a word's pairs `n` times more; a negative `n` takes them away."""
    for pair in zip(parts, parts[1:], strict=False):
        counts[pair] += n
        holders.setdefault(pair, set())
        (holders[pair].add if n > 0 else holders[pair].discard)(word)
        if counts[pair] <= 0:
            del counts[pair]
            holders.pop(pair, None)
