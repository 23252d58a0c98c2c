"""Whether a story that a model tells holds together.

What an event has to do with those before it (who of it took part in the last one, who is new, who has the thing, who is at the place) is
written down as marks. The marks of many true stories were collected once; one that is not among them is a slip. Of true stories that were
not collected 1.00 (English) and .99 (Korean) are without a slip, of those with one name exchanged for another of the story .15.

Torch is imported inside the one function that needs a model: a page that judges a text must not wait for it.
"""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from gptlab.config import SamplingConfig
from gptlab.data.village.demonstrations import ASKS, SUMMARY
from gptlab.data.village.documents import VERSION
from gptlab.data.village.grammar import PEOPLE, THINGS
from gptlab.data.village.hearing import PRONOUNS, Found, heard, plain, understood
from gptlab.data.village.lexicon import PLACE, lexicon
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Story
from gptlab.data.village.telling import LANGUAGES, tell
from gptlab.tokenizer import Tokenizer

RECORD = PLACE / "marks.json.gz"

N_COLLECTED = 30_000
"""True stories that marks are collected from."""

N_READINGS = 8
"""Readings of a story that are followed at once."""

BEHIND = ("letter", "sign")

Mark = tuple[Any, ...]

SORTS = ("same", "follows", "like", "known", "owner", "place")
"""What marks are about: one person in two parts; who takes part in an event after the one before; what a thing looks like, and who is a
she or a he; who is new; who has a thing; who is at a place."""

AT = {
    "at": "ap", "goes": "ap", "goes_to_person": "ap", "finds_person": "ap bp", "buys": "bp", "comes_upon": "ap", "hides": "ap",
    "found_hiding": "ap bp", "meanwhile": "ap bq", "errand": "cp", "keeps": "ap bp", "forgets": "aq bp", "sees": "ap", "finds": "ap",
    "says_where": "bp", "contradicts": "bp", "leaves_behind": "xp", "stores": "xp", "promise": "ap",
}  # fmt: skip
OWNER = {
    "has": "ax", "gives": "bx", "buys": "bx", "makes": "bx", "comes_upon": "ax", "finds": "ax", "brings_back": "ax", "trade": "ay bx",
    "errand": "bx", "sets_off": "ax", "visits": "ax", "fetches": "ax", "stores": "ax", "repairs": "ax",
}  # fmt: skip
"""What is true after an event: who (or what) is where, who has what."""

ASIDES = (
    "scenery", "weather", "greets", "answers", "likes_kind", "trait", "doing", "relation", "feels", "feels_because", "thanks", "enjoys",
)  # fmt: skip
"""What may stand between two events that belong together."""


@dataclass
class State:
    """What a listener knows while a story is told, and the marks of what was told."""

    at: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    like: dict[str, str] = field(default_factory=dict)
    topic: str = ""
    last: tuple[str, dict[str, str]] = ("", {})

    def meant(self, found: Found) -> dict[str, str]:
        """Roles with people for pronouns and for what is left out."""
        return {role: self.topic if said.lower() in ("", *PRONOUNS) else said for role, said in found.roles.items()}

    def told_like(self, found: Found) -> Iterator[tuple[str, str]]:
        """What things are like, and whether somebody is a he or a she."""
        yield from ((found.roles[role], quality) for role, quality in found.looks.items())
        yield from ((self.topic, said.lower()) for said in found.roles.values() if said.lower() in PRONOUNS)

    def marks(self, found: Found) -> Iterator[Mark]:
        """What this event has to do with what was told; the first of each mark is one of `SORTS`."""
        roles = self.meant(found)
        people = {role: who for role, who in roles.items() if role.lower() in PEOPLE}
        named = list(people.values())
        yield "same", found.name, tuple(sorted(role for role, who in people.items() if named.count(who) > 1))
        name, told = self.last
        parts = tuple((role, tuple(old for old, was in told.items() if was == now)) for role, now in sorted(roles.items()))
        yield "follows", found.name, name, parts
        for what, like in self.told_like(found):
            yield "like", self.like.get(what, like) == like
        for role, what in roles.items():
            if role.lower() in PEOPLE:
                yield "known", found.name, role, what in self.known
            elif role.lower() in THINGS:
                owner = self.owner.get(what)
                whose = next((r for r, who in people.items() if who == owner), "somebody" if owner else "nobody")
                yield "owner", found.name, role, what in self.known, whose
            else:
                yield "place", found.name, role, tuple(r for r, who in sorted(roles.items()) if r != role and self.at.get(who) == what)

    def after(self, found: Found) -> "State":
        """The state when this event was told, too."""
        state = State(dict(self.at), dict(self.owner), set(self.known), dict(self.like), self.topic, self.last)
        state.hear(found)
        return state

    def hear(self, found: Found) -> None:
        roles = self.meant(found)
        for what, like in self.told_like(found):
            self.like.setdefault(what, like)
        for pairs, told in ((AT, self.at), (OWNER, self.owner)):
            for key, value in (tuple(pair) for pair in pairs.get(found.name, "").split()):
                if key in roles and value in roles:
                    one, other = (key, value) if pairs is AT else (value, key)
                    told[roles[one]] = roles[other]
        self.known |= set(roles.values())
        self.topic = roles.get(found.subject, "")
        if found.name not in ASIDES:
            self.last = (found.name, roles)


def true_story(seed: str, language: str) -> tuple[Story, list[str]]:
    """A story of the village, some of its people with made-up names, and what is told of each event."""
    rng = Random(seed)
    story = tell_story(rng, made_up=0.2)
    return story, tell(story, language, rng)


def collected(n: int, language: str) -> set[Mark]:
    """The marks of true stories; which event a sentence tells of is known there."""
    marks: set[Mark] = set()
    for i in range(n):
        state = State()
        story, told = true_story(f"collected {i}", language)
        for event, said in zip(story.events, told, strict=True):
            whole = plain(said)[0] if language == "ko" else said
            found = next(found for found in understood(whole, language, event.name) if found.end == len(whole))
            marks.update(state.marks(found))
            state.hear(found)
    return marks


def record(n: int = N_COLLECTED) -> None:
    """Collect the marks anew, into `assets/village/`."""
    found = {language: sorted(collected(n, language), key=repr) for language in LANGUAGES}
    RECORD.write_bytes(gzip.compress(json.dumps({"version": VERSION, "stories": n} | found, ensure_ascii=False).encode(), mtime=0))


@cache
def true_marks(language: str) -> frozenset[Mark]:
    """Those that were collected."""
    return frozenset(_tuple(mark) for mark in recorded()[language])


@cache
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(RECORD.read_bytes()))
    return found


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Judged:
    """A sentence of a story and what is wrong with it.

    Args:
        slips: sorts of marks that no true story has; empty where it fits. ("none",) where it is no sentence of the village.
    """

    begin: int
    end: int
    slips: tuple[str, ...]


def judged(text: str, language: str) -> list[Judged]:
    """The sentences of a story in the best of its readings: a sentence may tell of several events. Ends before what stands behind a story
    (a letter, a sign).
    """
    true = true_marks(language)
    readings: list[tuple[int, list[Judged], State]] = [(0, [], State())]
    for sentence in heard(text, language):
        if any(found.name.startswith(BEHIND) for found in sentence.means):
            break
        if not sentence.means:
            wrong = Judged(sentence.begin, sentence.end, ("none",))
            readings = [(n + 1, [*before, wrong], state) for n, before, state in readings]
            continue
        longer = []
        for n, before, state in readings:
            for found in sentence.means:
                slips = tuple(str(mark[0]) for mark in state.marks(found) if mark not in true)
                longer.append((n + len(slips), [*before, Judged(sentence.begin, sentence.end, slips)], state.after(found)))
        readings = sorted(longer, key=lambda reading: reading[0])[:N_READINGS]
    return readings[0][1]


def holds_together(sentences: list[Judged]) -> bool:
    return not any(sentence.slips for sentence in sentences)


def told(model: Any, tokenizer: Tokenizer, language: str, sampling: SamplingConfig, n: int, names: Sequence[str] = ()) -> list[str]:
    """Stories of a model that is given their first words, "One day," or the like, and whom each is about, if there are names to take in
    turn. Without what stands behind a story; whole sentences only, where its context was full. The second one has the next seed.
    """
    from gptlab.evaluation.scoring import BEGIN
    from gptlab.generation import generate_together

    begins = [_beginning(language, sampling.seed + i, names[i % len(names)] if names else "") for i in range(n)]
    prompts = [tokenizer.encode(BEGIN + begin).tolist() for begin in begins]
    labels = (SUMMARY[language], *(label for pair in ASKS[language] for label in pair))
    behind = re.compile("\n\n|\n(?:" + "|".join(map(re.escape, labels)) + ")")
    stories = list(begins)
    for length in sorted(set(map(len, prompts))):  # side by side stands what is equally long
        places = [i for i in range(n) if len(prompts[i]) == length]

        def has_ended(at: int, ids: list[int], places: list[int] = places) -> bool:
            stories[places[at]] = begins[places[at]] + tokenizer.decode(ids)
            return behind.search(stories[places[at]]) is not None

        generate_together(
            model, [prompts[i] for i in places], sampling, [sampling.seed + i for i in places], has_ended, tokenizer.vocab_size
        )
    return [_ended(story, behind) for story in stories]


def _beginning(language: str, seed: int, whom: str) -> str:
    time = Random(f"beginning {seed}").choice(lexicon().beginnings)
    begin = time.en + "," if language == "en" else time.ko
    return f"{begin} {whom}" if whom else begin


def _ended(story: str, behind: re.Pattern[str]) -> str:
    if found := behind.search(story):
        return story[: found.start()]
    whole = re.match(r"(?s).*[.!?][\"']?(?=\s)", story + " ")
    return whole[0] if whole else story
