"""Claims about a story: it tells them, denies them, or leaves them open (entailment; Dagan et al. 2006, as GPT-1 fine-tunes on)."""

from random import Random
from typing import Any

from gptlab.data.village.demonstrations import ASKS, VERDICTS
from gptlab.data.village.lexicon import Spot
from gptlab.data.village.plots import CARRIED, PRESENTS
from gptlab.data.village.questions import OPEN, Fact, claim, facts, is_it_true, mentioned, wrong
from gptlab.data.village.steps import SHOPS
from gptlab.data.village.story import Story, Thing
from gptlab.evaluation.task import Example
from gptlab.evaluation.tasks.making import Source, word_of

CHILDREN = {
    "wins": "ab", "breaks": "ab", "hides": "a", "promise": "a", "teaches": "a", "comforts": "a", "leaves_behind": "a", "stores": "a",
    "visits": "a", "finds_person": "a",
}  # fmt: skip
"""Event -> who of those that take part in it is never an adult: a claim about one would show that no story tells it."""

TAKES = {
    "teaches": ("music",), "breaks": ("toy", "music", "tool"), "visits": ("food", "flower", "other"), "buys": PRESENTS,
    "gives": (*PRESENTS, *CARRIED), "finds": CARRIED, "stores": CARRIED, "leaves_behind": CARRIED,
}  # fmt: skip
"""Event -> what sorts of things take part in it."""

DECIDED_BY = {
    "gives": ("visits", "brings_back", "trade", "no_trade", "refuses", "settles", "turns"), "finds": ("comes_upon", "brings_back"),
    "buys": ("makes", "comes_upon"), "stores": ("leaves_behind",), "leaves_behind": ("stores",),
    "visits": ("gives", "brings_back", "trade"), "finds_person": ("found_hiding", "goes_to_person", "keeps"),
    "breaks": ("repairs",),
}  # fmt: skip
"""Event -> others that say as much, or the contrary, in other words where they are about the same thing or the same two people."""


def left_open(story: Story, rng: Random, about: str) -> Fact | None:
    """A claim about people, places and things of a story that it neither tells nor denies, of a sort that such a claim is of when it is
    true; None where it has none.
    """
    events = [event for event in story.events if event.name in DECIDED_BY.get(about, ())]
    places = [spot for spot in mentioned(story, Spot) if about != "buys" or spot.en in SHOPS]
    things = [thing for thing in mentioned(story, Thing) if thing.noun.kind.place in TAKES.get(about, ())]
    a, b = rng.sample(story.people, 2) if len(story.people) > 1 else (None, None)
    found: dict[str, Any] = {"a": a, "b": b, "p": places and rng.choice(places), "x": things and rng.choice(things)}
    roles = {role: found[role] for role in OPEN[about]}
    if not all(roles.values()) or any(roles[role].adult for role in CHILDREN.get(about, "")):
        return None
    if about == "breaks" and story.owner.get(roles["x"]) is not b:  # it is called theirs
        return None
    people = {roles.get("a"), roles.get("b")}
    for event in events:
        if roles.get("x") in event.roles.values() or ({"a", "b"} <= set(roles) and people <= set(event.roles.values())):
            return None
    return Fact(about, OPEN[about][0], roles)


def entailment(source: Source, i: int) -> tuple[Example, ...]:
    """Whether a claim follows from a story, contradicts it, or neither. All three use the same sorts of claims with the story's own people,
    places and things, so that a claim by itself tells nothing.
    """
    label, about = i % 3, list(OPEN)[(i // 3) % len(OPEN)]
    for story, text in source.stories(serves=lambda story: any(e.name == about for e in story.events) != (label == 2)):
        known = [fact for fact in facts(story) if fact.about == about and fact.asked != "x"]
        fact = left_open(story, source.rng, about) if label == 2 else source.rng.choice(known) if known else None
        if fact and label == 1:
            fact = fact.but(wrong(fact, story, source.rng, 1)[0])
        if fact is None or not all(word_of(fact.roles[role], source.language) in text for role in OPEN[about]):
            continue
        said = claim(fact, source.language, source.rng)
        ask = ASKS[source.language][0]
        prompt = f"{text}\n{ask[0]} {is_it_true(fact, source.language, source.rng)}\n{ask[1]}"
        return (Example((text, said), prompt, tuple(" " + verdict for verdict in VERDICTS[source.language]), label, sort=about),)
    raise AssertionError("stories do not end")
