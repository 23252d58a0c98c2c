"""The words of the village, in both languages, and which of them the models never see.

The lists lie in `assets/village/`. People are named from a list of given names and from pairs of Korean syllables; adults carry a title.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product
from zlib import crc32

from gptlab.data.village.names import made_up
from gptlab.paths import ASSETS

PLACE = ASSETS / "village"

KEPT_OUT_ONE_IN = 10
"""One name in so many, and one pair of quality and noun, is kept out of the text that models learn from."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of things: bird.

    Args:
        used_en, used_ko: what a person did with such a thing.
        place: what part it may take in a story: animal, pet, food, toy, tool, garment, flower, tree, music, large (which nobody
            carries), other.
        truths: what holds for all of the kind: English after "they", Korean, Korean as a child says it.
    """

    en: str
    plural: str
    one: str
    ko: str
    used_en: str
    used_ko: str
    place: str
    truths: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Noun:
    """A member of a kind: sparrow."""

    en: str
    ko: str
    plural: str
    kind: Kind

    @property
    def one(self) -> str:
        return with_article(self.en)


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """What a thing is like; `answer_ko` names it by itself."""

    en: str
    ko: str
    answer_ko: str
    said_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A place: "the garden" with "in the garden" and 정원, and what one notices there."""

    en: str
    at: str
    ko: str
    scenery_en: str
    scenery_ko: str


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What one does at a spot; `doing_ko` is the stem before -고 있었다."""

    spot: Spot
    past_en: str
    doing_en: str
    past_ko: str
    doing_ko: str


@dataclass(frozen=True, slots=True, eq=False)
class Feeling:
    """How one feels; `ko` is what is told, `answer_ko` what one answers when asked."""

    en: str
    ko: str
    answer_ko: str
    good: bool


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """What somebody is to another: friend, neighbor."""

    en: str
    ko: str
    children_only: bool


@dataclass(frozen=True, slots=True, eq=False)
class Trait:
    """What a child is like."""

    en: str
    ko: str


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """A contest, and what the winner did."""

    en: str
    won_en: str
    ko: str
    won_ko: str


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """When a story begins or goes on: "One day", and "one day in spring" after "it was".

    Args:
        sort: first, next (another day) or same (the same day).
        hour: 0 in the morning or any time, 1 in the afternoon, 2 in the evening.
    """

    en: str
    noun_en: str
    ko: str
    sort: str
    hour: int


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody of the village; adults carry a title and are spoken to politely by children."""

    en: str
    ko: str
    female: bool
    adult: bool


def with_article(phrase: str) -> str:
    """A or an, by the first sound; the village has no silent h, and "uniform" begins with a consonant."""
    return ("an " if phrase[0] in "aeiou" and not phrase.startswith("uni") else "a ") + phrase


def rows(name: str) -> list[list[str]]:
    """Cells of a list of words."""
    lines = (PLACE / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def kept_out(*words: str) -> bool:
    """Whether a name, or a pair of words, is kept from the models; the same on every machine."""
    return crc32(" ".join(words).encode()) % KEPT_OUT_ONE_IN == 0


class Lexicon:
    """All words, read once; `lexicon()` gives it.

    Attributes:
        nouns: all, in the order of the list; `by_kind` sorts them.
        children, adults: the people that models read about; `strangers` (children) are those that they never do.
    """

    def __init__(self) -> None:
        self.nouns: list[Noun] = []
        for cells in rows("things"):
            if cells[0].startswith("@"):
                en, plural, one, ko, used_en, used_ko, place, *truths = cells
                said = tuple((truths[i], truths[i + 1], truths[i + 2]) for i in (0, 3))
                kind = Kind(en[1:], plural, one, ko, used_en, used_ko, place, said)
            else:
                self.nouns.append(Noun(cells[0], cells[1], cells[2] if len(cells) > 2 else cells[0] + "s", kind))
        self.kinds = list(dict.fromkeys(noun.kind for noun in self.nouns))
        self.by_kind = {kind: [noun for noun in self.nouns if noun.kind is kind] for kind in self.kinds}
        self.qualities = [Quality(en, ko, answer, tuple(said_of.split())) for en, ko, answer, said_of in rows("qualities")]
        self.fitting = {kind: [q for q in self.qualities if _sort(kind) in q.said_of] for kind in self.kinds}
        self.spots = [Spot(f"the {en}", f"{at} the {en}", *others) for en, at, *others in rows("places")]
        spots = {spot.en: spot for spot in self.spots}
        self.activities = [Activity(spots[f"the {place}"], *words) for place, *words in rows("activities")]
        self.feelings = {name: Feeling(en, ko, answer, good == "good") for name, en, ko, answer, good in rows("feelings")}
        self.relations = [Relation(en, ko, who == "child") for en, ko, who in rows("relations")]
        self.traits = [Trait(*cells) for cells in rows("traits")]
        self.games = [Game(*cells) for cells in rows("games")]
        times = [Time(en, noun_en, ko, sort, int(hour)) for en, noun_en, ko, sort, hour in rows("times")]
        self.beginnings = [time for time in times if time.sort == "first"]
        self.times = [time for time in times if time.sort != "first"]
        self._name_people()

    def _name_people(self) -> None:
        names, first, second = {}, [], []
        taken = {word for noun in self.nouns for word in (noun.ko, noun.kind.ko)} | {cells[2] for cells in rows("numbers")}
        taken |= {spot.ko.split()[0] for spot in self.spots}
        for cells in rows("people"):
            if cells[0] == "*":
                first.append(cells[1:])
            elif cells[0] == "+":
                second.append(cells[1:])
            else:
                names[cells[0]] = (cells[1], cells[2])
        for (a, a_ko), (b, b_ko, sex) in product(first, second):
            if a.lower() != b and a[-1] + b[0] != "aa" and a + b != "Yeah" and a_ko + b_ko not in taken:
                names.setdefault(a + b, (a_ko + b_ko, sex))
        everybody = [Person(en, ko, sex == "f", False) for en, (ko, sex) in names.items()]
        self.children = [person for person in everybody if not kept_out(person.en)]
        self.strangers = [person for person in everybody if kept_out(person.en)]
        self.titles = [(title, title_ko, sex == "f") for title, title_ko, sex in rows("titles")]
        self.adults = [
            Person(f"{title} {person.en}", f"{person.ko} {title_ko}", person.female, True)
            for title, title_ko, female in self.titles
            for person in self.children
            if person.female == female
        ]

    def newcomer(self, random: Callable[[], float], adult: bool) -> Person:
        """Somebody with a made-up name, and none of those that are kept out."""
        while kept_out((name := made_up(random))[0]):
            pass
        if not adult:
            return Person(*name, random() < 0.5, False)
        title, title_ko, female = self.titles[int(random() * len(self.titles))]
        return Person(f"{title} {name[0]}", f"{name[1]} {title_ko}", female, True)


@cache
def lexicon() -> Lexicon:
    return Lexicon()


def _sort(kind: Kind) -> str:
    if kind.place in ("animal", "pet"):
        return "animal"
    return kind.place if kind.place in ("food", "flower", "tree") else "made"
