"""Fine-tuning while it happens, what it reaches, and how much of the pretrained model it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gptlab.figures.style import GREY, Level, dotted_levels, new_figure, plain, series_colour, thinned
from gptlab.words import _


@dataclass(frozen=True)
class TuningSeries:
    """One model's fine-tuning.

    Args:
        step, task_nats, auxiliary_nats: (n,) of each update; the last is empty where it does not count.
        judged_step, train, validation: (m,) scores on the way.
    """

    label: str
    step: np.ndarray
    task_nats: np.ndarray
    auxiliary_nats: np.ndarray
    judged_step: np.ndarray
    train: np.ndarray
    validation: np.ndarray


def scores_figure(series: Sequence[TuningSeries], levels: Sequence[Level], metric: str) -> go.Figure:
    """Scores over updates: a colour a model, validation drawn through, training dotted; grey lines do not read."""
    figure = new_figure(x=_("updates"), y=metric, height=400, **dotted_levels(levels))
    for i, one in enumerate(series):
        style = dict(mode="lines+markers", hovertemplate="%{y:.3f}", marker_size=6)
        figure.add_scatter(
            name=_("{model}, validation").format(model=one.label), x=one.judged_step, y=one.validation,
            line=dict(color=series_colour(i), width=3), **style,
        )  # fmt: skip
        figure.add_scatter(
            name=_("{model}, training").format(model=one.label), x=one.judged_step, y=one.train,
            line=dict(color=series_colour(i), width=1.5, dash="dot"), **style,
        )  # fmt: skip
    return figure


def losses_figure(series: Sequence[TuningSeries], auxiliary: bool) -> go.Figure:
    """L2, or L1, over updates."""
    y = _("L1: language model (nats per token)") if auxiliary else _("L2: task (nats per example)")
    figure = new_figure(x=_("updates"), y=y, height=300)
    for i, one in enumerate(series):
        values = one.auxiliary_nats if auxiliary else one.task_nats
        if len(values):
            x, smooth = thinned(one.step[: len(values)], _smooth(values))
            figure.add_scatter(
                name=one.label, x=x, y=smooth, mode="lines", line=dict(color=series_colour(i), width=2), hovertemplate="%{y:.3f}"
            )
    return figure


def confusion_figure(counts: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """What was said (x) where what is right (y), (K, K); shares of each row as shades, counts as numbers."""
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    names = [plain(label) for label in labels]
    few = len(labels) <= 20
    figure = new_figure(
        x=_("said"), y=_("right answer"), height=max(300, 120 + 34 * len(labels)) if few else 700, hovermode="closest",
        xaxis=dict(type="category", side="bottom"), yaxis=dict(type="category", autorange="reversed", showgrid=False),
    )  # fmt: skip
    figure.add_heatmap(
        x=names, y=names, z=shares, customdata=counts, colorscale="Blues", zmin=0, zmax=1, xgap=1, ygap=1,
        text=counts if few else None, texttemplate="%{text}" if few else None, textfont_size=14,
        hovertemplate="%{y} → %{x}: %{customdata}<extra></extra>",
        colorbar=dict(title=dict(text=_("share<br>of row"), font_size=14), thickness=12, tickfont_size=14),
    )  # fmt: skip
    return figure


def calibration_figure(sure: np.ndarray, right: np.ndarray, n_bins: int = 8) -> go.Figure:
    """How often answers are right that the model is so sure of; bins of equal numbers of examples, 95 % intervals.

    Args:
        sure: (n,) probability of the answer that was given.
        right: (n,) whether it is right.
    """
    figure = new_figure(
        x=_("how sure (probability of the answer given)"), y=_("share that is right"), height=340, hovermode="closest", showlegend=False,
        xaxis=dict(range=[0, 1.02]), yaxis=dict(range=[0, 1.05]),
    )  # fmt: skip
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=dict(color=GREY, dash="dot", width=1.2), hoverinfo="skip")
    parts = [part for part in np.array_split(np.argsort(sure, kind="stable"), n_bins) if len(part)]
    share = np.array([right[part].mean() for part in parts])
    half = np.array([1.96 * np.sqrt(max(1e-9, s * (1 - s)) / len(part)) for s, part in zip(share, parts, strict=True)])
    figure.add_scatter(
        x=[sure[part].mean() for part in parts], y=share, mode="markers+lines", error_y=dict(type="data", array=half),
        line=dict(color=series_colour(0), width=2), marker_size=8, customdata=[len(part) for part in parts],
        hovertemplate=_("sure {sure}, right {right}, {n} examples").format(sure="%{x:.2f}", right="%{y:.2f}", n="%{customdata}")
        + "<extra></extra>",
    )  # fmt: skip
    return figure


def quantities_figure(said: np.ndarray, right: np.ndarray) -> go.Figure:
    """Predicted against true quantities, (n,) each."""
    figure = new_figure(x=_("right answer"), y=_("said"), height=400, hovermode="closest", showlegend=False)
    low, high = float(min(right.min(), said.min())), float(max(right.max(), said.max()))
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", line=dict(color=GREY, dash="dot", width=1.2), hoverinfo="skip")
    figure.add_scatter(
        x=right, y=said, mode="markers", marker=dict(color=series_colour(0), size=6, opacity=0.5),
        hovertemplate="%{x:.2f} → %{y:.2f}<extra></extra>",
    )  # fmt: skip
    return figure


@dataclass(frozen=True)
class DepthSeries:
    """Scores by layers handed over.

    Args:
        n_layers: (d,) -1 nothing, 0 embeddings, ascending.
        test, low, high: (d,) mean over seeds and its 95 % interval, as far as the metric goes (not a number for one seed).
        train: (d,)
        n_seeds: (d,)
    """

    label: str
    n_layers: np.ndarray
    test: np.ndarray
    low: np.ndarray
    high: np.ndarray
    train: np.ndarray
    n_seeds: np.ndarray


def layers_figure(
    series: Sequence[DepthSeries], n_layer: int, levels: Sequence[Level], metric: str, paper: Sequence[tuple[str, float, float]] = ()
) -> go.Figure:
    """GPT-1's Figure 2 (left): score over layers transferred, from nothing over the embeddings to all.

    Args:
        paper: name, and the two ends (embeddings, all layers) of a curve of the paper, 0 to 1.
    """
    ticks = list(range(-1, n_layer + 1))
    names = [_("nothing"), _("embed-<br>dings"), *map(str, range(1, n_layer)), _("all {n}").format(n=n_layer)]
    figure = new_figure(
        x=_("layers transferred"), y=metric, height=460, xaxis=dict(tickvals=ticks, ticktext=names, range=[-1.4, n_layer + 0.4]),
        yaxis=dict(rangemode="tozero"), **dotted_levels(levels),
    )  # fmt: skip
    for i, one in enumerate(series):
        colour = series_colour(i)
        up, down = np.nan_to_num([one.high - one.test, one.test - one.low])
        bars = dict(type="data", symmetric=False, array=up, arrayminus=down, thickness=1.5, width=5)
        figure.add_scatter(
            name=_("{series}, test").format(series=one.label), x=one.n_layers, y=one.test, mode="lines+markers", marker_size=8,
            line=dict(color=colour, width=3), error_y=bars, customdata=one.n_seeds,
            hovertemplate=_("{score}, {n} seeds").format(score="%{y:.3f}", n="%{customdata}"),
        )  # fmt: skip
        figure.add_scatter(
            name=_("{series}, training").format(series=one.label), x=one.n_layers, y=one.train, mode="lines+markers", marker_size=5,
            line=dict(color=colour, width=1.3, dash="dot"), hovertemplate="%{y:.3f}",
        )  # fmt: skip
    for j, (name, first, last) in enumerate(paper):
        figure.add_scatter(
            name=name, x=[0, n_layer], y=[first, last], mode="markers", hovertemplate="%{y:.2f}",
            marker=dict(symbol=("diamond-open", "square-open")[j % 2], size=11, color=GREY, line_width=2),
        )  # fmt: skip
    return figure


def _smooth(values: np.ndarray, share: float = 0.03) -> np.ndarray:
    """Running mean over a few updates; the first ones over fewer."""
    width = max(1, int(share * len(values)))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(0, ends - width)
    return (sums[ends] - sums[begins]) / (ends - begins)
