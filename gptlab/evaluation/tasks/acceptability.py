"""Sentences that are well formed, and others whose word order is not (as in CoLA; Warstadt et al. 2019)."""

import re
from functools import cache

from gptlab.data.village.lexicon import Quality, Trait, lexicon
from gptlab.evaluation.task import Example
from gptlab.evaluation.tasks.making import Source


def exchanges_en(words: list[str]) -> list[int]:
    """Places of a sentence at which a word and the next one change places and the sentence is ill formed; not its first word."""
    return [i for i in range(1, len(words) - 1) if words[i] != words[i + 1]]


VERB_ENDS = ("고", "아서", "와서", "워서", "려서", "해서", "다가", "려고", "라고")
"""How verbs end inside a Korean sentence; no noun with its particle ends so in the village."""


@cache
def describing() -> set[str]:
    """Korean words that stand before a noun and tell what it is like."""
    told: list[Quality | Trait] = [*lexicon().qualities, *lexicon().traits]
    return {word.ko.split()[-1] for word in told}


def exchanges_ko(words: list[str]) -> list[int]:
    """As `exchanges_en`. Most Korean words are free to change places; not so a describing word or a genitive and its noun, where no other
    noun follows that it could belong to, and not the verb that ends the sentence.
    """
    last = len(words) - 1
    found = []
    for i in range(last - 1):
        goes_before = [word in describing() or word.endswith("의") for word in words[i : i + 2]]
        if goes_before == [True, False] and (i + 2 == last or words[i + 2].endswith(VERB_ENDS)):
            found.append(i)
    return [*found, last - 1]


def acceptability(source: Source, i: int) -> tuple[Example, ...]:
    """Whether a sentence is well formed; else two neighbouring words have changed places."""
    good = i % 2 == 0
    exchanges = {"en": exchanges_en, "ko": exchanges_ko}[source.language]
    for _story, text in source.stories():
        sentences = [s for s in re.split(r"(?<=\.)(?<!Mr\.)(?<!Mrs\.) |\n", text) if s.endswith(".") and '"' not in s and "?" not in s]
        long = [words for s in sentences if 4 <= len(words := s.rstrip(".").split()) <= 14 and exchanges(words)]
        if not long:
            continue
        words = source.rng.choice(long)
        place = source.rng.choice(exchanges(words))
        if not good:
            words[place : place + 2] = words[place + 1], words[place]
        shown = " ".join(words) + "."
        return (Example((shown,), shown, label=0 if good else 1, sort="good" if good else "bad"),)
    raise AssertionError("stories do not end")
