"""Scores without training: while a model learns to read, and with demonstrations before the question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gptlab.figures.style import GREY, Level, dotted_levels, new_figure, series_colour
from gptlab.words import _


@dataclass(frozen=True)
class ScoreSeries:
    """A score over something.

    Args:
        x: (n,) updates, or demonstrations.
        value, low, high: (n,) score and its 95 % interval.
        dashed: a second model.
        group: colour; series of one group share it.
    """

    label: str
    x: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dashed: bool = False
    group: int = 0


def through_time_figure(series: Sequence[ScoreSeries], normalised: bool) -> go.Figure:
    """Scores over the updates of pretraining, on a log axis; step 0 stands at its left end."""
    y = _("score: 0 guessing, 1 the ceiling") if normalised else _("score")
    figure = new_figure(x=_("updates of pretraining (log scale)"), y=y, height=480, xaxis=dict(type="log", dtick=1))
    for one in series:
        x = np.maximum(one.x, 1)
        figure.add_scatter(
            name=one.label, x=x, y=one.value, mode="lines+markers", marker_size=7,
            line=dict(color=series_colour(one.group), width=2.5, dash="dash" if one.dashed else "solid"),
            error_y=dict(type="data", symmetric=False, array=one.high - one.value, arrayminus=one.value - one.low, thickness=1, width=3),
            customdata=one.x, hovertemplate=_("step {step}: {score}").format(step="%{customdata:,}", score="%{y:.2f}"),
        )  # fmt: skip
    if normalised:
        figure.add_hline(y=0, line=dict(color=GREY, dash="dot", width=1.2))
    return figure


def shots_figure(series: Sequence[ScoreSeries], levels: Sequence[Level], metric: str) -> go.Figure:
    """Score over the number of demonstrations."""
    figure = new_figure(x=_("demonstrations in the prompt (k)"), y=metric, height=420, xaxis=dict(dtick=1), **dotted_levels(levels))
    for i, one in enumerate(series):
        figure.add_scatter(
            name=one.label, x=one.x, y=one.value, mode="lines+markers", marker_size=9, line=dict(color=series_colour(i), width=3),
            error_y=dict(type="data", symmetric=False, array=one.high - one.value, arrayminus=one.value - one.low, thickness=1.5, width=5),
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
    return figure


def labels_figure(series: Sequence[ScoreSeries], levels: Sequence[Level], metric: str) -> go.Figure:
    """Score over the number of labels, on a log axis, beside what needs none."""
    figure = new_figure(x=_("labelled examples (log scale)"), y=metric, height=420, xaxis=dict(type="log"), **dotted_levels(levels))
    counts = sorted({int(n) for one in series for n in one.x})
    figure.update_xaxes(tickvals=counts, ticktext=[f"{n:,}" for n in counts])
    for i, one in enumerate(series):
        figure.add_scatter(
            name=one.label, x=one.x, y=one.value, mode="lines+markers", marker_size=9, line=dict(color=series_colour(1 - i), width=3),
            error_y=dict(type="data", symmetric=False, array=np.nan_to_num(one.high - one.value),
                         arrayminus=np.nan_to_num(one.value - one.low), thickness=1.5, width=5),
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
    return figure


@dataclass(frozen=True)
class Way:
    """One way to get an answer, as a bar.

    Args:
        weights: what happened to the weights, in words.
        value, low, high: score and 95 % interval; the last two not a number where there is none.
    """

    name: str
    weights: str
    value: float
    low: float
    high: float
    learned: bool


def ways_figure(ways: Sequence[Way], metric: str) -> go.Figure:
    """Guessing, prompting and training, a bar each from the top down; beside its name whether weights were changed."""
    figure = new_figure(
        x=metric, y="", height=110 + 34 * len(ways), showlegend=False, hovermode="closest",
        xaxis=dict(range=[0, 1.08], showgrid=True), yaxis=dict(autorange="reversed"),
    )  # fmt: skip
    colours = [series_colour(1) if way.learned else GREY if way.weights == "" else series_colour(0) for way in ways]
    figure.add_bar(
        y=[f"{way.name} · <i>{way.weights}</i>" if way.weights else way.name for way in ways], x=[way.value for way in ways],
        orientation="h", marker_color=colours, text=[f"{way.value:.2f}" for way in ways], textposition="inside", insidetextanchor="start",
        textfont_size=14,
        error_x=dict(type="data", symmetric=False, array=[np.nan_to_num(way.high - way.value) for way in ways],
                     arrayminus=[np.nan_to_num(way.value - way.low) for way in ways], color=GREY, thickness=2, width=5),
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )  # fmt: skip
    return figure
