"""The language switch of the frame."""

import streamlit as st

from gptlab.ui import state
from gptlab.words import LANGUAGES, listen_to


def install() -> None:
    """Let every `_()` ask the session of the visitor it speaks to."""
    listen_to(state.language)


def switch() -> None:
    """The languages by their own names; the choice is kept in the link."""
    st.segmented_control(
        "Language · 언어",
        list(LANGUAGES),
        default=state.language(),
        format_func=lambda key: LANGUAGES[key],
        key="lang",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
