import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlab.errors import TokenizerError
from gptlab.tokenizer import BPETokenizer
from gptlab.tokenizer.bpe import BYTE_OF_CHARACTER, BYTE_ORDER, merges_of, parted, train_rust

TEXT = (
    "The quick brown fox doesn't jump over 12 lazy dogs; it's 3,000 times faster.\n\n  def go(x):\n\treturn x  +  1\n"
    "----- ======= aaaa aaaaaaa\n빠른 갈색 여우가 게으른 개를 뛰어넘는다. 안녕하세요, 안녕히 가세요! 😀😀👩‍🔬 naïve café\r\n"
) * 3  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    return BPETokenizer.train(TEXT, 400)


def test_train_follows_the_worked_example():
    tokenizer = BPETokenizer.train("aaabdaaabac", vocab_size=260)
    assert tokenizer.merges == ((b"a", b"a"), (b"a", b"b"), (b"aa", b"ab"))
    assert tokenizer.encode("aaabdaaabac").tolist() == [258, 67, 258, 64, 66]
    assert [tokenizer.token_bytes(id) for id in (258, 67, 64, 66)] == [b"aaab", b"d", b"a", b"c"]
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (260, 259)


def test_train_stops_when_no_pair_repeats():
    tokenizer = BPETokenizer.train("abcd", vocab_size=1000)
    assert (tokenizer.merges, tokenizer.vocab_size, tokenizer.end_of_text) == ((), 257, 256)


def test_train_is_deterministic(trained):
    assert all(BPETokenizer.train(TEXT, 400).merges == trained.merges for _ in range(5))
    assert BPETokenizer.train(TEXT, 400).id == trained.id != BPETokenizer.train(TEXT, 399).id


def test_train_reaches_the_size_asked_for(trained):
    assert trained.vocab_size == 400 and len(trained.merges) == 400 - 257


def test_encode_gives_the_ids_of_the_tokenizers_library(trained):
    rust = train_rust(TEXT, 399)
    assert merges_of(rust) == list(trained.merges)
    assert rust.encode(TEXT).ids == trained.encode(TEXT).tolist()
    held_out = "Other foxes weren't there: 99 이상한 여우들이   간다 \n\n x=\t(1)  aaaaa --- 🎉"
    assert rust.encode(held_out).ids == trained.encode(held_out).tolist()


@given(st.text())
@settings(max_examples=300)
def test_decode_gives_the_text_back(trained, text):
    assert trained.decode(trained.encode(text)) == text


@pytest.mark.parametrize("text", ["안녕하세요", "👩‍👩‍👧‍👦 🇰🇷", "<|endoftext|>", "\x00\x1c \u3000\n", "e\u0301"])
def test_decode_gives_hard_texts_back(trained, text):
    assert trained.decode(trained.encode(text)) == text


def test_encode_returns_int64_and_nothing_for_nothing(trained):
    assert trained.encode("fox").dtype == trained.encode("").dtype == np.int64
    assert trained.encode("").shape == (0,)


def test_encode_takes_a_special_token_as_text(trained):
    assert trained.end_of_text not in trained.encode("a<|endoftext|>b")
    assert trained.decode([trained.end_of_text]) == "<|endoftext|>"


def test_decode_marks_a_cut_character():
    tokenizer = BPETokenizer([])
    ids = tokenizer.encode("안").tolist()
    assert tokenizer.decode(ids) == "안" and tokenizer.decode(ids[:2]) == "\ufffd"


def test_encode_and_train_refuse_half_a_surrogate_pair(trained):
    with pytest.raises(TokenizerError, match="position 1"):
        trained.encode("a\ud800")
    with pytest.raises(TokenizerError, match="position 1"):
        BPETokenizer.train("a\ud800", 300)


@pytest.mark.parametrize("text", ["a" * 10**6, " " * 10**6, " " * 10**6 + "x", "\n" * 10**6 + "안", "안" * 300_000])
def test_long_unbroken_runs_are_encoded(trained, text):
    assert trained.decode(trained.encode(text)) == text


def test_train_cuts_long_words():
    # The trainer is quadratic in the length of a word: one letter 100,000 times would take seconds, a million times minutes.
    pieces = train_rust("a" * 5000, 300).pre_tokenizer.pre_tokenize_str("안" * 1000 + " b")
    assert [stop - start for _, (start, stop) in pieces][-1] == 2 and max(len(piece) for piece, _ in pieces) == 1024
    assert BPETokenizer.train("a" * 300_000, 300).merges[:2] == ((b"a", b"a"), (b"aa", b"aa"))


@pytest.mark.parametrize("space", [" ", "\n", " \n\u3000", "\t", "\x1c"])
@pytest.mark.parametrize("after", ["x", "", "안", "\x1c"])
def test_parted_changes_no_ids(trained, space, after):
    text = "word" + space * 300 + after + space * 600
    parts = parted(text)
    assert "".join(parts) == text
    assert trained.encode(text).tolist() == trained._encoding.encode_ordinary(text)


def test_parted_cuts_before_the_last_space_of_a_long_run():
    assert parted("a" + " " * 300 + "x  y") == ["a" + " " * 299, " x  y"]
    assert parted("a" + " " * 300) == ["a" + " " * 300]


def test_byte_order_is_that_of_gpt2():
    assert sorted(BYTE_ORDER) == list(range(256))
    assert [BYTE_ORDER[i] for i in (0, 93, 94, 187, 188, 220, 221, 255)] == [33, 126, 161, 255, 0, 32, 127, 173]
    assert BYTE_OF_CHARACTER["Ġ"] == 32 and BYTE_OF_CHARACTER["Ċ"] == 10 and BYTE_OF_CHARACTER["a"] == 97
    assert "".join(BYTE_OF_CHARACTER) == "".join(sorted(BYTE_OF_CHARACTER)) and len(BYTE_OF_CHARACTER) == 256


@pytest.mark.parametrize("merges", [[(b"ab", b"c")], [(b"a", b"b"), (b"a", b"b")], [(b"a", b"xy")]])
def test_impossible_merges_are_refused(merges):
    with pytest.raises(TokenizerError, match=f"Merge number {len(merges)} "):
        BPETokenizer(merges)
