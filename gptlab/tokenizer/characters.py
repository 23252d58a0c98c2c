"""One token a character: the vocabulary of the smallest models."""

from typing import Any, ClassVar, Self

import numpy as np

from gptlab.errors import TokenizerError
from gptlab.tokenizer.vocabulary import Tokenizer

UNSEEN_SHOWN = 10
"""So many unseen characters are listed in an error. Chosen here: enough to recognise the script."""


class CharacterTokenizer(Tokenizer):
    """The characters of a text, sorted by code point; the id is the position. Tiny Shakespeare has 65.

    >>> CharacterTokenizer.train("hello").encode("hole").tolist()      # e h l o
    [1, 3, 2, 0]

    Args:
        characters: every character once, ascending.

    Raises:
        TokenizerError: no characters, or out of order, or not encodable.
    """

    kind: ClassVar[str] = "characters"

    def __init__(self, characters: str) -> None:
        if not characters or list(characters) != sorted(set(characters)):
            raise TokenizerError("A character vocabulary needs at least one character, each once, in the order of the code points.")
        super().__init__([_utf8(character) for character in characters])
        self.characters = characters
        codes = _code_points(characters)
        # The last place catches every code point above the highest known one.
        self._ids = np.full(int(codes[-1]) + 2, -1, dtype=np.int64)
        self._ids[codes] = np.arange(len(codes))

    @classmethod
    def train(cls, text: str) -> Self:
        """The vocabulary of all characters in `text`.

        Raises:
            TokenizerError: the text is empty or not encodable.
        """
        return cls("".join(sorted(set(text))))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The tokenizer written by `to_json`.

        Raises:
            TokenizerError: the values do not describe a character vocabulary.
        """
        characters = values.get("characters")
        if set(values) != {"kind", "characters"} or not isinstance(characters, str):
            raise TokenizerError("A character vocabulary has the entries kind and characters (a string), and no others.")
        return cls(characters)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "characters": self.characters}

    def encode(self, text: str) -> np.ndarray:
        codes = _code_points(text)
        ids = self._ids[np.minimum(codes, len(self._ids) - 1)]
        if len(ids) and ids.min() < 0:
            unseen = [repr(chr(code)) for code in np.unique(codes[ids < 0])]
            more = " …" if len(unseen) > UNSEEN_SHOWN else ""
            raise TokenizerError(
                "This vocabulary has never seen {n} of the characters: {unseen}. Leave them out, or use a model with a BPE "
                "vocabulary, which can write every character.",
                n=len(unseen), unseen=" ".join(unseen[:UNSEEN_SHOWN]) + more,
            )  # fmt: skip
        return ids


def _code_points(text: str) -> np.ndarray:
    # A lone surrogate passes here and is met as an unseen character.
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)


def _utf8(character: str) -> bytes:
    try:
        return character.encode("utf-8")
    except UnicodeEncodeError:
        raise TokenizerError(
            "The text holds {character}, half of a surrogate pair, which no file can keep: remove it.", character=repr(character)
        ) from None
