"""Stories in both languages: grammatical, true to their state, and without what is kept from the models."""

import re
from itertools import islice
from random import Random

import pytest

from gptlab.data.village.documents import Village
from gptlab.data.village.korean import PARTICLES, final_consonant
from gptlab.data.village.lexicon import Person, Spot, kept_out, lexicon
from gptlab.data.village.questions import facts, named
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Event, Thing
from gptlab.data.village.telling import Listener, as_text, phrases, say, tell

N = 400


@pytest.fixture(scope="module")
def told():
    """Stories with their texts in both languages."""
    stories = [tell_story(Random(i)) for i in range(N)]
    return [(story, {language: as_text(story.events, tell(story, language, Random(i))) for language in ("en", "ko")})
            for i, story in enumerate(stories)]  # fmt: skip


def test_both_languages_know_the_same_phrases():
    english, korean = phrases("en"), phrases("ko")
    assert list(english.all) == list(korean.all)
    for source in (english, korean):
        asked = [name for name in source.all if not name.startswith(("why.", "claim.", "scenery"))]
        lonely = [name for name in asked if sum(phrase.kept_out for phrase in source.all[name]) != 1]
        assert not lonely, "every event has one phrase that models never read"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_slot_stays_open(told, language):
    for _story, texts in told:
        assert not re.search(r"[{}<>|*]|  |\n\n|^ | $| \n|\n ", texts[language]), texts[language]
        for line in texts[language].split("\n"):
            assert line[0].isupper() or line[0] in "\"'" or "가" <= line[0] <= "힣", line
            assert line[-1] in ".!?\"", line


def test_korean_particles_fit(told):
    """After every name stands the form that its last sound asks for."""
    pairs = [forms for name, forms in PARTICLES.items() if name in ("은", "을", "와")]
    for story, texts in told:
        for person in story.people:
            for after_consonant, after_vowel in pairs:
                wrong = after_vowel if final_consonant(person.ko) else after_consonant
                assert not re.search(rf"(?<![가-힣]){person.ko}{wrong}(?![가-힣])", texts["ko"]), texts["ko"]


def test_a_korean_story_keeps_its_style(told):
    narrated = [re.sub(r"[\"'].*?[\"']", "", texts["ko"]) for _story, texts in told]
    polite, plain = (sum(bool(re.search(rf"[가-힣]{end}", text)) for text in narrated) for end in (r"어요\.", r"다\."))
    both = sum("어요." in text and bool(re.search(r"[가-힣]다\.", text)) for text in narrated)
    assert both == 0 and polite > N / 3 and plain > N / 3


def test_what_can_be_asked_is_told(told):
    """The answer to every question about a person, a thing or a place stands in the text, in both languages."""
    rng = Random(1)
    for story, texts in told:
        for fact in facts(story):
            if isinstance(fact.truth, Person | Spot) or (isinstance(fact.truth, Thing) and fact.about != "owns"):
                english = named(fact.truth, "en", rng) if not isinstance(fact.truth, Thing) else fact.truth.noun.en
                english = english.split("the ", 1)[-1]
                assert english in texts["en"], (fact.kind, english, texts["en"])
                assert named(fact.truth, "ko", rng) in texts["ko"], (fact.kind, texts["ko"])


def test_the_owner_is_the_last_who_got_the_thing():
    for i in range(N):
        story = tell_story(Random(i))
        for thing, owner in story.owner.items():
            last = [event for event in story.events if event.name in ("gives", "trade", "finds", "brings_back", "visits", "settles")
                    and thing in event.roles.values()]  # fmt: skip
            if last and owner:
                assert owner in last[-1].roles.values()


def test_a_pronoun_means_the_one_the_last_sentence_was_about():
    a, b = lexicon().children[:2]
    x = Thing(lexicon().nouns[0], lexicon().qualities[0])
    for seed in range(50):
        listener = Listener(Random(seed), "en")
        say(Event("goes", {"a": a, "p": lexicon().spots[0]}), listener)
        other = say(Event("gives", {"a": b, "b": a, "x": x}), listener)
        assert b.en in other


def test_elders_are_spoken_to_politely():
    child, elder, other = lexicon().children[0], lexicon().adults[0], lexicon().children[1]
    events = [Event("asks_where", {"a": child, "b": other, "c": asked}) for asked in (elder, other)]
    asked = [[say(event, Listener(Random(i), "ko")) for i in range(30)] for event in events]
    polite = [[end for text in texts for end in ("보셨어요", "있어요") if end in text] for texts in asked]
    assert set(polite[0]) == {"보셨어요", "있어요"} and not polite[1]
    spoken = {say(Event("thanks", {"a": elder, "b": child}), Listener(Random(seed), "ko")) for seed in range(30)}
    assert any("고맙습니다" in text for text in spoken) and not any("고마워" in text for text in spoken)


def test_what_is_kept_out_is_never_read():
    words = lexicon()
    read = list(islice(Village().documents(), 3_000))
    names = set(re.findall(r"[A-Z][a-z]+", "\n".join(told.text for told in read)))
    stories = [told.story for told in read if told.story]
    assert not names & {person.en for person in words.strangers} and len(words.strangers) > 20
    things = {value for story in stories for event in story.events for value in event.roles.values() if isinstance(value, Thing)}
    assert len(things) > 1_000 and not [thing for thing in things if kept_out(thing.quality.en, thing.noun.en)]
