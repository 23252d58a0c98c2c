"""What a page draws: figures with their downloads, errors, badges. Every function returns None."""

import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from gptlab.errors import LabError
from gptlab.paths import ASSETS, mistakes_told
from gptlab.ui import state
from gptlab.words import _, told


def figure(fig: go.Figure, *, key: str, table: Callable[[], pd.DataFrame] | None = None) -> None:
    """A figure; with a table also the button that saves it as CSV, PNG or SVG.

    Args:
        table: the numbers behind the figure; only called when they are downloaded.
    """
    chosen = str(state.value(f"{key}_format", "svg"))
    st.plotly_chart(
        fig,
        key=key,
        config={
            "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
            "toImageButtonOptions": {"format": chosen, "filename": f"gptlab-{key}", "scale": 2 if chosen == "png" else 1},
        },
    )
    if table is not None:
        with st.popover(_("Save"), icon=":material/download:", key=f"{key}_save"):
            csv(table, key=key)
            st.segmented_control(
                _("Picture: the camera above the figure saves"), ["svg", "png"], default="svg", format_func=str.upper,
                key=f"{key}_format", required=True,
            )  # fmt: skip


def error(problem: LabError) -> None:
    """A mistake that the person can mend, in the chosen language."""
    st.error(told(problem), icon=":material/error:")


@contextmanager
def mistakes() -> Iterator[None]:
    """A mistake that is not handled inside ends in a sentence, and so does a disk that cannot be written.

    Around every page, and around every part of one that is drawn anew by itself.
    """
    with mistakes_told(error):
        yield


def kept_error() -> None:
    """The error of the last callback, once."""
    if (problem := state.take_error()) is not None:
        error(problem)


def empty(text: str, page: str, label: str) -> None:
    """What a page says when there is nothing to show yet, with the way to get it."""
    st.info(text, icon=":material/info:")
    st.page_link(page_path(page), label=label, icon=":material/arrow_forward:")


def page_path(name: str) -> Path:
    """File of a page, as in "pretrain/train"."""
    return ASSETS.parent / "pages" / f"{name}.py"


def table(header: list[str], rows: Sequence[tuple[str, ...]], numbers_right: bool = True, wrap_first: bool = False) -> None:
    """A small table whose cells wrap, except for names in the first column. Numbers are set to the right, unless they
    are texts.
    """
    def sort(text: str) -> str:
        return "number" if numbers_right and text.lstrip("-")[:1].isdigit() else "words"

    def cell(text: str) -> str:
        return f'<td class="{sort(text)}">{html.escape(text)}</td>'

    first = rows[0] if rows else header
    head = "".join(f'<th class="{sort(below)}">{html.escape(text)}</th>' for text, below in zip(header, first, strict=True))
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    kind = "lab-table wrapped" if wrap_first else "lab-table"
    st.html(f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def badge(*lines: str) -> None:
    """Small lines in the frame."""
    st.html(f'<div class="lab-badge">{"<br>".join(html.escape(line) for line in lines)}</div>')


def numbers(values: list[tuple[str, str, str]]) -> None:
    """A row of numbers: name, value, unit."""
    cells = "".join(
        f'<div><div class="name">{html.escape(name)}</div><div class="value">{html.escape(value)}</div>'
        f'<div class="unit">{html.escape(unit)}</div></div>'
        for name, value, unit in values
    )
    st.html(f'<div class="lab-numbers">{cells}</div>')


def sequences(rows: Sequence[Sequence[tuple[str, str]]], read_as: str = "h") -> None:
    """Token sequences of one example, a row each: (sort, text) pieces in colours, and at the end what is read there."""
    def piece(sort: str, text: str) -> str:
        return f'<span class="{html.escape(sort)}">{html.escape(text)}</span>'

    read = f'<span class="read">→ {html.escape(read_as)}</span>'
    body = "".join(f'<div class="row">{"".join(piece(*p) for p in row)}{read}</div>' for row in rows)
    st.html(f'<div class="lab-sequences">{body}</div>')


def bars(values: Sequence[tuple[str, float]]) -> None:
    """Names with shares of 1 as small bars; below 0 there is a number and no bar."""
    rows = "".join(
        f'<div class="name">{html.escape(name)}</div><div class="track"><div style="width:{100 * max(0.0, value):.1f}%"></div></div>'
        f'<div class="value">{value:z.2f}</div>'
        for name, value in values
    )
    st.html(f'<div class="lab-bars">{rows}</div>')


def sample(when: str, text: str) -> None:
    """A piece of a model's writing with its moment."""
    st.html(f'<div class="lab-sample"><div class="when">{html.escape(when)}</div><div class="text">{html.escape(text)}</div></div>')


def prose(title: str, text: str) -> None:
    """A text to read, a paragraph a line."""
    paragraphs = "".join(f'<p class="text">{html.escape(line)}</p>' for line in text.split("\n"))
    st.html(f'<div class="lab-prose"><div class="when">{html.escape(title)}</div>{paragraphs}</div>')


def marked(pieces: Sequence[tuple[str, str]]) -> None:
    """A text to read in which pieces that something is told of are marked; it is shown where the mouse rests."""
    spans = "".join(
        f'<span class="slip" data-about="{html.escape(about)}">{html.escape(text)}</span>' if about else html.escape(text)
        for text, about in pieces
    )
    st.html(f'<div class="lab-prose lab-marked"><div class="text">{spans}</div></div>')


def tokens(prompt: list[str], written: list[str]) -> None:
    """Readable tokens one after the other: the prompt in grey, what was written in two shades, the last one framed."""
    spans = [f'<span class="prompt">{_visible(t)}</span>' for t in prompt]
    for i, label in enumerate(written):
        names = ("even", "odd")[i % 2] + (" last" if i == len(written) - 1 else "")
        spans.append(f'<span class="{names}">{_visible(label)}</span>')
    st.html(f'<div class="lab-tokens">{"<wbr>".join(spans)}</div>')


def lesson(notice: list[str], attempt: list[str]) -> None:
    """How every page ends."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("What to notice"))
        st.markdown("\n".join(f"- {line}" for line in notice))
    with right:
        st.subheader(_("Try this"))
        st.markdown("\n".join(f"- {line}" for line in attempt))


_coloured = st.components.v2.component("gptlab.coloured", js=(ASSETS / "coloured.js").read_text(encoding="utf-8"), isolate_styles=False)


def coloured(ids: Sequence[int], labels: Sequence[str], about: Callable[[int], str], *, key: str) -> None:
    """A text token by token, in turns of colours; `about` an id is shown where the mouse rests.

    Not `st.html`: 10,000 tokens take it half a second, and here the first screenful does not wait for the others.
    """
    known: dict[tuple[int, str], int] = {}  # the same id has several labels where characters are cut
    tokens = [known.setdefault(token, len(known)) for token in zip(ids, labels, strict=True)]
    _coloured(key=key, data={"labels": [label for _id, label in known], "about": [about(id) for id, _label in known], "tokens": tokens})


def shaded(labels: Sequence[str], values: Sequence[float], about: Sequence[str]) -> None:
    """A text token by token, the darker the higher its value; `about` is shown where the mouse rests."""
    top = max([*values, 1e-9])
    spans = "".join(
        f'<span style="background:rgba(213,94,0,{0.75 * value / top:.3f})" data-about="{html.escape(text)}">{_visible(label)}</span>'
        for label, value, text in zip(labels, values, about, strict=True)
    )
    st.html(f'<div class="lab-coloured lab-shaded">{spans}</div>')


def csv(table: Callable[[], pd.DataFrame], *, key: str) -> None:
    """The button that saves a table's numbers."""
    st.download_button(
        _("Numbers (CSV)"), data=lambda: table().to_csv(index=False).encode(), file_name=f"gptlab-{key}.csv", mime="text/csv",
        icon=":material/download:", on_click="ignore", key=f"{key}_csv",
    )  # fmt: skip


def _visible(label: str) -> str:
    """Markup-safe, with a real line break after the sign of one."""
    return html.escape(label).replace("⏎", "⏎<br>")
