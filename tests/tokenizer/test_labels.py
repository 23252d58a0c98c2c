import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptlab.errors import TokenizerError
from gptlab.tokenizer import BPETokenizer, CharacterTokenizer, gpt2, readable
from gptlab.tokenizer.labels import shown_bytes, visible

BYTES = BPETokenizer([])


def test_readable_shows_the_character_of_every_part():
    ids = gpt2().encode(" 안녕하세요")
    assert readable(gpt2(), ids) == [
        "␣안[1/3]", "안[2/3]", "안[3/3]", "녕[1/3]", "녕[2/3]", "녕[3/3]", "하[1-2/3]", "하[3/3]",
        "세[1/3]", "세[2/3]", "세[3/3]", "요[1/3]", "요[2/3]", "요[3/3]",
    ]  # fmt: skip


def test_readable_follows_a_token_over_two_characters():
    # 안녕 is EC 95 88 EB 85 95
    tokenizer = BPETokenizer([(b"\xec", b"\x95"), (b"\x88", b"\xeb"), (b"\x85", b"\x95")])
    assert readable(tokenizer, tokenizer.encode("안녕")) == ["안[1-2/3]", "안[3/3]녕[1/3]", "녕[2-3/3]"]


def test_readable_shows_white_space():
    assert readable(BYTES, BYTES.encode(" \n\t\r\x7f")) == ["␣", "⏎", "⇥", "␍", "␡"]
    assert readable(CharacterTokenizer("\n a안"), [3, 1, 2, 0]) == ["안", "␣", "a", "⏎"]


def test_readable_shows_bytes_of_no_character():
    ids = BYTES.encode("안a").tolist()
    assert readable(BYTES, ids[:2]) == ["<EC>", "<95>"]
    assert readable(BYTES, ids[1:]) == ["<95>", "<88>", "a"]
    assert readable(BYTES, [ids[0], BYTES.end_of_text, ids[1]]) == ["<EC>", "<|endoftext|>", "<95>"]


def test_readable_never_shows_the_replacement_character():
    assert "".join(readable(gpt2(), gpt2().encode("a\ufffdb"))) == "a<EF><BF><BD>b"


@given(st.lists(st.integers(0, 255)))
def test_readable_labels_every_token(ids):
    labels = readable(BYTES, ids)
    assert len(labels) == len(ids) and all(labels) and "\ufffd" not in "".join(labels)


@given(st.text(alphabet="ab안녕😀é"))
def test_readable_joined_is_the_text(text):
    whole = re.sub(r"(.)\[1[^]]*\]|.\[\d[^]]*\]", r"\1", "".join(readable(BYTES, BYTES.encode(text))))
    assert whole == text


def test_readable_takes_a_long_sequence():
    ids = BYTES.encode("안녕" * 100_000)[:-1]  # half a second; quadratic would take many minutes
    assert readable(BYTES, ids)[-3:] == ["안[3/3]", "<EB>", "<85>"]


def test_readable_refuses_an_unknown_id():
    with pytest.raises(TokenizerError, match="no token with the id 257"):
        readable(BYTES, [257])


def test_a_token_without_neighbours_shows_what_is_whole_and_the_other_bytes():
    assert shown_bytes(" 학".encode() + b"\xea\xb5") == "␣학<EA B5>"
    assert [shown_bytes(t) for t in (b" the\n", b"\x80a\xff", b"")] == ["␣the⏎", "<80>a<FF>", ""]


def test_characters_without_a_picture_are_named():
    assert visible("👩\u200d🔬e\u0301\u2028\x85\ufeff") == "👩<U+200D>🔬e◌\u0301<U+2028><U+0085><U+FEFF>"
    assert visible("a \xa0\u3000\u2009") == "a␣<U+00A0><U+3000><U+2009>"
    assert visible("\u115f\u1160\u3164\uffa0안") == "<U+115F><U+1160><U+3164><U+FFA0>안"
