"""Words on the screen: English in the code, other languages from a gettext catalogue read with Babel.

`_("text")` looks the text up in the language that the screen says is chosen. The screen says so through
`listen_to`, as a function that is asked at every look-up: Streamlit runs a fragment without running the page around it,
so a value that is set once would be missing there.
"""

from collections.abc import Callable
from functools import cache

from babel.messages.pofile import read_po

from gptlab.errors import LabError
from gptlab.paths import ASSETS

LANGUAGES = {"en": "English", "ko": "한국어"}

_chosen: Callable[[], str] = lambda: "en"  # noqa: E731


def listen_to(chosen: Callable[[], str]) -> None:
    """Ask `chosen` for the language from now on; it returns a key of `LANGUAGES`."""
    global _chosen
    _chosen = chosen


def _(text: str) -> str:
    """`text` in the chosen language; the English itself where the catalogue has nothing."""
    return catalogue(_chosen()).get(text) or text


def told(error: LabError) -> str:
    """What an error says, in the chosen language."""
    return _(error.message).format(**error.values)


@cache
def catalogue(language: str) -> dict[str, str]:
    """English text -> translation. Empty for English."""
    path = ASSETS / "locale" / language / "gptlab.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id and m.string and not m.fuzzy}
