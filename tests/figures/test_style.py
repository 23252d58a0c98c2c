"""Thinning keeps what one looks for."""

import numpy as np
import pytest

from gptlab.figures.style import MOST_POINTS, new_figure, series_colour, thinned


@pytest.mark.parametrize("n", [0, 1, 2, MOST_POINTS, MOST_POINTS + 1, 5_000, 123_457])
def test_thinned_sends_at_most_the_limit_and_keeps_the_ends(n):
    x = np.arange(n)
    kept_x, kept_y = thinned(x, np.sin(x))
    assert len(kept_x) == len(kept_y) <= MOST_POINTS
    assert len(kept_x) == min(n, len(kept_x))
    if n:
        assert kept_x[0] == 0 and kept_x[-1] == n - 1
    assert (np.diff(kept_x) > 0).all()


def test_thinned_keeps_a_single_spike_and_a_single_dip():
    y = np.ones(20_000)
    y[7_777], y[13_331] = 50.0, -50.0
    kept_x, kept_y = thinned(np.arange(20_000), y)
    assert {7_777, 13_331} <= set(kept_x.tolist())
    assert kept_y.max() == 50.0 and kept_y.min() == -50.0


def test_thinned_leaves_short_series_alone():
    x, y = np.arange(10), np.arange(10.0)
    assert thinned(x, y)[1] is y


def test_axes_are_titled_and_text_is_readable():
    figure = new_figure(x="steps", y="loss (nats per token)")
    assert figure.layout.xaxis.title.text == "steps" and figure.layout.yaxis.title.text == "loss (nats per token)"
    assert min(figure.layout.font.size, figure.layout.xaxis.tickfont.size, figure.layout.legend.font.size) >= 14


def test_neighbouring_series_differ_in_colour():
    assert len({series_colour(i) for i in range(6)}) == 6
    assert series_colour(6) == series_colour(0)
