"""A text to learn from: titled, made of documents, known by the hash of its content."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from gptlab.errors import DataError

MAX_CORPUS_BYTES = 500 * 2**20
"""Largest text. Chosen here: text, tokens and their copies fit into 8 GB of memory."""

BETWEEN_DOCUMENTS = "\n\n"
"""A blank line parts documents, as it parts paragraphs: every vocabulary can write it."""


@dataclass(frozen=True)
class Document:
    """One piece of text and where it came from."""

    name: str
    text: str


@dataclass(frozen=True)
class Corpus:
    """Documents under one title.

    Raises:
        DataError: no text, only white space, not encodable as UTF-8, or longer than `MAX_CORPUS_BYTES`.
    """

    title: str
    documents: tuple[Document, ...]

    def __post_init__(self) -> None:
        if not self.text or self.text.isspace():
            raise DataError("{title!r} holds no text. Give a text with at least a few sentences.", title=self.title)
        try:
            n_bytes = self.n_bytes
        except UnicodeEncodeError as error:
            raise DataError(
                "{title!r} holds half of a surrogate pair at character {position}, which no file can keep: remove it.",
                title=self.title, position=error.start,
            ) from None  # fmt: skip
        if n_bytes > MAX_CORPUS_BYTES:
            raise too_large(self.title, n_bytes)

    @cached_property
    def text(self) -> str:
        """All documents, with a blank line between two."""
        return BETWEEN_DOCUMENTS.join(document.text for document in self.documents)

    @cached_property
    def id(self) -> str:
        """First 16 hex digits of the SHA-256 of the text in UTF-8; title and names play no part."""
        return content_id(self.text.encode("utf-8"))

    @property
    def n_characters(self) -> int:
        return len(self.text)

    @cached_property
    def n_bytes(self) -> int:
        """Length in UTF-8."""
        return len(self.text.encode("utf-8"))

    def split(self, validation_fraction: float) -> tuple[str, str]:
        """Training part (the first characters) and validation part (the last).

        Tiny Shakespeare at 0.1: 1,003,854 and 111,540 characters.
        """
        n_train = int(self.n_characters * (1 - validation_fraction))
        return self.text[:n_train], self.text[n_train:]


def content_id(content: bytes) -> str:
    """Id of a text, from its UTF-8 bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def too_large(title: str, n_bytes: int) -> DataError:
    return DataError(
        "{title!r} has {size} MB of text; at most {most} MB are allowed. Use a part of it.",
        title=title, size=-(-n_bytes // 2**20), most=MAX_CORPUS_BYTES // 2**20,
    )  # fmt: skip


def check_length(n_tokens_train: int, n_tokens_validation: int, block_size: int) -> None:
    """Refuse a text in which not even one context fits; a context needs one token more, the last one's target.

    Raises:
        DataError: a part is shorter than `block_size` + 1 tokens.
    """
    needed = block_size + 1
    if n_tokens_train < needed:
        raise DataError(
            "The training part has {n} tokens, one context needs {needed}: give a longer text or lower block_size to at most {most}.",
            n=n_tokens_train, needed=needed, most=max(n_tokens_train - 1, 0),
        )  # fmt: skip
    if n_tokens_validation < needed:
        raise DataError(
            "The validation part has {n} tokens, one context needs {needed}: give a longer text, raise validation_fraction, or "
            "lower block_size to at most {most}.",
            n=n_tokens_validation, needed=needed, most=max(n_tokens_validation - 1, 0),
        )  # fmt: skip
