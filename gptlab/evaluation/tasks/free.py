"""Tasks that are answered in free words: questions, summaries, translations."""

from gptlab.data.village.demonstrations import ASKS, SUMMARY, summary
from gptlab.data.village.questions import answers, claim, facts, is_clear, question
from gptlab.data.village.telling import LANGUAGES
from gptlab.evaluation.task import Example
from gptlab.evaluation.tasks.making import Source, village_task


def reading(source: Source, i: int) -> tuple[Example, ...]:
    """A question about what a story tells, answered in words; the overlap of words with the nearest of the true answers counts (as for
    CoQA).
    """
    for story, text in source.stories():
        known = [fact for fact in facts(story) if fact.about != "is" and is_clear(fact, story)]
        if known:
            fact = source.rng.choice(known)
            asked = question(fact, source.language, source.rng)
            ask, reply = ASKS[source.language][0]
            prompt = f"{text}\n{ask} {asked}\n{reply}"
            first, *also = answers(fact, source.language)
            return (Example((text, asked), prompt, answer=first, also=tuple(also), sort=fact.kind),)
    raise AssertionError("stories do not end")


def summarising(source: Source, i: int) -> tuple[Example, ...]:
    """What mattered in a story, after the hint that GPT-2 was given."""
    for story, text in source.stories():
        if told := summary(story, source.language, source.rng):
            return (Example((text,), f"{text}\n{SUMMARY[source.language]}", answer=told),)
    raise AssertionError("stories do not end")


def translation(source: Source, i: int) -> tuple[Example, ...]:
    """A sentence into the other language, after a sign of equality."""
    other = "ko" if source.language == "en" else "en"
    for story, _text in source.stories():
        if known := [fact for fact in facts(story) if fact.asked != "why"]:
            fact = source.rng.choice(known)
            here, there = claim(fact, source.language, source.rng), claim(fact, other, source.rng)
            return (Example((here,), f"{here} =", answer=there, sort=fact.about),)
    raise AssertionError("stories do not end")


FREE = [
    village_task(name, language, "free", "write", metric, make, revision=revision)
    for name, metric, make, revision in (
        ("reading", "f1", reading, 2), ("summary", "rouge", summarising, 0), ("translation", "bleu", translation, 0),
    )
    for language in LANGUAGES
]
