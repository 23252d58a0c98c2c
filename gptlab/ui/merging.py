"""Merges as a film: one at a time, forwards, backwards, or by themselves. A part of its own, so that playing redraws nothing else."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.figures import tokenization as figures
from gptlab.tokenizer import BPETokenizer, readable
from gptlab.tokenizer.labels import shown_bytes
from gptlab.tokenizer.replay import Merge, MergeStep
from gptlab.ui import cached_tokens, link, show, state
from gptlab.words import _

MOST_CHARACTERS = 20_000
"""Longest text whose merges are replayed: about a second of counting. The rest is left out, and that is said."""

MOST_MERGES = 500

COLOURED_CHARACTERS = 1_500


def film() -> None:
    """A small text, its merges one at a time."""
    written = link.text(
        _("A small text"), _("low lower lowest, new newer newest, wide wider widest. The lower the newer, the wider the slower."),
        "merge_text", height=110,
    )  # fmt: skip
    if len(written) > MOST_CHARACTERS:
        st.info(_("The first {most} characters are used.").format(most=f"{MOST_CHARACTERS:,}"))
        written = written[:MOST_CHARACTERS]
    merges, steps, n_bytes = cached_tokens.merge_steps(written, MOST_MERGES)
    if not merges:
        st.info(_("No two neighbours occur twice in this text: there is nothing to merge. Give it a longer one."))
        return
    playing = bool(state.value("merge_playing", False))
    st.fragment(run_every=1 / float(str(state.value("merge_speed", "2"))) if playing else None)(_scene)(written, merges, steps, n_bytes)


def _scene(written: str, merges: list[Merge], steps: list[MergeStep], n_bytes: int) -> None:
    with show.mistakes():
        done = _controls(len(merges))
        left, right = st.columns([1, 1], gap="large")
        with left:
            _pairs(merges, steps, done)
        with right:
            _segmented(written, merges, steps, done, n_bytes)
        per_token = np.array([n_bytes / n for n in (n_bytes, *(step.n_tokens for step in steps))])
        table = pd.DataFrame({"merges": range(len(per_token)), "bytes_per_token": per_token})
        show.figure(figures.compression_figure(np.arange(len(per_token)), per_token, done), key="compression", table=lambda: table)


def _controls(n_merges: int) -> int:
    """Step, play and jump; returns the merges that are done."""
    if state.value("merge", None) is None:
        asked = st.query_params.get("merge", "")
        state.change("merge", int(asked) if asked.isdecimal() else 1)
    now = min(int(str(state.value("merge", 0))), n_merges)
    playing = bool(state.value("merge_playing", False))
    if playing:
        now = min(now + 1, n_merges)
        if now == n_merges:
            state.change("merge_playing", False)
            state.change("merge", now)
            st.rerun()
    state.change("merge", now)
    buttons, speed, place = st.columns([4, 2, 5], gap="medium", vertical_alignment="bottom")
    with buttons, st.container(horizontal=True):
        st.button(_("Undo"), icon=":material/skip_previous:", key="merge_back", on_click=_go, args=(max(0, now - 1),), disabled=now == 0)
        if st.button(
            _("Pause") if playing else _("Play"), icon=":material/pause:" if playing else ":material/play_arrow:", key="merge_play",
            type="primary", on_click=state.change, args=("merge_playing", not playing), disabled=now == n_merges,
        ):  # fmt: skip
            st.rerun()  # the clock of this part belongs to the page
        st.button(
            _("Merge"), icon=":material/skip_next:", key="merge_next", on_click=_go, args=(min(n_merges, now + 1),),
            disabled=now == n_merges,
        )  # fmt: skip
    with speed:
        link.segments(_("Merges per second"), ["1", "2", "5"], "2", str, "merge_speed")
    with place:
        done = st.slider(_("Merges done, of {n}").format(n=n_merges), 0, n_merges, key="merge", persist_state="session")
    link.kept("merge", str(done), "1")
    return done


def _go(where: int) -> None:
    state.change("merge", where)


def _pairs(merges: list[Merge], steps: list[MergeStep], done: int) -> None:
    """What there is to choose from for the next merge."""
    if done == len(merges):
        st.info(_("No pair occurs twice any more, or the {n} merges that are shown are done.").format(n=len(merges)))
        return
    step = steps[done]
    st.markdown(
        _("Merge {number}: **{left}** and **{right}** stand side by side {count} times.").format(
            number=step.number, left=_code(step.pair[0]), right=_code(step.pair[1]), count=f"{step.count:,}"
        )
    )
    pairs = [pair for pair, _count in step.candidates]
    labels = [f"{shown_bytes(left)} + {shown_bytes(right)}" for left, right in pairs]
    chosen = pairs.index(step.pair) if step.pair in pairs else None
    table = pd.DataFrame({"pair": labels, "count": [count for _pair, count in step.candidates]})
    show.figure(figures.pairs_figure(labels, [count for _pair, count in step.candidates], chosen), key="pairs", table=lambda: table)


def _segmented(written: str, merges: list[Merge], steps: list[MergeStep], done: int, n_bytes: int) -> None:
    """The text as it is cut now, and the vocabulary so far."""
    n_tokens = steps[done - 1].n_tokens if done else n_bytes
    st.markdown(
        _("{n} tokens for {bytes} bytes · vocabulary 256 + {done}").format(n=f"{n_tokens:,}", bytes=f"{n_bytes:,}", done=f"{done:,}")
    )
    tokenizer = BPETokenizer(merges[:done])
    ids = [int(id) for id in tokenizer.encode(written[:COLOURED_CHARACTERS])]
    show.coloured(ids, readable(tokenizer, ids), lambda id: f"id {id}\n{tokenizer.token_bytes(id).hex(' ')}", key="merged")
    if len(written) > COLOURED_CHARACTERS:
        st.caption(_("The beginning of the text: {n} characters.").format(n=f"{COLOURED_CHARACTERS:,}"))
    newest = [_code(left + right) for left, right in reversed(merges[max(0, done - 20) : done])]
    st.markdown(_("Newest tokens first: {tokens}").format(tokens="  ".join(newest) or "-"))


def _code(token: bytes) -> str:
    """A token as Markdown code."""
    return "`" + shown_bytes(token).replace("`", "ˋ") + "`"
