import numpy as np

from gptlab.interpret.heads import KINDS, RANDOM_SEEDS, Baseline, HeadScores, baselines, head_scores, labels, repeated_tokens, scores_of
from gptlab.model.build import build_model

N = 6


def perfect(kind: str) -> np.ndarray:
    """The pattern of a head that does one thing only, (2 n, 2 n); where there is nothing to do it looks at itself."""
    pattern = np.eye(2 * N)
    for t in range(1, 2 * N):
        target = {"previous": t - 1, "first": 0, "duplicate": t - N if t >= N else t, "induction": t - N + 1 if t >= N else t}[kind]
        pattern[t] = np.eye(2 * N)[target]
    return pattern


def test_a_perfect_head_scores_one_and_the_others_little():
    found = scores_of(np.stack([perfect(kind) for kind in KINDS])[None], N)
    table = np.stack([getattr(found, kind)[0] for kind in KINDS])  # score by head
    assert np.allclose(np.diag(table), 1) and (table - np.diag(np.diag(table))).max() < 0.35
    assert np.allclose(found.entropy, 0, atol=1e-6)


def test_all_alike_has_the_highest_entropy():
    alike = np.tril(np.ones((2 * N, 2 * N))) / np.arange(1, 2 * N + 1)[:, None]
    assert np.allclose(scores_of(alike[None, None], N).entropy, 1)


def test_sequences_are_said_twice():
    ids = repeated_tokens(50, 8, 3, seed=1)
    assert ids.shape == (3, 16) and (ids[:, :8] == ids[:, 8:]).all() and (ids != repeated_tokens(50, 8, 3, seed=2)).any()


def test_no_random_head_gets_a_label(model):
    assert head_scores(model).induction.shape == (3, 2)
    assert labels(head_scores(build_model(model.config, seed=12_345).eval()), baselines(model)) == [["", ""]] * 3


def test_the_baseline_is_of_every_head_of_every_random_model(model):
    found = [head_scores(build_model(model.config, seed).eval()) for seed in RANDOM_SEEDS]
    for name, entry in baselines(model).items():
        values = np.concatenate([getattr(scores, name).flatten() for scores in found])
        assert values.shape == (18,) and np.allclose([entry.mean, entry.highest], [values.mean(), values.max()], atol=1e-6)


def test_a_label_needs_to_be_clearly_above_random():
    random = {kind: Baseline(0.1, 0.2) for kind in (*KINDS, "entropy")}
    zero = np.zeros((1, 2))
    scores = HeadScores(previous=np.array([[0.9, 0.45]]), first=zero, duplicate=zero, induction=np.array([[0.6, 0.3]]), entropy=zero)
    assert labels(scores, random) == [["previous", ""]]
