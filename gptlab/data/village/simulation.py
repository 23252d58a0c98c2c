"""One story from its beginning to its end."""

from collections.abc import Callable, Sequence
from random import Random

from gptlab.data.village.lexicon import Noun, Person
from gptlab.data.village.plots import CARRIED, PLOTS, Plot
from gptlab.data.village.steps import arrives
from gptlab.data.village.story import Scene, Story


def tell_story(
    rng: Random, *, everything: bool = False, plots: Sequence[Plot] = (), nouns: Callable[[Noun], bool] | None = None, made_up: float = 0.0
) -> Story:
    """One story: a beginning, one to four plots, an end. The same generator in the same state gives the same story.

    Args:
        everything: with people and pairs of words that models never read.
        plots: two of these instead of any.
        nouns: which may occur; all when None.
        made_up: share of the people whose names are made up, 0 to 1.
    """
    scene = Scene(rng, everything, nouns, made_up)
    hero = scene.person()
    _beginning(scene, hero)
    for i in range(2 if plots else 1 + int(3.4 * scene.random() ** 1.5)):
        if i > 0:
            scene.begins = True
            if scene.chance(0.5):
                arrives(scene, scene.one([p for p in scene.story.people if not p.adult]), scene.words.times)
        scene.one(plots or PLOTS)(scene)
    _end(scene, hero)
    return scene.story


def _beginning(s: Scene, hero: Person) -> None:
    arrives(s, hero, s.words.beginnings)
    if not hero.adult and s.chance(0.25):
        s.add("trait", a=hero, trait=s.one(s.words.traits))
    here = [a for a in s.words.activities if a.spot is s.story.at[hero]]
    if s.chance(0.3):
        s.add("doing", a=hero, act=s.one(here))


def _end(s: Scene, hero: Person) -> None:
    if s.chance(0.35):
        return
    kept = [(owner, thing) for thing, owner in s.story.owner.items() if owner and thing.noun.kind.place in CARRIED]
    s.begins = s.chance(0.3)
    if kept and s.chance(0.5):
        owner, thing = s.one(kept)
        s.add("ends_with", a=owner, x=thing)
    else:
        people = s.story.people
        s.add("ends", a=hero, b=people[1] if len(people) > 1 else s.anyone(hero))
    if s.chance(0.2):
        s.add("moral")
