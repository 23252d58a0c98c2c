import json

import pytest

from gptlab.config import TokenizerConfig
from gptlab.errors import TokenizerError
from gptlab.tokenizer import BPETokenizer, CharacterTokenizer, families, gpt2, load, save, train_tokenizer

TEXT = "the cat and the dog, 고양이와 개와 고양이"


@pytest.mark.parametrize("make", [lambda: CharacterTokenizer.train(TEXT), lambda: BPETokenizer.train(TEXT, 280), gpt2])
def test_load_gives_the_same_tokenizer(tmp_path, make):
    tokenizer, text = make(), TEXT[::-1]
    save(tokenizer, tmp_path / "tokenizer.json")
    again = load(tmp_path / "tokenizer.json")
    assert type(again) is type(tokenizer) and again.id == tokenizer.id and again.vocab_size == tokenizer.vocab_size
    assert again.encode(text).tolist() == tokenizer.encode(text).tolist()


def test_train_tokenizer_follows_its_config():
    assert isinstance(train_tokenizer(TokenizerConfig(kind="characters"), TEXT), CharacterTokenizer)
    bpe = train_tokenizer(TokenizerConfig(kind="bpe", vocab_size=265), TEXT)
    assert isinstance(bpe, BPETokenizer) and bpe.vocab_size == 265


def test_id_tells_vocabularies_apart():
    assert CharacterTokenizer("ab").id == CharacterTokenizer.train("baab").id != CharacterTokenizer("abc").id
    assert CharacterTokenizer("ab").id == "0e5248fe76fb5b11"  # stays the same over versions: token files are named by it


def doubling(n):
    return [[64, 64]] + [[256 + i, 256 + i] for i in range(n)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe\xfa", "is not JSON"),
        ([], "has the kind None"),
        ({"kind": "pickle"}, "has the kind 'pickle'; allowed are characters, bpe"),
        ({"kind": ["bpe"]}, "has the kind"),
        ({"kind": "characters"}, "is not valid. A character vocabulary has"),
        ({"kind": "characters", "characters": ["a"]}, "a string"),
        ({"kind": "characters", "characters": "ab", "more": 1}, "no others"),
        ({"kind": "characters", "characters": "ba"}, "each once"),
        ({"kind": "characters", "characters": "a\ud800"}, "surrogate"),
        ({"kind": "bpe"}, "A BPE vocabulary has"),
        ({"kind": "bpe", "merges": [], "more": 1}, "no others"),
        ({"kind": "bpe", "merges": [[0, 1], [0]]}, "Merge number 2 is"),
        ({"kind": "bpe", "merges": [[0, 1.0]]}, "Merge number 1 is"),
        ({"kind": "bpe", "merges": [[0, True]]}, "Merge number 1 is"),
        ({"kind": "bpe", "merges": [[0, -1]]}, "0 to 255"),
        ({"kind": "bpe", "merges": [[0, 1], [257, 0]]}, "0 to 256"),
        ({"kind": "bpe", "merges": [[0, 1], [0, 1]]}, "Merge number 2 is"),
        ({"kind": "bpe", "merges": doubling(60)}, "at most 256 bytes"),
    ],
)
def test_load_refuses_what_is_not_a_tokenizer(tmp_path, content, reason):
    path = tmp_path / "broken.json"
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TokenizerError, match=reason) as caught:
        load(path)
    assert "broken.json" in str(caught.value)


def test_load_refuses_a_missing_and_a_large_file(tmp_path, monkeypatch):
    with pytest.raises(TokenizerError, match="cannot be read: No such file"):
        load(tmp_path / "none.json")
    monkeypatch.setattr(families, "MAX_FILE_BYTES", 10)
    save(CharacterTokenizer("ab"), tmp_path / "large.json")
    with pytest.raises(TokenizerError, match="at most 10 are allowed"):
        load(tmp_path / "large.json")
