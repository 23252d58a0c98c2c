"""Tasks as they occur in running text: questions with answers, summaries, pairs of words, translations, letters, signs, a newspaper.

GPT-2's thesis is that a language model learns tasks from such places (Radford et al. 2019, section 2). The rate of them is the caller's, so
that the thesis can be tried.
"""

from collections.abc import Callable
from random import Random

from gptlab.data.village.lexicon import Noun, kept_out, lexicon, rows
from gptlab.data.village.questions import Fact, answer, claim, facts, is_clear, is_it_true, question, undetermined, wrong
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Story
from gptlab.data.village.telling import Listener, phrases

ASKS = {"en": (("Question:", "Answer:"), ("Q:", "A:")), "ko": (("질문:", "대답:"), ("문:", "답:"))}
REPLIES = tuple(reply for labels in ASKS.values() for _ask, reply in labels)
VERDICTS = {"en": ("Yes", "No", "Nobody knows"), "ko": ("네", "아니요", "알 수 없어요")}
"""What one answers to "Is it true that ...": the story says so, says otherwise, or leaves it open."""

SUMMARY = {"en": "TL;DR:", "ko": "요약:"}

SALIENT = (
    "gives", "finds", "wins", "visits", "breaks", "finds_person", "promise", "comforts", "teaches", "hides", "owns", "wants", "feels",
    "goes_to_person", "is", "comes_upon", "buys",
)  # fmt: skip
"""What a summary mentions, the most telling first."""

HARD = ("looks", "owns", "relation")
"""What a story tells once and rarely comes back to, or changes. Where it tells two things of such a sort, one is easily taken for the
other."""

Pairs = list[tuple[str, str]]


def conversation(story: Story, language: str, rng: Random, lesson: bool = False) -> list[tuple[str, str]]:
    """Questions about a story with their answers, in no order; some are yes/no questions.

    Args:
        lesson: asks for all of `HARD`, and for two other things.
    """
    known = facts(story)
    if lesson:
        known = [fact for fact in known if is_clear(fact, story)]
        hard, others = ([fact for fact in known if (fact.about in HARD) is wanted] for wanted in (True, False))
        known = hard + rng.sample(others, min(len(others), 2))
    chosen = rng.sample(known, len(known) if lesson else min(len(known), 1 + int(5 * rng.random())))
    return [_asked(fact, story, language, rng) for fact in chosen]


def confuses(story: Story) -> bool:
    """Whether a story tells two different things of one sort of `HARD`."""
    told = [fact for fact in facts(story) if fact.about in HARD and is_clear(fact, story)]
    return any(len({fact.truth for fact in told if fact.about == sort}) > 1 for sort in HARD)


def _asked(fact: Fact, story: Story, language: str, rng: Random) -> tuple[str, str]:
    if fact.asked in ("why", "x") or rng.random() < 0.7:
        return question(fact, language, rng), answer(fact, language, rng)
    yes, no, unknown = VERDICTS[language]
    verdict = rng.random()
    if verdict < 0.25 and (open_claim := undetermined(story, rng)):
        return is_it_true(open_claim, language, rng), unknown
    if verdict < 0.6:
        return is_it_true(fact, language, rng), yes
    return is_it_true(fact.but(wrong(fact, story, rng, 1)[0]), language, rng), no


def with_questions(story: Story, language: str, rng: Random, text: str, lesson: bool = False) -> str:
    """The story, then questions and answers, a line each; `lesson` as in `conversation`."""
    ask, reply = ASKS[language][int(rng.random() * 2)]
    said = [f"{ask} {asked}\n{reply} {answered}" for asked, answered in conversation(story, language, rng, lesson)]
    return "\n".join([text, *said])


def summary(story: Story, language: str, rng: Random) -> str:
    """One or two sentences: what mattered most."""
    known: dict[str, Fact] = {}
    for fact in facts(story):
        known.setdefault(fact.about, fact)
    told = [known[name] for name in SALIENT if name in known][:2]
    return " ".join(claim(fact, language, rng) for fact in told)


def with_summary(story: Story, language: str, rng: Random, text: str) -> str:
    """The story, then the hint that asks for a summary, and the summary."""
    said = summary(story, language, rng)
    return f"{text}\n{SUMMARY[language]} {said}" if said else text


def paper(story: Story, language: str, rng: Random) -> str | None:
    """The story as a newspaper has it."""
    known = [fact for fact in facts(story) if fact.about in SALIENT]
    if not known:
        return None
    claims = dict.fromkeys(claim(fact, language, rng) for fact in rng.sample(known, min(3, len(known))))
    return phrases(language).one("news", rng).say(Listener(rng, language), {"claims": " ".join(claims)})


def notes(story: Story, language: str, rng: Random) -> str | None:
    """A letter or a sign that somebody of the story writes."""
    source = phrases(language)
    written = [
        source.one(f"{sort}.{event.name}", rng).say(Listener(rng, language), event.roles)
        for event in story.events
        for sort in ("letter", "sign")
        if f"{sort}.{event.name}" in source.all
    ]
    return written[int(rng.random() * len(written))] if written else None


def review(language: str, rng: Random) -> str:
    """What somebody thinks of a place: all good, or all bad."""
    words, source = lexicon(), phrases(language)
    mood = "good" if rng.random() < 0.5 else "bad"
    opinions = dict.fromkeys(source.one(f"opinion.{mood}", rng).say(Listener(rng, language), {}) for _ in range(3))
    roles = {"a": rng.choice(words.children), "p": rng.choice(words.spots), "opinions": " ".join(opinions)}
    return source.one("review", rng).say(Listener(rng, language), roles)


def listed(everything: bool) -> list[Noun]:
    """Nouns that stand in lists of pairs; some never do in the text that models learn from."""
    return [noun for noun in lexicon().nouns if everything or not kept_out(noun.en, "in a list")]


def _numbers(column: int) -> list[str]:
    return [cells[column] for cells in rows("numbers")]


def _next(column: int) -> Pairs:
    return list(zip(_numbers(column), _numbers(column)[1:], strict=False))


Rule = Callable[[list[Noun]], Pairs]

RULES: dict[str, tuple[tuple[str, ...], Rule]] = {
    "kind": (("en",), lambda nouns: [(noun.en, noun.kind.en) for noun in nouns]),
    "plural": (("en",), lambda nouns: [(noun.en, noun.plural) for noun in nouns]),
    "copy": (("en",), lambda nouns: [(noun.en, noun.en) for noun in nouns]),
    "doing": (("en",), lambda nouns: [(act.past_en, act.doing_en) for act in lexicon().activities]),
    "where": (("en",), lambda nouns: [(act.past_en, act.spot.at) for act in lexicon().activities]),
    "mood": (("en",), lambda nouns: [(f.en, "good" if f.good else "bad") for f in lexicon().feelings.values()]),
    "next": (("en",), lambda nouns: _next(1)),
    "digits": (("en",), lambda nouns: list(zip(_numbers(1), _numbers(0), strict=True))),
    "kind_ko": (("ko",), lambda nouns: [(noun.ko, noun.kind.ko) for noun in nouns]),
    "copy_ko": (("ko",), lambda nouns: [(noun.ko, noun.ko) for noun in nouns]),
    "where_ko": (("ko",), lambda nouns: [(act.past_ko, act.spot.ko) for act in lexicon().activities]),
    "mood_ko": (("ko",), lambda nouns: [(f.answer_ko, "좋다" if f.good else "나쁘다") for f in lexicon().feelings.values()]),
    "next_ko": (("ko",), lambda nouns: _next(2)),
    "digits_ko": (("ko",), lambda nouns: list(zip(_numbers(2), _numbers(0), strict=True))),
    "en_ko": (("en", "ko"), lambda nouns: [(noun.en, noun.ko) for noun in nouns]),
    "ko_en": (("en", "ko"), lambda nouns: [(noun.ko, noun.en) for noun in nouns]),
}
"""Rules that a list of pairs may follow, and the languages that it takes. A list does not name its rule: its pairs show it."""


def pairs(rng: Random, languages: tuple[str, ...]) -> str:
    """A list of pairs under one rule, "sparrow : bird", one a line."""
    needed, rule = rng.choice([(needed, rule) for needed, rule in RULES.values() if set(needed) <= set(languages)])
    found = rule(rng.sample(listed(everything=False), 12))
    return "\n".join(f"{left} : {right}" for left, right in rng.sample(found, min(len(found), 4 + int(7 * rng.random()))))


def translations(rng: Random) -> str:
    """Sentences in one language and, after a sign of equality, in the other."""
    story = tell_story(rng)
    known = {fact.about: fact for fact in facts(story)}
    chosen = rng.sample(list(known.values()), min(len(known), 6))
    first, second = ("en", "ko") if rng.random() < 0.5 else ("ko", "en")
    return "\n".join(f"{claim(fact, first, rng)} = {claim(fact, second, rng)}" for fact in chosen)
