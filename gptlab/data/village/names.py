"""Names that nobody has: made of sounds, written in Latin letters and in Hangul.

A model whose text has each name as one token never learns that a name may take several, and writes nonsense about anybody who is new to
it. Among people with such names it has to copy a name piece by piece.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

FIRST_SYLLABLE = ord("가")
"""Hangul syllables are numbered from here: (first sound * 21 + vowel) * 28 + last sound. Source: the Unicode standard, chapter 3.12."""

BEGINNINGS = (
    ("", 11), ("b", 7), ("br", 7), ("ch", 14), ("d", 3), ("f", 17), ("g", 0), ("h", 18), ("j", 12), ("k", 15), ("l", 5), ("m", 6), ("n", 2),
    ("p", 17), ("r", 5), ("s", 9), ("sh", 9), ("t", 16), ("th", 16), ("v", 7), ("w", 11), ("y", 11), ("z", 12),
)  # fmt: skip
MIDDLES = (("a", 0), ("ae", 1), ("e", 5), ("eo", 4), ("i", 20), ("o", 8), ("u", 13), ("y", 20))
ENDS = (("", 0), ("", 0), ("", 0), ("", 0), ("k", 1), ("l", 8), ("m", 16), ("n", 4), ("ng", 21), ("r", 8), ("x", 1))
"""Sounds in Latin letters, with the number of the nearest Korean one among the first, the vowels and the last."""


def made_up(random: Callable[[], float]) -> tuple[str, str]:
    """A name of two or three syllables, in English and in Korean.

    >>> made_up(iter([0.5, 0.5, 0.1, 0.0, 0.74, 0.5, 0.6]).__next__)
    ('Matim', '마팀')
    """

    def one(choices: Sequence[T]) -> T:
        return choices[int(random() * len(choices))]

    written, spoken = "", ""
    for _ in range(one((2, 2, 3))):
        (begin, first), (middle, vowel), (end, last) = one(BEGINNINGS), one(MIDDLES), one(ENDS)
        written += begin + middle + end
        spoken += chr(FIRST_SYLLABLE + (first * 21 + vowel) * 28 + last)
    return written.capitalize(), spoken
