"""Tasks with a few labels, as GPT-1 fine-tunes on (its Table 1): one text, two texts, or a text with choices."""

from random import Random
from typing import Any

from gptlab.data.village.demonstrations import ASKS
from gptlab.data.village.korean import with_particle
from gptlab.data.village.lexicon import Noun, Person, Spot, lexicon
from gptlab.data.village.plots import CARRIED, breaks, contest, envy, errand, gift, lost, promise, quarrel, trade
from gptlab.data.village.questions import facts, is_clear, named, question, wrong
from gptlab.data.village.steps import possession
from gptlab.data.village.story import Event, Scene, Story
from gptlab.data.village.telling import LANGUAGES, as_text, tell
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks.acceptability import acceptability
from gptlab.evaluation.tasks.claims import entailment
from gptlab.evaluation.tasks.making import MOST_CHARACTERS, Make, Source, village_task, word_of

NAMED_APART = 5
SPLIT_OF_NOUN = {0: "test", 1: "validation"}
"""Of every five nouns of a kind, the kind task names the first in its test split only, the second in its validation split only."""

FEELING_EVENTS = ("feels", "feels_because")


MOVING = (contest, quarrel, lost, gift, envy, breaks, promise, trade, errand)
"""Plots after which somebody is glad or not."""

AFTERWARDS = ("apologizes", "forgives", "not_forgive", "congratulates", "goodbye")
"""What comes after a feeling: told of the first of two events only, it would give the feeling about the second one away."""


def without_feelings(story: Story) -> list[Event]:
    return [event for event in story.events if event.name not in FEELING_EVENTS]


def last_feelings(story: Story) -> range:
    """Places of the last feeling that is told, and of those right before it: two people feel something about the same."""
    end = 1 + max((i for i, event in enumerate(story.events) if event.name in FEELING_EVENTS), default=-1)
    begin = end
    while begin and story.events[begin - 1].name in FEELING_EVENTS:
        begin -= 1
    return range(begin, end)


def before_the_last_feelings(story: Story) -> list[Event]:
    """What led to them; no feeling is told itself."""
    before = Story(story.people, story.events[: last_feelings(story).start])
    return [event for event in without_feelings(before) if event.name not in AFTERWARDS]


def who_ends_up(good: bool, story: Story) -> list[Person]:
    """Who feels good last (or bad), where somebody else ended up feeling the opposite."""
    ends = {event.roles["a"]: event.roles["f"].good for event in story.events if event.name in FEELING_EVENTS}
    people = [story.events[i].roles["a"] for i in last_feelings(story)]
    return [person for person in people if ends[person] is good and (not good) in ends.values()]


def sentiment(source: Source, i: int) -> tuple[Example, ...]:
    """How somebody feels, from what happened to them last. Somebody else in the story ended up feeling the opposite: the words of the story
    alone cannot tell. Without training, what is likelier behind "very" decides, as for SST-2 (GPT-1, section 5).
    """
    wanted = i % 2 == 0
    stories = source.told(keep=before_the_last_feelings, serves=lambda story: who_ends_up(wanted, story), plots=MOVING)
    story, events, sentences = next(stories)
    text, person = as_text(events, sentences), source.rng.choice(who_ends_up(wanted, story))
    if source.language == "en":
        prompt, choices = f"{text} {person.en} was very", (" happy", " sad")
    else:
        end = "다." if any(sentence.endswith("다.") for sentence in sentences) else "어요."
        prompt, choices = f"{text} {with_particle(person.ko, '은')} 아주", (f" 기뻤{end}", f" 슬펐{end}")
    return (Example((text, word_of(person, source.language)), prompt, choices, 0 if wanted else 1, sort="good" if wanted else "bad"),)


KINDS = ("toy", "tool", "garment", "instrument", "dish", "jewel", "book", "light")
"""Kinds of made things: the same qualities are said of all of them, so what is said of a thing does not tell its kind."""


def holding(s: Scene) -> None:
    """Two people have a thing each, and one of them may give hers away."""
    a = s.person()
    b = s.person(others=(a,))
    x = possession(s, a, CARRIED)
    y = possession(s, b, CARRIED)
    if s.chance(0.5):
        giver, thing = (a, x) if s.chance(0.5) else (b, y)
        c = s.person(others=(a, b))
        s.add("gives", a=giver, b=c, x=thing)
        s.story.owner[thing] = c


def kind(source: Source, i: int) -> tuple[Example, ...]:
    """What kind of thing somebody ends up with. Every split names things of its own, and the text names two of different kinds: only who
    knows the kinds, and who has what, can answer. The texts are short, so that many models can be fine-tuned on them while one watches.
    """
    wanted = KINDS[i % len(KINDS)]

    def allowed(noun: Noun) -> bool:
        return noun.kind in own_kinds and split_of[noun] == source.split

    words = lexicon()
    own_kinds = {k for k in words.kinds if k.en in KINDS}
    split_of = {noun: SPLIT_OF_NOUN.get(n % NAMED_APART, "train") for k in own_kinds for n, noun in enumerate(words.by_kind[k])}
    while True:
        scene = Scene(source.rng, source.unseen, allowed)
        holding(scene)
        story = scene.story
        kinds = [thing.noun.kind.en for thing in story.owner]
        here = [owner for thing, owner in story.owner.items() if owner and thing.noun.kind.en == wanted]
        if len(set(kinds)) < len(kinds) or not here:
            continue
        events = [event for event in story.events if event.name in ("has", "gives")]  # what one does with a thing would tell its kind
        text = as_text(events, tell(Story(story.people, events), source.language, source.rng, kept_out=source.unseen))
        names = [k.en for k in words.kinds if k.en in KINDS]
        return (Example((text, word_of(here[0], source.language)), label=names.index(wanted), sort=wanted),)


def similarity(source: Source, i: int) -> tuple[Example, ...]:
    """Whether two texts tell the same story in other words; else two people, or two places, have changed their parts."""
    same = i % 2 == 0
    for story, events, sentences in source.told(keep=without_feelings):
        text = as_text(events, sentences)
        changed = Story(story.people, events) if same else _changed(story.people, events, source.rng)
        if changed is None or len(text) > MOST_CHARACTERS[source.language] // 2:
            continue
        other = as_text(changed.events, tell(changed, source.language, source.rng, kept_out=source.unseen))
        if other == text:
            continue
        return (Example((text, other), label=0 if same else 1, sort="same" if same else "changed"),)
    raise AssertionError("stories do not end")


def choice(source: Source, i: int) -> tuple[Example, ...]:
    """A question about a story and four answers, the wrong ones from the same story as far as they go."""
    for story, text in source.stories():
        asked_elsewhere = ("is.kind", "feels.f")  # by closed questions and by sentiment
        known = [fact for fact in facts(story) if fact.kind not in asked_elsewhere and is_clear(fact, story)]
        if not known:
            continue
        fact = source.rng.choice(known)
        options = [fact.truth, *wrong(fact, story, source.rng, 3)]
        order = source.rng.sample(range(4), 4)
        said = [named(options[j], source.language, source.rng) for j in order]
        if len(set(said)) < 4:
            continue
        asked = question(fact, source.language, source.rng, source.unseen)
        ask = ASKS[source.language][0]
        prompt = f"{text}\n{ask[0]} {asked}\n{ask[1]}"
        return (Example((text, asked), prompt, tuple(" " + s for s in said), order.index(0), sort=fact.kind),)
    raise AssertionError("stories do not end")


def _changed(people: list[Person], events: list[Event], rng: Random) -> Story | None:
    """The story with two people of one sex, or two places, in each other's parts; None where it has no such two."""
    spots = list(dict.fromkeys(v for e in events for v in e.roles.values() if isinstance(v, Spot)))
    alike = [(a, b) for a in people for b in people if a is not b and (a.female, a.adult) == (b.female, b.adult)]
    both: list[tuple[object, object]] = [*alike, *((a, b) for a in spots for b in spots if a is not b)]
    if not both:
        return None
    one, other = rng.choice(both)

    def swapped(value: Any) -> Any:
        return other if value is one else one if value is other else value

    changed = [Event(e.name, {role: swapped(value) for role, value in e.roles.items()}, e.begins) for e in events]
    return Story([swapped(person) for person in people], changed)


def _both(
    name: str, form: str, rule: str, metric: str, make: Make, labels: tuple[str, ...] = (), *,
    unseen: bool = False, revisions: tuple[int, int] = (0, 0),
) -> list[Task]:  # fmt: skip
    return [
        village_task(name, language, form, rule, metric, make, labels, unseen=unseen, revision=revision)
        for language, revision in zip(LANGUAGES, revisions, strict=True)
    ]


UNDERSTANDING = [
    *_both("sentiment", "entailment", "sum", "accuracy", sentiment, ("good", "bad"), unseen=True, revisions=(1, 2)),
    *_both("kind", "entailment", "", "accuracy", kind, tuple(k.en for k in lexicon().kinds if k.en in KINDS)),
    *_both("entailment", "entailment", "sum", "accuracy", entailment, ("follows", "contradicts", "neither"), revisions=(1, 1)),
    *_both("similarity", "similarity", "", "accuracy", similarity, ("same", "changed")),
    *_both("choice", "choice", "sum", "accuracy", choice, revisions=(1, 1)),
    *_both("acceptability", "classification", "threshold", "mcc", acceptability, ("good", "bad"), revisions=(1, 1)),
]
