"""How examples of the village are made: stories for one split of one task, and the sentences that carry a question."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from gptlab.data.village.documents import VERSION
from gptlab.data.village.lexicon import Person, Spot
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Event, Story, Thing
from gptlab.data.village.telling import as_text, tell
from gptlab.errors import DataError
from gptlab.evaluation.task import N_EXAMPLES, SPLITS, Example, Task

MOST_CHARACTERS = {"en": 700, "ko": 360}
"""Longest story of a task: with a question behind it, it fits into a context of 256 tokens."""


@dataclass(frozen=True)
class Source:
    """Stories of one split.

    Args:
        rng: of this split of this task; the stories of two splits differ.
        unseen: people, pairs of words and phrasings that models never read may occur.
    """

    language: str
    split: str
    rng: Random
    unseen: bool

    def told(self, **how: Any) -> Iterator[tuple[Story, list[Event], list[str]]]:
        """Short stories: what happened, the events that are told, and their sentences. As `stories`."""
        keep, serves, plots, nouns = (how.get(name) for name in ("keep", "serves", "plots", "nouns"))
        while True:
            story = tell_story(self.rng, everything=self.unseen, plots=plots or (), nouns=nouns)
            if serves and not serves(story):
                continue
            events = keep(story) if keep else story.events
            sentences = tell(Story(story.people, events), self.language, self.rng, kept_out=self.unseen)
            if sum(map(len, sentences)) <= MOST_CHARACTERS[self.language]:
                yield story, events, sentences

    def stories(self, **how: Any) -> Iterator[tuple[Story, str]]:
        """Short stories as text.

        Args:
            keep: which events are told.
            serves: which stories will do; asked before a story is told.
            plots, nouns: as `tell_story`.
        """
        return ((story, as_text(events, sentences)) for story, events, sentences in self.told(**how))


def word_of(value: Person | Thing | Spot, language: str) -> str:
    """What somebody, something or a place is called, without articles."""
    if isinstance(value, Spot):
        return value.en.removeprefix("the ") if language == "en" else value.ko
    named = value.noun if isinstance(value, Thing) else value
    return named.en if language == "en" else named.ko


def key(example: Example) -> tuple[str, ...]:
    """What makes two examples the same to a reader."""
    return (*example.texts, example.prompt, *example.choices)


Make = Callable[[Source, int], tuple[Example, ...]]
"""Makes the i-th example, or a pair that belongs together, beginning with the i-th."""


def village_task(
    name: str, language: str, form: str, rule: str, metric: str, make: Make, labels: tuple[str, ...] = (), *,
    unseen: bool = False, sizes: dict[str, int] = N_EXAMPLES, revision: int = 0,
) -> Task:  # fmt: skip
    """A task whose examples are made one by one; a text that an earlier split has is not used again.

    Args:
        unseen: the test split has people, pairs of words and phrasings that models never read.
        revision: changes with the examples where the village stays as it is.
    """
    full = f"{name}-{language}"

    @cache
    def examples(split: str) -> tuple[Example, ...]:
        if split not in SPLITS:
            raise DataError("There is no split {given!r}; there are {known}.", given=split, known=", ".join(SPLITS))
        earlier = {key(example) for before in SPLITS[: SPLITS.index(split)] for example in examples(before)}
        source = Source(language, split, Random(f"task {full} {VERSION} {split}"), unseen and split == "test")
        found: dict[tuple[str, ...], Example] = {}
        tries = 0
        while len(found) < sizes[split]:
            tries += 1
            assert tries < 4 * sizes[split], f"{full} makes the same examples again"
            for example in make(source, len(found)):
                if key(example) not in earlier:
                    found.setdefault(key(example), example)
        return tuple(found.values())[: sizes[split]]

    return Task(full, language, form, rule, metric, labels, f"{VERSION}.{revision}" if revision else VERSION, examples)
