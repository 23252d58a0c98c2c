"""The texts that a home keeps, and their tokens.

    home/corpora/<id>/text.txt          the text, UTF-8
    home/corpora/<id>/about.json        title, sizes, documents, date; written last, so a folder with it is complete
    home/corpora/<id>/tokens-*.npy      token ids, made when first asked for

The id is the hash of the text: the same text is kept once, and a damaged one is found out. Every file is written aside
and renamed, so two processes that save the same text at once both succeed.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from gptlab.data.corpus import BETWEEN_DOCUMENTS, Corpus, Document, content_id
from gptlab.errors import DataError
from gptlab.paths import replaced
from gptlab.tokenizer import Tokenizer


@dataclass(frozen=True)
class About:
    """What the library says about a text.

    Args:
        created: when it was first saved; UTC, ISO 8601.
    """

    id: str
    title: str
    n_characters: int
    n_bytes: int
    documents: tuple[str, ...]
    created: str


def save(corpus: Corpus, home: Path) -> str:
    """Keep a text; returns its id. A text that is there already stays under its first title; a damaged one is mended."""
    place = home / "corpora" / corpus.id
    place.mkdir(parents=True, exist_ok=True)
    try:
        open_corpus(corpus.id, home)
    except DataError:
        _write(corpus, place)
    return corpus.id


def open_corpus(id: str, home: Path) -> Corpus:
    """The text with this id, with its documents.

    Raises:
        DataError: not an id, not in the library, or damaged.
    """
    place = _place(id, home)
    values = _about(place)
    try:
        content = (place / "text.txt").read_bytes()
    except FileNotFoundError:
        content = b""
    if values is None or content_id(content) != id:
        raise DataError("The text {id} is damaged: its content is not what was saved. Add the text again to mend it.", id=id)
    text = content.decode("utf-8")
    documents, start = [], 0
    for entry in values["documents"]:
        stop = start + entry["n_characters"]
        documents.append(Document(entry["name"], text[start:stop]))
        start = stop + len(BETWEEN_DOCUMENTS)
    return Corpus(values["title"], tuple(documents))


def corpora(home: Path) -> list[About]:
    """All texts of a home, the oldest first. A folder that is incomplete or damaged is left out."""
    found = []
    for place in (home / "corpora").glob("*"):
        if values := _about(place):
            names = tuple(entry["name"] for entry in values["documents"])
            found.append(About(place.name, values["title"], values["n_characters"], values["n_bytes"], names, values["created"]))
    return sorted(found, key=lambda about: (about.created, about.id))


def encoded(id: str, tokenizer: Tokenizer, validation_fraction: float, home: Path) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of the training and the validation part, each (n,), uint16 or uint32, mapped from the disk, not loaded.

    Made once for each tokenizer and fraction; a damaged file is made again.

    Raises:
        DataError: as `open_corpus`.
        TokenizerError: the vocabulary cannot express the text.
    """
    place = _place(id, home)
    paths = [place / f"tokens-{tokenizer.id}-{validation_fraction!r}-{part}.npy" for part in ("train", "validation")]
    arrays = [_tokens(path, tokenizer.vocab_size) for path in paths]
    if any(array is None for array in arrays):
        for path, text in zip(paths, open_corpus(id, home).split(validation_fraction), strict=True):
            with replaced(path, "wb") as file:
                _save_array(file, tokenizer.encode(text).astype(_dtype(tokenizer.vocab_size)))
        arrays = [_tokens(path, tokenizer.vocab_size) for path in paths]
    train, validation = arrays
    assert train is not None and validation is not None
    return train, validation


def _place(id: str, home: Path) -> Path:
    if not re.fullmatch(r"[0-9a-f]{16}", id):
        raise DataError("{id!r} is not the id of a text; an id has 16 digits from 0 to 9 and a to f.", id=id)
    place = home / "corpora" / id
    if not place.is_dir():
        raise DataError("The text {id} is not in the library. Add it again, or choose another one.", id=id)
    return place


def _write(corpus: Corpus, place: Path) -> None:
    with replaced(place / "text.txt", "wb") as file:
        file.write(corpus.text.encode("utf-8"))
    about = {
        "title": corpus.title,
        "n_characters": corpus.n_characters,
        "n_bytes": corpus.n_bytes,
        "documents": [{"name": document.name, "n_characters": len(document.text)} for document in corpus.documents],
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
    }
    with replaced(place / "about.json") as file:
        json.dump(about, file, indent=1)


def _about(place: Path) -> dict[str, Any] | None:
    """Content of about.json; None when it is missing or not as `_write` writes it."""
    try:
        values = json.loads((place / "about.json").read_bytes())
        lengths = [entry["n_characters"] for entry in values["documents"] if type(entry["name"]) is str]
        whole = sum(lengths) + len(BETWEEN_DOCUMENTS) * (len(lengths) - 1) == values["n_characters"]
        typed = all(type(values[key]) is kind for key, kind in (("title", str), ("n_bytes", int), ("created", str)))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    return values if whole and typed and len(lengths) == len(values["documents"]) else None


def _save_array(file: IO[bytes], array: np.ndarray) -> None:
    """As `np.save`, which writes past `file` and does not say that a disk is full: its error has no number."""
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    file.write(array.data)


def _dtype(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    return np.uint16 if vocab_size <= 2**16 else np.uint32


def _tokens(path: Path, vocab_size: int) -> np.ndarray | None:
    """The tokens of a file; None when it is missing or cannot be what `encoded` wrote."""
    try:
        tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if tokens.ndim != 1 or tokens.dtype != _dtype(vocab_size) or (len(tokens) and tokens.max() >= vocab_size):
        return None
    return tokens
