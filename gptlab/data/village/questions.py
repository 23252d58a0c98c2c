"""Questions about a story, with the true answer and false ones, and claims that are true, false or open.

Each rests on an event or on the state at the end, so the truth is known. Where a story would give a question two answers, it is not asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from gptlab.data.village.lexicon import Feeling, Kind, Person, Quality, Spot, lexicon
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.steps import SHOPS
from gptlab.data.village.story import Reason, Story, Thing
from gptlab.data.village.telling import Listener, phrases, reason

ASKED: dict[str, tuple[str, ...]] = {
    "finds": ("p", "a"), "comes_upon": ("p",), "gives": ("a", "b", "x"), "visits": ("b", "x"), "hides": ("p",), "stores": ("p",),
    "leaves_behind": ("p",), "buys": ("p", "b"), "wants": ("x",), "finds_person": ("p", "a"), "goes_to_person": ("p",),
    "promise": ("p", "b"), "wins": ("a",), "breaks": ("a", "b"), "repairs": ("c",), "teaches": ("b",), "comforts": ("b",),
    "relation": ("b",),
}  # fmt: skip
"""Event -> roles that are asked for."""

DESCRIBED = ("has", "wants", "gives", "comes_upon", "buys", "makes", "errand", "visits", "stores")
"""Events that say what a new thing looks like."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that holds in a story and may be asked for.

    Args:
        about: name of the question and the claim: an event's, or "owns", "feels", "looks", "is".
        asked: the role that the question asks for.
        roles: all roles; `roles[asked]` is the truth.
    """

    about: str
    asked: str
    roles: dict[str, Any]

    @property
    def kind(self) -> str:
        return f"{self.about}.{self.asked}"

    @property
    def truth(self) -> Any:
        return self.roles[self.asked]

    def but(self, other: Any) -> "Fact":
        """The same with another answer."""
        roles = {role: self.truth if value is other else value for role, value in self.roles.items()}  # two people change places
        roles[self.asked] = other
        if self.about in ("looks", "is"):  # these are said of the thing itself
            thing: Thing = self.roles["x"]
            noun = replace(thing.noun, kind=other) if self.asked == "kind" else thing.noun
            roles["x"] = Thing(noun, other if self.asked == "quality" else thing.quality)
        return Fact(self.about, self.asked, roles)


def facts(story: Story) -> list[Fact]:
    """Everything that a story answers, in the order of the story; what it would answer in two ways is left out."""
    found = list(_facts(story))
    answers: dict[tuple[Any, ...], set[Any]] = {}
    for fact in found:
        answers.setdefault(_question_of(fact), set()).add(fact.truth)
    return list({_question_of(fact): fact for fact in found if len(answers[_question_of(fact)]) == 1}.values())


def _facts(story: Story) -> Iterator[Fact]:
    described: set[Thing] = set()
    for event in story.events:
        for role in ASKED.get(event.name, ()):
            yield Fact(event.name, role, event.roles)
        if event.name in ("tells_kind", "guesses"):
            yield Fact("is", "kind", {"x": event.roles["n"], "kind": event.roles["n"].noun.kind})
        if event.name in DESCRIBED and (thing := event.roles["x"]) not in described:
            described.add(thing)
            if "made" in thing.quality.said_of or "flower" in thing.quality.said_of:
                yield Fact("looks", "quality", {"x": thing, "quality": thing.quality})
    for person, (feeling, why) in story.feels.items():
        yield Fact("feels", "f", {"a": person, "f": feeling})
        yield Fact("feels", "why", {"a": person, "f": feeling, "why": why})
    for thing, owner in story.owner.items():
        if owner:
            yield Fact("owns", "a", {"a": owner, "x": thing})


VISIBLE: dict[str, str] = {
    "finds.p": "ax", "finds.a": "x", "comes_upon.p": "ax", "gives.a": "bx", "gives.b": "ax", "gives.x": "ab", "visits.b": "a",
    "visits.x": "ab", "hides.p": "a", "stores.p": "ax", "leaves_behind.p": "ax", "buys.p": "bx", "buys.b": "x", "wants.x": "a",
    "finds_person.p": "ab", "finds_person.a": "b", "goes_to_person.p": "ab", "promise.p": "a", "promise.b": "a", "wins.a": "",
    "breaks.a": "bx", "breaks.b": "x", "repairs.c": "x", "teaches.b": "a", "comforts.b": "a", "relation.b": "a", "feels.f": "a",
    "feels.why": "a", "owns.a": "x", "looks.quality": "x", "is.kind": "x",
}  # fmt: skip
"""What a question names besides what it asks for: two events that agree in it would give it two answers."""


def _question_of(fact: Fact) -> tuple[Any, ...]:
    rel = (fact.roles["rel"],) if fact.about == "relation" else ()
    return (fact.kind, *(fact.roles[role] for role in VISIBLE[fact.kind]), *rel)


def question(fact: Fact, language: str, rng: Random, kept_out: bool = False) -> str:
    """The question, as one asks it."""
    return phrases(language).one(f"ask.{fact.kind}", rng, kept_out).say(Listener(rng, language), fact.roles)


def answer(fact: Fact, language: str, rng: Random) -> str:
    """The true answer: a name, "in the garden", "a kite", "happy", a clause that gives the reason."""
    return named(fact.truth, language, rng)


def answers(fact: Fact, language: str) -> tuple[str, ...]:
    """All true answers: a reason can be given in several ways."""
    if not isinstance(fact.truth, Reason):
        return (answer(fact, language, Random(0)),)
    ways = [phrase.say(Listener(Random(0), language), fact.truth.roles) for phrase in phrases(language).seen[fact.truth.name]]
    return tuple(dict.fromkeys(("because " if language == "en" else "") + way for way in ways))


def is_clear(fact: Fact, story: Story) -> bool:
    """Whether a story leaves no doubt. Somebody's feeling is sometimes left for the listener to guess, who may guess another one; and who
    has a friend and a best friend has two friends.
    """
    if fact.about == "relation":
        friends = [e for e in story.events if e.name == "relation" and e.roles["a"] is fact.roles["a"] and "friend" in e.roles["rel"].en]
        return "friend" not in fact.roles["rel"].en or len(friends) == 1
    if fact.kind != "feels.f":
        return True
    told = [event.roles for event in story.events if event.name in ("feels", "feels_because")]
    return any(roles["a"] is fact.roles["a"] and roles["f"] is fact.truth for roles in told)


def named(value: Any, language: str, rng: Random) -> str:
    """How a person, place, thing, feeling, kind, quality or reason is named in an answer."""
    english = language == "en"
    if isinstance(value, Spot):
        return value.at if english else value.ko
    if isinstance(value, Thing):
        return value.noun.one if english else value.noun.ko
    if isinstance(value, Kind):
        return value.one if english else value.ko
    if isinstance(value, Feeling | Quality):
        return value.en if english else value.answer_ko
    if isinstance(value, Reason):
        return ("because " if english else "") + reason(value, Listener(rng, language))
    assert isinstance(value, Person)
    return value.en if english else value.ko


def claim(fact: Fact, language: str, rng: Random) -> str:
    """A sentence that says the fact."""
    return phrases(language).one(f"claim.{fact.about}", rng).say(Listener(rng, language), fact.roles)


def is_it_true(fact: Fact, language: str, rng: Random) -> str:
    """A yes/no question about the fact."""
    said = claim(fact, language, rng).removesuffix(".")
    if said.startswith(("The ", "A ", "An ")):
        said = said[0].lower() + said[1:]
    return phrases(language).one("is_it_true", rng).say(Listener(rng, language), {"claim": said})


OPEN: dict[str, str] = {
    "gives": "abx", "finds": "axp", "buys": "bxp", "stores": "axp", "visits": "abx", "hides": "ap", "promise": "abp",
    "breaks": "abx", "wins": "ab", "teaches": "abx", "comforts": "ab", "leaves_behind": "axp", "finds_person": "abp",
}  # fmt: skip
"""Event -> roles of a claim about it. A story without such an event leaves the claim open."""


def undetermined(story: Story, rng: Random) -> Fact | None:
    """Something that may have happened to the people of a story for all it says; None if it has two people too few, or tells of it."""
    told = {event.name for event in story.events}
    names = [name for name in OPEN if name not in told]
    if not names or len(story.people) < 2:
        return None
    name = rng.choice(names)
    first, second = rng.sample(story.people, 2)
    things, spots = mentioned(story, Thing), mentioned(story, Spot)
    words = lexicon()
    noun = rng.choice(words.nouns)
    thing = rng.choice(things) if things else Thing(noun, words.fitting[noun.kind][0])
    values = {"a": first, "b": second if "a" in OPEN[name] else first, "x": thing, "p": rng.choice(spots or words.spots)}
    return Fact(name, OPEN[name][0], {role: values[role] for role in OPEN[name]})


def wrong(fact: Fact, story: Story, rng: Random, n: int) -> list[Any]:
    """Values of the same sort as the truth that are not true: from the story as far as they go, then from the village. They are as likely
    as the truth to who has not read the story.
    """
    near, far = _others(fact, story, rng)
    found: list[Any] = []
    _pick(near, found, fact.truth, rng, n)
    _pick(far, found, fact.truth, rng, n)
    return found


def _others(fact: Fact, story: Story, rng: Random) -> tuple[list[Any], list[Any]]:
    """What else the answer could be: values of the story, and values of the village."""
    words, truth = lexicon(), fact.truth
    if isinstance(truth, Person):
        named_by_question = [fact.roles[role] for role in VISIBLE[fact.kind]]
        near = [p for p in story.people if p not in named_by_question]
        return near, rng.sample(words.adults if truth.adult else words.children, 6)
    if isinstance(truth, Spot):
        if fact.about == "buys":
            return [], [spot for spot in words.spots if spot.en in SHOPS]
        return mentioned(story, Spot), words.spots
    if isinstance(truth, Thing):
        place = truth.noun.kind.place
        near = [thing for thing in mentioned(story, Thing) if thing.noun.kind.place == place]
        return near, [Thing(noun, truth.quality) for noun in words.nouns if noun.kind.place == place and noun is not truth.noun]
    if isinstance(truth, Feeling):  # never one of the same side: relieved and happy are not far apart
        return [], [feeling for feeling in words.feelings.values() if feeling.good != truth.good]
    if isinstance(truth, Quality):
        return [], words.fitting[fact.roles["x"].noun.kind]
    if isinstance(truth, Kind):
        return [], words.kinds
    good, person = fact.roles["f"].good, fact.roles["a"]
    reasons = [why for feeling, why in story.feels.values() if feeling.good == good and person not in _besides(why)]
    return [_of(person, why) for why in reasons], [_of(person, why) for why in _reasons(rng, good)]


def mentioned(story: Story, sort: type) -> list[Any]:
    """All places, things or people that take part in a story, as often as they do."""
    return [value for event in story.events for value in event.roles.values() if isinstance(value, sort)]


def _reasons(rng: Random, good: bool) -> list[Reason]:
    """Reasons of other people in other stories to feel so."""
    found: dict[str, Reason] = {}
    while len(found) < 4:
        for feeling, why in tell_story(rng).feels.values():
            if feeling.good == good:
                found.setdefault(why.name, why)
    return list(found.values())


def _besides(why: Reason) -> list[Any]:
    """Who and what takes part in a reason besides the one who feels."""
    return [value for role, value in why.roles.items() if role != "a"]


def _of(person: Person, why: Reason) -> Reason:
    """The same reason, told of another person."""
    return Reason(why.name, why.roles | {"a": person})


def _pick(pool: list[Any], found: list[Any], truth: Any, rng: Random, n: int) -> None:
    for value in rng.sample(pool, len(pool)):
        if len(found) == n:
            return
        if value is not truth and value not in found and not _same_name(value, truth):
            found.append(value)


def _same_name(value: Any, truth: Any) -> bool:
    return isinstance(value, Reason) and value.name == truth.name
