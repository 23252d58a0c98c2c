"""What the learning curves show."""

import numpy as np
import pytest

from gptlab.figures.style import MOST_POINTS
from gptlab.figures.training import Expected, LossSeries, loss_figure, pace_figure

EXPECTED = Expected(4.0, 3.0, 2.5)


def series(label: str = "run", n: int = 100, bits_per_byte: float = 1.5) -> LossSeries:
    steps = np.arange(n)
    evaluated = np.arange(0, n, 10)
    return LossSeries(label, steps, 4.0 - steps / n, evaluated, 4.0 - evaluated / n, 4.1 - evaluated / n, bits_per_byte)


def test_one_run_shows_batches_training_and_validation():
    figure = loss_figure([series()], EXPECTED)
    assert [trace.name for trace in figure.data] == ["each batch", "training text", "validation text"]
    assert figure.data[2].y[0] == pytest.approx(4.1)
    assert figure.layout.yaxis.title.text == "loss (nats per token)"


def test_several_runs_show_their_validation_loss_and_label():
    figure = loss_figure([series("a"), series("b")], None)
    assert [trace.name for trace in figure.data] == ["a", "b"]
    assert figure.data[0].line.color != figure.data[1].line.color


def test_bits_per_byte_scale_each_run_by_its_own_factor():
    figure = loss_figure([series("a", bits_per_byte=2.0), series("b", bits_per_byte=0.5)], None, "bits")
    assert figure.data[0].y[0] == pytest.approx(8.2) and figure.data[1].y[0] == pytest.approx(2.05)
    assert figure.layout.yaxis.title.text == "loss (bits per byte)"


def test_expectations_are_lines_with_name_and_value():
    figure = loss_figure([series()], EXPECTED)
    assert [shape.y0 for shape in figure.layout.shapes] == [4.0, 3.0, 2.5]
    assert [note.text.rsplit(" ", 1)[1] for note in figure.layout.annotations] == ["4.00", "3.00", "2.50"]


def test_expectations_alone_are_in_range():
    figure = loss_figure([], EXPECTED)
    low, high = figure.layout.yaxis.range
    assert low < 2.5 and high > 4.0


def test_expectations_follow_the_unit():
    figure = loss_figure([series(bits_per_byte=2.0)], EXPECTED, "bits")
    assert figure.layout.shapes[0].y0 == pytest.approx(8.0)


@pytest.mark.parametrize("n", [5_000, 200_000])
def test_a_long_run_sends_few_points(n):
    assert all(len(trace.x) <= MOST_POINTS for trace in loss_figure([series(n=n)], EXPECTED).data)


def test_a_run_without_news_is_an_empty_figure():
    nothing = np.array([])
    figure = loss_figure([LossSeries("new", nothing, nothing, nothing, nothing, nothing, 1.0)], None)
    assert all(len(trace.x) == 0 for trace in figure.data)


def test_pace_shows_rate_and_norm():
    rate, norm = pace_figure(np.arange(3), np.array([0.1, 0.2, 0.1]), np.array([1.0, 2.0, 1.0]))
    assert list(rate.data[0].y) == [0.1, 0.2, 0.1] and list(norm.data[0].y) == [1.0, 2.0, 1.0]
    assert norm.layout.yaxis.type == "log"
