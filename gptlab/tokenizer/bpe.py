"""Byte-level byte pair encoding, as in GPT-2: any text in any language, no unknown token.

Text is cut into words first, words into bytes, and then pairs of neighbours are merged in the order in which training
found them. Training is done by `tokenizers`, encoding by `tiktoken` (about ten times faster, same ids).

Source: Sennrich et al. 2016 for merging; GPT-2, section 2.2, for bytes and for never merging across kinds of characters.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import tiktoken
from tiktoken_ext.openai_public import r50k_pat_str
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import models, pre_tokenizers, trainers

from gptlab.errors import TokenizerError
from gptlab.tokenizer.vocabulary import Tokenizer

Merge = tuple[bytes, bytes]

PRINTABLE_BYTES = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
BYTE_ORDER = (*PRINTABLE_BYTES, *(b for b in range(256) if b not in PRINTABLE_BYTES))
"""Byte of each of the first 256 ids: the printable characters of latin-1 first, then the others. Source: GPT-2's encoder."""

BYTE_OF_CHARACTER = {chr(b) if b in PRINTABLE_BYTES else chr(0x100 + i - len(PRINTABLE_BYTES)): b for i, b in enumerate(BYTE_ORDER)}
"""GPT-2 writes a byte as one visible character: the printable ones as themselves, the others as U+0100 and up."""

END_OF_TEXT = b"<|endoftext|>"

MAX_TOKEN_BYTES = 256
"""Longest token. Chosen here: GPT-2's longest has 128 bytes; without a bound a small file could describe endless ones."""

TRAINING_PIECE_BYTES = 1024
"""Longer words are cut for training. Chosen here: the trainer is quadratic in a word (1 MB of one letter took 465 s)."""

LEAST_PAIR_COUNT = 2
"""A pair must occur so often to be merged. Chosen here: a merge used once saves one token in the whole text."""

# The white space of the Rust regex library, which tiktoken's pattern means by \s. Python's \s holds four characters more.
_SPACE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_LONG_SPACE = re.compile(f"(?<!{_SPACE}){_SPACE}{{256,}}")


class BPETokenizer(Tokenizer):
    """256 bytes in GPT-2's order, then one token a merge, then `<|endoftext|>`.

    The worked example of Wikipedia's article on byte pair encoding, `aaabdaaabac` with three merges (a, b, c, d have the
    ids 64 to 67 in GPT-2's order). Of two pairs that are equally frequent, the one with the lower ids is merged first:

    >>> tokenizer = BPETokenizer.train("aaabdaaabac", vocab_size=260)
    >>> tokenizer.merges
    ((b'a', b'a'), (b'a', b'b'), (b'aa', b'ab'))
    >>> tokenizer.encode("aaabdaaabac").tolist()                       # aaab d aaab a c
    [258, 67, 258, 64, 66]

    Args:
        merges: pairs in the order of training; both parts are bytes or results of earlier merges.

    Raises:
        TokenizerError: a merge whose parts are not there yet, whose result is there already, or is too long.
    """

    kind: ClassVar[str] = "bpe"

    def __init__(self, merges: Sequence[Merge]) -> None:
        self.merges: tuple[Merge, ...] = tuple(merges)
        self._ranks = {bytes([byte]): id for id, byte in enumerate(BYTE_ORDER)}
        for number, (left, right) in enumerate(self.merges, start=1):
            merged = left + right
            if left not in self._ranks or right not in self._ranks or merged in self._ranks or len(merged) > MAX_TOKEN_BYTES:
                raise TokenizerError(
                    "Merge number {number} is {left} + {right}; both parts have to be tokens already, and the result a new token "
                    "of at most {most} bytes.",
                    number=number, left=left, right=right, most=MAX_TOKEN_BYTES,
                )  # fmt: skip
            self._ranks[merged] = len(self._ranks)
        super().__init__([*self._ranks, END_OF_TEXT], end_of_text=len(self._ranks))
        self._encoding = tiktoken.Encoding(
            "gptlab", pat_str=r50k_pat_str, mergeable_ranks=self._ranks, special_tokens={END_OF_TEXT.decode(): len(self._ranks)}
        )

    @classmethod
    def train(cls, text: str, vocab_size: int) -> Self:
        """Merges learned from `text`; the same text gives the same merges.

        Args:
            text: any text.
            vocab_size: wanted size, with the 256 bytes and the end-of-text token. A text with too few repeated pairs gives
                a smaller vocabulary.

        Raises:
            TokenizerError: the text is not encodable.
        """
        return cls(merges_of(train_rust(text, vocab_size - 1)))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The tokenizer written by `to_json`.

        Raises:
            TokenizerError: the values do not describe a BPE vocabulary.
        """
        pairs = values.get("merges")
        if set(values) != {"kind", "merges"} or not isinstance(pairs, list):
            raise TokenizerError("A BPE vocabulary has the entries kind and merges (a list of pairs of ids), and no others.")
        tokens = [bytes([byte]) for byte in BYTE_ORDER]
        merges = []
        for number, pair in enumerate(pairs, start=1):
            if not isinstance(pair, list) or len(pair) != 2 or not all(type(i) is int and 0 <= i < len(tokens) for i in pair):
                raise TokenizerError(
                    "Merge number {number} is {pair}; it has to be two ids from 0 to {last}.",
                    number=number, pair=repr(pair)[:100], last=len(tokens) - 1,
                )  # fmt: skip
            left, right = tokens[pair[0]], tokens[pair[1]]
            # Cut at the bound: a chain of doublings would fill the memory before the constructor could refuse it.
            tokens.append((left + right)[: MAX_TOKEN_BYTES + 1])
            merges.append((left, right))
        return cls(merges)

    def to_json(self) -> dict[str, Any]:
        """Merges as pairs of ids; merge number i (from 0) makes the token 256 + i."""
        return {"kind": self.kind, "merges": [[self._ranks[left], self._ranks[right]] for left, right in self.merges]}

    @property
    def ranks(self) -> Mapping[bytes, int]:
        """Id of every token but the end-of-text one; the lower of two is merged first."""
        return self._ranks

    def encode(self, text: str) -> np.ndarray:
        """As `Tokenizer.encode`; raises TokenizerError only for half of a surrogate pair."""
        require_encodable(text)
        parts = [self._encoding.encode_to_numpy(part, disallowed_special=()) for part in parted(text)]
        return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def parted(text: str) -> list[str]:
    """`text` cut inside long runs of white space, at places where the pattern cuts anyway, so the ids stay the same.

    Before a word, the pattern takes a run of white space but for its last character, by backtracking over all of it;
    tiktoken's regex library panics when the run is long (1 MB of spaces and an x).
    """
    cuts = [0, *(run.end() - 1 for run in _LONG_SPACE.finditer(text) if run.end() < len(text)), len(text)]
    return [text[start:stop] for start, stop in zip(cuts, cuts[1:], strict=False) if start < stop]


def require_encodable(text: str) -> None:
    """Raises TokenizerError when the text cannot be written as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizerError(
            "The text holds half of a surrogate pair ({character}) at position {position}, which no file can keep: remove it.",
            character=ascii(text[error.start]), position=error.start,
        ) from None  # fmt: skip


def train_rust(text: str, vocab_size: int, split: bool = True) -> RustTokenizer:
    """A `tokenizers` BPE of at most `vocab_size` tokens without special ones.

    Args:
        split: cut the text into words first, as GPT-2 does; False lets merges run over anything, to see what that wastes.

    The library's own ByteLevel pattern is used: it is GPT-2's. tiktoken's text of the same pattern means something else in
    its regex dialect, where `$` also matches before a line break.

    Raises:
        TokenizerError: the text is not encodable.
    """
    require_encodable(text)
    tokenizer = RustTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer(split)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=LEAST_PAIR_COUNT,
        initial_alphabet=list(BYTE_OF_CHARACTER),
        max_token_length=MAX_TOKEN_BYTES,
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def pre_tokenizer(split: bool = True) -> pre_tokenizers.PreTokenizer:
    """What is never merged across: GPT-2's words (section 2.2), and the ends of very long ones."""
    return pre_tokenizers.Sequence(
        [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split), pre_tokenizers.FixedLength(TRAINING_PIECE_BYTES)]
    )


def pre_split(text: str) -> list[bytes]:
    """The words of a text as training sees them.

    >>> pre_split("a dog's dog!")
    [b'a', b' dog', b"'s", b' dog', b'!']

    Raises:
        TokenizerError: the text is not encodable.
    """
    require_encodable(text)
    return [bytes_of(piece) for piece, _span in pre_tokenizer().pre_tokenize_str(text)]


def merges_of(tokenizer: RustTokenizer) -> list[Merge]:
    """The merges of a `tokenizers` BPE as bytes, each new token once.

    The library lists a second way to build the same token as a merge of its own; the first one has made the token.
    """
    merges: dict[str, Merge] = {}
    for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
        merges.setdefault(left + right, (bytes_of(left), bytes_of(right)))
    return list(merges.values())


def bytes_of(token: str) -> bytes:
    """Bytes of a token in GPT-2's visible characters: `Ġthe` is b" the"."""
    return bytes(BYTE_OF_CHARACTER[character] for character in token)
