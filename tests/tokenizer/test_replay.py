"""The film of merges against the library that trains and the one that encodes."""

import doctest
import random

import pytest

from gptlab.errors import TokenizerError
from gptlab.tokenizer import BPETokenizer, bpe, gpt2
from gptlab.tokenizer.bpe import pre_split
from gptlab.tokenizer.replay import apply, derivation, replay

ENGLISH = "the cat sat on the mat. the other cat sat there, and the rat ran: that's that! " * 3
KOREAN = "고양이가 매트 위에 앉았습니다. 다른 고양이도 앉았고, 고양이는 달아났습니다. " * 3


def test_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(bpe) == doctest.TestResults(failed=0, attempted=4)


def test_worked_example_step_by_step():
    steps = list(replay("aaabdaaabac", BPETokenizer.train("aaabdaaabac", vocab_size=260).merges))
    assert [(s.number, s.pair, s.count, s.n_tokens) for s in steps] == [
        (1, (b"a", b"a"), 4, 9), (2, (b"a", b"b"), 2, 7), (3, (b"aa", b"ab"), 2, 5),
    ]  # fmt: skip
    assert steps[1].candidates[:2] == (((b"a", b"b"), 2), ((b"aa", b"a"), 2))


@pytest.mark.parametrize(
    "text", [ENGLISH, KOREAN, "a\tb   c\r\n\r\n    if x:\n    " * 9, "12 123 1234 12345 " * 5], ids=["en", "ko", "space", "digits"]
)
def test_the_most_frequent_pair_is_the_one_that_the_trainer_merged(text):
    merges = BPETokenizer.train(text, 400).merges
    steps = list(replay(text, merges))
    assert [s.pair for s in steps] == list(merges) and len(steps) > 4
    assert [s.candidates[0] for s in steps] == [(s.pair, s.count) for s in steps]  # counted here, on our own


@pytest.mark.parametrize("text", [ENGLISH, KOREAN])
def test_tokens_left_are_those_of_the_encoder(text):
    merges = BPETokenizer.train(text, 400).merges
    left = [s.n_tokens for s in replay(text, merges)]
    assert left == [len(BPETokenizer(merges[:n]).encode(text)) for n in range(1, len(merges) + 1)]
    assert left == sorted(left, reverse=True)


def test_merges_that_find_nothing_change_nothing():
    steps = list(replay("xyz", [(b"a", b"b"), (b"x", b"y")]))
    assert [(s.count, s.n_tokens) for s in steps] == [(0, 3), (1, 2)] and list(replay("", [(b"a", b"b")]))[0].candidates == ()


def test_one_repeated_letter_ends_in_time():
    text = "a" * 20_000
    merges = BPETokenizer.train(text, 500).merges
    assert [s.pair for s in replay(text, merges)] == list(merges) and merges[:2] == ((b"a", b"a"), (b"aa", b"aa"))


def test_half_a_surrogate_pair_is_told():
    with pytest.raises(TokenizerError, match="surrogate"):
        list(replay("a\ud800", []))


def test_words_are_cut_as_in_gpt2_and_lose_nothing():
    assert pre_split("I'd say:  we'll 12x!\n") == [b"I", b"'d", b" say", b":", b" ", b" we", b"'ll", b" 12", b"x", b"!", b"\n"]
    text = ENGLISH + KOREAN + "\u200b\u3000 👩\u200d🔬"
    assert b"".join(pre_split(text)).decode() == text


def test_apply_is_what_the_encoder_does():
    ranks, draw = gpt2().ranks, random.Random(1)
    for word in draw.sample([w for w in ranks if len(w) > 5], 50):
        odd = word[::-1] + word[:3]
        parts, _made = apply([bytes([byte]) for byte in odd], ranks, len(ranks))
        encoded = gpt2()._encoding._encode_single_piece(odd)
        assert [ranks[part] for part in parts] == encoded


def test_derivation_ends_in_the_token():
    assert derivation(b" hello", gpt2().ranks) == [(b"h", b"e"), (b"l", b"l"), (b" ", b"he"), (b" he", b"ll"), (b" hell", b"o")]
    assert derivation(b"a", gpt2().ranks) == [] and derivation(b"<|endoftext|>", gpt2().ranks) == []
    for left, right in gpt2().merges[::1000]:
        assert derivation(left + right, gpt2().ranks)[-1] == (left, right)
