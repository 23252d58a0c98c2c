"""What happened: people, things, events, and the state that the events leave behind.

A story knows no language. `telling` says it in English or Korean, `questions` asks about its state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from gptlab.data.village.lexicon import Feeling, Kind, Lexicon, Noun, Person, Quality, Spot, kept_out, lexicon

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """One thing of a story: this red kite."""

    noun: Noun
    quality: Quality


@dataclass(slots=True, eq=False)
class Event:
    """One thing that happened.

    Args:
        name: as in the lists of phrases.
        roles: who and what takes part, by the letters of the phrases.
        begins: a new paragraph.
    """

    name: str
    roles: dict[str, Any]
    begins: bool = False


@dataclass(slots=True, eq=False)
class Reason:
    """Why somebody feels so: a clause, by its name in the lists of phrases."""

    name: str
    roles: dict[str, Any]


@dataclass(slots=True)
class Story:
    """Events and the state after them, which the plots keep while they add events.

    Attributes:
        at: where people are, as far as the story says so.
        owner: who has a thing; None when it lies somewhere or was eaten.
        feels: the last feeling of each person, and why.
    """

    people: list[Person]
    events: list[Event] = field(default_factory=list)
    at: dict[Person, Spot] = field(default_factory=dict)
    owner: dict[Thing, Person | None] = field(default_factory=dict)
    feels: dict[Person, tuple[Feeling, Reason]] = field(default_factory=dict)

    def has(self, person: Person) -> list[Thing]:
        return [thing for thing, owner in self.owner.items() if owner is person]


class Scene:
    """A story while it happens: the plots' hands. All choices come from one generator.

    Args:
        everything: also what is kept out of the models' text (people, and pairs of quality and noun).
        allowed: which nouns may occur; all when None.
        made_up: share of the people whose names are made up, 0 to 1.
    """

    def __init__(
        self, rng: Random, everything: bool = False, allowed: Callable[[Noun], bool] | None = None, made_up: float = 0.0
    ) -> None:
        self.words: Lexicon = lexicon()
        self.random = rng.random
        self.everything, self.made_up = everything, made_up
        self.story = Story(people=[])
        self.nouns = {noun for noun in self.words.nouns if not allowed(noun)} if allowed else set()
        self.begins = True
        self.hour = 0

    def one(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def chance(self, p: float) -> bool:
        return self.random() < p

    def add(self, name: str, **roles: Any) -> None:
        """The next event."""
        self.story.events.append(Event(name, roles, self.begins))
        self.begins = False

    def feel(self, person: Person, name: str, why: str, **roles: Any) -> None:
        """Somebody feels something for a reason. Mostly both are told, or the feeling alone; sometimes the listener has to guess."""
        feeling = self.words.feelings[name]
        reason = Reason("why." + why, {"a": person, **roles})
        self.story.feels[person] = (feeling, reason)
        if self.chance(0.2):
            return
        if self.chance(0.5):
            self.add("feels_because", a=person, f=feeling, why=reason)
        else:
            self.add("feels", a=person, f=feeling)

    def person(self, adult: bool = False, *, others: tuple[Person, ...] = ()) -> Person:
        """Somebody of the cast who is none of the others, the hero first; or somebody new, who may be introduced."""
        known = [p for p in self.story.people if p.adult == adult and p not in others]
        if known and (len(self.story.people) > 3 or self.chance(0.8)):
            return known[0] if self.chance(0.5) else self.one(known)
        pool = self.words.adults if adult else self.words.strangers if self.everything and self.chance(0.5) else self.words.children
        while True:
            found = self.words.newcomer(self.random, adult) if self.made_up and self.chance(self.made_up) else self.one(pool)
            if all(found.en.split()[-1] != p.en.split()[-1] for p in self.story.people):
                break
        if self.story.people and not adult and self.chance(0.5):
            friend = self.story.people[0]
            kinds = self.words.relations if not friend.adult else [r for r in self.words.relations if not r.children_only]
            self.add("relation", a=friend, b=found, rel=self.one(kinds))
        self.story.people.append(found)
        return found

    def anyone(self, *others: Person) -> Person:
        return self.person(self.chance(0.3), others=others)

    def spot(self, *others: Spot | None) -> Spot:
        """A spot that is none of the others."""
        while (found := self.one(self.words.spots)) in others:
            pass
        return found

    def thing(self, *places: str) -> Thing:
        """A thing that the story does not have yet, of a kind that may take such a part."""
        noun = self.noun(*places)
        self.nouns.add(noun)
        while True:
            quality = self.one(self.words.fitting[noun.kind])
            if self.everything or not kept_out(quality.en, noun.en):
                return Thing(noun, quality)

    def noun(self, *places: str) -> Noun:
        kinds = [kind for kind in self.words.kinds if kind.place in places]
        while (noun := self.one(self.words.by_kind[self.one(kinds)])) in self.nouns:
            pass
        return noun

    def kind(self, *others: Kind) -> Kind:
        while (found := self.one(self.words.kinds)) in others:
            pass
        return found
