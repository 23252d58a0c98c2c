import doctest

import pytest

from gptlab.training import schedule
from gptlab.training.schedule import learning_rate_fraction


def fractions(name, n_steps=100, warmup_steps=20):
    return [learning_rate_fraction(s, n_steps=n_steps, warmup_steps=warmup_steps, schedule=name) for s in range(n_steps)]


def test_worked_example_holds():
    assert doctest.testmod(schedule) == doctest.TestResults(failed=0, attempted=1)


@pytest.mark.parametrize("name", ["cosine", "linear", "constant"])
def test_warm_up_rises_evenly_from_the_first_update_to_the_highest_rate(name):
    assert fractions(name)[:20] == pytest.approx([(s + 1) / 20 for s in range(20)])
    assert fractions(name)[20] == 1.0


def test_cosine_falls_to_zero_by_the_papers_curve():
    values = fractions("cosine")
    assert values[60] == pytest.approx(0.5) and values[40] == pytest.approx(0.8535534) and values[80] == pytest.approx(0.1464466)
    assert 0 < values[99] < 0.001


def test_linear_falls_evenly_to_zero():
    values = fractions("linear")
    assert values[60] == pytest.approx(0.5) and values[99] == pytest.approx(1 / 80)


def test_constant_stays():
    assert set(fractions("constant")[20:]) == {1.0}


@pytest.mark.parametrize("name", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("n_steps, warmup_steps", [(1, 0), (1, 1), (2, 2), (5, 0)])
def test_no_update_is_wasted(name, n_steps, warmup_steps):
    assert all(0 < value <= 1 for value in fractions(name, n_steps, warmup_steps))


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_steps_after_the_end_have_no_rate(name):
    assert learning_rate_fraction(130, n_steps=100, warmup_steps=20, schedule=name) == pytest.approx(0.0)
