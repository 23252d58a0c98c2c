"""What the village is made of."""

from collections.abc import Sequence

import plotly.graph_objects as go

from gptlab.figures.style import new_figure, series_colour
from gptlab.words import _


def shares_figure(sorts: Sequence[str], shares: Sequence[float]) -> go.Figure:
    """How many of a hundred documents are of each sort."""
    figure = new_figure(
        x=_("documents of 100"), y="", height=80 + 34 * len(sorts), hovermode="closest", showlegend=False,
        xaxis=dict(range=[0, 1.15 * max(shares)]), yaxis=dict(autorange="reversed", showgrid=False),
    )  # fmt: skip
    figure.add_bar(
        y=list(sorts), x=list(shares), orientation="h", marker_color=series_colour(0), text=[f"{share:.1f}" for share in shares],
        textposition="outside", textfont_size=14, cliponaxis=False, hovertemplate="%{y}: %{x:.1f}<extra></extra>",
    )  # fmt: skip
    return figure
