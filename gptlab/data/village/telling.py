"""Telling a story in English or Korean: phrases with slots, and what a listener already knows.

The phrases lie in `assets/village/english.txt` and `korean.txt`, which say how a slot is written. What makes sentences a text is
kept here: who the last sentence was about (then a pronoun, or in Korean no subject at all), and which things were mentioned
(then "the kite" after "a red kite").
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from gptlab.data.village.korean import polite, with_particle
from gptlab.data.village.lexicon import PLACE, Person, with_article
from gptlab.data.village.story import Event, Reason, Story, Thing

LANGUAGES = ("en", "ko")

KEEP_SUBJECT = 0.35
"""Share of sentences that name their subject again although the last one was about the same person."""

DESCRIBES_AGAIN = 0.2

Roles = dict[str, Any]


@dataclass(slots=True)
class Listener:
    """What has been said so far, and how it is said.

    Args:
        topic: whom the last sentence was about.
        known: things that were mentioned.
        polite: Korean is told in -어요.
        describes: share of later mentions that say again what a thing is like, so that it is worth remembering.
    """

    rng: Random
    language: str
    topic: Person | None = None
    known: set[Thing] = field(default_factory=set)
    polite: bool = False
    describes: float = 0.0


Piece = Callable[[Listener, Roles], str]

Slot = Callable[[str, str, bool], Piece]
"""What a slot becomes: as it is written, the rest of the line behind it, and whether it leads the sentence."""


@dataclass(frozen=True)
class Phrase:
    """A way to say something: literal text and slots in turn. `subject` is the role whom it is about, if any."""

    pieces: tuple[str | Piece, ...]
    subject: str | None
    kept_out: bool

    def say(self, listener: Listener, roles: Roles) -> str:
        return "".join([piece if type(piece) is str else piece(listener, roles) for piece in self.pieces])  # type: ignore[operator]


class Phrases:
    """All phrases of a language by the name of what they say.

    Args:
        language: "en" or "ko".
    """

    def __init__(self, language: str) -> None:
        file, slot = {"en": ("english", english_slot), "ko": ("korean", korean_slot)}[language]
        self.language = language
        self.all: dict[str, list[Phrase]] = {}
        texts = [(PLACE / f"{file}{part}.txt").read_text(encoding="utf-8") for part in ("", "_questions")]
        for line in "\n".join(texts).splitlines():
            if line.startswith("["):
                name = line[1:-1]
            elif line and not line.startswith("#"):
                phrase = _compiled(line.removeprefix("*").replace("//", "\n"), slot, line.startswith("*"), may_lead="." not in name)
                self.all.setdefault(name, []).append(phrase)
        self.seen = {name: [p for p in phrases if not p.kept_out] for name, phrases in self.all.items()}

    def one(self, name: str, rng: Random, kept_out: bool = False) -> Phrase:
        """A phrase by chance; one of those that models never read only if asked for."""
        choices = (self.all if kept_out else self.seen)[name]
        return choices[int(rng.random() * len(choices))]


@cache
def phrases(language: str) -> Phrases:
    return Phrases(language)


def tell(story: Story, language: str, rng: Random, kept_out: bool = False) -> list[str]:
    """One text an event, in the order of the events."""
    listener = Listener(rng, language, polite=language == "ko" and rng.random() < 0.5, describes=DESCRIBES_AGAIN)
    return [say(event, listener, kept_out) for event in story.events]


def say(event: Event, listener: Listener, kept_out: bool = False) -> str:
    """What happened as a sentence or two; the listener knows it from now on."""
    if event.begins:
        listener.topic = None
    phrase = phrases(listener.language).one(event.name, listener.rng, kept_out)
    text = phrase.say(listener, event.roles)
    listener.topic = event.roles[phrase.subject] if phrase.subject else None
    if listener.language == "ko":
        text = text.strip().replace("  ", " ")  # where a subject was left out
        text = polite(text) if listener.polite else text
    return text[0].upper() + text[1:]


def as_text(events: list[Event], sentences: list[str]) -> str:
    """Sentences joined into paragraphs."""
    parts: list[str] = []
    for event, sentence in zip(events, sentences, strict=True):
        if parts:
            parts.append("\n" if event.begins else " ")
        parts.append(sentence)
    return "".join(parts)


SLOTS = re.compile(r"\{([^{}]+)\}|<([abcd])([abcd]):([^|<>]*)\|([^<>]*)>|\(([^()]+)\)")
"""What stands in a phrase besides its letters: a slot, two ways to address somebody, a choice of words."""


def _compiled(line: str, slot: Slot, kept_out: bool = False, may_lead: bool = True) -> Phrase:
    """A phrase from its line; `may_lead` is False for a clause inside a sentence, which never begins with a pronoun."""
    pieces: list[str | Piece] = []
    last = 0
    for found in SLOTS.finditer(line):
        if found.start() > last:
            pieces.append(line[last : found.start()])
        last = found.end()
        if found[6] is not None:
            pieces.append(_choice(found[6].split("|")))
            continue
        if found[1] is None:
            pieces.append(_address(found[2], found[3], *(_compiled(found[i], slot, may_lead=False) for i in (4, 5))))
            continue
        written = found[1]
        before, rest = line[: found.start()], line[found.end() :]
        leads = may_lead and before.strip() in ("", "{time}", "Then", "First", "After that")
        pieces.append(slot(written, rest, leads))
    if last < len(line):
        pieces.append(line[last:])
    return Phrase(tuple(pieces), subject_of(line), kept_out)


def subject_of(line: str) -> str | None:
    """The role whom a phrase is about: the first person outside of quotation marks. Where two are one subject, nobody is "she" after it."""
    if re.search(r"\}(와|과)? (and )?\{[abcd]", line):
        return None
    slots = ((found[1], line[: found.start()]) for found in SLOTS.finditer(line) if found[1])
    people = (written[0] for written, before in slots if re.match(r"[abcd]\b|[abcd][가-힣]", written) and before.count('"') % 2 == 0)
    return next(people, None)


def _choice(words: list[str]) -> Piece:
    return lambda listener, roles: words[int(listener.rng.random() * len(words))]


def _address(speaker: str, hearer: str, plain: Phrase, courteous: Phrase) -> Piece:
    """What one says to the other: children, and adults among themselves, are polite to adults."""

    def piece(listener: Listener, roles: Roles) -> str:
        to_elder = roles[hearer].adult and roles[speaker] is not roles[hearer]
        return (courteous if to_elder else plain).say(listener, roles)

    return piece


def english_slot(written: str, rest: str, leads: bool) -> Piece:
    """The piece of an English phrase for a slot as it is written there."""
    role, *forms = written.split(".")
    if forms and forms[-1] in ("cap", "low"):
        inner = english_slot(".".join([role, *forms[:-1]]), rest, leads)
        if forms[-1] == "cap":
            return lambda t, r: (text := inner(t, r))[0].upper() + text[1:]
        return lambda t, r: r["time"].noun_en
    form = ".".join(forms)
    if role in "abcd":
        return _english_person(role, form, leads and not rest.startswith(("'s", " and {")))
    return _ENGLISH[role, form](role)


def _english_person(role: str, form: str, may_be_pronoun: bool) -> Piece:
    if form:
        if form == "name":
            return lambda t, r: r[role].en
        her, his = {"he": ("she", "he"), "him": ("her", "him"), "his": ("her", "his")}[form]
        return lambda t, r: her if r[role].female else his
    if not may_be_pronoun:
        return lambda t, r: r[role].en

    def piece(listener: Listener, roles: Roles) -> str:
        person: Person = roles[role]
        if listener.topic is person and listener.rng.random() > KEEP_SUBJECT:
            return "she" if person.female else "he"
        return person.en

    return piece


def _english_thing(role: str) -> Piece:
    def piece(listener: Listener, roles: Roles) -> str:
        thing = roles[role]
        if thing in listener.known:
            return f"the {thing.noun.en}"
        listener.known.add(thing)
        return with_article(f"{thing.quality.en} {thing.noun.en}")

    return piece


def _new(piece: Callable[[Thing], str], role: str) -> Piece:
    """A slot after which the thing is known."""

    def known(listener: Listener, roles: Roles) -> str:
        thing = roles[role]
        listener.known.add(thing)
        return piece(thing)

    return known


def _english_known(before: str) -> Callable[[str], Piece]:
    def slot(role: str) -> Piece:
        def piece(listener: Listener, roles: Roles) -> str:
            thing = roles[role]
            again = listener.describes and listener.rng.random() < listener.describes
            listener.known.add(thing)
            return f"{before}{thing.quality.en} {thing.noun.en}" if again else before + thing.noun.en

        return piece

    return slot


def _english_reason(role: str) -> Piece:
    def piece(listener: Listener, roles: Roles) -> str:
        return reason(roles[role], listener)

    return piece


def reason(why: Reason, listener: Listener) -> str:
    """A clause that gives the reason."""
    return phrases(listener.language).one(why.name, listener.rng).say(listener, why.roles)


_THING = {
    "": _english_thing,
    "a": lambda k: _new(lambda x: with_article(f"{x.quality.en} {x.noun.en}"), k),
    "the": _english_known("the "),
    "bare": _english_known(""),
    "full": lambda k: _new(lambda x: f"{x.quality.en} {x.noun.en}", k),
    "one": lambda k: lambda t, r: r[k].noun.one,
    "plural": lambda k: lambda t, r: r[k].noun.plural,
    "used": lambda k: lambda t, r: r[k].noun.kind.used_en,
    "quality": lambda k: lambda t, r: r[k].quality.en,
    "kind": lambda k: lambda t, r: r[k].noun.kind.en,
    "kind.one": lambda k: lambda t, r: r[k].noun.kind.one,
    "kind.plural": lambda k: lambda t, r: r[k].noun.kind.plural,
}

_ENGLISH: dict[tuple[str, str], Callable[[str], Piece]] = {
    **{(letter, form): make for letter in "xyn" for form, make in _THING.items()},
    **{(letter, ""): (lambda k: lambda t, r: r[k].en) for letter in ("p", "q", "rel", "game", "f", "trait")},
    **{(letter, "at"): (lambda k: lambda t, r: r[k].at) for letter in "pq"},
    ("p", "scenery"): lambda k: lambda t, r: r[k].scenery_en,
    ("time", ""): lambda k: lambda t, r: r[k].en + ",",
    ("g", "one"): lambda k: lambda t, r: r[k].one,
    ("g", ""): lambda k: lambda t, r: r[k].en,
    ("truth", ""): lambda k: lambda t, r: r[k][0],
    **{(words, ""): (lambda k: lambda t, r: r[k]) for words in ("claim", "claims", "opinions")},
    ("game", "won"): lambda k: lambda t, r: r[k].won_en,
    ("why", ""): _english_reason,
    **{(deed, "past"): (lambda k: lambda t, r: r[k].past_en) for deed in ("act", "deed")},
    **{(deed, "ing"): (lambda k: lambda t, r: r[k].doing_en) for deed in ("act", "deed")},
}


def korean_slot(written: str, rest: str, leads: bool) -> Piece:
    """The piece of a Korean phrase: a role, a form, and the particle that follows it."""
    found = re.fullmatch(r"([a-z]+)((?:\.[a-z]+)*)([가-힣]*)", written)
    assert found, written
    role, form, particle = found[1], found[2].removeprefix("."), found[3]
    if role in "abcd":
        return _korean_person(role, particle, leads)
    word = _KOREAN[role, form]
    if particle:
        return lambda t, r: with_particle(word(t, r[role]), particle)
    return lambda t, r: word(t, r[role])


def _korean_person(role: str, particle: str, leads: bool) -> Piece:
    if particle == "아":  # one calls children by name, elders by their title
        return lambda t, r: r[role].ko if r[role].adult else with_particle(r[role].ko, "아")
    if particle != "은" or not leads:
        return lambda t, r: with_particle(r[role].ko, particle) if particle else r[role].ko

    def piece(listener: Listener, roles: Roles) -> str:
        person = roles[role]
        if listener.topic is person and listener.rng.random() > KEEP_SUBJECT:
            return ""
        return with_particle(person.ko, "은")

    return piece


def _korean_thing(listener: Listener, thing: Thing) -> str:
    if thing in listener.known:
        return thing.noun.ko
    listener.known.add(thing)
    return f"{thing.quality.ko} {thing.noun.ko}"


def _korean_known(listener: Listener, thing: Thing) -> str:
    again = listener.describes and listener.rng.random() < listener.describes
    listener.known.add(thing)
    return f"{thing.quality.ko} {thing.noun.ko}" if again else thing.noun.ko


def _korean_described(listener: Listener, thing: Thing) -> str:
    listener.known.add(thing)
    return f"{thing.quality.ko} {thing.noun.ko}"


_KOREAN: dict[tuple[str, str], Callable[[Listener, Any], str]] = {
    **{(letter, ""): _korean_thing for letter in "xy"},
    **{(letter, "a"): _korean_described for letter in "xyn"},
    **{(letter, "bare"): _korean_known for letter in "xy"},
    ("n", ""): lambda t, x: x.noun.ko,  # what holds for all of them is said of none in particular
    **{(letter, "kind"): (lambda t, x: x.noun.kind.ko) for letter in "xyn"},
    **{(letter, "used"): (lambda t, x: x.noun.kind.used_ko) for letter in "xyn"},
    **{(letter, "quality"): (lambda t, x: x.quality.answer_ko) for letter in "xyn"},
    **{(letter, ""): (lambda t, x: x.ko) for letter in ("p", "q", "rel", "game", "f", "g", "time", "trait")},
    ("p", "scenery"): lambda t, x: x.scenery_ko,
    ("game", "won"): lambda t, x: x.won_ko,
    ("f", "asked"): lambda t, x: x.ko.removesuffix("다") + "나요",
    **{(words, ""): (lambda t, x: x) for words in ("claim", "claims", "opinions")},
    ("truth", "low"): lambda t, x: x[2],
    ("truth", "high"): lambda t, x: x[2][:-1] + "예요" if x[2].endswith("야") else x[2] + "요",
    ("truth", "said"): lambda t, x: x[1][:-1] + "라고" if x[2].endswith("야") else x[1] + "고",
    ("truth", "that"): lambda t, x: x[1][:-1] + "라는" if x[2].endswith("야") else x[1] + "는",
    ("why", ""): lambda t, x: reason(x, t),
    **{(deed, "past"): (lambda t, x: x.past_ko) for deed in ("act", "deed")},
    **{(deed, "ing"): (lambda t, x: x.doing_ko) for deed in ("act", "deed")},
}
