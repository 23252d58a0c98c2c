import errno
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gptlab.data import Corpus, Document, corpora, encoded, library, open_corpus, pasted, save
from gptlab.errors import DataError, TokenizerError
from gptlab.tokenizer import BPETokenizer, CharacterTokenizer, gpt2

CORPUS = Corpus("Two texts", (Document("a.txt", "안녕, the cat sat.\n\u2028\x85 A\rdog\r\n"), Document("b.md", "\n\n😀 end ")))


def test_open_corpus_gives_the_same_corpus(tmp_path):
    id = save(CORPUS, tmp_path)
    assert id == CORPUS.id and open_corpus(id, tmp_path) == CORPUS


def test_text_is_kept_as_its_bytes(tmp_path):
    save(CORPUS, tmp_path)
    assert (tmp_path / "corpora" / CORPUS.id / "text.txt").read_bytes() == CORPUS.text.encode()


def test_corpora_lists_texts_oldest_first(tmp_path):
    assert corpora(tmp_path) == []
    ids = [save(pasted(f"text {i}", f"title {i}"), tmp_path) for i in range(3)]
    listed = corpora(tmp_path)
    assert [about.id for about in listed] == ids and listed[2].title == "title 2"
    save(CORPUS, tmp_path)
    about = corpora(tmp_path)[-1]
    assert (about.n_characters, about.n_bytes, about.documents) == (CORPUS.n_characters, CORPUS.n_bytes, ("a.txt", "b.md"))
    assert about.created.endswith("+00:00")


def test_saving_the_same_text_again_keeps_the_first(tmp_path):
    save(pasted("same", "first"), tmp_path)
    before = corpora(tmp_path)
    assert save(pasted("same", "second"), tmp_path) == before[0].id and corpora(tmp_path) == before


def test_saving_at_once_is_fine(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: save(CORPUS, tmp_path), range(32)))
    assert ids == {CORPUS.id} and open_corpus(CORPUS.id, tmp_path) == CORPUS
    assert sorted(p.name for p in (tmp_path / "corpora" / CORPUS.id).iterdir()) == ["about.json", "text.txt"]


@pytest.mark.parametrize("id", ["", "..", "../../../../etc", "A" * 16, "0" * 15, "0" * 17, "0" * 16 + "\n"])
def test_what_is_no_id_is_refused(tmp_path, id):
    with pytest.raises(DataError, match="is not the id of a text"):
        open_corpus(id, tmp_path)


def test_unknown_text_is_refused(tmp_path):
    with pytest.raises(DataError, match="0000000000000000 is not in the library"):
        open_corpus("0" * 16, tmp_path)


def change(values, **changes):
    return json.dumps(values | changes).encode()


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("text.txt", lambda old: old[:-1]),
        ("text.txt", lambda old: b"\xff" + old),
        ("text.txt", None),
        ("about.json", lambda old: old[:-1]),
        ("about.json", lambda old: b"[]"),
        ("about.json", lambda old: change(json.loads(old), title=3)),
        ("about.json", lambda old: change(json.loads(old), n_bytes="3")),
        ("about.json", lambda old: change(json.loads(old), documents=[{"name": "a", "n_characters": 1}])),
        ("about.json", lambda old: change(json.loads(old), documents=["a"])),
        ("about.json", None),
    ],
)
def test_damaged_text_is_refused_and_mended_by_saving_again(tmp_path, name, broken):
    save(CORPUS, tmp_path)
    path = tmp_path / "corpora" / CORPUS.id / name
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(DataError, match="is damaged: .* Add the text again"):
        open_corpus(CORPUS.id, tmp_path)
    assert len(corpora(tmp_path)) == (name == "text.txt")
    save(CORPUS, tmp_path)
    assert open_corpus(CORPUS.id, tmp_path) == CORPUS


TEXT = "the quick brown fox jumps over the lazy dog. " * 20


@pytest.mark.parametrize("make", [lambda: CharacterTokenizer.train(TEXT), lambda: BPETokenizer.train(TEXT, 280), gpt2])
def test_encoded_gives_the_tokens_of_both_parts(tmp_path, make):
    tokenizer, corpus = make(), pasted(TEXT, "fox")
    parts = encoded(save(corpus, tmp_path), tokenizer, 0.1, tmp_path)
    for tokens, text in zip(parts, corpus.split(0.1), strict=True):
        assert tokens.tolist() == tokenizer.encode(text).tolist() and tokens.dtype == np.uint16
        assert isinstance(tokens, np.memmap) and not tokens.flags.writeable


def test_encoded_is_wide_enough_for_every_id():
    assert (library._dtype(2**16), library._dtype(2**16 + 1)) == (np.uint16, np.uint32)


def test_encoded_is_made_once_for_each_tokenizer_and_fraction(tmp_path, monkeypatch):
    id = save(pasted(TEXT, "fox"), tmp_path)
    characters, bpe = CharacterTokenizer.train(TEXT), BPETokenizer.train(TEXT, 280)
    for tokenizer, fraction in ((characters, 0.1), (bpe, 0.1), (characters, 0.5)):
        encoded(id, tokenizer, fraction, tmp_path)
    assert len(list((tmp_path / "corpora" / id).glob("tokens-*.npy"))) == 6
    lengths = [len(encoded(id, characters, fraction, tmp_path)[1]) for fraction in (0.1, 0.5)]
    assert lengths == [len(pasted(TEXT, "").split(fraction)[1]) for fraction in (0.1, 0.5)]
    monkeypatch.setattr(CharacterTokenizer, "encode", None)
    encoded(id, characters, 0.1, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        lambda old: b"",
        lambda old: old[:50],
        lambda old: old[:-1],
        lambda old: b"rubbish",
        lambda old: pickle.dumps([1, 2]),
        lambda old: old[:-2] + b"\xff\xff",  # an id outside of the vocabulary
        lambda old: old.replace(b"<u2", b"<i2"),
    ],
)
def test_encoded_makes_a_damaged_file_again(tmp_path, content):
    id, tokenizer = save(pasted(TEXT, "fox"), tmp_path), CharacterTokenizer.train(TEXT)
    expected = [tokens.tolist() for tokens in encoded(id, tokenizer, 0.1, tmp_path)]
    for path in (tmp_path / "corpora" / id).glob("tokens-*-train.npy"):
        path.write_bytes(content(path.read_bytes()))
    assert [tokens.tolist() for tokens in encoded(id, tokenizer, 0.1, tmp_path)] == expected


def test_tokens_are_kept_as_numpy_saves_them(tmp_path):
    array = np.arange(1000, dtype=np.uint32)
    with (tmp_path / "a.npy").open("wb") as file:
        library._save_array(file, array)
    np.save(tmp_path / "b.npy", array, allow_pickle=False)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="limits need a POSIX system")
def test_a_disk_without_room_for_the_tokens_says_which_error_it_is(tmp_path):
    """A limit on the size of a file stands in for a full disk: the header fits, the numbers do not."""
    import resource

    id, tokenizer = save(pasted(TEXT * 200, "fox"), tmp_path), CharacterTokenizer.train(TEXT)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**17, hard))
    try:
        with pytest.raises(OSError) as raised:
            encoded(id, tokenizer, 0.1, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG and not list((tmp_path / "corpora" / id).glob("*tokens*"))


def test_encoded_says_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match="not in the library"):
        encoded("0" * 16, CharacterTokenizer("ab"), 0.1, tmp_path)
    with pytest.raises(TokenizerError, match="never seen"):
        encoded(save(pasted(TEXT, "fox"), tmp_path), CharacterTokenizer("ab"), 0.1, tmp_path)


def test_listing_texts_needs_no_torch():
    code = "import gptlab.data, sys; sys.exit(any(m in sys.modules for m in ('torch', 'pandas', 'streamlit')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
