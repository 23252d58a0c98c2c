"""The next token's distribution."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gptlab.figures.style import GREY, new_figure, plain, series_colour
from gptlab.words import _


@dataclass(frozen=True)
class Candidates:
    """The likeliest next tokens, likeliest first."""

    labels: list[str]
    """(n,) readable tokens"""
    probabilities: np.ndarray
    """(n,) what the model says"""
    adjusted: np.ndarray
    """(n,) what is drawn from; 0 where temperature, top-k or top-p cut it away"""
    chosen: int | None
    """Place of the drawn token in the list; None when it is not among them."""


def next_token_figure(candidates: Candidates) -> go.Figure:
    """Two bars a token: the model's probability in grey, and what is drawn from in colour; the drawn token stands out."""
    # the same label may occur twice (two byte tokens of one character): the place, not the label, is the position
    places = list(range(len(candidates.labels)))
    ticks = [f"<b>{plain(label)} ◀</b>" if i == candidates.chosen else plain(label) for i, label in enumerate(candidates.labels)]
    figure = new_figure(
        x=_("probability"), y="", height=70 + 30 * len(places), barmode="group", bargap=0.25, bargroupgap=0.05, hovermode="closest",
        xaxis=dict(range=[0, max(0.05, *candidates.probabilities, *candidates.adjusted) * 1.05], tickformat=".0%"),
        yaxis=dict(tickvals=places, ticktext=ticks, autorange="reversed", showgrid=False),
    )  # fmt: skip
    colours = [series_colour(1) if i == candidates.chosen else series_colour(0) for i in places]
    figure.add_bar(
        name=_("the model says"), y=places, x=candidates.probabilities, orientation="h", marker_color=GREY, opacity=0.45,
        customdata=candidates.labels, hovertemplate="%{customdata}: %{x:.4f}",
    )  # fmt: skip
    figure.add_bar(
        name=_("drawn from"), y=places, x=candidates.adjusted, orientation="h", marker_color=colours,
        customdata=candidates.labels, hovertemplate="%{customdata}: %{x:.4f}",
    )  # fmt: skip
    return figure
