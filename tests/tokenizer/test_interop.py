import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from gptlab.errors import TokenizerError
from gptlab.tokenizer.bpe import BPETokenizer
from gptlab.tokenizer.characters import CharacterTokenizer
from gptlab.tokenizer.encodings import GPT2_SHA256, gpt2
from gptlab.tokenizer.interop import read_tokenizer, write_tokenizer
from gptlab.tokenizer.vocabulary import Tokenizer

TEXTS = [
    "Hello world",
    " Hello  world ",
    "안녕하세요, 반갑습니다. 밥은 먹었니?",
    " 안녕 \n\n 안녕\n",
    "a 😀👩‍👩‍👧 b\u0301e\u0301",
    "\n\n\n  \t \n x\r\n",
    "it's IT'S we'll 12345 ٣ x² don't--stop",
    "-" * 97 + " " + "=" * 31,
    " " * 600 + "x",
    "\u3000全角\u00a0nbsp\x00\x07",
    "",
]
TRAINING_TEXT = "the cat sat on the mat, the hat sat on the cat. 안녕하세요 안녕 하세요 \n\n" * 20 + "-" * 200 + "".join(TEXTS)


@pytest.fixture(scope="module")
def opened_there() -> Callable:
    """`AutoTokenizer.from_pretrained` without a network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained


@pytest.fixture(scope="module")
def trained() -> BPETokenizer:
    return BPETokenizer.train(TRAINING_TEXT, vocab_size=500)


@pytest.fixture(params=["trained", "bytes only", "gpt2", "characters"])
def tokenizer(request: pytest.FixtureRequest, trained: BPETokenizer) -> Tokenizer:
    return {
        "trained": lambda: trained,
        "bytes only": lambda: BPETokenizer([]),
        "gpt2": gpt2,
        "characters": lambda: CharacterTokenizer.train(TRAINING_TEXT),
    }[request.param]()


def test_their_ids_and_texts_are_ours(opened_there, tokenizer, tmp_path):
    write_tokenizer(tokenizer, tmp_path)
    theirs = opened_there(tmp_path)
    assert len(theirs) == tokenizer.vocab_size
    for text in TEXTS:
        ids = tokenizer.encode(text).tolist()
        assert theirs(text)["input_ids"] == ids
        assert theirs.encode(text, add_special_tokens=True) == ids
        assert theirs.decode(ids) == text == tokenizer.decode(ids)


def test_their_ids_are_ours_for_made_up_texts(opened_there, trained, tmp_path):
    """Runs of one character are where two ways of merging could part."""
    write_tokenizer(trained, tmp_path)
    theirs = opened_there(tmp_path)
    generator = random.Random(1)
    texts = ["".join(generator.choices(letters, k=60)) for letters in ("-- ", "th eca", "안녕 ", "\n \t-", "é😀 a") for _ in range(100)]
    assert theirs(texts)["input_ids"] == [trained.encode(text).tolist() for text in texts]


def test_tokens_that_are_no_whole_character_decode_there_alike(opened_there, tmp_path):
    write_tokenizer(gpt2(), tmp_path)
    theirs, ids = opened_there(tmp_path), gpt2().encode(" 안녕").tolist()
    assert [theirs.decode(ids[:n]) for n in range(len(ids))] == [gpt2().decode(ids[:n]) for n in range(len(ids))]


def test_the_end_of_text_is_known_there(opened_there, trained, tmp_path):
    write_tokenizer(trained, tmp_path)
    theirs = opened_there(tmp_path)
    assert theirs.eos_token_id == theirs.bos_token_id == trained.end_of_text == trained.vocab_size - 1
    assert theirs.decode([trained.end_of_text], skip_special_tokens=True) == ""
    # the documented difference
    assert theirs.encode("<|endoftext|>") == [trained.end_of_text]
    assert trained.end_of_text not in trained.encode("<|endoftext|>")


def test_an_unseen_character_is_refused_there_too(opened_there, tmp_path):
    write_tokenizer(CharacterTokenizer.train("abc"), tmp_path)
    with pytest.raises(Exception, match="WordLevel error"):
        opened_there(tmp_path)("abd")


def test_a_tokenizer_read_back_is_the_same(tokenizer, tmp_path):
    write_tokenizer(tokenizer, tmp_path)
    assert read_tokenizer(tmp_path).id == tokenizer.id


def test_the_older_two_files_are_enough(opened_there, trained, tmp_path):
    write_tokenizer(trained, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    assert read_tokenizer(tmp_path).id == trained.id
    assert opened_there(tmp_path).encode(TRAINING_TEXT) == trained.encode(TRAINING_TEXT).tolist()


def test_the_merges_of_gpt2_are_written_as_published(tmp_path):
    write_tokenizer(gpt2(), tmp_path)
    assert hashlib.sha256((tmp_path / "merges.txt").read_bytes()).hexdigest() == GPT2_SHA256
    assert json.loads((tmp_path / "vocab.json").read_text("utf-8"))["Ġworld"] == 995


def test_what_they_write_is_read(opened_there, tokenizer, tmp_path):
    write_tokenizer(tokenizer, tmp_path / "ours")
    opened_there(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    assert read_tokenizer(tmp_path / "theirs").id == tokenizer.id


def test_the_older_form_of_merges_is_read(trained, tmp_path):
    """Until 2024 a merge was one text with a space, and GPT-2's file had a post-processor."""
    edit(trained, tmp_path, lambda values: values["model"].update(merges=[" ".join(pair) for pair in values["model"]["merges"]]))
    edit_file(tmp_path, lambda values: values.update(post_processor={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False}))
    assert read_tokenizer(tmp_path).id == trained.id


def edit(tokenizer: Tokenizer, directory: Path, change: Callable[[dict], object]) -> None:
    write_tokenizer(tokenizer, directory)
    edit_file(directory, change)


def edit_file(directory: Path, change: Callable[[dict], object]) -> None:
    values = json.loads((directory / "tokenizer.json").read_text("utf-8"))
    change(values)
    (directory / "tokenizer.json").write_text(json.dumps(values), "utf-8")


TEMPLATE = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>"}}, {"Sequence": {"id": "A"}}]}

REFUSED = {
    "prefix space": (lambda v: v["pre_tokenizer"].update(add_prefix_space=True), "cuts words in another way"),
    "no regex": (lambda v: v["pre_tokenizer"].update(use_regex=False), "cuts words in another way"),
    "other cut": (lambda v: v.update(pre_tokenizer={"type": "Whitespace"}), "of the kind BPE after a pre-tokenizer of the kind Whitespace"),
    "no cut": (lambda v: v.update(pre_tokenizer=None), "of the kind BPE after a pre-tokenizer of the kind [?]"),
    "normalizer": (lambda v: v.update(normalizer={"type": "Lowercase"}), "changes the text before"),
    "template": (lambda v: v.update(post_processor=TEMPLATE), "adds tokens after"),
    "processors": (lambda v: v.update(post_processor={"type": "Sequence"}), "adds tokens after"),
    "broken template": (lambda v: v.update(post_processor={"type": "TemplateProcessing", "single": [3]}), "adds tokens after"),
    "more tokens": (lambda v: v["added_tokens"].append({"content": "<pad>"}), "added tokens \\(<pad>\\)"),
    "no end": (lambda v: [v["model"]["vocab"].pop("<|endoftext|>"), v["added_tokens"].clear()], "not in GPT-2's order"),
    "other ids": (lambda v: v["model"]["vocab"].update({"!": 1, '"': 0}), "not in GPT-2's order"),
    "merge lost": (lambda v: v["model"]["merges"].pop(), "not in GPT-2's order"),
    "merge of unknown": (lambda v: v["model"]["merges"].insert(0, ["th", "e"]), "Merge number 1"),
    "merge of three": (lambda v: v["model"]["merges"].append(["a", "b", "c"]), "The merge .* is not two tokens"),
    "merge unwritable": (lambda v: v["model"]["merges"].append(["가", "b"]), "The merge .* is not two tokens"),
    "merge a number": (lambda v: v["model"]["merges"].append(3), "The merge 3 is not two tokens"),
    "unigram": (lambda v: v["model"].update(type="Unigram"), "of the kind Unigram after"),
    "vocabulary a list": (lambda v: v["model"].update(vocab=[]), "the entry vocab is of the wrong type"),
    "model a text": (lambda v: v.update(model="BPE"), "the entry model is of the wrong type"),
    "added a number": (lambda v: v.update(added_tokens=[3]), "the entry content is of the wrong type"),
    "empty": (lambda v: v.clear(), "of the kind [?] after"),
}


@pytest.mark.parametrize("change, sentence", REFUSED.values(), ids=REFUSED)
def test_what_would_give_other_ids_is_refused(trained, tmp_path, change, sentence):
    edit(trained, tmp_path, change)
    with pytest.raises(TokenizerError, match=sentence):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize(
    "vocabulary", [{"a": 0, "b": 2}, {"a": 0, "b": 0}, {"ab": 0, "c": 1}, {"b": 0, "a": 1}, {"a": 0, "b": "1"}, {"a": [0]}], ids=str
)
def test_other_words_are_no_characters(tmp_path, vocabulary):
    edit(CharacterTokenizer("ab"), tmp_path, lambda values: values["model"].update(vocab=vocabulary))
    with pytest.raises(TokenizerError, match="of the kind WordLevel"):
        read_tokenizer(tmp_path)


def word_bpe() -> RustTokenizer:
    """A tokenizer of GPT-1's kind: words, lower-cased, with an end-of-word mark."""
    rust = RustTokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    rust.normalizer = normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.decoder = decoders.BPEDecoder(suffix="</w>")
    rust.train_from_iterator(
        ["the cat sat"] * 9, trainers.BpeTrainer(special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False)
    )
    return rust


def test_the_word_bpe_of_gpt1_is_refused_with_the_reason(tmp_path):
    word_bpe().save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="end-of-word mark </w>, such as GPT-1's.*spaCy and ftfy"):
        read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    word_bpe().model.save(str(tmp_path))
    with pytest.raises(TokenizerError, match="spaCy and ftfy"):
        read_tokenizer(tmp_path)


def test_a_word_piece_tokenizer_is_refused(tmp_path):
    rust = RustTokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rust.post_processor = processors.ByteLevel()
    rust.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="of the kind WordPiece after a pre-tokenizer of the kind BertPreTokenizer"):
        read_tokenizer(tmp_path)


def test_missing_files_are_named(trained, tmp_path):
    with pytest.raises(TokenizerError, match="holds no vocab.json"):
        read_tokenizer(tmp_path)
    write_tokenizer(trained, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match="holds no merges.txt"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (8 * 2**20 + 1)], ids=lambda c: repr(c[:4]))
def test_a_broken_file_is_a_sentence(trained, tmp_path, content):
    write_tokenizer(trained, tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match="tokenizer.json"):
        read_tokenizer(tmp_path)
