"""The village's tasks. The root conftest makes their splits small."""

import re
from collections import Counter
from random import Random

import pytest

from gptlab.data.village.korean import PARTICLES, with_particle
from gptlab.data.village.lexicon import lexicon
from gptlab.data.village.questions import OPEN
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.steps import SHOPS
from gptlab.data.village.story import Event, Story, Thing
from gptlab.errors import DataError
from gptlab.evaluation.task import SPLITS
from gptlab.evaluation.tasks import VILLAGE, acceptability, claims, continuing, task_named, understanding
from gptlab.evaluation.tasks.making import Source, key


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


def test_an_open_claim_does_not_show_that_it_is_open():
    """It is about people, places and things of the story, and of the sort that true claims of its sort are."""
    words, adults = lexicon(), [f"{title} " for title, _ko, _female in lexicon().titles]
    instruments = [noun.en for noun in words.nouns if noun.kind.place == "music"]
    found = {example for split in SPLITS for example in task_named("entailment-en").examples(split) if example.label == 2}
    assert {example.sort for example in found} == set(OPEN)
    for story, said in (example.texts for example in found):
        heard = [name for name in re.findall(r"[A-Z][a-z]+", said) if f"{name} " not in adults]
        assert heard and all(name in story for name in heard), said
        places = [spot.at for spot in words.spots if spot.at in said]
        assert all(re.search(rf"\b{re.escape(place.split('the ')[1])}\b", story) for place in places), said
        if thing := re.search(r"(?:the|'s) ([a-z ]+?)(?: in| at| on| by| under|\.)", said.replace(places[0] if places else "-", "at -")):
            assert thing[1] in story, said
        if " bought " in said:
            assert places[0].split("the ")[1] in [shop.removeprefix("the ") for shop in SHOPS]
        if " won " in said or " broke " in said or " hid " in said:
            assert not any(title in said for title in adults), said
        if " to play " in said:
            assert said.removesuffix(".").split(" the ")[1] in instruments


def test_a_claim_is_about_places_that_the_text_names():
    """Some events have a place that no sentence tells, as where somebody sat down to make a thing."""
    source = Source("en", "train", Random("places"), unseen=False)
    for i in range(300):
        (example,) = claims.entailment(source, i)
        story, said = example.texts
        named = [spot.en.removeprefix("the ") for spot in lexicon().spots if said.endswith((f"{spot.at}.", f"{spot.en}."))]
        assert all(re.search(rf"\b{name}\b", story) for name in named), example


def test_a_claim_that_another_event_decides_is_not_open():
    a, b, c = lexicon().children[:3]
    kite, drum = (Thing(next(n for n in lexicon().nouns if n.en == name), lexicon().qualities[0]) for name in ("kite", "drum"))
    p, q = lexicon().spots[:2]
    around = [Event("has", {"a": a, "x": drum}), Event("at", {"a": a, "p": q})]

    def is_open(about: str, *events: Event) -> set[str]:
        """Things of the claims that a story leaves open."""
        story = Story([a, b], [*around, *events], owner={drum: b, kite: b})
        drawn = [claims.left_open(story, Random(seed), about) for seed in range(60)]
        return {fact.roles["x"].noun.en if "x" in fact.roles else "" for fact in drawn if fact}

    assert is_open("finds", Event("wants", {"a": a, "x": kite})) == {"kite", "drum"}
    assert is_open("finds", Event("comes_upon", {"a": a, "x": kite, "p": p})) == {"drum"}
    assert is_open("gives", Event("wants", {"a": a, "x": kite})) == {"kite", "drum"}
    assert not is_open("gives", Event("trade", {"a": a, "b": b, "x": kite, "y": drum})), "they are the two that traded"
    assert not is_open("finds_person", Event("keeps", {"a": b, "b": a, "p": p})), "who kept a promise met the other one"
    assert is_open("finds_person", Event("keeps", {"a": b, "b": c, "p": p})) == {""}
    assert is_open("breaks", Event("wants", {"a": a, "x": kite})) == {"kite", "drum"}
    assert is_open("teaches", Event("wants", {"a": a, "x": kite})) == {"drum"}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_pronoun_pair_differs_in_one_word(language):
    examples = task_named(f"pronoun-{language}").examples("train")
    for one, other in zip(examples[::2], examples[1::2], strict=True):
        assert one.prompt == other.prompt and (one.label, other.label) == (0, 1)
        people = [{choice.split()[0] for choice in example.choices} for example in (one, other)]
        assert people[0] == people[1] and one.choices != other.choices
        names = people[0] if language == "en" else {re.sub("[은는]$", "", name) for name in people[0]}
        assert all(name in one.prompt for name in names), "whoever is not told of cannot be meant"


def test_words_that_are_free_to_change_places_in_korean_do_not():
    def exchanged(sentence: str) -> list[int]:
        return acceptability.exchanges_ko(sentence.split())

    assert exchanged("미나는 정원에서 준을 만났다") == [2], "준을 정원에서 is as good"
    assert exchanged("미나는 빨간 연을 가지고 있었다") == [1, 3]
    assert exchanged("미나는 빨간 연을 준에게 주었다") == [3], "준 might be red"
    assert exchanged("준의 빨간 연이 망가졌다") == [1, 2], "빨간 준의 연 is as good"
    assert exchanged("준의 빨간 연이었다") == [1], "빨간 준의 연이었다 is as good"


def test_acceptability_exchanges_two_neighbours():
    for language in ("en", "ko"):
        examples = [example for split in SPLITS for example in task_named(f"acceptability-{language}").examples(split)]
        assert all(not example.texts[0].endswith(("Mr.", "Mrs.")) for example in examples)
        if language == "ko":
            assert all(example.texts[0].endswith(("다.", "요.")) for example in examples if example.label == 0)
            late = sum(example.texts[0].endswith(("다.", "요.")) for example in examples if example.label == 1)
            assert 0 < late < 0.4 * len(examples), "some have a describing word behind its noun, the others end in no verb"


KOREAN = {named.ko.split()[-1] for sort in ("children", "nouns", "spots") for named in getattr(lexicon(), sort)}


def _misfits(word: str) -> bool:
    """Whether a name or noun stands before the other form of a particle."""
    stem = max((word[:n] for n in range(1, len(word)) if word[:n] in KOREAN), key=len, default="")
    names = [name for name in ("은", "이", "을", "와", "로") if stem and word.removeprefix(stem) in PARTICLES[name]]
    return any(with_particle(stem, name) != word for name in names) and word not in KOREAN


def test_particles_do_not_tell_which_word_was_left_out():
    places = 0
    for example in (e for split in SPLITS for e in task_named("cloze-ko").examples(split)):
        words = [choice.split()[0] for choice in example.choices]
        assert not any(_misfits(word) for word in words), words
        places += sum(word.endswith("로") for word in words)
    assert places, "정원으로, 교실로: the form behind ㄹ is that behind a vowel"


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
