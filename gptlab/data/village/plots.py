"""What can happen in the village. A plot takes a scene, picks its people and things, and adds events; the scene's state follows.

Facts that are told once are used again (a person is looked for where she went, a wrong claim is contradicted): a small model learns
to look back only where looking back pays.
"""

from collections.abc import Callable

from gptlab.data.village.lexicon import Spot
from gptlab.data.village.steps import around, arrives, finds, gets, gives, goes_to, meets, possession, takes_to
from gptlab.data.village.story import Scene

PRESENTS = ("toy", "tool", "garment", "flower", "music", "other", "pet", "food")
CARRIED = ("toy", "tool", "garment", "music", "other")

Plot = Callable[[Scene], None]


def gift(s: Scene) -> None:
    """A wish comes true: somebody gets the thing for the one who wants it."""
    a = s.person()
    b, x = s.anyone(a), s.thing(*PRESENTS)
    s.add("wants", a=a, x=x)
    if s.chance(0.2):
        s.add("likes_kind", a=a, x=x)
    s.add("tells_wish", a=a, b=b, x=x)
    gets(s, b, x)
    if s.story.at.get(a) and s.story.at[a] is not s.story.at.get(b) and s.chance(0.6):
        goes_to(s, b, a)
    gives(s, b, a, x)
    s.feel(a, s.one(["happy", "excited", "grateful"]), "got", x=x)


def envy(s: Scene) -> None:
    """Somebody wants what another one has, asks for it, and gets it or not."""
    a = s.person()
    b = s.anyone(a)
    x = possession(s, b, CARRIED)
    s.add("envies", a=a, b=b, x=x)
    s.add("asks_for", a=a, b=b, x=x)
    if s.chance(0.5):
        gives(s, b, a, x)
        s.feel(a, s.one(["happy", "excited", "grateful"]), "got", x=x)
    else:
        s.add("refuses", a=a, b=b, x=x)
        s.feel(a, s.one(["sad", "disappointed", "angry"]), "refused", b=b, x=x)


def lost(s: Scene) -> None:
    a = s.person()
    x = possession(s, a, CARRIED)
    p, q = s.spot(s.story.at.get(a)), s.spot()
    s.add("goes", a=a, p=p)
    if s.chance(0.5):
        s.add("uses", a=a, x=x, p=p)
    s.add("leaves_behind", a=a, x=x, p=p)
    if q is not p:
        s.add("goes", a=a, p=q)
        s.story.at[a] = q
        around(s, q)
    s.add("notices_loss", a=a, x=x)
    s.feel(a, s.one(["sad", "worried"]), "lost", x=x)
    b = s.anyone(a)
    s.add("asks_seen", a=a, b=b, x=x)
    fate = s.random()
    if fate < 0.45:
        s.add("saw_it", a=a, b=b, x=x, p=p)
        finds(s, a, x, p)
        s.feel(a, s.one(["happy", "relieved"]), "found", x=x)
        return
    s.add("has_not_seen", a=a, b=b)
    if fate < 0.65:
        s.add("looks_in", a=a, x=x, q=s.spot(p, q))
        finds(s, a, x, p)
        s.feel(a, s.one(["happy", "relieved"]), "found", x=x)
    elif fate < 0.87:
        c = s.anyone(a, b)
        finds(s, c, x, p)
        s.add("brings_back", a=a, b=c, x=x)
        s.story.owner[x] = a
        s.add("thanks", a=c, b=a)
        s.feel(a, s.one(["happy", "grateful"]), "found", x=x)
    else:
        s.add("looks_in", a=a, x=x, q=s.spot(p, q))
        s.story.owner[x] = None


def errand(s: Scene) -> None:
    a = s.person()
    b = s.anyone(a)
    c = s.anyone(a, b)
    x, p = s.thing(*PRESENTS), s.spot(s.story.at.get(a))
    s.add("errand", a=a, b=b, c=c, x=x, p=p)
    s.add("sets_off", a=a, b=b, x=x)
    if s.chance(0.6):
        s.story.at[c] = p
        goes_to(s, a, c)
    else:
        d, q = s.anyone(a, b, c), s.spot(p)
        s.add("not_here", a=a, b=c, q=p)
        s.add("asks_where", a=a, b=c, c=d)
        s.add("says_where", a=a, b=c, c=d, p=q)
        meets(s, a, c, q)
    gives(s, a, c, x)
    if s.chance(0.5):
        s.feel(c, s.one(["happy", "grateful"]), "got", x=x)
    else:
        s.feel(a, "proud", "helped", b=c)


def promise(s: Scene) -> None:
    a = s.person()
    b, p = s.anyone(a), s.spot()
    s.add("promise", a=a, b=b, p=p)
    s.begins, s.hour = s.chance(0.4), 0
    if s.chance(0.5):
        s.add("keeps", a=a, b=b, p=p)
        s.story.at[a] = s.story.at[b] = p
        s.feel(b, "happy", "kept", b=a)
        return
    q = s.spot(p)
    s.add("forgets", a=a, b=b, p=p, q=q)
    s.story.at[a], s.story.at[b] = q, p
    s.feel(b, s.one(["sad", "angry", "disappointed"]), "forgot", b=a)
    if s.chance(0.6):
        s.add("apologizes", a=a, b=b)
        s.add(s.one(["forgives", "forgives", "not_forgive"]), a=a, b=b)


def hide_and_seek(s: Scene) -> None:
    a = s.person()
    b = s.person(others=(a,))
    p = s.spot(s.story.at.get(a))
    s.add("counts", a=a, b=b)
    s.add("hides", a=a, p=p)
    tried: list[Spot | None] = [p]
    for _ in range(int(3 * s.random())):
        tried.append(s.spot(*tried))
        s.add("not_here", a=b, b=a, q=tried[-1])
    s.add("found_hiding", a=a, b=b, p=p)
    s.story.at[a] = s.story.at[b] = p
    if s.chance(0.6):
        s.feel(b, s.one(["happy", "proud"]), "met", b=a)


def trade(s: Scene) -> None:
    a = s.person()
    b = s.person(others=(a,))
    x, y = possession(s, a, CARRIED), possession(s, b, CARRIED)
    s.add("trade_offer", a=a, b=b, x=x, y=y)
    if s.chance(0.6):
        s.add("trade", a=a, b=b, x=x, y=y)
        s.story.owner[x], s.story.owner[y] = b, a
        takes_to(s, a, y)
        s.feel(a, s.one(["happy", "excited"]), "got", x=y)
    else:
        s.add("no_trade", a=a, b=b, x=x, y=y)
        s.feel(a, s.one(["disappointed", "sad"]), "no_trade", b=b)


def quarrel(s: Scene) -> None:
    a = s.person()
    b = s.person(others=(a,))
    x, p, c = s.thing(*CARRIED), s.spot(), s.anyone(a, b)
    s.add("comes_upon", a=a, x=x, p=p)
    s.story.at[a] = p
    s.add("quarrel", a=a, b=b, x=x)
    if s.chance(0.6):
        s.add("settles", a=a, b=b, c=c, x=x)
        s.story.owner[x] = a
        s.feel(b, s.one(["sad", "angry"]), "settled", b=a, x=x)
    else:
        s.add("turns", a=a, b=b, c=c, x=x)


def lesson(s: Scene) -> None:
    a = s.person()
    b = s.anyone(a)
    p = s.story.at.get(a) or s.spot()
    n = s.thing("animal", "pet", "flower", "food", "tool", "music", "garment", "other", "large", "tree", "toy")
    s.add("sees", a=a, b=b, n=n, p=p)
    if s.chance(0.4):
        s.add("guesses", a=a, b=b, n=n, g=s.kind(n.noun.kind))
    else:
        s.add("asks_kind", a=a, b=b, n=n)
        s.add("tells_kind", a=a, b=b, n=n)
    if s.chance(0.6):
        s.add("tells_truth", a=a, b=b, n=n, truth=s.one(n.noun.kind.truths))


def breaks(s: Scene) -> None:
    b = s.person()
    a = s.person(others=(b,))
    x = possession(s, b, ("toy", "music", "tool"))
    s.add("breaks", a=a, b=b, x=x)
    if s.chance(0.6):
        s.add("confesses", a=a, b=b, x=x)
    s.feel(b, s.one(["sad", "angry"]), "broken", x=x)
    s.story.owner[x] = None
    if s.chance(0.5):
        c, y = s.anyone(a, b), s.thing("tool")
        s.add("repairs", a=b, c=c, x=x, y=y)
        s.story.owner[x] = b
        s.feel(b, s.one(["happy", "relieved"]), "repaired", x=x)
    elif s.chance(0.7):
        s.add("apologizes", a=a, b=b)
        s.add(s.one(["forgives", "not_forgive"]), a=a, b=b)


def wrong_claim(s: Scene) -> None:
    b = s.person()
    if b not in s.story.at:
        arrives(s, b, s.words.times)
    p = s.story.at[b]
    a = s.person(others=(b,))
    c = s.anyone(a, b)
    q = s.spot(p)
    s.add("looks_for", a=a, b=b)
    s.add("asks_where", a=a, b=b, c=c)
    s.add("wrong_claim", a=a, b=b, c=c, q=q)
    if s.chance(0.5):
        s.add("not_here", a=a, b=b, q=q)
        s.story.at[a] = q
        if s.chance(0.4):
            s.feel(a, s.one(["lonely", "worried"]), "gone", b=b)
    if s.chance(0.7):
        s.add("contradicts", a=a, b=b, d=s.anyone(a, b, c), p=p, q=q)
    meets(s, a, b, p)
    if s.chance(0.5):
        s.feel(a, s.one(["happy", "relieved"]), "met", b=b)


def meanwhile(s: Scene) -> None:
    act = s.one(s.words.activities)
    while (deed := s.one(s.words.activities)).spot is act.spot:
        pass
    a = s.person()
    b = s.anyone(a)
    s.add("meanwhile", a=a, b=b, act=act, deed=deed, p=act.spot, q=deed.spot)
    s.story.at[a], s.story.at[b] = act.spot, deed.spot
    c = s.anyone(a, b)
    wanted = s.one([a, b])
    if s.chance(0.5):
        s.add("looks_for", a=c, b=wanted)
    goes_to(s, c, wanted)


def contest(s: Scene) -> None:
    a = s.person()
    b = s.person(others=(a,))
    game = s.one(s.words.games)
    first, second = (a, b) if s.chance(0.5) else (b, a)
    s.add("contest", a=first, b=second, game=game)
    s.add("wins", a=a, b=b, game=game)
    if s.chance(0.5):
        s.feel(a, s.one(["proud", "happy"]), "won")
    if s.chance(0.5):
        s.feel(b, s.one(["sad", "disappointed"]), "lost_game")
    if s.chance(0.4):
        s.add("congratulates", a=a, b=b)
    if s.chance(0.3):
        s.add("goodbye", a=b, b=a)


def ill(s: Scene) -> None:
    a = s.person()
    b, x = s.anyone(a), s.thing("food", "flower", "other")
    s.add("ill", a=a)
    s.story.at.pop(a, None)
    if s.chance(0.5):
        s.feel(a, s.one(["sad", "lonely"]), "ill")
    s.add("visits", a=a, b=b, x=x)
    s.story.owner[x] = a
    s.story.at.pop(b, None)
    s.add("thanks", a=b, b=a)
    s.feel(a, s.one(["happy", "grateful"]), "visited", b=b)
    if s.chance(0.6):
        s.add("better", a=a)
        s.hour = 0


def treasure(s: Scene) -> None:
    """Something is put away at the beginning and needed after something else has happened."""
    a = s.person()
    x, p = s.thing(*CARRIED), s.spot()
    s.add("stores", a=a, x=x, p=p)
    s.begins = True
    s.one([contest, lesson, meanwhile, hide_and_seek])(s)
    s.begins, s.hour = True, 0
    b = s.anyone(a)
    s.add("needs", a=a, b=b, x=x)
    s.add("remembers", a=a, b=b, x=x, p=p)
    s.add("fetches", a=a, x=x, p=p)
    gives(s, a, b, x)
    if s.chance(0.5):
        s.feel(b, s.one(["happy", "grateful"]), "got", x=x)


def storm(s: Scene) -> None:
    a = s.person()
    b = s.anyone(a)
    p = s.story.at.setdefault(a, s.spot())
    s.add("storm", a=a, p=p)
    s.feel(a, "afraid", "storm")
    if s.chance(0.5):
        goes_to(s, b, a)
    s.add("comforts", a=a, b=b)
    s.story.at[b] = p


def music(s: Scene) -> None:
    a = s.person()
    b, x = s.anyone(a), possession(s, a, ("music",))
    s.add("teaches", a=a, b=b, x=x)
    if s.chance(0.7):
        s.add("fails", a=a)
    s.add("succeeds", a=a)
    s.feel(a, s.one(["proud", "happy"]), "played", x=x)


def cooking(s: Scene) -> None:
    a = s.person()
    b, x = s.anyone(a), s.thing("food")
    s.add("cooks", a=a, b=b, x=x)
    gets(s, a, x)
    s.add("eats", a=a, b=b)
    s.story.owner[x] = None


PLOTS: list[Plot] = [
    gift, envy, lost, lost, errand, errand, promise, hide_and_seek, trade, quarrel, lesson, lesson, breaks, wrong_claim, wrong_claim,
    meanwhile, contest, ill, treasure, storm, music, cooking,
]  # fmt: skip
