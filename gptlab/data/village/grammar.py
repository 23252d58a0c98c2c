"""The village's phrases as patterns: what a slot may hold becomes a named group, so that a sentence can be read back.

`telling` says how phrases are written.
"""

import re
from functools import cache

from gptlab.data.village.korean import PARTICLES
from gptlab.data.village.lexicon import PLACE, Lexicon, lexicon
from gptlab.data.village.telling import SLOTS, subject_of

PEOPLE, THINGS, PLACES = "abcd", "xyn", "pq"

LEFT_OUT = r"\ )?"
"""How a slot ends that may be left out together with the space behind it."""

ANYTHING = r"(?:Mrs?\.|[^.\"'?!\n])+?"
NOT_EVENTS = ("news", "opinion", "review", "why")


def one_of(words: list[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)) + ")"


def with_particles(particle: str) -> str:
    return one_of(list(PARTICLES.get(particle, (particle,)))) if particle else ""


def english_words(w: Lexicon) -> dict[str, list[str]]:
    """What slots may hold that are neither people nor things nor places."""
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


def korean_words(w: Lexicon) -> dict[str, list[str]]:
    """The same in Korean."""
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
        self.fixed = english_words(words) if language == "en" else korean_words(words)
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
        return english_slot(self, written, before) if self.language == "en" else korean_slot(self, written, before)

    def reason(self) -> str:
        """A clause that tells why; its people and things are roles of their own, "B" and "X"."""
        clauses = "|".join(self.inner(line) for line in self.reasons)
        return "(?:" + re.sub(r"\(\?P<([bx])", lambda found: found[0][:-1] + found[1].upper(), clauses) + ")"


def english_slot(g: Grammar, written: str, before: str) -> str:
    """The pattern of an English slot as it is written in a phrase, behind what comes before it."""
    role, *forms = written.split(".")
    if role == "why":
        return g.reason()
    key = written.removesuffix(".cap")
    if key in g.fixed:
        return one_of([v for word in g.fixed[key] for v in (word, word[0].upper() + word[1:])])
    form = ".".join(f for f in forms if f not in ("cap", "low"))
    if role in PEOPLE:
        if form in ("he", "him", "his"):
            return "(?:[Ss]he|[Hh]e|her|him|his)"
        pronoun = "" if form == "name" or before.count('"') % 2 else "|[Ss]he|[Hh]e"
        return g.group(role, g.person + pronoun)
    if role in THINGS and role != "n":
        form_of = {
            "": f"(?:[Aa]n? {g.quality} {g.noun}|[Tt]he {g.noun})", "a": f"[Aa]n? {g.quality} {g.noun}",
            "the": f"[Tt]he (?:{g.quality} )?{g.noun}", "bare": f"(?:{g.quality} )?{g.noun}",
            "full": f"{g.quality} {g.noun}", "one": f"[Aa]n? {g.noun}",
        }  # fmt: skip
        return g.group(role, form_of[form]) if form in form_of else ANYTHING
    if role == "n" and form == "a":
        return g.group(role, f"[Aa]n? {g.quality} {g.noun}")
    if role == "n" and form == "one":
        return g.group(role, f"[Aa]n? {g.noun}")
    if role in PLACES and form != "scenery":
        at = one_of([w for s in g.words.spots for w in ((s.at, s.at[0].upper() + s.at[1:]) if form == "at" else (s.en,))])
        return g.group(role, at)
    raise AssertionError(written)


def korean_slot(g: Grammar, written: str, before: str) -> str:
    """The same in Korean: a role, a form, and the particle that follows it."""
    found = re.fullmatch(r"([a-z]+)((?:\.[a-z]+)*)([가-힣]*)", written)
    assert found, written
    role, form, particle = found[1], found[2].removeprefix("."), found[3]
    ending = with_particles(particle)
    key = f"{role}.{form}" if form else role
    if role == "why":
        return g.reason()
    if key in g.fixed:
        return one_of(g.fixed[key]) + ending
    if role in PEOPLE:
        leads = particle == "은" and before.strip() in ("", "{time}")
        said = g.group(role + "0" * leads, g.person) + ("(?:아|야)?" if particle == "아" else ending)
        return f"(?:{said}{LEFT_OUT}" if leads else said
    if role in THINGS and (role != "n" or form == "a") and form in ("", "a", "bare"):
        return g.group(role, f"{g.quality} {g.noun}" if form == "a" else f"(?:{g.quality} )?{g.noun}") + ending
    if role in PLACES and not form:
        return g.group(role, one_of([spot.ko for spot in g.words.spots])) + ending
    return ANYTHING + ending  # what holds for a kind, which Korean inflects


@cache
def grammar(language: str) -> Grammar:
    return Grammar(language)
