"""Tasks that a language model answers by what it expects next: pronouns, last words, words left out, closed questions."""

from typing import Any

from gptlab.data.village.demonstrations import ASKS, listed
from gptlab.data.village.korean import L, final_consonant, with_particle
from gptlab.data.village.lexicon import Noun, Person, Spot, lexicon
from gptlab.data.village.questions import Fact, named, question
from gptlab.data.village.story import Event, Thing
from gptlab.data.village.telling import LANGUAGES, Listener, as_text, say
from gptlab.evaluation.task import N_EXAMPLES, Example
from gptlab.evaluation.tasks.making import Source, village_task, word_of

SCHEMAS = (
    ("wins", "proud", "sad"), ("settles", "happy", "angry"), ("breaks", "worried", "angry"), ("gives", "proud", "grateful"),
    ("congratulates", "proud", "disappointed"),
)  # fmt: skip
"""An event between a and b, a feeling that is a's after it, and one that is b's."""


def pronoun(source: Source, i: int) -> tuple[Example, ...]:
    """Who is meant: two people and something between them, then "she was proud" or "she was sad". The two examples of a pair differ in
    that word alone (Winograd schemas; a name is put in the pronoun's place, as GPT-1 does, section 5).
    """
    words, rng = lexicon(), source.rng
    name, of_a, of_b = SCHEMAS[(i // 2) % len(SCHEMAS)]
    female = rng.random() < 0.5
    a, b, c = rng.sample([p for p in words.children if p.female == female], 3)
    noun = rng.choice([noun for noun in words.nouns if noun.kind.place in ("toy", "tool", "music")])
    x, (p, q), game = Thing(noun, rng.choice(words.fitting[noun.kind])), rng.sample(words.spots, 2), rng.choice(words.games)
    event = Event(name, {"a": a, "b": b, "c": c, "x": x, "p": p, "q": q, "game": game})
    told = ""
    while not all(word_of(one, source.language) in told for one in (a, b)):  # some phrasings name one of them alone
        told = say(event, Listener(rng, source.language))
    pair = []
    for label, feeling in enumerate((words.feelings[of_a], words.feelings[of_b])):
        if source.language == "en":
            choices = tuple(f" {person.en} was {feeling.en}." for person in (a, b))
        else:
            choices = tuple(f" {with_particle(person.ko, '은')} {feeling.ko}." for person in (a, b))
        pair.append(Example((told,), told, choices, label, sort=name))
    return tuple(pair)


LATE = ("remembers", "fetches", "finds", "finds_person", "goes_to_person")
"""Events in a place that the story has named before, and that nobody could guess."""


def last_word(source: Source, i: int) -> tuple[Example, ...]:
    """The next word of a story that only its beginning tells: the place where something was left, or somebody is (LAMBADA; Paperno et al.
    2016). In English it is the last word of its sentence; in Korean, where verbs come last, it is the last one told.
    """
    for _story, events, sentences in source.told():
        for place in range(len(events) - 1, 2, -1):
            if events[place].name not in LATE:
                continue
            before = as_text(events[:place], sentences[:place])
            name = word_of(events[place].roles["p"], source.language)
            begin, found, rest = sentences[place].rpartition(name)
            if not found or name not in before or not begin.strip():
                continue
            full = f"{before}{_gap(events[place])}{begin.rstrip()}"
            particle = rest.split(" ")[0] if source.language == "ko" else ""  # a Korean word has its particle
            return (Example((full,), full, answer=name + particle, sort=events[place].name),)
    raise AssertionError("stories do not end")


CANDIDATES = 10

FOLLOWS: dict[str, str] = {
    "gives": "abx", "thanks": "ab", "asks_for": "abx", "refuses": "abx", "leaves_behind": "p", "notices_loss": "ax", "saw_it": "px",
    "has_not_seen": "b", "finds": "px", "brings_back": "ax", "sets_off": "ax", "says_where": "bc", "goes_to_person": "p",
    "finds_person": "abp", "keeps": "abp", "forgets": "abp", "apologizes": "ab", "forgives": "ab", "not_forgive": "ab",
    "found_hiding": "abp", "trade": "abxy", "no_trade": "abxy", "settles": "ax", "confesses": "a", "wrong_claim": "b",
    "contradicts": "bpq", "remembers": "px", "fetches": "px", "congratulates": "ab", "better": "a", "fails": "a", "succeeds": "a",
    "eats": "ab",
}  # fmt: skip
"""Event -> roles that what was told before decides. Of others (who comes along next, where he goes) nobody can know more than chance."""


def cloze(source: Source, i: int) -> tuple[Example, ...]:
    """A word of a sentence left out, ten words of its sort to choose from; the sentence goes on behind the word (CBT; Hill et al. 2016).
    The word is one that the story decides.
    """
    words, rng = lexicon(), source.rng
    sort = ("person", "thing", "place")[i % 3]
    sorts: dict[str, tuple[type[Any], list[Any]]] = {
        "person": (Person, words.children), "thing": (Thing, words.nouns), "place": (Spot, words.spots),
    }  # fmt: skip
    wanted, pool = sorts[sort]
    for story, events, sentences in source.told():
        place = int(rng.random() * len(events))
        follows = FOLLOWS.get(events[place].name, "")
        values = [v for role, v in events[place].roles.items() if role in follows and isinstance(v, wanted)]
        before = as_text(events[:place], sentences[:place])
        if place < 3 or not values:
            continue
        name = word_of(rng.choice(values), source.language)
        begin, found, rest = sentences[place].rpartition(name)
        if not found or name not in before or not begin.strip():
            continue
        near = [word_of(v, source.language) for e in story.events for v in e.roles.values() if isinstance(v, wanted)]
        others = dict.fromkeys([*near, *(word_of(v, source.language) for v in rng.sample(pool, 3 * CANDIDATES))])
        fitting = [word for word in others if word != name and _fits(word, name, source.language)][: CANDIDATES - 1]
        if len(fitting) < CANDIDATES - 1:
            continue
        options = rng.sample([name, *fitting], CANDIDATES)
        full = f"{before}{_gap(events[place])}{begin.rstrip()}"
        space = " " if begin.endswith(" ") else ""
        return (Example((full,), full, tuple(space + word + rest for word in options), options.index(name), sort=sort),)
    raise AssertionError("stories do not end")


def closed(source: Source, i: int) -> tuple[Example, ...]:
    """What a thing is, without a story: the answer stands nowhere but in what was learned (closed-book questions)."""
    words, rng = lexicon(), source.rng
    noun = rng.choice(words.nouns)
    fact = Fact("is", "kind", {"x": Thing(noun, words.qualities[0]), "kind": noun.kind})
    kinds = rng.sample([kind for kind in words.kinds if kind is not noun.kind], 3)
    options = rng.sample([noun.kind, *kinds], 4)
    ask, reply = rng.choice(ASKS[source.language])
    asked = question(fact, source.language, rng)
    choices = tuple(" " + named(kind, source.language, rng) for kind in options)
    return (Example((asked,), f"{ask} {asked}\n{reply}", choices, options.index(noun.kind), sort=noun.kind.en),)


def rules(source: Source, i: int) -> tuple[Example, ...]:
    """A word and the words that may stand behind it in a list: which one is right, only the list before it shows. Without a list in front
    the answer cannot be known; demonstrations of the same sort make it known. The words of the test split stand in no list of the models'.
    """
    rng = source.rng
    seen = listed(everything=False)
    nouns = seen if source.split != "test" else [noun for noun in lexicon().nouns if noun not in seen]
    noun = rng.choice(nouns)
    forms = _forms(noun, source.language)
    if len(set(forms.values())) < len(forms):
        return ()
    options = rng.sample(list(forms), len(forms))
    right = list(forms)[i % len(forms)]
    word = noun.en if source.language == "en" else noun.ko
    return (Example((word,), f"{word} :", tuple(f" {forms[o]}" for o in options), options.index(right), sort=right),)


def _forms(noun: Noun, language: str) -> dict[str, str]:
    if language == "en":
        return {"kind": noun.kind.en, "plural": noun.plural, "copy": noun.en, "en_ko": noun.ko}
    return {"kind_ko": noun.kind.ko, "copy_ko": noun.ko, "ko_en": noun.en}


def _gap(event: Event) -> str:
    return "\n" if event.begins else " "


def _fits(word: str, name: str, language: str) -> bool:
    """Whether a word may stand where the name stood: Korean particles show how the word before them ends, in a vowel, in ㄹ, or else."""
    if language == "en":
        return (word[0] in "aeiou") == (name[0] in "aeiou")
    ends = [{0: "vowel", L: "ㄹ"}.get(final_consonant(w), "consonant") for w in (word, name)]
    return ends[0] == ends[1]


SMALL = {"train": 512, "validation": 128, "test": 180}
"""Chosen here: there are forty words that stand in no list."""

CONTINUING = [
    village_task(name, language, form, rule, metric, make, sizes=sizes, revision=revision)
    for name, form, rule, metric, make, sizes, revisions in (
        ("pronoun", "choice", "after", "accuracy", pronoun, N_EXAMPLES, (1, 1)),
        ("last-word", "free", "next", "accuracy", last_word, N_EXAMPLES, (0, 0)),
        ("cloze", "choice", "sum", "accuracy", cloze, N_EXAMPLES, (1, 2)),
        ("closed", "choice", "sum", "accuracy", closed, N_EXAMPLES, (0, 0)),
        ("rules", "choice", "sum", "accuracy", rules, SMALL, (0, 0)),
    )
    for language, revision in zip(LANGUAGES, revisions, strict=True)
]
