"""Stories that hold together, and others."""

from random import Random

import pytest

from gptlab.data.village.documents import VERSION
from gptlab.data.village.hearing import heard, plain
from gptlab.data.village.telling import as_text
from gptlab.evaluation import coherence
from gptlab.evaluation.coherence import collected, holds_together, judged, recorded, true_marks, true_story


@pytest.mark.parametrize("language", ["en", "ko"])
def test_true_stories_hold_together_and_others_do_not(language):
    """The marks that ship are of other stories; Korean is told in both forms of address."""
    whole, spoiled, forms = 0, 0, set()
    for i in range(60):
        story, said = true_story(f"tested {i}", language)
        whole += holds_together(judged(as_text(story.events, said), language))
        forms.add(said[0].rstrip().endswith("요."))
        names = [person.en if language == "en" else person.ko for person in story.people]
        if len(names) > 1:
            other = Random(i).choice(names[1:])
            spoiled += holds_together(judged(as_text(story.events, [*said[:2], *(s.replace(other, names[0]) for s in said[2:])]), language))
    assert whole >= 57 and spoiled < 30 and len(forms) == (2 if language == "ko" else 1)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_marks_that_ship_are_of_the_village_of_now(language):
    assert recorded()["version"] == VERSION and recorded()["stories"] == coherence.N_COLLECTED
    found = collected(60, language)
    assert len(found) > 300 and found <= true_marks(language) and {mark[0] for mark in found} == set(coherence.SORTS)


def slips(text: str, language: str = "en") -> dict[str, set[str]]:
    return {text[s.begin : s.end]: set(s.slips) for s in judged(text, language) if s.slips}


def test_slips_are_told_where_they_are():
    begin = "One day, Minho was in the garden. Minho had a red kite. "
    away = begin + "Minho went to the forest. "
    assert not slips(away + "Minho left the kite in the forest.")
    for text, sort in (
        ("Minho left the drum in the forest.", "owner"), ("He took the blue kite and played with it for a long time.", "like"),
        ("Then Minho dropped Minho's kite, and it broke.", "same"), ("Colorless green ideas sleep furiously.", "none"),
        ("Sumi was Minho's friend.", "follows"),
    ):  # fmt: skip
        found = slips(away + text)
        assert list(found) == [text] and sort in found[text], found


def test_korean_slips_stand_where_they_are_in_the_text_as_it_was_told():
    text = '어느 날이었어요. 민호는 정원에 있었어요. 민호는 웃기는 생각을 먹었어요. "민호야, 안녕!" 수아가 말했어요.'
    (found,) = [s for s in judged(text, "ko") if "none" in s.slips]
    assert text[found.begin : found.end] == "민호는 웃기는 생각을 먹었어요."
    said, places = plain(text)
    assert said.startswith("어느 날이었다. 민호는") and said.endswith('"민호야, 안녕!" 수아가 말했다.') and len(said) == len(places)
    assert all(said[i] == text[p] or said[i] in "다." for i, p in enumerate(places))


def test_a_text_without_a_sentence_of_the_village_is_heard_as_such():
    assert [sentence.means for sentence in heard("To be, or not to be. That is the question!", "en")] == [(), ()]
    assert judged("", "en") == [] and holds_together([])


def test_what_stands_behind_a_story_is_not_judged():
    story = "One day, Minho was in the garden. Minho had a red kite."
    assert len(judged(story + "\nFOR SALE: a red kite. Ask Minho.", "en")) == len(judged(story, "en")) == 2
