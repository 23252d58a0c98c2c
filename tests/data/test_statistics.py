import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from gptlab.data import expectations, statistics


def slow(train, validation, vocab_size):
    """The same formulas with dictionaries, one token at a time."""
    counts, total = Counter(train), len(train)
    after = defaultdict(Counter)
    for a, b in zip(train, train[1:], strict=False):
        after[a][b] += 1
    unigram = bigram = 0.0
    for a, b in zip(validation, validation[1:], strict=False):
        p = (counts[b] + 1) / (total + vocab_size)
        unigram -= math.log(p)
        n, kinds = sum(after[a].values()), len(after[a])
        bigram -= math.log((after[a][b] + kinds * p) / (n + kinds) if n else p)
    return math.log(vocab_size), unigram / (len(validation) - 1), bigram / (len(validation) - 1)


@pytest.mark.parametrize(("vocab_size", "n_train", "n_validation"), [(5, 400, 100), (300, 500, 200), (50_257, 50, 3), (2, 2, 2)])
def test_expectations_agree_with_the_slow_way(vocab_size, n_train, n_validation):
    random = np.random.default_rng(vocab_size)
    train, validation = ((random.random(n) ** 3 * vocab_size).astype(np.uint16) for n in (n_train, n_validation))
    found = expectations(train, validation, vocab_size)
    expected = slow(train.tolist(), validation.tolist(), vocab_size)
    assert (found.uniform_nats, found.unigram_nats, found.bigram_nats) == pytest.approx(expected, abs=1e-12)


def test_bigram_probabilities_sum_to_one():
    train = np.array([0, 1, 0, 1, 2, 0, 0])
    for a in range(4):
        total = sum(math.exp(-expectations(train, np.array([a, b]), 4).bigram_nats) for b in range(4))
        assert total == pytest.approx(1)


def test_bigram_learns_an_alternation():
    train = np.array([0, 1] * 500)
    found = expectations(train, train[:100], 2)
    assert found.bigram_nats < 0.01 < found.unigram_nats == pytest.approx(math.log(2), abs=1e-3)


def test_expectations_count_the_first_tokens_only(monkeypatch):
    monkeypatch.setattr(statistics, "MAX_TRAIN_TOKENS", 6)
    train, validation = np.array([0, 1, 2, 0, 1, 1]), np.array([0, 1, 2])
    assert expectations(np.append(train, [2] * 50), validation, 3) == expectations(train, validation, 3)
