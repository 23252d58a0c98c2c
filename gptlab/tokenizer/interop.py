"""Tokenizers as directories of the `transformers` library, in both directions.

Byte-level BPE becomes GPT-2's files: `tokenizer.json`, and `vocab.json` with `merges.txt` for older readers. Characters
become a `tokenizer.json` that cuts text into single characters and looks each one up.

One thing differs there by custom: `<|endoftext|>` written in a text is read as the end-of-text token, while
`Tokenizer.encode` takes it for ordinary text.

Source: GPT-2's released vocabulary files; huggingface/transformers 5.23.0 and huggingface/tokenizers 0.23.3.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as RustTokenizer

from gptlab.errors import TokenizerError
from gptlab.paths import replaced
from gptlab.tokenizer.bpe import BYTE_OF_CHARACTER, END_OF_TEXT, BPETokenizer, Merge, bytes_of
from gptlab.tokenizer.characters import CharacterTokenizer
from gptlab.tokenizer.families import MAX_FILE_BYTES
from gptlab.tokenizer.vocabulary import Tokenizer

EVERY_CHARACTER = r"[\s\S]"
"""Regex for one character; unlike the dot, it holds line breaks too."""

_CHARACTER_OF_BYTE = {byte: character for character, byte in BYTE_OF_CHARACTER.items()}
_MERGES_VERSION = "#version: 0.2"
"""First line of GPT-2's merges file."""


def write_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """Write files from which `AutoTokenizer.from_pretrained` gives the same ids; the directory is created when missing."""
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(tokenizer, CharacterTokenizer):
        rust, about = _rust_characters(tokenizer), {"tokenizer_class": "PreTrainedTokenizerFast"}
    else:
        assert isinstance(tokenizer, BPETokenizer)
        end = END_OF_TEXT.decode()
        rust, about = _rust_bpe(tokenizer), {"tokenizer_class": "GPT2Tokenizer", "bos_token": end, "eos_token": end, "unk_token": end}
        _write(directory / "vocab.json", json.dumps(_vocabulary(tokenizer), ensure_ascii=False))
        lines = [_MERGES_VERSION, *(f"{_visible(left)} {_visible(right)}" for left, right in tokenizer.merges)]
        _write(directory / "merges.txt", "\n".join(lines) + "\n")
    _write(directory / "tokenizer.json", rust.to_str(pretty=True))
    _write(directory / "tokenizer_config.json", json.dumps(about | {"clean_up_tokenization_spaces": False}, indent=2))


def read_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer in a directory: from tokenizer.json, or else from vocab.json and merges.txt.

    Raises:
        TokenizerError: the files are missing or damaged, or describe a tokenizer whose ids ours would not reproduce.
    """
    if (directory / "tokenizer.json").is_file():
        return _from_description(_read_json(directory / "tokenizer.json"))
    vocabulary = _read_json(directory / "vocab.json")
    lines = _read(directory / "merges.txt").split("\n")
    if lines[0].startswith("#version"):
        lines = lines[1:]
    return _bpe(vocabulary, [line for line in lines if line])


def _rust_bpe(tokenizer: BPETokenizer) -> RustTokenizer:
    merges = [(_visible(left), _visible(right)) for left, right in tokenizer.merges]
    rust = RustTokenizer(models.BPE(vocab=_vocabulary(tokenizer), merges=merges))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    rust.add_special_tokens([AddedToken(END_OF_TEXT.decode(), special=True, normalized=False)])
    return rust


def _rust_characters(tokenizer: CharacterTokenizer) -> RustTokenizer:
    # No token stands for unknown characters: the library then refuses them, as ours does.
    rust = RustTokenizer(models.WordLevel({character: id for id, character in enumerate(tokenizer.characters)}, unk_token=""))
    rust.pre_tokenizer = pre_tokenizers.Split(Regex(EVERY_CHARACTER), behavior="isolated")
    rust.decoder = decoders.Fuse()
    return rust


def _from_description(values: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a tokenizer.json; everything in it that would change ids is looked at."""
    model, cut = _part(values, "model"), _part(values, "pre_tokenizer")
    added = {token: entry.get("id") for entry in _part(values, "added_tokens", list) if (token := _part(entry, "content", str))}
    kind = _part(model, "type", str)
    if kind == "BPE" and model.get("end_of_word_suffix"):
        raise _gpt1()
    if values.get("normalizer") is not None or _adds_tokens(_part(values, "post_processor")):
        raise TokenizerError(
            "This tokenizer changes the text before cutting it, or adds tokens afterwards. "
            "GPT Lab opens tokenizers of GPT-2's kind and its own."
        )
    if kind == "BPE" and cut.get("type") == "ByteLevel":
        if cut.get("add_prefix_space") or not cut.get("use_regex", True) or model.get("byte_fallback") or model.get("ignore_merges"):
            raise TokenizerError(
                "This byte-level BPE cuts words in another way than GPT-2's. GPT Lab opens tokenizers of GPT-2's kind and its own."
            )
        if foreign := sorted(set(added) - {END_OF_TEXT.decode()}):
            raise TokenizerError(
                "This tokenizer has added tokens ({tokens}). GPT Lab opens tokenizers of GPT-2's kind and its own.",
                tokens=", ".join(foreign)[:100],
            )
        return _bpe(_part(model, "vocab") | added, _part(model, "merges", list))
    if kind == "WordLevel" and cut.get("type") == "Split" and cut.get("pattern") == {"Regex": EVERY_CHARACTER} and not added:
        ids = _part(model, "vocab")
        if all(len(token) == 1 and ids[token] == id for id, token in enumerate(sorted(ids))):
            return CharacterTokenizer("".join(sorted(ids)))
    raise TokenizerError(
        "This is a tokenizer of the kind {kind} after a pre-tokenizer of the kind {cut}. "
        "GPT Lab opens tokenizers of GPT-2's kind and its own.",
        kind=kind or "?", cut=cut.get("type", "?"),
    )  # fmt: skip


def _adds_tokens(post_processor: dict[str, Any]) -> bool:
    """ByteLevel only moves offsets; a template adds nothing where its steps are only the text itself."""
    if post_processor.get("type") == "TemplateProcessing":
        return any(not isinstance(step, dict) or set(step) != {"Sequence"} for step in _part(post_processor, "single", list))
    return post_processor.get("type", "ByteLevel") != "ByteLevel"


def _bpe(vocabulary: dict[str, Any], pairs: list[Any]) -> BPETokenizer:
    """BPE from GPT-2's two tables.

    Args:
        vocabulary: visible token -> id.
        pairs: "left right" or [left, right], in visible characters.
    """
    if any(token.endswith("</w>") for token in vocabulary):
        raise _gpt1()
    merges: dict[bytes, Merge] = {}
    for pair in pairs:
        left, right = _pair(pair)
        merges.setdefault(left + right, (left, right))  # a second way to build a token makes no new one
    tokenizer = BPETokenizer(list(merges.values()))
    if vocabulary != _vocabulary(tokenizer):
        raise TokenizerError(
            "The ids of this byte-level BPE are not in GPT-2's order: 256 bytes, one token a merge, then <|endoftext|>. "
            "GPT Lab opens tokenizers of GPT-2's kind and its own."
        )
    return tokenizer


def _pair(pair: Any) -> Merge:
    parts = pair.split(" ") if isinstance(pair, str) else pair
    try:
        left, right = parts
        return bytes_of(left), bytes_of(right)
    except (KeyError, TypeError, ValueError):
        raise TokenizerError("The merge {pair} is not two tokens in GPT-2's visible characters.", pair=repr(pair)[:100]) from None


def _vocabulary(tokenizer: BPETokenizer) -> dict[str, int]:
    last = tokenizer.vocab_size - 1
    return {_visible(tokenizer.token_bytes(id)): id for id in range(last)} | {END_OF_TEXT.decode(): last}


def _visible(token: bytes) -> str:
    """GPT-2's way to write bytes: b" the" is `Ġthe`."""
    return "".join(_CHARACTER_OF_BYTE[byte] for byte in token)


def _gpt1() -> TokenizerError:
    return TokenizerError(
        "This is a word BPE with the end-of-word mark </w>, such as GPT-1's. It lower-cases the text and cuts it with the packages spaCy "
        "and ftfy, so its ids cannot be reproduced exactly here. GPT Lab opens tokenizers of GPT-2's kind and its own."
    )


def _part(values: Any, name: str, kind: type = dict) -> Any:
    """An entry of an object; an empty one of the kind where it is missing or null.

    Raises:
        TokenizerError: the entry is of another kind, or `values` is no object.
    """
    value = values.get(name) if isinstance(values, dict) else values
    if value is None:
        return kind()
    if not isinstance(value, kind) or not isinstance(values, dict):
        raise TokenizerError("tokenizer.json is not valid: the entry {name} is of the wrong type.", name=name)
    return value


def _write(path: Path, text: str) -> None:
    with replaced(path, "wb") as file:  # bytes: Windows would turn the line ends of merges.txt
        file.write(text.encode())


def _read(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise TokenizerError(
                "The tokenizer file {path} has {size} bytes; at most {most} are allowed.", path=path, size=size, most=MAX_FILE_BYTES
            )
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise TokenizerError(
            "{directory} holds no {file}. GPT Lab opens tokenizers of GPT-2's kind and its own, from tokenizer.json or from "
            "vocab.json and merges.txt.",
            directory=path.parent, file=path.name,
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise TokenizerError("The tokenizer file {path} cannot be read: {reason}.", path=path, reason=error) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise TokenizerError("The tokenizer file {path} is not JSON: {reason}.", path=path, reason=error) from error
    if not isinstance(values, dict):
        raise TokenizerError("The tokenizer file {path} has to hold a JSON object.", path=path)
    return values
