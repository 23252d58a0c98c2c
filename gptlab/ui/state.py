"""The one owner of `st.session_state`: every key that is not a widget's own has an accessor here."""

import streamlit as st

from gptlab.errors import LabError
from gptlab.words import LANGUAGES


def language() -> str:
    """Key of the chosen language: the switch's, before it is drawn the link's, without either the browser's."""
    chosen = st.session_state.get("lang") or st.query_params.get("lang")
    return chosen if chosen in LANGUAGES else browser_language()


def browser_language() -> str:
    return "ko" if (st.context.locale or "").startswith("ko") else "en"


def asked_run() -> str | None:
    """Id of the run that the selector holds, or that the link asks for."""
    return st.session_state.get("run") or st.query_params.get("run")


def choose_run(run_id: str) -> None:
    """Make the run selectors and the link point at a run."""
    st.session_state["run"] = run_id


def keep_error(error: LabError) -> None:
    """Keep an error that happened in a callback for the page that follows it."""
    st.session_state["_error"] = error


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


def forget_run() -> None:
    """After a run was deleted: the newest one takes its place."""
    st.session_state.pop("run", None)
