"""What a loss has to be compared with: how well counting alone predicts the same text.

Both models are estimated on the training part and scored on the validation part, because a count table scored on the
text it was counted from looks better than it is: a bigram seen once gets a share of the probability that it will not
deserve on new text.

Source: Witten and Bell 1991 (method C); Jurafsky and Martin, Speech and Language Processing, on interpolation.
"""

import math
from dataclasses import dataclass

import numpy as np

MAX_TRAIN_TOKENS = 5_000_000
"""So many training tokens are counted at most. Chosen here: seconds, and the rest changes the third decimal."""


@dataclass(frozen=True)
class Expectations:
    """Mean cross-entropies in nats per token on the validation part.

    Args:
        uniform_nats: every token equally likely, ln V; where an untrained model starts.
        unigram_nats: only how frequent each token is.
        bigram_nats: only the token before. A model below this looks further back than one token.
    """

    uniform_nats: float
    unigram_nats: float
    bigram_nats: float


def expectations(train_tokens: np.ndarray, validation_tokens: np.ndarray, vocab_size: int) -> Expectations:
    """Uniform, unigram and bigram cross-entropy on the validation tokens but for the first, which nothing precedes.

    With c for counts, T(a) the number of different tokens after a, N training tokens and V the vocabulary:

        unigram:   p(b) = (c(b) + 1) / (N + V)
        bigram:    p(b | a) = (c(a, b) + T(a) p(b)) / (c(a) + T(a));  p(b) where a was never seen

    Args:
        train_tokens: (n,), n >= 2, any integer type; the first `MAX_TRAIN_TOKENS` are counted.
        validation_tokens: (m,), m >= 2.
        vocab_size: V.
    """
    train = np.asarray(train_tokens[:MAX_TRAIN_TOKENS], dtype=np.int64)
    validation = np.asarray(validation_tokens, dtype=np.int64)
    before, after = validation[:-1], validation[1:]

    unigram = (np.bincount(train, minlength=vocab_size) + 1) / (len(train) + vocab_size)  # (V,)

    pairs, counts = np.unique(train[:-1] * vocab_size + train[1:], return_counts=True)
    followers = np.bincount(pairs // vocab_size, minlength=vocab_size)  # T(a), (V,)
    followed = np.bincount(train[:-1], minlength=vocab_size)  # c(a), (V,)

    asked, times = np.unique(before * vocab_size + after, return_counts=True)
    a, b = asked // vocab_size, asked % vocab_size
    place = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
    seen = np.where(pairs[place] == asked, counts[place], 0)  # c(a, b)
    known = followed[a] > 0
    bigram = np.where(known, (seen + followers[a] * unigram[b]) / np.where(known, followed[a] + followers[a], 1), unigram[b])
    return Expectations(
        uniform_nats=math.log(vocab_size),
        unigram_nats=float(-np.log(unigram[b]) @ times / len(after)),
        bigram_nats=float(-np.log(bigram) @ times / len(after)),
    )
