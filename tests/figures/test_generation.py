"""What the bars of the next token show."""

import numpy as np

from gptlab.figures.generation import Candidates, next_token_figure

CANDIDATES = Candidates(["␣the", "<b>", "a"], np.array([0.5, 0.3, 0.1]), np.array([0.625, 0.375, 0.0]), chosen=1)


def test_both_distributions_are_drawn():
    said, drawn = next_token_figure(CANDIDATES).data
    assert list(said.x) == [0.5, 0.3, 0.1] and list(drawn.x) == [0.625, 0.375, 0.0]


def test_the_drawn_token_stands_out():
    figure = next_token_figure(CANDIDATES)
    colours = figure.data[1].marker.color
    assert colours[1] != colours[0] == colours[2]
    assert "◀" in figure.layout.yaxis.ticktext[1] and "◀" not in figure.layout.yaxis.ticktext[0]


def test_a_token_is_never_markup():
    assert "&lt;b&gt;" in next_token_figure(CANDIDATES).layout.yaxis.ticktext[1]


def test_a_drawn_token_outside_of_the_list_is_allowed():
    figure = next_token_figure(Candidates(["a"], np.array([0.2]), np.array([0.2]), chosen=None))
    assert "◀" not in figure.layout.yaxis.ticktext[0]
