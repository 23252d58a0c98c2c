"""How answers are judged. Counting is left to scikit-learn, sacrebleu and rouge-score."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gptlab.errors import DataError


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval over the examples.

    Args:
        low, high: bootstrap over the examples, 2.5 and 97.5 percentiles.
        n: examples.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int


N_BOOTSTRAP = 1000

PORTION = 2**20
"""Examples drawn at once for the bootstrap: 8 MB of indices. All draws of a large table would fill the memory."""


def judge_labels(metric: str, predicted: Sequence[int], right: Sequence[int], seed: int = 0) -> Score:
    """Accuracy, or Matthews correlation ("mcc", for acceptability as in CoLA; Warstadt et al. 2018).

    Raises:
        DataError: another metric, or no examples.
    """
    predictions, truth = np.asarray(predicted), np.asarray(right)
    _require_examples(len(truth))
    if metric == "accuracy":
        return _bootstrap(metric, (predictions == truth).astype(float), seed)
    if metric != "mcc":
        raise DataError("Labels are judged by accuracy or mcc, not by {given!r}.", given=metric)
    from sklearn.metrics import matthews_corrcoef

    spread = [_correlation(truth[draw], predictions[draw]) for draws in _resampled(len(truth), seed) for draw in draws]
    low, high = np.percentile(spread, [2.5, 97.5])
    return Score(metric, float(matthews_corrcoef(truth, predictions)), float(low), float(high), len(truth))


def judge_numbers(predicted: np.ndarray, right: np.ndarray, seed: int = 0) -> Score:
    """Pearson correlation of predicted and true quantities, as GLUE reports for STS-B; (n,) each.

    Raises:
        DataError: no examples.
    """
    _require_examples(len(right))
    spread = [_correlation(predicted[draw], right[draw]) for draws in _resampled(len(right), seed) for draw in draws]
    low, high = np.percentile(spread, [2.5, 97.5])
    return Score("pearson", _correlation(predicted, right), float(low), float(high), len(right))


def spearman(predicted: np.ndarray, right: np.ndarray) -> float:
    """Correlation of the ranks, the other number that GLUE reports for STS-B; 0 where one side does not vary."""
    from scipy.stats import rankdata

    return _correlation(rankdata(predicted), rankdata(right))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, which for two classes is Matthews'; 0 where one of them does not vary."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0


def judge_texts(
    metric: str, written: Sequence[str], right: Sequence[str], seed: int = 0, also: Sequence[Sequence[str]] = ()
) -> Score:
    """Free answers: "f1" over words (as for CoQA and SQuAD), "rouge" (ROUGE-L, F measure), "bleu" (corpus BLEU), "chrf", from 0
    to 1 each.

    Args:
        also: under f1, other right answers of each example; the nearest counts.

    Raises:
        DataError: another metric, or no examples.
    """
    _require_examples(len(right))
    if metric in ("bleu", "chrf"):
        return _corpus_score(metric, written, right, seed)
    if metric == "f1":
        references = [(b, *more) for b, more in zip(right, also or [()] * len(right), strict=True)]
        return _bootstrap(metric, np.array([max(word_f1(a, b) for b in bs) for a, bs in zip(written, references, strict=True)]), seed)
    if metric != "rouge":
        raise DataError("Texts are judged by f1, rouge, bleu or chrf, not by {given!r}.", given=metric)
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_Words())
    values = [scorer.score(b, a)["rougeL"].fmeasure for a, b in zip(written, right, strict=True)]
    return _bootstrap(metric, np.array(values), seed)


def word_f1(written: str, right: str) -> float:
    """Overlap of words: harmonic mean of precision and recall (Rajpurkar et al. 2016), articles left out.

    >>> word_f1("in the big garden", "in the garden")
    0.8
    """
    a, b = words_of(written), words_of(right)
    shared = sum((Counter(a) & Counter(b)).values())
    if not a or not b or not shared:
        return float(a == b)
    precision, recall = shared / len(a), shared / len(b)
    return 2 * precision * recall / (precision + recall)


def words_of(text: str) -> list[str]:
    """Words in lower case without punctuation and English articles."""
    return [word for word in re.findall(r"\w+", text.lower()) if word not in ("a", "an", "the")]


class _Words:
    """Words for ROUGE in any language; its own tokenizer keeps a to z only."""

    def tokenize(self, text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())


def _corpus_score(metric: str, written: Sequence[str], right: Sequence[str], seed: int) -> Score:
    from sacrebleu.metrics import BLEU, CHRF

    scorer = BLEU(effective_order=True) if metric == "bleu" else CHRF()
    parts = [scorer.sentence_score(a, [b]) for a, b in zip(written, right, strict=True)]
    value = scorer.corpus_score(list(written), [list(right)]).score / 100
    each = np.array([part.score / 100 for part in parts])
    means = np.concatenate([each[draws].mean(axis=1) for draws in _resampled(len(each), seed, 100)])
    spread = means - each.mean()  # the corpus score moves as the mean of its sentences does
    low, high = np.percentile(spread, [2.5, 97.5])
    return Score(metric, value, max(0.0, value + low), min(1.0, value + high), len(right))


def _bootstrap(metric: str, each: np.ndarray, seed: int) -> Score:
    means = np.concatenate([each[draws].mean(axis=1) for draws in _resampled(len(each), seed)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Score(metric, float(each.mean()), float(low), float(high), len(each))


def _resampled(n: int, seed: int, n_draws: int = N_BOOTSTRAP) -> Iterator[np.ndarray]:
    """So many draws of n examples out of n, as indices (draws, n), a portion at a time; the same as if all were drawn at once."""
    rng = np.random.default_rng(seed)
    size = max(1, PORTION // n)
    for begin in range(0, n_draws, size):
        yield rng.integers(0, n, (min(size, n_draws - begin), n))


def _require_examples(n: int) -> None:
    if not n:
        raise DataError("There is no example to judge.")
