"""Tokens as a person can read them: never a byte fragment without its character."""

import re
import unicodedata
from collections.abc import Iterable

from gptlab.tokenizer.vocabulary import Tokenizer

SHOWN = {
    # The control pictures of Unicode lie in the order of the control characters, from U+2400 on.
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "␡",
    ord(" "): "␣",
    ord("\n"): "⏎",
    ord("\t"): "⇥",
    # The mark for undecodable bytes can also stand in a text; shown as itself it would be taken for a fault.
    0xFFFD: "<EF><BF><BD>",
    # The fillers of Hangul count as letters and are blank.
    **{code: f"<U+{code:04X}>" for code in (0x115F, 0x1160, 0x3164, 0xFFA0)},
}
"""Code point -> what stands for it, for characters that cannot be seen or would mislead."""


UNSEEN = {**dict.fromkeys(("Cf", "Zs", "Zl", "Zp", "Cc"), "<U+{1:04X}>"), "Mn": "◌{0}", "Me": "◌{0}"}
"""Unicode category -> how such a character is shown: joiners, marks of direction and other spaces by number, accents on a dotted circle."""


_NO_CHARACTER = re.compile("[\udc80-\udcff]+")
"""Bytes that belong to no character, as surrogateescape keeps them."""


def readable(tokenizer: Tokenizer, ids: Iterable[int]) -> list[str]:
    """One label a token, for the screen.

    A token that holds a part of a character shows the whole character and which of its bytes it holds. The three tokens
    EC 95 / 88 EB / 85 95 of "안녕" give `안[1-2/3]`, `안[3/3]녕[1/3]`, `녕[2-3/3]`. A byte that belongs to no whole
    character, because the sequence is cut off or is not UTF-8, is shown as `<E3>`. Space is `␣`, line break `⏎`, tab `⇥`.

    Args:
        ids: a sequence of tokens; its neighbours decide what a token's bytes mean.

    Raises:
        TokenizerError: there is no such id.
    """
    tokens = [tokenizer.token_bytes(id) for id in ids]
    # surrogateescape turns each undecodable byte B into the one code point U+DC00 + B, so no byte is lost or joined.
    characters = b"".join(tokens).decode("utf-8", errors="surrogateescape")
    spans = iter([_span(character) for character in characters])
    labels = []
    label, size, done = "", 0, 0  # of the character under way: how it is shown, its bytes, how many are given out
    for token in tokens:
        parts = []
        left = len(token)
        while left:
            if done == size:
                (label, size), done = next(spans), 0
            taken = min(left, size - done)
            parts.append(label if taken == size else f"{label}[{_range(done + 1, done + taken)}/{size}]")
            done += taken
            left -= taken
        labels.append("".join(parts))
    return labels


def visible(text: str) -> str:
    """Text whose spaces, line breaks, and characters without a picture of their own can be seen."""
    return "".join(SHOWN.get(ord(c)) or UNSEEN.get(unicodedata.category(c), "{}").format(c, ord(c)) for c in text)


def shown_bytes(token: bytes) -> str:
    """A token without its neighbours: whole characters are readable, other bytes are bytes. " 학" and half of 교 is `␣학<EA B5>`."""
    text = token.decode("utf-8", errors="surrogateescape")
    return _NO_CHARACTER.sub(lambda found: f"<{found[0].encode('utf-8', errors='surrogateescape').hex(' ').upper()}>", visible(text))


def _span(character: str) -> tuple[str, int]:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"<{code - 0xDC00:02X}>", 1
    return visible(character), len(character.encode("utf-8"))


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
