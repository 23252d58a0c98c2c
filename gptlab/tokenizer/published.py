"""The vocabularies of later OpenAI models, for comparison: cl100k (GPT-3.5, GPT-4) and o200k (GPT-4o).

No installed package carries them. They are read from tiktoken's own cache on this computer when they lie there, or fetched when a person
asks for it. `tiktoken.get_encoding` is never called: it would go to the network by itself, and wait without end.
Source of names, addresses and hashes: openai/tiktoken, openai_public.py.
"""

import hashlib
import http.client
import os
import tempfile
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tiktoken
from tiktoken_ext import openai_public

from gptlab.errors import TokenizerError
from gptlab.paths import replaced
from gptlab.tokenizer.bpe import require_encodable
from gptlab.tokenizer.vocabulary import Tokenizer

TIMEOUT_S = 20
"""Longest silence of the network. Chosen here: a slow line still gets a file of 3.6 MB."""


@dataclass(frozen=True)
class Source:
    """Where a vocabulary comes from."""

    name: str
    sha256: str
    megabytes: float

    @property
    def url(self) -> str:
        return f"https://openaipublic.blob.core.windows.net/encodings/{self.name}.tiktoken"


SOURCES = {
    source.name: source
    for source in (
        Source("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", 1.7),
        Source("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", 3.6),
    )
}


class PublishedTokenizer(Tokenizer):
    """A vocabulary that came with its own pattern and numbers; ids without a token have no bytes."""

    kind: ClassVar[str] = "published"

    def __init__(self, name: str, pattern: str, ranks: dict[bytes, int], special_tokens: dict[str, int]) -> None:
        vocabulary = [b""] * (max([*ranks.values(), *special_tokens.values()]) + 1)
        for token, id in (*ranks.items(), *((text.encode(), id) for text, id in special_tokens.items())):
            vocabulary[id] = token
        super().__init__(vocabulary, end_of_text=special_tokens["<|endoftext|>"])
        self.name, self.ranks = name, ranks
        self._encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=special_tokens)

    def encode(self, text: str) -> np.ndarray:
        """As `Tokenizer.encode`; raises TokenizerError for half of a surrogate pair and for white space without end."""
        require_encodable(text)
        try:
            return self._encoding.encode_to_numpy(text, disallowed_special=()).astype(np.int64)
        except ValueError:  # tiktoken's pattern goes back over all of a run of white space
            raise TokenizerError(
                "{name} cannot cut this text: it holds a run of white space that is too long for its pattern. Shorten it.", name=self.name
            ) from None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name}


def is_here(name: str) -> bool:
    """Whether a vocabulary lies in tiktoken's cache, unchanged."""
    path = cache_file(SOURCES[name])
    return path is not None and path.is_file() and _is_published(path.read_bytes(), SOURCES[name])


def published(name: str) -> PublishedTokenizer:
    """A vocabulary from tiktoken's cache.

    Raises:
        TokenizerError: it is not there, or not the published one.
    """
    if name not in SOURCES:
        raise TokenizerError("There is no vocabulary {name!r}; known are {names}.", name=name, names=", ".join(SOURCES))
    if not is_here(name):
        raise TokenizerError(
            "The vocabulary {name} is not on this computer. Download it on the Tokenization page, or put the file of {url} into tiktoken's "
            "cache.",
            name=name, url=SOURCES[name].url,
        )  # fmt: skip
    return _opened(name)


@cache
def _opened(name: str) -> PublishedTokenizer:
    about = getattr(openai_public, name)()  # reads the cache, whose file was just found whole
    return PublishedTokenizer(name, about["pat_str"], about["mergeable_ranks"], about["special_tokens"])


def download(name: str) -> None:
    """Fetch a vocabulary into tiktoken's cache. Only ever called because a person asked for it.

    Raises:
        TokenizerError: no network, no answer in time, something else than the published file, or no cache to put it into.
    """
    source = SOURCES[name]
    path = cache_file(source)
    if path is None:
        raise TokenizerError("tiktoken's cache is switched off by an empty TIKTOKEN_CACHE_DIR: set it to a folder, or remove it.")
    try:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT_S) as answer:
            content = answer.read(int(4 * source.megabytes * 1e6))
    except (OSError, http.client.HTTPException) as error:  # the second: an answer that breaks off or is none
        raise TokenizerError(
            "{name} could not be downloaded: {reason}. Everything else works without it; try again with a network.",
            name=name, reason=str(error),
        ) from None  # fmt: skip
    if not _is_published(content, source):
        raise TokenizerError("What came from {url} is not the published vocabulary; nothing was kept.", url=source.url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path, "wb") as file:
        file.write(content)


def cache_file(source: Source) -> Path | None:
    """Where tiktoken looks for a vocabulary; None when its cache is switched off."""
    default = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", default))
    return Path(folder) / hashlib.sha1(source.url.encode()).hexdigest() if folder else None


def _is_published(content: bytes, source: Source) -> bool:
    return hashlib.sha256(content).hexdigest() == source.sha256
