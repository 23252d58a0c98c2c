import numpy as np

from gptlab.figures.tokenization import compression_figure, cost_figure, pairs_figure, rank_figure, size_figure


def test_costs_stand_side_by_side_and_are_written_out():
    figure = cost_figure(["GPT-2", "<b>"], ["one", "둘"], np.array([[3, 5], [9, 2]]))
    assert [trace.name for trace in figure.data] == ["one", "둘"]
    assert list(figure.data[1].y) == [9, 2] and list(figure.data[0].text) == [3, 5]
    assert list(figure.data[0].x) == ["GPT-2", "&lt;b&gt;"] and figure.layout.yaxis.range[1] > 9


def test_the_merged_pair_stands_out():
    figure = pairs_figure(["a + b", "<i> + c"], [4, 2], chosen=1)
    colours = figure.data[0].marker.color
    assert colours[0] != colours[1] and "◀" in figure.layout.yaxis.ticktext[1] and "&lt;i&gt;" in figure.layout.yaxis.ticktext[1]
    assert "◀" not in "".join(pairs_figure(["a"], [1], chosen=None).layout.yaxis.ticktext)


def test_the_moment_lies_on_the_curve():
    line, now = compression_figure(np.arange(4), np.array([1.0, 1.5, 1.8, 2.0]), now=2).data
    assert (now.x[0], now.y[0]) == (2, 1.8) and list(line.y) == [1.0, 1.5, 1.8, 2.0]


def test_ranks_are_ordered_and_leave_out_what_never_occurs():
    figure = rank_figure(np.array([0, 5, 1, 9, 0]))
    assert list(figure.data[0].x) == [1, 2, 3] and list(figure.data[0].y) == [9, 5, 1]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")


def test_size_is_paid_in_parameters():
    figure = size_figure(np.array([257, 514]), np.array([1.0, 1.9]), n_embd=768)
    assert list(figure.data[0].x) == [257 * 768, 514 * 768] and list(figure.data[0].text) == ["257", "514"]
    assert "768" in figure.layout.xaxis.title.text
