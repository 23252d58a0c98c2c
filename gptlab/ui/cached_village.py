"""As `cached`, for the Village page."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from random import Random

import streamlit as st

from gptlab.config import SamplingConfig
from gptlab.data import library
from gptlab.data.richness import WordStatistics, word_statistics
from gptlab.data.village.documents import Told, Village
from gptlab.data.village.questions import answer, claim, facts, named, question
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.telling import as_text, tell
from gptlab.evaluation.coherence import Judged, judged, told
from gptlab.evaluation.task import Example
from gptlab.evaluation.tasks import task_named
from gptlab.paths import home
from gptlab.runs.store import open_run
from gptlab.ui import cached

COUNTED = 2_000
"""Documents by which the shares of the sorts are shown."""


@dataclass(frozen=True)
class Page:
    """A story with what is behind it, in words.

    Args:
        texts: the story in English and in Korean.
        events: name of each event, and its sentence in the chosen language.
        people: name, place, things, feeling and reason of each person at the end; empty where the story does not say.
        truths: all that holds, as sentences.
        questions: a question about each fact, with its answer.
    """

    texts: tuple[str, str]
    events: tuple[tuple[str, str], ...]
    people: tuple[tuple[str, str, str, str, str], ...]
    truths: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]


@st.cache_data(max_entries=64, show_spinner=False)
def story(seed: int, language: str) -> Page:
    """The story of a seed, and its state in a language."""
    told = tell_story(Random(f"story {seed}"))
    sentences = {name: tell(told, name, Random(f"telling {seed}")) for name in ("en", "ko")}
    rng = Random(seed)
    people = []
    for person in told.people:
        feeling, why = told.feels.get(person, (None, None))
        people.append((
            named(person, language, rng),
            named(told.at[person], language, rng) if person in told.at else "",
            ", ".join(named(thing, language, rng) for thing in told.has(person)),
            named(feeling, language, rng) if feeling else "",
            named(why, language, rng) if why else "",
        ))  # fmt: skip
    return Page(
        texts=(as_text(told.events, sentences["en"]), as_text(told.events, sentences["ko"])),
        events=tuple((event.name, sentence) for event, sentence in zip(told.events, sentences[language], strict=True)),
        people=tuple(people),
        truths=tuple(dict.fromkeys(claim(fact, language, rng) for fact in facts(told) if fact.asked != "why")),
        questions=tuple((question(fact, language, rng), answer(fact, language, rng)) for fact in facts(told)),
    )


@dataclass(frozen=True)
class Documents:
    """The first documents of a village.

    Args:
        shown: the first few.
        shares: how many of the first `COUNTED` are of each sort.
    """

    shown: tuple[tuple[str, str], ...]
    shares: dict[str, int]


@st.cache_data(max_entries=32, show_spinner=False)
def first_documents(village: Village, n: int) -> Documents:
    found: list[Told] = list(islice(village.documents(), COUNTED))
    return Documents(tuple((told.sort, told.text) for told in found[:n]), dict(Counter(told.sort for told in found)))


@st.cache_data(max_entries=4, show_spinner=False)
def text(village: Village, megabytes: float) -> str:
    """So many megabytes of the village."""
    return village.text(megabytes).text


@st.cache_data(max_entries=32, show_spinner=False)
def kept(village: Village, megabytes: float) -> str:
    """The village in the library; its id there."""
    return library.save(village.text(megabytes), home())


@st.cache_data(max_entries=8, show_spinner=False)
def statistics(language: str) -> WordStatistics:
    """Words of two megabytes, enough for as many words as are counted."""
    return word_statistics(Village((language,)).text(2.0).text)


@st.cache_data(max_entries=64, show_spinner=False)
def examples(task: str, split: str, n: int) -> tuple[Example, ...]:
    """The first examples of a split; making the test split makes the others first, which takes seconds."""
    return task_named(task).examples(split)[:n]


@st.cache_data(max_entries=32, show_spinner=False)
def told_by(
    run_id: str, step: int, language: str, n: int, temperature: float, top_k: int | None, top_p: float, seed: int
) -> list[tuple[str, list[Judged]]]:
    """Stories of a model, and what is wrong with their sentences."""

    sampling = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    stories = told(cached.model(run_id, step), open_run(run_id).tokenizer(), language, sampling, n)
    return [(text, judged(text, language)) for text in stories]
