"""How many of a model's stories hold together, judged by the village's own phrases.

Every sentence of a story is looked up among the phrases of the village, which gives events: who did what, where, with what. What an event
has to do with those before it (who of it took part in the last one, who is new, who has the thing, who is at the place) is written down as
a mark. Marks of many true stories are collected first; a story of a model holds together if all of its sentences are the village's and all
of its marks occur among them. True stories that were not collected say how often that is too strict.

    python tests/benchmarks/coherence.py [--models gpt2-12x128,gpt2-12x128-reader] [--stories 100] [--top-p 1] [--outsiders]
"""

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random

import torch
from peer import arguments, report, surroundings

from gptlab.config import SamplingConfig
from gptlab.data.village.demonstrations import ASKS, SUMMARY
from gptlab.data.village.korean import PARTICLES, SS, final_consonant
from gptlab.data.village.lexicon import PLACE, lexicon
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Story
from gptlab.data.village.telling import as_text, tell
from gptlab.evaluation.metrics import judge_labels
from gptlab.evaluation.scoring import BEGIN
from gptlab.generation import generate
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run
from gptlab.tokenizer import Tokenizer

N_READINGS = 8
"""Readings of a story that are followed at once."""

LONGEST = 260
"""Letters of what is told of one event, at most."""

PEOPLE, THINGS, PLACES = "abcd", "xyn", "pq"
PRONOUNS = ("he", "she")
LEFT_OUT = r"\ )?"
"""How a slot ends that may be left out together with the space behind it."""

OUTSIDERS = {
    "en": "Mina Sophie Max Alexander Leo Oliver Charlotte Yuna Felix Matilda Ivan Zara Hugo Priya Kenji Olaf Beatrice Quentin Rosa Tariq",
    "ko": "민서 지우 하윤 도윤 예준 시우 주원 건우 채원 은서 휴고 소피 막스 유찬 다인 라온 가람 보람 혜교 동현",
}
"""Names that a user might type; those that the village has, too, are left out."""

ANYTHING = r"(?:Mrs?\.|[^.\"'?!\n])+?"
NOT_EVENTS = ("news", "opinion", "review", "why")
BEHIND = ("letter", "sign")


def one_of(words: list[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)) + ")"


def with_particles(particle: str) -> str:
    return one_of(list(PARTICLES.get(particle, (particle,)))) if particle else ""


class Grammar:
    """The phrases of a language as patterns: what a slot may hold, by its name."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = words = lexicon()
        file = {"en": "english", "ko": "korean"}[language]
        titles = [title if language == "en" else title_ko for title, title_ko, _female in words.titles]
        if language == "en":
            self.person = f"(?:{one_of(titles)} )?[A-Z][a-z]+"
            self.noun, self.quality = one_of([n.en for n in words.nouns]), one_of([q.en for q in words.qualities])
        else:
            self.person = f"[가-힣]+?(?: {one_of(titles)})?"
            self.noun, self.quality = one_of([n.ko for n in words.nouns]), one_of([q.ko for q in words.qualities])
        self.fixed = self.english_words() if language == "en" else self.korean_words()
        lines: list[tuple[str, str]] = []
        for line in (PLACE / f"{file}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                name = line[1:-1]
            elif line and not line.startswith(("#", "*")):
                lines.append((name, line))
        self.count = 0
        self.reasons = [line for name, line in lines if name.startswith("why.")]
        self.patterns = [
            (name, re.compile(self.pattern(line) + r"(?=\s|$)")) for name, line in lines if name.split(".")[0] not in NOT_EVENTS
        ]

    def pattern(self, line: str) -> str:
        """A phrase with its slots as named groups; a role that comes twice has two groups, "a_0" and "a_1"."""
        made, last = "", 0
        for found in re.finditer(r"\{([^{}]+)\}|<[abcd][abcd]:((?:[^|<>])*)\|([^<>]*)>|\(([^()]+)\)", line):
            made += re.escape(line[last : found.start()])
            last = found.end()
            if found[4] is not None:
                made += one_of(found[4].split("|"))
            elif found[1] is None:
                made += f"(?:{self.inner(found[2])}|{self.inner(found[3])})"
            else:
                slot = self.slot(found[1], line[: found.start()])
                last += slot.endswith(LEFT_OUT)
                made += slot
        return made + re.escape(line[last:])

    def inner(self, part: str) -> str:
        made, last = "", 0
        for found in re.finditer(r"\{([^{}]+)\}", part):
            made += re.escape(part[last : found.start()]) + self.slot(found[1], part[: found.start()] or '"')
            last = found.end()
        return made + re.escape(part[last:])

    def group(self, role: str, inside: str) -> str:
        self.count += 1
        return f"(?P<{role}_{self.count}>{inside})"

    def slot(self, written: str, before: str) -> str:
        return self.english(written, before) if self.language == "en" else self.korean(written, before)

    def english_words(self) -> dict[str, list[str]]:
        """What slots may hold that are neither people nor things nor places."""
        w = self.words
        kinds = [form for kind in w.kinds for form in (kind.en, kind.one, kind.plural)]
        deeds = {"past": [act.past_en for act in w.activities], "ing": [act.doing_en for act in w.activities]}
        return {
            "time": [time.en + "," for time in (*w.beginnings, *w.times)], "time.low": [time.noun_en for time in (*w.beginnings, *w.times)],
            "f": [feeling.en for feeling in w.feelings.values()], "rel": [relation.en for relation in w.relations],
            "trait": [trait.en for trait in w.traits], "game": [game.en for game in w.games], "game.won": [game.won_en for game in w.games],
            "truth": [truth[0] for kind in w.kinds for truth in kind.truths], "p.scenery": [spot.scenery_en for spot in w.spots],
            "g": kinds, "g.one": kinds, **{f"{deed}.{form}": said for deed in ("act", "deed") for form, said in deeds.items()},
            **{f"{x}.{form}": kinds for x in THINGS for form in ("kind", "kind.one", "kind.plural")},
            **{f"{x}.used": [kind.used_en for kind in w.kinds] for x in THINGS},
            **{f"{x}.plural": [noun.plural for noun in w.nouns] for x in THINGS},
        }  # fmt: skip

    def korean_words(self) -> dict[str, list[str]]:
        w = self.words
        kinds = [kind.ko for kind in w.kinds]
        deeds = {"past": [act.past_ko for act in w.activities], "ing": [act.doing_ko for act in w.activities]}
        return {
            "time": [time.ko for time in (*w.beginnings, *w.times)], "f": [feeling.ko for feeling in w.feelings.values()],
            "rel": [relation.ko for relation in w.relations], "trait": [trait.ko for trait in w.traits],
            "game": [game.ko for game in w.games], "game.won": [game.won_ko for game in w.games],
            "p.scenery": [spot.scenery_ko for spot in w.spots], "g": kinds,
            **{f"{deed}.{form}": said for deed in ("act", "deed") for form, said in deeds.items()},
            **{f"{x}.kind": kinds for x in THINGS}, **{f"{x}.used": [kind.used_ko for kind in w.kinds] for x in THINGS},
        }  # fmt: skip

    def reason(self) -> str:
        """A clause that tells why; its people and things are roles of their own, "B" and "X"."""
        clauses = "|".join(self.inner(line) for line in self.reasons)
        return "(?:" + re.sub(r"\(\?P<([bx])", lambda found: found[0][:-1] + found[1].upper(), clauses) + ")"

    def english(self, written: str, before: str) -> str:
        role, *forms = written.split(".")
        if role == "why":
            return self.reason()
        key = written.removesuffix(".cap")
        if key in self.fixed:
            return one_of([v for word in self.fixed[key] for v in (word, word[0].upper() + word[1:])])
        form = ".".join(f for f in forms if f not in ("cap", "low"))
        if role in PEOPLE:
            if form in ("he", "him", "his"):
                return "(?:[Ss]he|[Hh]e|her|him|his)"
            pronoun = "" if form == "name" or before.count('"') % 2 else "|[Ss]he|[Hh]e"
            return self.group(role, self.person + pronoun)
        if role in THINGS and role != "n":
            form_of = {
                "": f"(?:[Aa]n? {self.quality} {self.noun}|[Tt]he {self.noun})", "a": f"[Aa]n? {self.quality} {self.noun}",
                "the": f"[Tt]he (?:{self.quality} )?{self.noun}", "bare": f"(?:{self.quality} )?{self.noun}",
                "full": f"{self.quality} {self.noun}", "one": f"[Aa]n? {self.noun}",
            }  # fmt: skip
            return self.group(role, form_of[form]) if form in form_of else ANYTHING
        if role == "n" and form == "a":
            return self.group(role, f"[Aa]n? {self.quality} {self.noun}")
        if role == "n" and form == "one":
            return self.group(role, f"[Aa]n? {self.noun}")
        if role in PLACES and form != "scenery":
            at = one_of([w for s in self.words.spots for w in ((s.at, s.at[0].upper() + s.at[1:]) if form == "at" else (s.en,))])
            return self.group(role, at)
        raise AssertionError(written)

    def korean(self, written: str, before: str) -> str:
        found = re.fullmatch(r"([a-z]+)((?:\.[a-z]+)*)([가-힣]*)", written)
        assert found, written
        role, form, particle = found[1], found[2].removeprefix("."), found[3]
        ending = with_particles(particle)
        key = f"{role}.{form}" if form else role
        if role == "why":
            return self.reason()
        if key in self.fixed:
            return one_of(self.fixed[key]) + ending
        if role in PEOPLE:
            leads = particle == "은" and before.strip() in ("", "{time}")
            said = self.group(role + "0" * leads, self.person) + ("(?:아|야)?" if particle == "아" else ending)
            return f"(?:{said}{LEFT_OUT}" if leads else said
        if role in THINGS and (role != "n" or form == "a") and form in ("", "a", "bare"):
            return self.group(role, f"{self.quality} {self.noun}" if form == "a" else f"(?:{self.quality} )?{self.noun}") + ending
        if role in PLACES and not form:
            return self.group(role, one_of([spot.ko for spot in self.words.spots])) + ending
        return ANYTHING + ending  # what holds for a kind, which Korean inflects


def plain(text: str) -> str:
    """A Korean story that is told in -ㅆ어요 as it is told in -ㅆ다; what people say stays."""
    def narrated(found: re.Match[str]) -> str:
        return found[1] + "다." if final_consonant(found[1]) == SS else found[0]

    parts = text.split('"')
    parts[::2] = [re.sub(r"([가-힣])어요\.", narrated, part) for part in parts[::2]]
    return '"'.join(parts)


@cache
def grammar(language: str) -> Grammar:
    return Grammar(language)


@dataclass(frozen=True)
class Found:
    """A sentence (or two) of a story, understood.

    Args:
        roles: who, what, where by the phrase's letters; a person may be a pronoun, or "" where Korean leaves the subject out.
        looks: what the things are said to be like.
        subject: the role that is named first.
    """

    name: str
    roles: dict[str, str]
    looks: dict[str, str]
    subject: str
    end: int


def understood(text: str, language: str, event: str = "") -> list[Found]:
    """All phrases that a text begins with; those for one event alone, if it is named."""
    return [
        _found(name, match, language)
        for name, pattern in grammar(language).patterns
        if event in ("", name) and (match := pattern.match(text))
    ]


def _found(name: str, match: re.Match[str], language: str) -> Found:
    roles: dict[str, str] = {}
    looks: dict[str, str] = {}
    subject = ""
    for group, said in match.groupdict().items():
        role = group[0]
        if said is None and "0" not in group.split("_")[0]:  # in the other one of two ways to say it
            continue
        if role in PEOPLE and not subject:
            subject = role
        if role in PLACES:
            said = _spot(said, language)
        elif role.lower() in THINGS:
            quality, said = _thing(said, language)
            looks |= {role: quality} if quality else {}
        if not roles.get(role) or roles[role].lower() in PRONOUNS:
            roles[role] = said or ""
    return Found(name, roles, looks, subject, match.end())


@cache
def _spot(said: str, language: str) -> str:
    spots = grammar(language).words.spots
    if language == "ko":
        return said
    return next(spot.en for spot in spots if said.lower() in (spot.at, spot.en))


@cache
def _thing(said: str, language: str) -> tuple[str, str]:
    """Quality, if one is told, and noun."""
    words = grammar(language)
    found = re.search(f"(?:({words.quality}) )?({words.noun})$", said)
    assert found, said
    return found[1] or "", found[2]


def sentences(text: str, language: str) -> list[list[Found]]:
    """The fewest sentences that are none of the village's; those are empty lists, each other one all that it may mean."""
    best: dict[int, tuple[int, list[list[Found]]]] = {len(text): (0, [])}

    def rest(begin: int) -> tuple[int, list[list[Found]]]:
        while begin < len(text) and text[begin].isspace():
            begin += 1
        return best[begin]

    for begin in range(len(text) - 1, -1, -1):
        if text[begin].isspace() or (begin and not text[begin - 1].isspace()):
            continue
        stop = re.compile(r"[.!?][\"']?(?=\s|$)|\n|$").search(text, begin)
        assert stop
        missing, later = rest(max(stop.end(), begin + 1))
        choices = [(missing + 1, [[], *later])]
        by_end: dict[int, list[Found]] = {}
        for found in understood(text[begin : begin + LONGEST], language):
            by_end.setdefault(found.end, []).append(found)
        for end, means in by_end.items():
            missing, later = rest(begin + end)
            choices.append((missing, [means, *later]))
        best[begin] = min(choices, key=lambda choice: choice[0])
    return rest(0)[1]


AT = {
    "at": "ap", "goes": "ap", "goes_to_person": "ap", "finds_person": "ap bp", "buys": "bp", "comes_upon": "ap", "hides": "ap",
    "found_hiding": "ap bp", "meanwhile": "ap bq", "errand": "cp", "keeps": "ap bp", "forgets": "aq bp", "sees": "ap", "finds": "ap",
    "says_where": "bp", "contradicts": "bp", "leaves_behind": "xp", "stores": "xp", "promise": "ap",
}  # fmt: skip
OWNER = {
    "has": "ax", "gives": "bx", "buys": "bx", "makes": "bx", "comes_upon": "ax", "finds": "ax", "brings_back": "ax", "trade": "ay bx",
    "errand": "bx", "sets_off": "ax", "visits": "ax", "fetches": "ax", "stores": "ax", "repairs": "ax",
}  # fmt: skip
"""What is true after an event: who (or what) is where, who has what."""

ASIDES = (
    "scenery", "weather", "greets", "answers", "likes_kind", "trait", "doing", "relation", "feels", "feels_because", "thanks", "enjoys",
)  # fmt: skip
"""What may stand between two events that belong together."""


@dataclass
class State:
    """What a listener knows while a story is told, and the marks of what was told."""

    at: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    like: dict[str, str] = field(default_factory=dict)
    topic: str = ""
    last: tuple[str, dict[str, str]] = ("", {})

    def meant(self, found: Found) -> dict[str, str]:
        """Roles with people for pronouns and for what is left out."""
        return {role: self.topic if said.lower() in ("", *PRONOUNS) else said for role, said in found.roles.items()}

    def told_like(self, found: Found) -> Iterator[tuple[str, str]]:
        """What things are like, and whether somebody is a he or a she."""
        yield from ((found.roles[role], quality) for role, quality in found.looks.items())
        yield from ((self.topic, said.lower()) for said in found.roles.values() if said.lower() in PRONOUNS)

    def marks(self, found: Found) -> Iterator[tuple]:
        """What this event has to do with what was told."""
        roles = self.meant(found)
        people = {role: who for role, who in roles.items() if role.lower() in PEOPLE}
        named = list(people.values())
        yield found.name, "same", tuple(sorted(role for role, who in people.items() if named.count(who) > 1))
        name, told = self.last
        yield found.name, name, tuple((role, tuple(old for old, was in told.items() if was == now)) for role, now in sorted(roles.items()))
        for what, like in self.told_like(found):
            yield "like", self.like.get(what, like) == like
        for role, what in roles.items():
            if role.lower() in PEOPLE:
                yield found.name, role, what in self.known
            elif role.lower() in THINGS:
                owner = self.owner.get(what)
                whose = next((r for r, who in people.items() if who == owner), "somebody" if owner else "nobody")
                yield found.name, role, what in self.known, whose
            else:
                yield found.name, role, tuple(r for r, who in sorted(roles.items()) if r != role and self.at.get(who) == what)

    def after(self, found: Found) -> "State":
        """The state when this event was told, too."""
        state = State(dict(self.at), dict(self.owner), set(self.known), dict(self.like), self.topic, self.last)
        state.hear(found)
        return state

    def hear(self, found: Found) -> None:
        roles = self.meant(found)
        for what, like in self.told_like(found):
            self.like.setdefault(what, like)
        for pairs, told in ((AT, self.at), (OWNER, self.owner)):
            for key, value in (pair for pair in pairs.get(found.name, "").split()):
                if key in roles and value in roles:
                    one, other = (key, value) if pairs is AT else (value, key)
                    told[roles[one]] = roles[other]
        self.known |= set(roles.values())
        self.topic = roles.get(found.subject, "")
        if found.name not in ASIDES:
            self.last = (found.name, roles)


def true_story(seed: str, language: str) -> tuple[Story, list[str]]:
    """A story of the village, some of its people with made-up names, and what is told of each event."""
    rng = Random(seed)
    story = tell_story(rng, made_up=0.2)
    told = tell(story, language, rng)
    return story, [plain(said) for said in told] if language == "ko" else told


def collected(n: int, language: str) -> set[tuple]:
    """The marks of true stories; which event a sentence tells of is known there."""
    marks: set[tuple] = set()
    for i in range(n):
        state = State()
        story, told = true_story(f"collected {i}", language)
        for event, said in zip(story.events, told, strict=True):
            found = next(found for found in understood(said, language, event.name) if found.end == len(said))
            marks.update(state.marks(found))
            state.hear(found)
    return marks


def faults(text: str, language: str, seen: set[tuple]) -> list[str]:
    """What in a story does not hold together, in the best of its readings: a sentence may tell of several events."""
    readings: list[tuple[list[str], State]] = [([], State())]
    for means in sentences(plain(text) if language == "ko" else text, language):
        if any(found.name.startswith(BEHIND) for found in means):
            break
        if not means:
            readings = [([*wrong, "no sentence of the village"], state) for wrong, state in readings]
            continue
        longer = [
            ([*wrong, *(str(mark) for mark in state.marks(found) if mark not in seen)], state.after(found))
            for wrong, state in readings
            for found in means
        ]
        readings = sorted(longer, key=lambda reading: len(reading[0]))[:N_READINGS]
    return readings[0][0]


def spoiled(story: Story, told: list[str], language: str, rng: Random) -> list[str]:
    """A true story in which one name is another one's of the same story."""
    names = [person.en if language == "en" else person.ko for person in story.people]
    places = [(i, name) for i, said in enumerate(told) for name in names if name in said]
    i, name = rng.choice(places[1:] or places)
    other = rng.choice([other for other in names if other != name] or ["Nobody" if language == "en" else "아무개"])
    return [*told[:i], told[i].replace(name, other, 1), *told[i + 1 :]]


def outsiders(language: str) -> list[str]:
    known = {name for person in lexicon().children for name in (person.en, person.ko)}
    return [name for name in OUTSIDERS[language].split() if name not in known]


def written(
    model: GPT | LSTM, tokenizer: Tokenizer, language: str, n: int, sampling: SamplingConfig, names: list[str]
) -> Iterator[str]:
    """Stories of a model, of which it is given the first words, "One day,", and whom it is about, if there are names to take in turn;
    without what stands behind a story, and whole sentences only where its context was full."""
    labels = (SUMMARY[language], *(label for pair in ASKS[language] for label in pair))
    for i in range(n):
        time = Random(f"beginning {sampling.seed} {i}").choice(lexicon().beginnings)
        begin = time.en + "," if language == "en" else time.ko
        begin += f" {names[i % len(names)]}" if names else ""
        ids, new = tokenizer.encode(BEGIN + begin).tolist(), []
        for token in generate(model, ids, sampling.with_(seed=sampling.seed + i), model.config.block_size - len(ids)):
            new.append(token.id)
            told = begin + tokenizer.decode(new)
            ended = re.search(r"\n\n|\n" + one_of(list(labels)), told)
            if ended:
                yield told[: ended.start()]
                break
        else:
            whole = re.match(r"(?s).*[.!?][\"']?(?=\s)", told + " ")
            yield whole[0] if whole else told


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--models", default="gpt2-12x128,gpt2-12x128-reader")
    parser.add_argument("--languages", default="en,ko")
    parser.add_argument("--stories", type=int, default=100, help="of each model and language")
    parser.add_argument("--collected", type=int, default=30_000, help="true stories that marks are collected from")
    parser.add_argument("--temperature", type=float, default=SamplingConfig().temperature)
    parser.add_argument("--top-p", type=float, default=SamplingConfig().top_p)
    parser.add_argument("--outsiders", action="store_true", help="begin the models' stories with names that the village does not have")
    parser.add_argument("--show", type=int, default=0, help="print the first stories of each, with what is wrong in them")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = []
    for language in given.languages.split(","):
        seen, names = collected(given.collected, language), outsiders(language) if given.outsiders else []
        true = [true_story(f"judged {i}", language) for i in range(given.stories)]
        told = {
            "the village": [as_text(story.events, said) for story, said in true],
            "the same, one name wrong": [
                as_text(story.events, spoiled(story, said, language, Random(i))) for i, (story, said) in enumerate(true)
            ],
        }
        for name in given.models.split(","):
            run = open_run(name)
            sampling = SamplingConfig(temperature=given.temperature, top_p=given.top_p, seed=given.seed)
            told[name] = list(written(load_model(run).eval(), run.tokenizer(), language, given.stories, sampling, names))
        for name, stories in told.items():
            wrong = [faults(text, language, seen) for text in stories]
            for text, found in list(zip(stories, wrong, strict=True))[: given.show]:
                print(f"--- {name}: {'; '.join(found) or 'whole'}\n{text}\n")
            whole = judge_labels("accuracy", [int(not found) for found in wrong], [1] * len(wrong))
            rows.append({
                "language": language, "stories of": name, "hold together": whole.value,
                "95 % interval": f"[{whole.low:.2f}, {whole.high:.2f}]", "faults a story": sum(map(len, wrong)) / len(wrong),
                "sentences": statistics.mean(len(sentences(plain(text), language)) for text in stories),
            })  # fmt: skip
    about = surroundings(
        threads=given.threads, collected=given.collected, temperature=given.temperature, top_p=given.top_p, outsiders=given.outsiders
    )
    report("Stories that hold together", about, rows, given.json)


if __name__ == "__main__":
    main()
