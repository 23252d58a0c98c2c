"""What plots are made of: people come and go, get things, give them away, and the scene's state follows."""

from collections.abc import Sequence

from gptlab.data.village.lexicon import Person, Spot, Time
from gptlab.data.village.story import Scene, Thing

MADE_BY_HAND = ("toy", "garment", "food", "other")
SHOPS = ("the market", "the town square", "the station", "the harbor")


def arrives(s: Scene, person: Person, times: Sequence[Time]) -> None:
    """Somebody is somewhere at some time; the same day goes on towards its evening."""
    spot = s.spot(s.story.at.get(person))
    time = s.one([time for time in times if time.sort != "same" or time.hour > s.hour])
    s.hour = time.hour
    s.add("at", a=person, p=spot, time=time)
    s.story.at[person] = spot
    around(s, spot)


def around(s: Scene, spot: Spot) -> None:
    """What else there is to say: the place, or the weather."""
    if s.chance(0.25):
        s.add("scenery", p=spot)
    elif s.chance(0.15):
        s.add("weather")


def small_talk(s: Scene, a: Person, b: Person) -> None:
    """They greet each other, perhaps."""
    if s.chance(0.4):
        s.add("greets", a=a, b=b)
        if s.chance(0.4):
            s.add("answers", a=a, b=b)


def possession(s: Scene, owner: Person, places: tuple[str, ...]) -> Thing:
    """Something that the person has, told anew if the story has nothing fitting."""
    known = [x for x in s.story.has(owner) if x.noun.kind.place in places]
    if known and s.chance(0.8):
        return s.one(known)
    x = s.thing(*places)
    s.add("has", a=owner, x=x)
    if s.chance(0.2):
        s.add("likes_kind", a=owner, x=x)
    s.story.owner[x] = owner
    return x


def gets(s: Scene, person: Person, x: Thing) -> None:
    """Bought, made or found."""
    place = x.noun.kind.place
    how = s.random()
    if how < 0.4 and place in MADE_BY_HAND and x.noun.kind.en not in ("fruit", "vegetable", "jewel"):
        p = s.spot()
        s.add("makes", b=person, x=x, p=p)
        return
    if how < 0.75:
        p = s.one([spot for spot in s.words.spots if spot.en in SHOPS])
        s.add("buys", b=person, x=x, p=p)
    else:
        p = s.spot()
        s.add("comes_upon", a=person, x=x, p=p)
    s.story.at[person] = p


def gives(s: Scene, a: Person, b: Person, x: Thing) -> None:
    """A thing changes hands."""
    s.add("gives", a=a, b=b, x=x)
    s.story.owner[x] = b
    if s.chance(0.5):
        s.add("thanks", a=a, b=b)
    takes_to(s, b, x)


def takes_to(s: Scene, owner: Person, x: Thing) -> None:
    """What the new owner makes of a thing: what kind it is shows in what one does with it, so kinds can be learned from stories."""
    if s.chance(0.3):
        s.add("likes_kind", a=owner, x=x)
    if x.noun.kind.place != "food" and s.chance(0.35):
        s.add("enjoys", a=owner, x=x)


def finds(s: Scene, a: Person, x: Thing, p: Spot) -> None:
    """Somebody finds a thing where it lies, and has it."""
    s.add("finds", a=a, x=x, p=p)
    s.story.owner[x] = a
    s.story.at[a] = p


def goes_to(s: Scene, a: Person, b: Person) -> None:
    """Somebody goes where another one is."""
    s.add("goes_to_person", a=a, b=b, p=s.story.at[b])
    s.story.at[a] = s.story.at[b]
    small_talk(s, a, b)


def meets(s: Scene, a: Person, b: Person, p: Spot) -> None:
    """Somebody finds another one."""
    s.add("finds_person", a=a, b=b, p=p)
    s.story.at[a] = s.story.at[b] = p
    small_talk(s, a, b)
