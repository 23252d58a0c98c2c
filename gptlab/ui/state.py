"""The one owner of `st.session_state`: every key that is not a widget's own has an accessor here."""

from collections.abc import Callable

import streamlit as st

from gptlab.errors import LabError
from gptlab.paths import mistakes_told
from gptlab.words import LANGUAGES


def language() -> str:
    """Key of the chosen language: the switch's, before it is drawn the link's, without either the browser's."""
    chosen = st.session_state.get("lang") or st.query_params.get("lang")
    return chosen if chosen in LANGUAGES else browser_language()


def browser_language() -> str:
    return "ko" if (st.context.locale or "").startswith("ko") else "en"


def looked_at_run(key: str = "run") -> str | None:
    """Id of the run that the visitor looks at; before the first look, the one that the link asks for.

    Args:
        key: of the link; pages about other sorts of runs have their own.
    """
    return st.session_state.get(f"_{key}") or st.query_params.get(key)


def look_at_run(run_id: str, key: str = "run") -> None:
    """Remember what the selector holds, over pages."""
    st.session_state[f"_{key}"] = run_id


def choose_run(run_id: str | None, key: str = "run") -> None:
    """Make the selector show another run (None: the newest), from a callback.

    The selector starts afresh under a new key: a message of the browser that is under way still carries the old choice, and under the
    same key it would win.
    """
    st.session_state[f"_{key}"] = run_id
    st.session_state[f"_{key}_selectors"] = run_selectors(key) + 1


def run_selectors(key: str = "run") -> int:
    """How many times the selector has started afresh."""
    return st.session_state.get(f"_{key}_selectors", 0)


def keep_error(error: LabError) -> None:
    """Keep an error that happened in a callback for the page that follows it."""
    st.session_state["_error"] = error


def attempt(does: Callable[..., object], *args: object) -> None:
    """What a callback does, for it runs outside of `show.mistakes`: a mistake is kept for the page that follows."""
    with mistakes_told(keep_error):
        does(*args)


def take_error() -> LabError | None:
    return st.session_state.pop("_error", None)


def change(key: str, value: object) -> None:
    """Set a widget's value from a callback."""
    st.session_state[key] = value


def value(key: str, default: object) -> object:
    """A widget's value before it is drawn."""
    return st.session_state.get(key, default)


def seen_states() -> dict[str, str]:
    """Run id -> state at the last full run of the page; a fragment that sees another one asks for a full run."""
    return st.session_state.setdefault("_seen_states", {})
