import numpy as np
import pytest

from gptlab.errors import DataError
from gptlab.evaluation import metrics
from gptlab.evaluation.metrics import judge_labels, judge_numbers, judge_texts, word_f1


def test_accuracy_and_its_interval():
    score = judge_labels("accuracy", [0] * 75 + [1] * 25, [0] * 100)
    assert score.value == 0.75 and score.n == 100
    half = 1.96 * np.sqrt(0.75 * 0.25 / 100)  # the normal interval
    assert abs(score.low - (0.75 - half)) < 0.02 and abs(score.high - (0.75 + half)) < 0.02


@pytest.mark.parametrize(("predicted", "expected"), [([0, 1, 0, 1], 1.0), ([1, 0, 1, 0], -1.0), ([0, 0, 0, 0], 0.0)])
def test_matthews_correlation(predicted, expected):
    score = judge_labels("mcc", predicted, [0, 1, 0, 1])
    assert score.value == expected and score.low <= score.value <= score.high


@pytest.mark.parametrize(
    ("written", "right", "expected"),
    [("in the garden", "in the garden", 1.0), ("the garden", "a garden", 1.0), ("Garden.", "garden", 1.0), ("", "garden", 0.0),
     ("river", "garden", 0.0), ("in the big garden", "in the garden", 0.8), ("정원", "정원", 1.0)],
)  # fmt: skip
def test_f1_counts_shared_words(written, right, expected):
    assert word_f1(written, right) == pytest.approx(expected)


def test_the_nearest_of_several_right_answers_counts():
    written, right = ["because he had the kite now", "red"], ["because he had got the kite", "blue"]
    assert judge_texts("f1", written, right).value < 0.5
    assert judge_texts("f1", written, right, also=[("because he had the kite now",), ()]).value == 0.5


@pytest.mark.parametrize("metric", ["f1", "rouge", "bleu", "chrf"])
def test_the_same_text_is_worth_one_and_another_little(metric):
    right = ["미나가 준에게 연을 주었다.", "Mina gave Jun the red kite."]
    same, other = judge_texts(metric, right, right), judge_texts(metric, ["비가 온다.", "It rains."], right)
    assert same.value == pytest.approx(1.0) and other.value < 0.1 and other.low <= other.value <= other.high


def scores(n: int) -> list:
    rng = np.random.default_rng(1)
    predicted, right, numbers = rng.integers(0, 2, n), rng.integers(0, 2, n), rng.normal(size=n)
    texts, others = (["".join(rng.choice(list("ab "), 8)) for _ in range(n)] for _ in range(2))
    by_labels = [judge_labels(metric, predicted, right) for metric in ("accuracy", "mcc")]
    return [*by_labels, judge_numbers(numbers, numbers + right), *(judge_texts(metric, texts, others) for metric in ("f1", "bleu"))]


@pytest.mark.parametrize("n", [30, 300])
def test_portions_change_no_interval(n, monkeypatch):
    at_once = scores(n)
    sizes = []
    plain = metrics._resampled

    def watched(*args):
        for draws in plain(*args):
            sizes.append(draws.size)
            yield draws

    monkeypatch.setattr(metrics, "_resampled", watched)
    monkeypatch.setattr(metrics, "PORTION", 1000)
    assert scores(n) == at_once and max(sizes) <= 1000
    draws = np.random.default_rng(0).integers(0, n, (1000, n))
    correct = np.random.default_rng(1).integers(0, 2, (2, n))  # as in `scores`
    spread = (correct[0] == correct[1])[draws].mean(axis=1)
    assert (at_once[0].low, at_once[0].high) == tuple(np.percentile(spread, [2.5, 97.5]))


def test_what_cannot_be_judged_says_so():
    with pytest.raises(DataError, match="no example"):
        judge_labels("accuracy", [], [])
    with pytest.raises(DataError, match="'f2'"):
        judge_texts("f2", ["a"], ["a"])
    with pytest.raises(DataError, match="'f1'"):
        judge_labels("f1", [0], [0])
