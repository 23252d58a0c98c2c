import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptlab.errors import TokenizerError
from gptlab.tokenizer import CharacterTokenizer


def test_train_sorts_the_characters():
    tokenizer = CharacterTokenizer.train("hello")
    assert (tokenizer.characters, tokenizer.vocab_size, tokenizer.end_of_text) == ("ehlo", 4, None)
    ids = tokenizer.encode("hole")
    assert ids.tolist() == [1, 3, 2, 0] and ids.dtype == np.int64


@given(st.text(min_size=1))
def test_decode_gives_the_text_back(text):
    tokenizer = CharacterTokenizer.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_encode_of_nothing_is_empty():
    assert CharacterTokenizer.train("ab").encode("").tolist() == []


def test_encode_lists_the_unseen_characters():
    with pytest.raises(TokenizerError, match="never seen 2 of the characters: 'c' '안'. Leave them out"):
        CharacterTokenizer.train("abd").encode("ca안d")


def test_encode_lists_ten_unseen_characters_at_most():
    with pytest.raises(TokenizerError, match="12 of the characters: 'b' .* 'k' …. Leave"):
        CharacterTokenizer.train("a").encode("bcdefghijklm")


def test_encode_refuses_half_a_surrogate_pair():
    with pytest.raises(TokenizerError, match="ud800"):
        CharacterTokenizer.train("a").encode("a\ud800")
    with pytest.raises(TokenizerError, match="surrogate"):
        CharacterTokenizer.train("a\ud800")


@pytest.mark.parametrize("characters", ["", "ba", "aa"])
def test_characters_have_to_be_sorted_and_different(characters):
    with pytest.raises(TokenizerError, match="each once"):
        CharacterTokenizer(characters)


@pytest.mark.parametrize("id", [-1, 4])
def test_token_bytes_refuses_an_unknown_id(id):
    with pytest.raises(TokenizerError, match="go from 0 to 3"):
        CharacterTokenizer.train("hello").token_bytes(id)
