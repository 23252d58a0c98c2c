"""Hearing a story: which events its sentences tell, found by the village's own phrases, the other way round.

Every phrase becomes a pattern whose slots are named groups. A text is cut into the village's sentences, each with all that it may mean;
what is no sentence of the village is found, too.
"""

import re
from dataclasses import dataclass
from functools import cache

from gptlab.data.village.korean import PARTICLES, SS, final_consonant
from gptlab.data.village.lexicon import PLACE, lexicon
from gptlab.data.village.telling import SLOTS, subject_of

LONGEST = 260
"""Letters of what is told of one event, at most."""

PEOPLE, THINGS, PLACES = "abcd", "xyn", "pq"
PRONOUNS = ("he", "she")
LEFT_OUT = r"\ )?"
"""How a slot ends that may be left out together with the space behind it."""

ANYTHING = r"(?:Mrs?\.|[^.\"'?!\n])+?"
NOT_EVENTS = ("news", "opinion", "review", "why")


def one_of(words: list[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)) + ")"


def with_particles(particle: str) -> str:
    return one_of(list(PARTICLES.get(particle, (particle,)))) if particle else ""


class Grammar:
    """The phrases of a language as patterns: what a slot may hold, by its name."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = words = lexicon()
        file = {"en": "english", "ko": "korean"}[language]
        titles = [title if language == "en" else title_ko for title, title_ko, _female in words.titles]
        if language == "en":
            self.person = f"(?:{one_of(titles)} )?[A-Z][a-z]+"
            self.noun, self.quality = one_of([n.en for n in words.nouns]), one_of([q.en for q in words.qualities])
        else:
            self.person = f"[가-힣]+?(?: {one_of(titles)})?"
            self.noun, self.quality = one_of([n.ko for n in words.nouns]), one_of([q.ko for q in words.qualities])
        self.fixed = self.english_words() if language == "en" else self.korean_words()
        lines: list[tuple[str, str]] = []
        for line in (PLACE / f"{file}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                name = line[1:-1]
            elif line and not line.startswith(("#", "*")):
                lines.append((name, line))
        self.count = 0
        self.reasons = [line for name, line in lines if name.startswith("why.")]
        self.patterns = [
            (name, re.compile(self.pattern(line) + r"(?=\s|$)"), subject_of(line) or "")
            for name, line in lines
            if name.split(".")[0] not in NOT_EVENTS
        ]

    def pattern(self, line: str) -> str:
        """A phrase with its slots as named groups; a role that comes twice has two groups, "a_0" and "a_1"."""
        made, last = "", 0
        for found in SLOTS.finditer(line):
            made += re.escape(line[last : found.start()])
            last = found.end()
            if found[6] is not None:
                made += one_of(found[6].split("|"))
            elif found[1] is None:
                made += f"(?:{self.inner(found[4])}|{self.inner(found[5])})"
            else:
                slot = self.slot(found[1], line[: found.start()])
                last += slot.endswith(LEFT_OUT)
                made += slot
        return made + re.escape(line[last:])

    def inner(self, part: str) -> str:
        made, last = "", 0
        for found in re.finditer(r"\{([^{}]+)\}", part):
            made += re.escape(part[last : found.start()]) + self.slot(found[1], part[: found.start()] or '"')
            last = found.end()
        return made + re.escape(part[last:])

    def group(self, role: str, inside: str) -> str:
        self.count += 1
        return f"(?P<{role}_{self.count}>{inside})"

    def slot(self, written: str, before: str) -> str:
        return self.english(written, before) if self.language == "en" else self.korean(written, before)

    def english_words(self) -> dict[str, list[str]]:
        """What slots may hold that are neither people nor things nor places."""
        w = self.words
        kinds = [form for kind in w.kinds for form in (kind.en, kind.one, kind.plural)]
        deeds = {"past": [act.past_en for act in w.activities], "ing": [act.doing_en for act in w.activities]}
        return {
            "time": [time.en + "," for time in (*w.beginnings, *w.times)], "time.low": [time.noun_en for time in (*w.beginnings, *w.times)],
            "f": [feeling.en for feeling in w.feelings.values()], "rel": [relation.en for relation in w.relations],
            "trait": [trait.en for trait in w.traits], "game": [game.en for game in w.games], "game.won": [game.won_en for game in w.games],
            "truth": [truth[0] for kind in w.kinds for truth in kind.truths], "p.scenery": [spot.scenery_en for spot in w.spots],
            "g": kinds, "g.one": kinds, **{f"{deed}.{form}": said for deed in ("act", "deed") for form, said in deeds.items()},
            **{f"{x}.{form}": kinds for x in THINGS for form in ("kind", "kind.one", "kind.plural")},
            **{f"{x}.used": [kind.used_en for kind in w.kinds] for x in THINGS},
            **{f"{x}.plural": [noun.plural for noun in w.nouns] for x in THINGS},
        }  # fmt: skip

    def korean_words(self) -> dict[str, list[str]]:
        w = self.words
        kinds = [kind.ko for kind in w.kinds]
        deeds = {"past": [act.past_ko for act in w.activities], "ing": [act.doing_ko for act in w.activities]}
        return {
            "time": [time.ko for time in (*w.beginnings, *w.times)], "f": [feeling.ko for feeling in w.feelings.values()],
            "rel": [relation.ko for relation in w.relations], "trait": [trait.ko for trait in w.traits],
            "game": [game.ko for game in w.games], "game.won": [game.won_ko for game in w.games],
            "p.scenery": [spot.scenery_ko for spot in w.spots], "g": kinds,
            **{f"{deed}.{form}": said for deed in ("act", "deed") for form, said in deeds.items()},
            **{f"{x}.kind": kinds for x in THINGS}, **{f"{x}.used": [kind.used_ko for kind in w.kinds] for x in THINGS},
        }  # fmt: skip

    def reason(self) -> str:
        """A clause that tells why; its people and things are roles of their own, "B" and "X"."""
        clauses = "|".join(self.inner(line) for line in self.reasons)
        return "(?:" + re.sub(r"\(\?P<([bx])", lambda found: found[0][:-1] + found[1].upper(), clauses) + ")"

    def english(self, written: str, before: str) -> str:
        role, *forms = written.split(".")
        if role == "why":
            return self.reason()
        key = written.removesuffix(".cap")
        if key in self.fixed:
            return one_of([v for word in self.fixed[key] for v in (word, word[0].upper() + word[1:])])
        form = ".".join(f for f in forms if f not in ("cap", "low"))
        if role in PEOPLE:
            if form in ("he", "him", "his"):
                return "(?:[Ss]he|[Hh]e|her|him|his)"
            pronoun = "" if form == "name" or before.count('"') % 2 else "|[Ss]he|[Hh]e"
            return self.group(role, self.person + pronoun)
        if role in THINGS and role != "n":
            form_of = {
                "": f"(?:[Aa]n? {self.quality} {self.noun}|[Tt]he {self.noun})", "a": f"[Aa]n? {self.quality} {self.noun}",
                "the": f"[Tt]he (?:{self.quality} )?{self.noun}", "bare": f"(?:{self.quality} )?{self.noun}",
                "full": f"{self.quality} {self.noun}", "one": f"[Aa]n? {self.noun}",
            }  # fmt: skip
            return self.group(role, form_of[form]) if form in form_of else ANYTHING
        if role == "n" and form == "a":
            return self.group(role, f"[Aa]n? {self.quality} {self.noun}")
        if role == "n" and form == "one":
            return self.group(role, f"[Aa]n? {self.noun}")
        if role in PLACES and form != "scenery":
            at = one_of([w for s in self.words.spots for w in ((s.at, s.at[0].upper() + s.at[1:]) if form == "at" else (s.en,))])
            return self.group(role, at)
        raise AssertionError(written)

    def korean(self, written: str, before: str) -> str:
        found = re.fullmatch(r"([a-z]+)((?:\.[a-z]+)*)([가-힣]*)", written)
        assert found, written
        role, form, particle = found[1], found[2].removeprefix("."), found[3]
        ending = with_particles(particle)
        key = f"{role}.{form}" if form else role
        if role == "why":
            return self.reason()
        if key in self.fixed:
            return one_of(self.fixed[key]) + ending
        if role in PEOPLE:
            leads = particle == "은" and before.strip() in ("", "{time}")
            said = self.group(role + "0" * leads, self.person) + ("(?:아|야)?" if particle == "아" else ending)
            return f"(?:{said}{LEFT_OUT}" if leads else said
        if role in THINGS and (role != "n" or form == "a") and form in ("", "a", "bare"):
            return self.group(role, f"{self.quality} {self.noun}" if form == "a" else f"(?:{self.quality} )?{self.noun}") + ending
        if role in PLACES and not form:
            return self.group(role, one_of([spot.ko for spot in self.words.spots])) + ending
        return ANYTHING + ending  # what holds for a kind, which Korean inflects


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


@cache
def grammar(language: str) -> Grammar:
    return Grammar(language)


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
