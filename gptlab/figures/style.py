"""Colours, layout and thinning that all figures share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito 2008, without black and yellow: those vanish on a dark or a light page."""

GREY = "#8A9199"
"""For what is there to compare with: lines of expectation, what was cut away."""

MOST_POINTS = 600
"""Points a series may send to the browser."""


def series_colour(index: int) -> str:
    return SERIES[index % len(SERIES)]


def new_figure(*, x: str, y: str, height: int = 420, **layout: Any) -> go.Figure:
    """An empty figure with titled axes; the page's theme gives text and grid their colours.

    The whole layout is given at once: a live figure is built every second, and each later update costs plotly milliseconds.
    `uirevision` keeps a reader's zoom while the figure is redrawn.
    """
    axis = dict(title_font_size=15, tickfont_size=14)
    given = dict(
        height=height,
        margin=dict(l=8, r=8, t=28, b=8),
        hovermode="x unified",
        uirevision="keep",
        legend=dict(orientation="h", yanchor="bottom", y=1.0, xanchor="left", x=0, font_size=14),
        font_size=14,
        hoverlabel_font_size=14,
        xaxis=dict(title_text=x, showgrid=False) | axis | layout.pop("xaxis", {}),
        yaxis=dict(title_text=y) | axis | layout.pop("yaxis", {}),
    )
    return go.Figure(layout=given | layout)


Level = tuple[str, float]
"""Name and value of a line to compare with."""


def dotted_levels(levels: Sequence[Level]) -> dict[str, list]:
    """Dotted grey lines over the whole width, each with its name and value, as parts of a layout."""
    line = dict(type="line", xref="x domain", x0=0, x1=1, line=dict(color=GREY, width=1.2, dash="dot"))
    text = dict(xref="x domain", x=1, xanchor="right", yanchor="bottom", showarrow=False, font=dict(size=14, color=GREY))
    return {
        "shapes": [line | dict(y0=value, y1=value) for _name, value in levels],
        "annotations": [text | dict(y=value, text=f"{name}  {value:.2f}") for name, value in levels],
    }


def thinned(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` points that look the same: of each stretch its lowest and its highest value, in order.

    A mean would hide spikes, and a spike is what one looks for in a loss curve.

    Args:
        x, y: (n,) each, x ascending.

    Returns:
        The kept points, first and last among them.
    """
    n = len(x)
    if n <= most:
        return x, y
    edges = np.linspace(1, n - 1, most // 2).astype(int)
    kept = [0, n - 1]
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        stretch = y[begin:end]
        kept += [begin + int(stretch.argmin()), begin + int(stretch.argmax())]
    order = np.unique(kept)
    return x[order], y[order]


def plain(label: str) -> str:
    """A token is text, not markup."""
    return label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
