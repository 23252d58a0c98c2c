"""What vocabularies make of texts."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptlab.figures.style import GREY, new_figure, plain, series_colour, thinned
from gptlab.words import _


def cost_figure(vocabularies: Sequence[str], texts: Sequence[str], n_tokens: np.ndarray) -> go.Figure:
    """Tokens that each text costs in each vocabulary.

    Args:
        n_tokens: (texts, vocabularies).
    """
    figure = new_figure(
        x="", y=_("tokens"), height=340, barmode="group", bargap=0.3, hovermode="closest",
        yaxis=dict(range=[0, 1.15 * max(1, n_tokens.max())]),
    )  # fmt: skip
    for i, text in enumerate(texts):
        figure.add_bar(
            name=plain(text), x=[plain(v) for v in vocabularies], y=n_tokens[i], marker_color=series_colour(i),
            text=n_tokens[i], textposition="outside", textfont_size=14, cliponaxis=False, hovertemplate="%{x}: %{y}",
        )  # fmt: skip
    return figure


def pairs_figure(labels: Sequence[str], counts: Sequence[int], chosen: int | None) -> go.Figure:
    """The most frequent pairs of neighbours; the one that is merged stands out."""
    places = list(range(len(labels)))
    ticks = [f"<b>{plain(label)} ◀</b>" if i == chosen else plain(label) for i, label in enumerate(labels)]
    figure = new_figure(
        x=_("times side by side in the text"), y="", height=max(220, 90 + 30 * len(labels)), hovermode="closest", showlegend=False,
        yaxis=dict(tickvals=places, ticktext=ticks, autorange="reversed", showgrid=False),
    )  # fmt: skip
    figure.add_bar(
        y=places, x=list(counts), orientation="h", hovertemplate="%{x}<extra></extra>",
        marker_color=[series_colour(1) if i == chosen else series_colour(0) for i in places],
    )  # fmt: skip
    return figure


def compression_figure(n_merges: np.ndarray, bytes_per_token: np.ndarray, now: int) -> go.Figure:
    """Bytes a token over merges, both (n,), with the moment that is shown."""
    figure = new_figure(x=_("merges"), y=_("bytes per token"), height=260, showlegend=False)
    x, y = thinned(n_merges, bytes_per_token)
    figure.add_scatter(x=x, y=y, mode="lines", line=dict(color=series_colour(0), width=2.5), hovertemplate="%{y:.3f}")
    figure.add_scatter(
        x=[now], y=[bytes_per_token[now]], mode="markers", marker=dict(color=series_colour(1), size=11), hoverinfo="skip"
    )
    return figure


def rank_figure(counts: np.ndarray) -> go.Figure:
    """How often tokens or words occur, most frequent first, both axes logarithmic; a straight line would be Zipf's law.

    Args:
        counts: (V,), in any order; those that never occur are left out.
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    ranks = np.unique(np.geomspace(1, len(ordered), 200).astype(int))
    figure = new_figure(
        x=_("rank, the most frequent first"), y=_("times in the text"), height=340, showlegend=False, hovermode="closest",
        xaxis=dict(type="log", dtick=1), yaxis=dict(type="log", dtick=1),
    )  # fmt: skip
    figure.add_scatter(x=ranks, y=ordered[ranks - 1], mode="lines", line=dict(color=series_colour(0), width=2.5))
    return figure


def size_figure(vocab_size: np.ndarray, bytes_per_token: np.ndarray, n_embd: int) -> go.Figure:
    """Compression of held-out text against the parameters that the embedding takes, V times d.

    Args:
        vocab_size, bytes_per_token: (n,) each, ascending.
        n_embd: d.
    """
    figure = new_figure(
        x=_("embedding parameters, V × {n_embd}").format(n_embd=n_embd), y=_("bytes per token, held-out text"), height=340,
        showlegend=False, hovermode="closest",
        xaxis=dict(type="log", tickvals=vocab_size * n_embd, ticktext=[f"{v * n_embd / 1e6:.2g} M" for v in vocab_size]),
    )  # fmt: skip
    figure.add_scatter(
        x=vocab_size * n_embd, y=bytes_per_token, mode="lines+markers+text", line=dict(color=series_colour(0), width=2.5),
        marker=dict(size=8), text=[f"{v:,}" for v in vocab_size], textposition="top left", textfont=dict(size=14, color=GREY),
        hovertemplate="V = %{text}: %{y:.2f}<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    return figure
