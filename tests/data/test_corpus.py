import hashlib

import pytest

from gptlab.data import Corpus, Document, check_length
from gptlab.data import corpus as corpus_module
from gptlab.errors import DataError


def make(*texts):
    return Corpus("title", tuple(Document(f"{i}.txt", text) for i, text in enumerate(texts)))


def test_text_parts_documents_by_a_blank_line():
    assert make("a\nb", "안녕").text == "a\nb\n\n안녕"


def test_corpus_counts_characters_and_bytes():
    corpus = make("a안")
    assert (corpus.n_characters, corpus.n_bytes) == (2, 4)


def test_id_is_the_hash_of_the_text_alone():
    assert make("a안").id == hashlib.sha256("a안".encode()).hexdigest()[:16]
    assert make("a", "b").id == Corpus("other", (Document("x", "a\n\nb"),)).id != make("a", "c").id


@pytest.mark.parametrize(("n", "fraction", "n_train"), [(1_115_394, 0.1, 1_003_854), (10, 0.5, 5), (3, 0.01, 2)])
def test_split_keeps_the_end_for_validation(n, fraction, n_train):
    text = ("abcdefghij" * (n // 10 + 1))[:n]
    train, validation = make(text).split(fraction)
    assert len(train) == n_train and train + validation == text


@pytest.mark.parametrize("texts", [(), ("",), (" \n\t ",), ("", "")])
def test_corpus_refuses_no_text(texts):
    with pytest.raises(DataError, match="'title' holds no text"):
        make(*texts)


def test_corpus_refuses_half_a_surrogate_pair():
    with pytest.raises(DataError, match="surrogate pair at character 2"):
        make("ab\ud800")


def test_corpus_refuses_too_much_text(monkeypatch):
    monkeypatch.setattr(corpus_module, "MAX_CORPUS_BYTES", 2**20)
    make("a" * 2**20)
    with pytest.raises(DataError, match="has 2 MB of text; at most 1 MB"):
        make("a" * (2**20 + 1))


def test_check_length_takes_one_context_and_a_target():
    check_length(65, 65, 64)


def test_check_length_refuses_short_parts():
    with pytest.raises(DataError, match="training part has 64 tokens, one context needs 65: .* at most 63"):
        check_length(64, 1000, 64)
    with pytest.raises(DataError, match="validation part has 10 tokens, one context needs 65: .* at most 9"):
        check_length(1000, 10, 64)
