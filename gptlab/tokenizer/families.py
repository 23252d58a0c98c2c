"""The kinds of tokenizers by name: train one, keep it in a file, read it back."""

import json
from pathlib import Path

from gptlab.config import TokenizerConfig
from gptlab.errors import TokenizerError
from gptlab.paths import replaced
from gptlab.tokenizer.bpe import BPETokenizer
from gptlab.tokenizer.characters import CharacterTokenizer
from gptlab.tokenizer.vocabulary import Tokenizer

FAMILIES: dict[str, type[BPETokenizer] | type[CharacterTokenizer]] = {
    family.kind: family for family in (CharacterTokenizer, BPETokenizer)
}

MAX_FILE_BYTES = 8 * 2**20
"""Largest tokenizer file that is read. Chosen here: GPT-2's 50,000 merges take 0.7 MB."""


def train_tokenizer(config: TokenizerConfig, text: str) -> Tokenizer:
    """A tokenizer as `config` asks, learned from `text`. Its `vocab_size` is its own: characters take what is there.

    Raises:
        TokenizerError: the text is empty or not encodable.
    """
    if config.kind == "bpe":
        return BPETokenizer.train(text, config.vocab_size)
    return CharacterTokenizer.train(text)


def save(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer as JSON; an existing file is replaced as a whole."""
    with replaced(path) as file:
        json.dump(tokenizer.to_json(), file, separators=(",", ":"))


def load(path: Path) -> Tokenizer:
    """The tokenizer written by `save`.

    Raises:
        TokenizerError: the file is missing, too large, or does not describe a tokenizer.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise TokenizerError("The tokenizer file {path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    if size > MAX_FILE_BYTES:
        raise TokenizerError(
            "The tokenizer file {path} has {size} bytes; at most {most} are allowed.", path=path, size=size, most=MAX_FILE_BYTES
        )
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TokenizerError("The tokenizer file {path} is not JSON: {reason}.", path=path, reason=error) from error
    kind = values.get("kind") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise TokenizerError(
            "The tokenizer file {path} has the kind {kind!r}; allowed are {kinds}.", path=path, kind=kind, kinds=", ".join(FAMILIES)
        )
    try:
        return FAMILIES[kind].from_json(values)
    except TokenizerError as error:
        raise TokenizerError("The tokenizer file {path} is not valid. {reason}", path=path, reason=error) from error
