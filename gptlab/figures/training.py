"""Learning curves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gptlab.figures.style import dotted_levels, new_figure, series_colour, thinned
from gptlab.words import _


@dataclass(frozen=True)
class LossSeries:
    """One run's losses, in nats per token."""

    label: str
    step: np.ndarray
    """(n,) updates done"""
    batch_nats: np.ndarray
    """(n,) loss of each step's batch"""
    evaluation_step: np.ndarray
    """(m,)"""
    train_nats: np.ndarray
    """(m,) on fixed windows of the training split"""
    validation_nats: np.ndarray
    """(m,) on fixed windows of the validation split"""
    bits_per_byte: float
    """factor from nats per token"""


@dataclass(frozen=True)
class Expected:
    """What simple models reach on the same validation text, nats per token."""

    uniform_nats: float
    unigram_nats: float
    bigram_nats: float


def loss_figure(runs: list[LossSeries], expected: Expected | None, unit: str = "nats") -> go.Figure:
    """Training and validation loss over steps, with the losses that a guess and simple counts reach.

    One run shows its batches, its training and its validation loss; several runs show a colour each, validation only.

    Args:
        unit: "nats" a token, or "bits" a byte, in which different vocabularies may be compared.
    """
    y = _("loss (nats per token)") if unit == "nats" else _("loss (bits per byte)")
    lines = _expectations(expected, 1.0 if unit == "nats" or not runs else runs[0].bits_per_byte) if expected else {}
    figure = new_figure(x=_("steps"), y=y, **lines)
    for i, run in enumerate(runs):
        factor = 1.0 if unit == "nats" else run.bits_per_byte
        if len(runs) == 1:
            _line(figure, _("each batch"), run.step, factor * run.batch_nats, series_colour(0), width=1, opacity=0.35)
            _line(figure, _("training text"), run.evaluation_step, factor * run.train_nats, series_colour(0), markers=True)
            _line(figure, _("validation text"), run.evaluation_step, factor * run.validation_nats, series_colour(1), markers=True)
        else:
            _line(figure, run.label, run.evaluation_step, factor * run.validation_nats, series_colour(i), markers=True)
    if expected is not None and not runs:  # lines alone give plotly no range
        figure.update_yaxes(range=[0, 1.1 * expected.uniform_nats])
        figure.update_xaxes(showticklabels=False)
    return figure


def pace_figure(step: np.ndarray, learning_rate: np.ndarray, grad_norm: np.ndarray) -> tuple[go.Figure, go.Figure]:
    """Learning rate and gradient norm over steps, (n,) each, as two small figures."""
    rate = new_figure(x=_("steps"), y=_("learning rate"), height=220, showlegend=False)
    _line(rate, _("learning rate"), step, learning_rate, series_colour(2))
    norm = new_figure(x=_("steps"), y=_("gradient norm"), height=220, showlegend=False, yaxis=dict(type="log"))
    _line(norm, _("gradient norm"), step, grad_norm, series_colour(3), width=1)
    return rate, norm


def _line(
    figure: go.Figure,
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    colour: str,
    width: float = 2.5,
    opacity: float = 1.0,
    markers: bool = False,
) -> None:
    x, y = thinned(np.asarray(x), np.asarray(y))
    figure.add_scatter(
        name=name,
        x=x,
        y=y,
        mode="lines+markers" if markers else "lines",
        line=dict(color=colour, width=width),
        marker=dict(size=5),
        opacity=opacity,
        hovertemplate="%{y:.4g}",
    )


def _expectations(expected: Expected, factor: float) -> dict[str, Any]:
    """What simple models reach, as lines to compare with."""
    named = [
        (_("guessing: ln V"), factor * expected.uniform_nats),
        (_("counting tokens (unigram)"), factor * expected.unigram_nats),
        (_("counting pairs (bigram)"), factor * expected.bigram_nats),
    ]
    return dotted_levels(named)
