"""Hearing a story: which events its sentences tell, found by the village's own phrases, the other way round.

A text is cut into the village's sentences, each with all that it may mean; what is no sentence of the village is found, too.
"""

import re
from dataclasses import dataclass
from functools import cache

from gptlab.data.village.grammar import PLACES, THINGS, grammar
from gptlab.data.village.korean import SS, final_consonant

LONGEST = 260
"""Letters of what is told of one event, at most."""

PRONOUNS = ("he", "she")


def plain(text: str) -> tuple[str, list[int]]:
    """A Korean story that is told in -ㅆ어요 as it is told in -ㅆ다, and from where in the text each of its letters is. What people say
    stays.

    >>> plain('갔어요. "갔어요."')
    ('갔다. "갔어요."', [0, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    """
    said, places, is_quoted, i = "", [], False, 0
    while i < len(text):
        is_quoted ^= text[i] == '"'
        past = not is_quoted and text.startswith("어요.", i) and "가" <= text[i - 1 : i] <= "힣" and final_consonant(text[i - 1]) == SS
        said += "다." if past else text[i]
        places += [i, i + 2] if past else [i]
        i += 3 if past else 1
    return said, places


@dataclass(frozen=True)
class Found:
    """A sentence (or two) of a story, understood.

    Args:
        roles: who, what, where by the phrase's letters; a person may be a pronoun, or "" where Korean leaves the subject out.
        looks: what the things are said to be like.
        subject: the role whom it is about; empty where there is none.
    """

    name: str
    roles: dict[str, str]
    looks: dict[str, str]
    subject: str
    end: int


def understood(text: str, language: str, event: str = "") -> list[Found]:
    """All phrases that a text begins with; those for one event alone, if it is named."""
    return [
        _found(name, subject, match, language)
        for name, pattern, subject in grammar(language).patterns
        if event in ("", name) and (match := pattern.match(text))
    ]


def _found(name: str, subject: str, match: re.Match[str], language: str) -> Found:
    roles: dict[str, str] = {}
    looks: dict[str, str] = {}
    for group, said in match.groupdict().items():
        role = group[0]
        if said is None and "0" not in group.split("_")[0]:  # in the other one of two ways to say it
            continue
        if role in PLACES:
            said = _spot(said, language)
        elif role.lower() in THINGS:
            quality, said = _thing(said, language)
            looks |= {role: quality} if quality else {}
        if not roles.get(role) or roles[role].lower() in PRONOUNS:
            roles[role] = said or ""
    return Found(name, roles, looks, subject, match.end())


@cache
def _spot(said: str, language: str) -> str:
    spots = grammar(language).words.spots
    if language == "ko":
        return said
    return next(spot.en for spot in spots if said.lower() in (spot.at, spot.en))


@cache
def _thing(said: str, language: str) -> tuple[str, str]:
    """Quality, if one is told, and noun."""
    words = grammar(language)
    found = re.search(f"(?:({words.quality}) )?({words.noun})$", said)
    assert found, said
    return found[1] or "", found[2]


@dataclass(frozen=True)
class Sentence:
    """A piece of a text.

    Args:
        begin, end: where it stands.
        means: all that it may tell; empty where it is no sentence of the village.
    """

    begin: int
    end: int
    means: tuple[Found, ...]


def heard(text: str, language: str) -> list[Sentence]:
    """A text as sentences, the fewest of them none of the village's. A phrase of two sentences is one piece."""
    said, places = plain(text) if language == "ko" else (text, list(range(len(text))))
    best: dict[int, tuple[int, list[Sentence]]] = {len(said): (0, [])}

    def rest(begin: int) -> tuple[int, list[Sentence]]:
        while begin < len(said) and said[begin].isspace():
            begin += 1
        return best[begin]

    def sentence(begin: int, end: int, means: list[Found]) -> Sentence:
        return Sentence(places[begin], places[end - 1] + 1, tuple(means))

    for begin in range(len(said) - 1, -1, -1):
        if said[begin].isspace() or (begin and not said[begin - 1].isspace()):
            continue
        stop = re.compile(r"[.!?][\"']?(?=\s)|\n|$").search(said, begin)
        assert stop
        end = max(stop.end(), begin + 1)
        missing, later = rest(end)
        choices = [(missing + 1, [sentence(begin, end, []), *later])]
        by_end: dict[int, list[Found]] = {}
        for found in understood(said[begin : begin + LONGEST], language):
            by_end.setdefault(found.end, []).append(found)
        for length, means in by_end.items():
            missing, later = rest(begin + length)
            choices.append((missing, [sentence(begin, begin + length, means), *later]))
        best[begin] = min(choices, key=lambda choice: choice[0])
    return rest(0)[1]
