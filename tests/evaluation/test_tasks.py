"""The village's tasks. The root conftest makes their splits small."""

import re
from collections import Counter
from random import Random

import pytest

from gptlab.data.village.lexicon import lexicon
from gptlab.data.village.simulation import tell_story
from gptlab.errors import DataError
from gptlab.evaluation.task import SPLITS
from gptlab.evaluation.tasks import VILLAGE, continuing, task_named, understanding
from gptlab.evaluation.tasks.making import key


@pytest.mark.parametrize("name", VILLAGE)
def test_splits_share_nothing(name):
    task = task_named(name)
    keys = [{key(example) for example in task.examples(split)} for split in SPLITS]
    assert all(keys) and not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert [len(found) for found in keys] == [len(task.examples(split)) for split in SPLITS], "no example twice"


@pytest.mark.parametrize("name", [task.name for task in VILLAGE.values() if task.form != "free"])
def test_labels_are_there_and_balanced(name):
    task = task_named(name)
    examples = task.examples("train")
    counts = Counter(example.label for example in examples)
    assert set(counts) == set(range(task.n_choices))
    assert max(counts.values()) <= 2.2 * len(examples) / task.n_choices
    for example in examples:
        assert len(set(example.choices)) == len(example.choices) and all(choice.strip() for choice in example.choices)


def test_the_kind_task_names_other_things_in_its_test():
    task = task_named("kind-en")
    texts = {split: " ".join(example.texts[0] for example in task.examples(split)) for split in ("train", "test")}
    things = [noun for noun in lexicon().nouns if noun.kind.place in ("toy", "tool", "garment", "music", "other")]
    alone = [noun.en for noun in things if not any(f" {noun.en}" in other.en or f"{noun.en} " in other.en for other in lexicon().nouns)]
    alone.remove("saw")  # which people did, too
    named = {split: {noun for noun in alone if re.search(rf"\b{noun}\b", text)} for split, text in texts.items()}
    assert len(named["train"]) > 30 and len(named["test"]) > 10 and not named["train"] & named["test"]


def test_entailment_uses_the_same_claims_for_all_three_answers():
    examples = task_named("entailment-en").examples("train")
    sorts = {label: {example.sort for example in examples if example.label == label} for label in range(3)}
    assert sorts[0] == sorts[1] == sorts[2]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_pronoun_pair_differs_in_one_word(language):
    examples = task_named(f"pronoun-{language}").examples("train")
    for one, other in zip(examples[::2], examples[1::2], strict=True):
        assert one.prompt == other.prompt and (one.label, other.label) == (0, 1)
        people = [{choice.split()[0] for choice in example.choices} for example in (one, other)]
        assert people[0] == people[1] and one.choices != other.choices


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_last_word_stands_at_the_beginning(language):
    for example in task_named(f"last-word-{language}").examples("validation"):
        place = example.answer if language == "en" else next(s.ko for s in lexicon().spots if example.answer.startswith(s.ko))
        assert place in example.prompt and not example.prompt.endswith(" ")


def test_sentiment_ends_before_the_feeling():
    """No feeling is told, the one that is asked for has something to do with the end, and Korean goes on as politely as the story."""
    for seed in range(300):
        story = tell_story(Random(seed), plots=understanding.MOVING)
        if any(event.name in understanding.FEELING_EVENTS for event in story.events):
            last, kept = understanding.last_feelings(story), understanding.before_the_last_feelings(story)
            names = [event.name for event in story.events]
            assert last and all(names[i] in understanding.FEELING_EVENTS for i in last)
            assert not {*names[last.stop :], names[last.start - 1]} & {*understanding.FEELING_EVENTS}
            assert not {event.name for event in kept} & {*understanding.FEELING_EVENTS, *understanding.AFTERWARDS}
            assert all(event in story.events[: last.start] for event in kept)
            ends = {event.roles["a"]: event.roles["f"].good for event in story.events if event.name in understanding.FEELING_EVENTS}
            for good in (True, False):
                asked = understanding.who_ends_up(good, story)
                assert all(ends[person] is good for person in asked) and (not asked or set(ends.values()) == {True, False})
    for example in task_named("sentiment-en").examples("train"):
        text, name = example.texts
        assert name in text and example.prompt == f"{text} {name} was very"
    for example in task_named("sentiment-ko").examples("train"):
        plain = len(re.findall(r"다\.(?!\")", example.texts[0])) > len(re.findall(r"요\.(?!\")", example.texts[0]))
        assert example.choices == ((" 기뻤다.", " 슬펐다.") if plain else (" 기뻤어요.", " 슬펐어요."))


def test_reading_asks_for_what_is_told():
    """In English the feeling is told in the very word that answers."""
    english, korean = (task_named(f"reading-{language}") for language in ("en", "ko"))
    examples = [example for split in SPLITS for example in (*english.examples(split), *korean.examples(split))]
    feelings = [example for split in SPLITS for example in english.examples(split) if example.sort == "feels.f"]
    assert len(feelings) > 5 and all(example.answer in example.prompt.rsplit("\n", 2)[0] for example in feelings)
    assert {example.sort for example in examples if example.also} == {"feels.why"}, "a reason can be given in several ways"
    assert all(example.answer not in example.also for example in examples) and english.version == "2.2"


def test_words_of_the_rules_test_stand_in_no_list():
    task = task_named("rules-en")
    assert not {example.texts for example in task.examples("train")} & {example.texts for example in task.examples("test")}


def test_examples_fit_into_a_context():
    for task in VILLAGE.values():
        assert max(len(example.prompt) for example in task.examples("validation")) < 1_100


def test_unknown_names_are_told():
    with pytest.raises(DataError, match="entailment-en"):
        task_named("nonsense")
    with pytest.raises(DataError, match="train, validation, test"):
        task_named("choice-en").examples("dev")


def test_a_word_left_out_is_one_that_the_story_decides():
    """The roles are those of the events, and the places where nobody could know who comes next are not asked for."""
    told = {event.name: event.roles for seed in range(300) for event in tell_story(Random(seed)).events}
    assert all(name not in told or set(roles) <= set(told[name]) for name, roles in continuing.FOLLOWS.items())
    assert not {"at", "goes", "wants", "has", "relation", "contest", "wins", "meanwhile", "ends", "ends_with"} & set(continuing.FOLLOWS)
    assert set(continuing.FOLLOWS) <= set(told) | {"not_forgive"}
