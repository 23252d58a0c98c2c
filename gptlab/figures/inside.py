"""What is inside a model: attention, heads, layers, embeddings."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gptlab.figures.style import GREY, new_figure, plain, series_colour
from gptlab.words import _

WEIGHTS = "Blues"
"""For masses from 0 on."""

DIFFERENCES = "RdBu_r"
"""Centred: red is more, blue is less."""

CELLS_WIDTH = 110
"""Latin letters that stand side by side across a figure as wide as the page."""

MOST_TICKS = 48
"""Tokens on an axis; more would stand on each other."""


def attention_figure(
    pattern: np.ndarray, tokens: Sequence[str], top: float, entropy: np.ndarray | None = None, difference: bool = False,
    narrow: bool = False,
) -> go.Figure:
    """One head's attention, (T, T): a row for every query, a column for every key; the entropy of each row beside it.

    Args:
        top: see `top_of`; patterns that are compared have one for all.
        entropy: (T,) bits; None without.
        difference: the values are differences of two patterns.
        narrow: there is no room for the keys' names; they are the queries' names, in the same order.
    """
    T = len(tokens)
    columns = 2 if entropy is not None else 1
    figure = make_subplots(1, columns, shared_yaxes=True, column_widths=[0.86, 0.14][:columns], horizontal_spacing=0.02)
    figure.add_trace(_matrix(pattern, tokens, top, difference, showscale=True), 1, 1)
    if entropy is not None:
        figure.add_trace(
            go.Bar(x=entropy, y=list(range(T)), orientation="h", marker_color=GREY, hovertemplate=_("{bits} bits").format(bits="%{x:.2f}")
                   + "<extra></extra>"), 1, 2,
        )  # fmt: skip
        figure.update_xaxes(title_text=_("entropy (bits)"), title_font_size=14, tickfont_size=14, row=1, col=2)
    ticks = _ticks(tokens)
    figure.update_xaxes(title_text=_("key: looked at"), tickangle=-60, showgrid=False, showticklabels=not narrow, **ticks, row=1, col=1)
    figure.update_yaxes(title_text=_("query: who looks"), autorange="reversed", showgrid=False, **ticks, row=1, col=1)
    figure.update_layout(
        height=int(np.clip(150 + 24 * T, 380, 760)), margin=dict(l=8, r=8, t=10, b=8), showlegend=False, font_size=14,
        hoverlabel_font_size=14, uirevision="keep", hovermode="closest",
    )  # fmt: skip
    return figure


def heads_figure(patterns: np.ndarray, tokens: Sequence[str], titles: Sequence[str], columns: int = 4) -> go.Figure:
    """Several patterns as small multiples, (N, T, T)."""
    rows, top = -(-len(patterns) // columns), top_of(patterns)
    figure = make_subplots(rows, columns, subplot_titles=list(titles), horizontal_spacing=0.03, vertical_spacing=0.5 / max(2, 2 * rows))
    for i, pattern in enumerate(patterns):
        figure.add_trace(_matrix(pattern, tokens, top, False, showscale=False), i // columns + 1, i % columns + 1)
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, autorange="reversed")
    figure.update_annotations(font_size=14)
    figure.update_layout(
        height=60 + 190 * rows, margin=dict(l=8, r=8, t=30, b=8), font_size=14, hoverlabel_font_size=14, hovermode="closest",
        uirevision="keep",
    )  # fmt: skip
    return figure


def film_figure(patterns: np.ndarray, tokens: Sequence[str], steps: Sequence[int]) -> go.Figure:
    """One head at several moments of the training, (S, T, T), with a slider; begins at the last one."""
    top = top_of(patterns)
    drawn = [_matrix(pattern, tokens, top, False, showscale=True) for pattern in patterns]
    frames = [go.Frame(data=[matrix], name=str(step)) for matrix, step in zip(drawn, steps, strict=True)]
    figure = go.Figure(data=[drawn[-1]], frames=frames)
    frame = dict(frame=dict(duration=600, redraw=True), mode="immediate", transition=dict(duration=0))
    sliders = [dict(
        active=len(steps) - 1, currentvalue=dict(prefix=_("step") + " ", font_size=15, xanchor="right"), pad=dict(t=100), font_size=14,
        steps=[dict(args=[[str(step)], frame], label=f"{step:,}", method="animate") for step in steps],
    )]  # fmt: skip
    buttons = [dict(
        type="buttons", showactive=False, x=0, y=1.0, xanchor="left", yanchor="bottom", direction="left", pad=dict(b=8),
        buttons=[dict(label=_("Play"), method="animate", args=[None, frame | dict(fromcurrent=False)])],
    )]  # fmt: skip
    ticks = _ticks(tokens)
    figure.update_xaxes(title_text=_("key: looked at"), tickangle=-60, showgrid=False, zeroline=False, **ticks)
    figure.update_yaxes(title_text=_("query: who looks"), autorange="reversed", showgrid=False, zeroline=False, **ticks)
    figure.update_layout(
        height=int(np.clip(340 + 24 * len(tokens), 560, 900)), sliders=sliders, updatemenus=buttons, margin=dict(l=8, r=8, t=50, b=8),
        font_size=14, hoverlabel_font_size=14, hovermode="closest",
    )  # fmt: skip
    return figure


def head_map_figure(
    values: np.ndarray, title: str, *, error: np.ndarray | None = None, names: Sequence[Sequence[str]] | None = None, centred: bool = False,
    digits: int = 2,
) -> go.Figure:
    """A value for every head, (L, H): layers from the bottom up, as a text is read through them.

    Args:
        error: (L, H) half of a 95 % interval, told at the mouse.
        names: a label in each cell where there is one.
        centred: negative values mean something; else the shades go from 0 to 1.
    """
    L, H = values.shape
    top = float(np.nanmax(np.abs(values))) or 1.0
    figure = new_figure(
        x=_("head"), y=_("layer"), height=120 + 46 * L, hovermode="closest",
        xaxis=dict(dtick=1, side="bottom"), yaxis=dict(dtick=1, showgrid=False),
    )  # fmt: skip
    shown = [[f"{values[i, j]:z.{digits}f}" + (f"<br>{names[i][j]}" if names and names[i][j] else "") for j in range(H)] for i in range(L)]
    around = error if error is not None else np.full_like(values, np.nan)
    figure.add_heatmap(
        z=values, text=shown, texttemplate="%{text}" if H <= 16 else None, textfont_size=14, customdata=around, xgap=2, ygap=2,
        colorscale=DIFFERENCES if centred else WEIGHTS, zmin=-top if centred else 0, zmax=top if centred else 1,
        colorbar=dict(title=dict(text=title, font_size=14), tickfont_size=14, thickness=12),
        hovertemplate=_("layer {layer}, head {head}: {value}").format(layer="%{y}", head="%{x}", value=f"%{{z:.{digits + 1}f}}")
        + (" ± %{customdata:.4f}" if error is not None else "") + "<extra></extra>",
    )  # fmt: skip
    return figure


def restored_figure(restored: np.ndarray, tokens: Sequence[str]) -> go.Figure:
    """Share of the clean answer that a patch brings back, (L, T)."""
    figure = new_figure(
        x=_("token of the corrupted prompt"), y=_("layer whose input is patched"), height=180 + 34 * len(restored), hovermode="closest",
        xaxis=dict(tickangle=-50, **_ticks(tokens)), yaxis=dict(dtick=1, showgrid=False),
    )  # fmt: skip
    figure.add_heatmap(
        z=restored, colorscale=DIFFERENCES, zmin=-1, zmax=1, xgap=1, ygap=1,
        colorbar=dict(title=dict(text=_("restored"), font_size=14), tickfont_size=14, thickness=12), customdata=[list(map(plain, tokens))] *
        len(restored), hovertemplate=_("layer {layer}, {token}: {value}").format(layer="%{y}", token="%{customdata}", value="%{z:.2f}")
        + "<extra></extra>",
    )  # fmt: skip
    return figure


def lens_figure(
    top_labels: Sequence[Sequence[Sequence[str]]], top: np.ndarray, tokens: Sequence[str], layer_names: Sequence[str]
) -> go.Figure:
    """What each layer would say next at every token.

    Args:
        top_labels: layer -> token -> the likeliest next tokens.
        top: (L + 1, T, k) their probabilities.
    """
    hover = [
        ["<br>".join(f"{plain(label)}  {p:.2f}" for label, p in zip(cell, ps, strict=True)) for cell, ps in zip(row, values, strict=True)]
        for row, values in zip(top_labels, top, strict=True)
    ]
    room = max(2, int(CELLS_WIDTH / max(1, len(tokens))))
    figure = new_figure(
        x=_("token that was read"), y="", height=110 + 40 * len(layer_names), hovermode="closest",
        xaxis=dict(side="top", tickangle=-40, **_ticks(tokens)),
        yaxis=dict(tickvals=list(range(len(layer_names))), ticktext=list(layer_names), showgrid=False),
    )  # fmt: skip
    figure.add_heatmap(
        z=top[..., 0], text=[[plain(short(cell[0], room)) for cell in row] for row in top_labels], texttemplate="%{text}", textfont_size=14,
        customdata=hover, colorscale=WEIGHTS, zmin=0, zmax=1, xgap=1, ygap=1, hovertemplate="%{customdata}<extra></extra>",
        colorbar=dict(title=dict(text=_("probability"), font_size=14), tickfont_size=14, thickness=12),
    )  # fmt: skip
    return figure


def short(label: str, room: int) -> str:
    """As much of a label as has room; a Korean letter is as wide as two Latin ones."""
    kept, used = "", 0
    for letter in label:
        used += 2 if ord(letter) > 0x1100 and letter not in "␣⏎" else 1
        if used > room:
            return kept[:-1] + "…" if len(kept) > 2 else kept
        kept += letter
    return kept


def rank_figure(ranks: np.ndarray, layer_names: Sequence[str]) -> go.Figure:
    """Rank of the true next token through the layers, (L + 1, T): every token a thin line, the median thick."""
    figure = new_figure(
        x="", y=_("rank of the true next token"), height=360, showlegend=False, hovermode="closest",
        xaxis=dict(tickvals=list(range(len(layer_names))), ticktext=list(layer_names)), yaxis=dict(type="log", dtick=1),
    )  # fmt: skip
    x, n = list(range(len(ranks))), ranks.shape[1]
    apart = np.vstack([ranks, np.full(n, np.nan)])  # one trace for all tokens: a gap after each line
    figure.add_scatter(
        x=[*x, None] * n, y=apart.T.flatten(), mode="lines", line=dict(color=GREY, width=1), opacity=0.35, hoverinfo="skip"
    )
    figure.add_scatter(
        x=x, y=np.median(ranks, axis=1), mode="lines+markers", line=dict(color=series_colour(1), width=3),
        hovertemplate=_("median {rank}").format(rank="%{y:.0f}") + "<extra></extra>",
    )  # fmt: skip
    return figure


def plane_figure(
    points: np.ndarray, labels: Sequence[str], groups: Sequence[str], shares: tuple[float, float], chosen: int | None = None
) -> go.Figure:
    """Embeddings in two dimensions, (n, 2), a colour for each group."""
    axis = _("direction {n} ({share} % of the variance)")
    figure = new_figure(
        x=axis.format(n=1, share=f"{100 * shares[0]:.0f}"), y=axis.format(n=2, share=f"{100 * shares[1]:.0f}"), height=560,
        hovermode="closest",
    )  # fmt: skip
    named = list(dict.fromkeys(groups))
    symbols = ("circle", "square", "diamond", "cross", "triangle-up")
    for i, group in enumerate(named):
        rows = [j for j, name in enumerate(groups) if name == group]
        figure.add_scatter(
            name=plain(group), x=points[rows, 0], y=points[rows, 1], mode="markers", text=[plain(labels[j]) for j in rows],
            marker=dict(color=series_colour(i), size=8, symbol=symbols[i // 6 % len(symbols)], opacity=0.85),
            hovertemplate="%{text}<extra>" + plain(group) + "</extra>",
        )  # fmt: skip
    if chosen is not None:
        figure.add_scatter(
            x=[points[chosen, 0]], y=[points[chosen, 1]], mode="markers", showlegend=False, hoverinfo="skip",
            marker=dict(size=18, symbol="circle-open", color=series_colour(1), line_width=3),
        )  # fmt: skip
    return figure


def places_figure(cosine: np.ndarray, places: Sequence[int]) -> go.Figure:
    """How alike the embeddings of places are, (n, n), for some places of the context."""
    figure = new_figure(x=_("place in the context"), y=_("place in the context"), height=560, hovermode="closest")
    figure.add_heatmap(
        z=cosine, x=list(places), y=list(places), colorscale=DIFFERENCES, zmin=-1, zmax=1,
        colorbar=dict(title=dict(text=_("cosine"), font_size=14), tickfont_size=14, thickness=12),
        hovertemplate=_("places {a} and {b}: {cosine}").format(a="%{x}", b="%{y}", cosine="%{z:.2f}") + "<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def induction_figure(step: np.ndarray, first: np.ndarray, second: np.ndarray, score: np.ndarray) -> go.Figure:
    """Losses of the first and of the repeated half, and the highest induction score, over steps; (n,) each."""
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    for name, values, colour in ((_("first time said"), first, GREY), (_("said again"), second, series_colour(0))):
        figure.add_scatter(name=name, x=step, y=values, mode="lines", line=dict(color=colour, width=3), hovertemplate="%{y:.2f}")
    figure.add_scatter(
        name=_("highest induction score"), x=step, y=score, mode="lines", line=dict(color=series_colour(1), width=3, dash="dot"),
        hovertemplate="%{y:.2f}", secondary_y=True,
    )  # fmt: skip
    figure.update_xaxes(title_text=_("steps"), showgrid=False, tickfont_size=14, title_font_size=15)
    figure.update_yaxes(title_text=_("loss (nats per token)"), rangemode="tozero", tickfont_size=14, title_font_size=15, secondary_y=False)
    figure.update_yaxes(
        title_text=_("induction score"), range=[0, 1.05], dtick=0.2, tickmode="linear", showgrid=False, tickfont_size=14,
        title_font_size=15, secondary_y=True,
    )
    figure.update_layout(
        height=440, margin=dict(l=8, r=8, t=28, b=8), hovermode="x unified", uirevision="keep", font_size=14, hoverlabel_font_size=14,
        legend=dict(orientation="h", yanchor="bottom", y=1.0, xanchor="left", x=0, font_size=14),
    )  # fmt: skip
    return figure


def top_of(patterns: np.ndarray) -> float:
    """The weight that the darkest shade stands for in these patterns, (..., T, T). The first token can only look at itself: its 1 would
    pale the others, and does not count.
    """
    later = patterns[..., 1:, :] if patterns.shape[-1] > 1 else patterns
    return max(0.1, float(np.abs(later).max()))


def _matrix(pattern: np.ndarray, tokens: Sequence[str], top: float, difference: bool, showscale: bool) -> go.Heatmap:
    """A pattern with what the mouse tells; what lies above the diagonal cannot be looked at and stays empty."""
    T = len(tokens)
    shown = np.where(np.tril(np.ones((T, T), dtype=bool)), pattern, np.nan).round(4)
    names = [plain(token) for token in tokens]
    return go.Heatmap(
        z=shown, x=list(range(T)), y=list(range(T)), customdata=[[f"{q} → {k}" for k in names] for q in names],
        hovertemplate="%{customdata}: %{z:.3f}<extra></extra>", hoverongaps=False, showscale=showscale, xgap=0.5, ygap=0.5,
        colorscale=DIFFERENCES if difference else WEIGHTS, zmin=-top if difference else 0, zmax=top,
        colorbar=dict(title=dict(text=_("weight"), font_size=14), tickfont_size=14, thickness=12),
    )  # fmt: skip


def _ticks(tokens: Sequence[str]) -> dict:
    """Tokens as ticks; every second, third ... one where there are many."""
    every = -(-len(tokens) // MOST_TICKS)
    places = list(range(0, len(tokens), every))
    return dict(tickvals=places, ticktext=[plain(tokens[i]) for i in places], tickfont_size=14)
