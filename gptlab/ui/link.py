"""A choice that is kept in the link by its own key.

Streamlit's `bind="query-params"` serves numbers and texts. For a choice it writes the label into the link, and a label changes with
the language and with what was measured here; a link must not.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from gptlab.ui import state
from gptlab.words import _

MOST_IN_LINK = 400
"""Characters of a text that a link carries. Chosen here: mail programs and chats break links of some thousand characters."""


def select(label: str, options: Sequence[str], default: str, name: Callable[[str], str], key: str, **more: Any) -> str:
    """A drop-down; `name` gives an option's label."""
    prepare(key, options, default)
    _refresh(key, name)
    return kept(key, st.selectbox(label, options, format_func=name, key=key, persist_state="session", **more), default)


def segments(label: str, options: Sequence[str], default: str, name: Callable[[str], str], key: str, **more: Any) -> str:
    """A row of buttons, one of them pressed."""
    prepare(key, options, default)
    control = st.segmented_control(label, options, format_func=name, key=key, persist_state="session", required=True, **more)
    return kept(key, control, default)


def several(
    label: str, options: Sequence[str], name: Callable[[str], str], key: str, default: Sequence[str] = (), **more: Any
) -> list[str]:
    """Any number of options; in the link they stand with commas between them."""
    held = state.value(key, None)
    asked = held if isinstance(held, list) else st.query_params.get(key, ",".join(default)).split(",")
    there = [option for option in asked if option in options]
    if there != held:
        state.change(key, there)
    more = {"placeholder": _("choose")} | more
    chosen = st.multiselect(label, options, format_func=name, key=key, persist_state="session", **more)
    kept(key, ",".join(chosen), ",".join(default))
    return chosen


def text(label: str, default: str, key: str, **more: Any) -> str:
    """A text field; a short text is kept in the link, a long one would make it unusable."""
    if state.value(key, None) is None:
        state.change(key, st.query_params.get(key, default))
    written = st.text_area(label, key=key, persist_state="session", **more)
    kept(key, written if len(written) <= MOST_IN_LINK else default, default)
    return written


def prepare(key: str, options: Sequence[str], default: str) -> None:
    """Before the widget is drawn: take over what the link asks for; fall back on the default when the option is gone.

    A widget that has its value is left alone: setting it anew would overwrite what the person clicks on at that moment.
    """
    if state.value(key, None) not in options:
        asked = st.query_params.get(key)
        state.change(key, asked if asked in options else default)


def _refresh(key: str, name: Callable[[str], str]) -> None:
    """Choose the chosen option once more when its label changed: the browser goes on showing the label that was clicked on."""
    chosen = str(state.value(key, ""))
    label = name(chosen)
    if state.value(f"{key}_label", label) != label:
        state.change(key, chosen)
    state.change(f"{key}_label", label)


def kept(key: str, chosen: str, default: str | None) -> str:
    """After the widget is drawn: write the choice into the link; the default keeps the link clean."""
    if chosen == default:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = chosen
    return chosen
