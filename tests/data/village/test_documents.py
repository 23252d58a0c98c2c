import hashlib
import re
from itertools import islice
from random import Random

import pytest

from gptlab.data.village import names
from gptlab.data.village.demonstrations import HARD, RULES, listed, pairs
from gptlab.data.village.documents import LONGEST_LESSON, VERSION, Village
from gptlab.data.village.lexicon import kept_out, lexicon
from gptlab.data.village.questions import claim, facts, is_clear, question, undetermined, wrong
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Event, Story
from gptlab.data.village.telling import as_text, tell
from gptlab.errors import DataError


def first(n: int, *languages: str, **how) -> list:
    return list(islice(Village(languages or ("en", "ko"), **how).documents(), n))


def test_the_same_seed_is_the_same_village():
    assert [told.text for told in first(50)] == [told.text for told in first(50)]
    assert [told.text for told in first(50)] != [told.text for told in first(50, seed=2)]


def test_a_version_is_one_text():
    """A change to words, phrases or plots gives another text: then `VERSION` has to change, and models and tasks have to be made anew."""
    text = "\n\n".join(told.text for told in first(300))
    assert (VERSION, hashlib.sha256(text.encode()).hexdigest()[:16]) == ("2", "a79a2cae72ecb0b2")


def test_demonstrations_come_at_the_rate_that_is_set():
    assert {told.sort for told in first(200, demonstrations=0)} == {"story"}
    assert "story" not in {told.sort for told in first(200, demonstrations=1)}
    share = sum(told.sort != "story" for told in first(1_000, demonstrations=0.3)) / 1_000
    assert 0.25 < share < 0.35


def test_names_are_made_up_at_the_rate_that_is_set():
    """A made-up name belongs to one person of one story, is written in both languages, and is none of those that are kept out."""
    known = {person.en for person in (*lexicon().children, *lexicon().adults)}
    for rate in (0.0, 0.5, 1.0):
        told = first(300, demonstrations=0, made_up=rate)
        people = [(person, one) for one in told for person in one.story.people]
        new = [(person, one) for person, one in people if person.en not in known]
        assert rate - 0.1 < len(new) / len(people) < rate + 0.1
        assert len({person.en for person, _one in new}) >= 0.9 * len(new)
        assert not any(kept_out(person.en.split()[-1]) for person, _one in new)
        for person, one in new:
            name = person.en if one.language == "en" else person.ko
            assert name in one.text and re.fullmatch("[A-Z][a-z]+" if one.language == "en" else "[가-힣]+", name.split()[-1])
    assert names.made_up(iter([0.5, 0.5, 0.1, 0.0, 0.74, 0.5, 0.6]).__next__) == ("Matim", "마팀"), "as its docstring says"
    with pytest.raises(DataError, match="made-up names"):
        first(1, made_up=1.5)


def test_a_lesson_asks_for_what_is_hard():
    told = first(200, demonstrations=1.0, lessons=True)
    lessons = [one for one in told if one.sort == "lesson"]
    assert len(lessons) > 100 and not any(one.sort == "questions" for one in told)
    for one in lessons:
        hard = [fact for fact in facts(one.story) if fact.about in HARD and is_clear(fact, one.story)]
        asked = [line for line in one.text.split("\n") if line.startswith(("Q:", "Question:", "문:", "질문:"))]
        assert len(hard) <= len(asked) <= len(hard) + 2
        answers = {sort: {fact.truth for fact in hard if fact.about == sort} for sort in HARD}
        assert max(map(len, answers.values())) > 1, "two things of one sort are told"
        assert len("\n".join(one.text.split("\n")[: -2 * len(asked)])) <= LONGEST_LESSON[one.language]


def test_who_has_two_friends_is_not_asked_for_one():
    words = lexicon()
    friend, best, cousin = (next(r for r in words.relations if r.en == name) for name in ("friend", "best friend", "cousin"))
    a, b, c = words.children[:3]

    def clear(*relations):
        story = Story([a, b, c], [Event("relation", {"a": a, "b": who, "rel": rel}) for rel, who in relations])
        return [is_clear(fact, story) for fact in facts(story)]

    assert clear((friend, b), (best, c)) == [False, False]
    assert clear((friend, b), (cousin, c)) == [True, True] == clear((best, b), (cousin, c))


def test_a_feeling_that_is_not_told_is_left_to_the_listener():
    stories = [one.story for one in first(300, demonstrations=0.0)]
    feelings = [(fact, story) for story in stories for fact in facts(story) if fact.kind == "feels.f"]
    told = [is_clear(fact, story) for fact, story in feelings]
    assert 0.7 < sum(told) / len(told) < 0.95
    rng = Random(1)
    for (fact, story), is_so in zip(feelings, told, strict=True):
        english = as_text(story.events, tell(story, "en", rng))
        assert not is_so or fact.truth.en in english


@pytest.mark.parametrize("language", ["en", "ko"])
def test_one_language_keeps_to_itself(language):
    text = "".join(told.text for told in first(300, language))
    hangul = sum("가" <= c <= "힣" for c in text)
    assert hangul == 0 if language == "en" else hangul > len(text) / 2
    assert "translations" not in {told.sort for told in first(300, language)}


def test_translations_say_the_same():
    lines = [line for told in first(600) if told.sort == "translations" for line in told.text.split("\n")]
    assert len(lines) > 50
    for line in lines:
        left, right = line.split(" = ")
        assert ("가" <= left[0] <= "힣") != ("가" <= right[0] <= "힣")


@pytest.mark.parametrize("given", [(), ("fr",), ("en", "fr")])
def test_other_languages_are_refused(given):
    with pytest.raises(DataError, match="speaks"):
        Village(given)


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_share_is_between_none_and_all(rate):
    with pytest.raises(DataError, match="0 to 1"):
        Village(demonstrations=rate)


def test_a_corpus_is_as_long_as_asked_for():
    assert 50_000 <= Village(("en",)).text(0.05).n_bytes <= 55_000
    with pytest.raises(DataError, match="MB"):
        Village().text(0.0)
    with pytest.raises(DataError, match="MB"):
        Village().text(float("nan"))


def test_wrong_answers_are_wrong_and_differ():
    for i in range(150):
        story, rng = tell_story(Random(i)), Random(i)
        for fact in facts(story):
            others = wrong(fact, story, rng, 3)
            assert len(others) == 3 == len({id(value) for value in others}) and all(value is not fact.truth for value in others)
            if fact.kind == "feels.why":
                assert all(why.roles["a"] is fact.roles["a"] for why in others), "told of the one who is asked about"


def test_a_question_has_one_answer():
    for i in range(150):
        answers: dict[str, set] = {}
        for fact in facts(tell_story(Random(i))):
            answers.setdefault(question(fact, "en", Random(0)), set()).add(fact.truth)
        assert all(len(known) == 1 for known in answers.values()), answers


def test_an_open_claim_is_about_nothing_that_is_clear():
    found = 0
    for i in range(200):
        story = tell_story(Random(i))
        if (fact := undetermined(story, Random(i))) is not None:
            found += 1
            assert fact.about not in {event.name for event in story.events}
            assert claim(fact, "en", Random(i)) not in {claim(known, "en", Random(i)) for known in facts(story) if known.asked != "why"}
    assert found > 100


def test_swapped_people_change_places():
    for i in range(200):
        story = tell_story(Random(i))
        for fact in facts(story):
            if fact.kind == "wins.a":
                loser = fact.roles["b"]
                swapped = fact.but(loser)
                assert swapped.roles["a"] is loser and swapped.roles["b"] is fact.truth
                return
    raise AssertionError("somebody wins in 200 stories")


def test_a_list_follows_its_rule():
    rules = [{f"{left} : {right}" for left, right in rule(listed(everything=False))} for _needed, rule in RULES.values()]
    followed = set()
    for seed in range(200):
        lines = set(pairs(Random(seed), ("en", "ko")).split("\n"))
        fits = [i for i, rule in enumerate(rules) if lines <= rule]
        assert fits and len(lines) >= 4, lines
        followed.update(fits)
    assert followed == set(range(len(RULES)))
    assert len(listed(True)) - len(listed(False)) >= 20
