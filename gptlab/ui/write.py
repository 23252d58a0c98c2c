"""What the Generate page is made of: prompt, stepping through tokens, streaming."""

from typing import Any

import pandas as pd
import streamlit as st

from gptlab.runs.store import Run
from gptlab.ui import cached, state
from gptlab.words import _

MOST_STEPPED = 400
"""Tokens that can be stepped through. Chosen here: they fill a screen."""


def prompt(run: Run) -> str:
    """The prompt; at first the beginning of the text that was kept for validation, and of a story where the village was read."""
    first = _("One morning, Emma was in the garden. Emma had") if run.is_shipped else cached.first_prompt(run.id)
    key = run.id if run.is_shipped else run.id[-4:]
    return st.text_area(
        _("Prompt"), value=first, height=80, key=f"prompt_{key}", bind="query-params", max_chars=20_000,
        help=_("A context holds {n} tokens; of a longer text the model sees the end.").format(n=f"{run.config().model.block_size:,}"),
    )  # fmt: skip


def stepper() -> int:
    """How many tokens are written: buttons for one more and one less, and a field."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        n_tokens = st.number_input(_("Tokens written"), 1, MOST_STEPPED, 12, key="n_tokens", bind="query-params", width=170)
        st.button(_("Back"), icon=":material/undo:", key="back", on_click=_move, args=(-1,), disabled=n_tokens <= 1)
        st.button(
            _("Next token"), icon=":material/arrow_forward:", key="next", type="primary", on_click=_move, args=(1,),
            disabled=n_tokens >= MOST_STEPPED,
        )  # fmt: skip
    return n_tokens


def _move(by: int) -> None:
    now = state.value("n_tokens", 12)
    assert isinstance(now, int)
    state.change("n_tokens", min(MOST_STEPPED, max(1, now + by)))


def stream(run: Run, step: int, prompt: str, sampling: dict[str, Any]) -> None:
    """Write a longer piece while one looks."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        n = st.number_input(_("Length"), 50, 2000, 300, 50, key="stream_tokens", help=_("In tokens."))
    with right:
        go = st.button(_("Stream it"), icon=":material/stream:", key="stream")
    if go:
        with st.container(height=320, border=True, autoscroll=True):
            st.write_stream(cached.pieces(run.id, step, prompt, n, **sampling))


def table(written: cached.Continuation) -> pd.DataFrame:
    """The candidates of every written token, one row each."""
    return pd.DataFrame(
        [
            {"position": i, "token": label, "probability": p, "drawn_from": a, "drawn": place == c.chosen}
            for i, c in enumerate(written.candidates)
            for place, (label, p, a) in enumerate(zip(c.labels, c.probabilities, c.adjusted, strict=True))
        ]
    )
