import numpy as np
import pytest

from gptlab.figures.inside import attention_figure, film_figure, heads_figure, rank_figure, top_of


@pytest.mark.parametrize("narrow", [False, True])
def test_a_narrow_matrix_names_the_queries_alone(narrow):
    layout = attention_figure(np.eye(3), ["a", "b", "c"], 1.0, narrow=narrow).layout
    assert layout.xaxis.showticklabels is not narrow and layout.yaxis.showticklabels is not False


def test_one_shade_is_one_weight_in_all_patterns_that_are_compared():
    """The only choice of the first token pales nothing."""
    patterns = np.array([[[1.0, 0, 0], [0.6, 0.4, 0], [0.3, 0.3, 0.4]], [[1.0, 0, 0], [0.2, 0.8, 0], [0.4, 0.3, 0.3]]])
    tokens = ["a", "b", "c"]
    assert top_of(patterns) == 0.8 and top_of(patterns[0]) == 0.6 and top_of(patterns[:, :1, :1]) == 1
    assert [matrix.zmax for matrix in heads_figure(patterns, tokens, ["0", "1"]).data] == [0.8, 0.8]
    assert [frame.data[0].zmax for frame in film_figure(patterns, tokens, [0, 10]).frames] == [0.8, 0.8]
    assert attention_figure(patterns[0], tokens, 0.8).data[0].zmax == 0.8


def test_every_token_has_its_line():
    ranks = np.arange(1, 301).reshape(3, 100)
    lines, median = rank_figure(ranks, ["embedding", "after 1", "output"]).data
    assert np.array_equal(np.reshape(lines.y, (100, 4))[:, :3], ranks.T) and np.isnan(np.reshape(lines.y, (100, 4))[:, 3]).all()
    assert list(lines.x) == [0, 1, 2, None] * 100 and not lines.connectgaps
    assert list(median.y) == [50.5, 150.5, 250.5]
