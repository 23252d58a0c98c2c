"""The language switch of the frame."""

from gptlab.ui import link, state
from gptlab.words import LANGUAGES, listen_to


def install() -> None:
    """Let every `_()` ask the session of the visitor it speaks to."""
    listen_to(state.language)


def switch() -> None:
    """The languages by their own names; the choice is kept in the link."""
    link.segments("Language · 언어", list(LANGUAGES), state.browser_language(), LANGUAGES.__getitem__, "lang", label_visibility="collapsed")
