import doctest

import numpy as np
import pytest

from gptlab.data import compression
from gptlab.data.compression import bytes_per_token, parts_of, size_curve, slots, token_counts, variants
from gptlab.errors import DataError
from gptlab.tokenizer import BPETokenizer

TEXT = "".join(f"The dog saw {n} cats. A dog! The cat's dog? No dog, {n} dogs. 개가 짖었다.\n" for n in range(80))


def test_worked_example_in_the_docstring_holds():
    assert doctest.testmod(compression) == doctest.TestResults(failed=0, attempted=2)


def test_the_text_is_parted_without_loss():
    learning, held_out = parts_of(TEXT)
    assert learning + held_out == TEXT and len(held_out) == int(len(TEXT) * 0.1)
    with pytest.raises(DataError, match="has 5 characters; at least 200"):
        parts_of("short")


def test_token_counts_are_those_of_the_text():
    tokenizer = BPETokenizer.train(TEXT, 300)
    counts = token_counts(tokenizer, TEXT)
    assert counts.shape == (300,) and counts.sum() == len(tokenizer.encode(TEXT))
    lengths = np.array([len(tokenizer.token_bytes(i)) for i in range(300)])
    assert (counts * lengths).sum() == len(TEXT.encode())


def test_the_curve_is_that_of_vocabularies_trained_to_each_size():
    learning, held_out = parts_of(TEXT)
    curve = size_curve(BPETokenizer.train(learning, 600), held_out)
    assert curve[0].vocab_size == 257 and curve[0].bytes_per_token == 1.0
    for point in curve:
        smaller = BPETokenizer.train(learning, point.vocab_size)
        assert point.bytes_per_token == bytes_per_token(len(smaller.encode(held_out)), held_out)
    assert [p.bytes_per_token for p in curve] == sorted(p.bytes_per_token for p in curve)


def test_cutting_first_leaves_no_mixed_token_but_contractions():
    cut, whole = slots(TEXT, 400, split=True), slots(TEXT, 400, split=False)
    assert cut.variants in ({}, {"s": ["'s"]}) and whole.n_mixed > 10
    assert any(" dog" in token and token != " dog" for token in whole.variants["dog"] + whole.variants.get("No", []))
    learning, held_out = parts_of(TEXT)
    tokenizer = BPETokenizer.train(learning, 400)
    assert cut.bytes_per_token == bytes_per_token(len(tokenizer.encode(held_out)), held_out)


def test_variants_by_word():
    tokens = [b" dog", b"dog", b"dog.", b"the dog", "개가 ".encode(), "개".encode(), "개".encode()[:2], b"12", b" . "]
    assert variants(tokens) == {"dog": ["dog."], "the": ["the dog"], "개가": ["개가 "]}
