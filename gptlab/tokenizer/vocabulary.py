"""What every tokenizer can do: a numbered list of byte strings, and a rule that cuts text into them."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from gptlab.errors import TokenizerError


class Tokenizer(ABC):
    """A vocabulary and its way to cut text.

    Args:
        vocabulary: bytes of every token, in the order of the ids.
        end_of_text: id of the token that parts documents; None for a vocabulary without one.
    """

    kind: ClassVar[str]

    def __init__(self, vocabulary: list[bytes], end_of_text: int | None = None) -> None:
        self._vocabulary = vocabulary
        self.end_of_text = end_of_text

    @property
    def vocab_size(self) -> int:
        return len(self._vocabulary)

    @cached_property
    def id(self) -> str:
        """First 16 hex digits of the hash of `to_json`: the same vocabulary has the same id everywhere."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """Token ids of `text`, (n,), int64. A special token written in the text is ordinary text.

        Raises:
            TokenizerError: the vocabulary cannot express the text.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What `load` needs to build the same tokenizer again."""

    def token_bytes(self, id: int) -> bytes:
        """Bytes of one token.

        Raises:
            TokenizerError: there is no such id.
        """
        if not 0 <= id < self.vocab_size:
            raise TokenizerError(
                "There is no token with the id {id}; the ids of this vocabulary go from 0 to {last}.",
                id=int(id), last=self.vocab_size - 1,
            )  # fmt: skip
        return self._vocabulary[id]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of a whole sequence. Bytes that are no complete UTF-8 become U+FFFD.

        Raises:
            TokenizerError: there is no such id.
        """
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")
