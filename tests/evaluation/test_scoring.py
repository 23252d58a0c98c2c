from copy import deepcopy

import numpy as np
import pytest
import torch

from gptlab.config import ModelConfig
from gptlab.errors import DataError
from gptlab.evaluation import scoring
from gptlab.evaluation.likelihood import likelihoods
from gptlab.evaluation.scoring import Piece, differ_until, judge, piece_of, zero_shot
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks import task_named
from gptlab.model.build import build_model
from gptlab.model.trace import Intervention


def plainly(model, ids: list[int], n: int) -> np.ndarray:
    """Log-probabilities of the last n tokens, one text at a time."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids]))[0]
    return logits.log_softmax(-1)[torch.arange(len(ids) - n - 1, len(ids) - 1), ids[-n:]].numpy()


def test_batches_change_nothing(model, monkeypatch):
    rng = np.random.default_rng(1)
    pieces = []
    for n in (5, 40, 7, 40, 90, 12):
        pieces.append(Piece(rng.integers(0, model.config.vocab_size, n).tolist(), int(rng.integers(1, n - 1))))
    monkeypatch.setattr(scoring, "BATCH_TOKENS", 100)  # several batches, padded ones among them
    for piece, judged in zip(pieces, judge(model, pieces), strict=True):
        assert np.allclose(judged.nats, plainly(model, piece.ids, piece.judged), atol=1e-5)
        assert judged.best.shape == (piece.judged,)


def test_a_long_prompt_loses_its_beginning(tokenizer):
    piece = piece_of(tokenizer, "garden " * 500, " Mina", block_size=64)
    whole = tokenizer.encode("\n\n" + "garden " * 500 + " Mina").tolist()
    assert len(piece.ids) == 64 and piece.ids[-piece.judged :] == tokenizer.encode(" Mina").tolist() and piece.ids == whole[-64:]


@pytest.mark.parametrize("answer", ["", " garden" * 100])
def test_an_answer_has_to_fit(tokenizer, answer):
    with pytest.raises(DataError, match="1 to 63"):
        piece_of(tokenizer, "Where?", answer, block_size=64)


@pytest.mark.parametrize(
    ("choices", "rest"),
    [([" Mina was sad.", " Jun was sad."], " was sad."), ([" 미나는 슬펐다.", " 준은 슬펐다."], " 슬펐다."), ([" a", " b"], "")],
)
def test_what_stands_behind_the_difference(choices, rest):
    assert choices[0][len(choices[0]) - differ_until(choices) :] == rest


def test_the_likelier_choice_is_taken(model, tokenizer):
    words = (" garden", " Mina", " was", " in")
    prompt = tokenizer.encode("\n\nMina").tolist()
    sums = [plainly(model, [*prompt, *tokenizer.encode(word).tolist()], len(tokenizer.encode(word))).sum() for word in words]
    task = Task("made", "en", "choice", "sum", "accuracy", (), "1", lambda split: ())
    example = Example(("Mina",), "Mina", words, int(np.argmax(sums)))
    found = zero_shot(model, tokenizer, task, [example])
    assert found.chosen == (int(np.argmax(sums)),) and found.score.value == 1.0


@pytest.mark.parametrize("name", ["choice-en", "pronoun-ko", "last-word-en", "acceptability-en", "reading-ko", "cloze-ko"])
def test_every_rule_gives_a_score(model, tokenizer, name):
    task = task_named(name)
    found = zero_shot(model, tokenizer, task, task.examples("validation")[:6])
    assert found.score.n == 6 and found.score.low <= found.score.value <= found.score.high
    assert all("\n" not in text for text in found.written)


@pytest.mark.parametrize("name", ["choice-en", "acceptability-en", "last-word-en", "reading-en"])
def test_prompts_that_lose_their_beginning_are_counted(tokenizer, name):
    task = task_named(name)
    examples = task.examples("test")[:10]
    lengths = sorted(len(tokenizer.encode(scoring.BEGIN + example.prompt)) for example in examples)
    assert scoring.n_cut(tokenizer, task, examples, 10_000) == 0
    assert scoring.n_cut(tokenizer, task, examples, lengths[-1] - 1) >= 1
    assert scoring.n_cut(tokenizer, task, examples, lengths[0] - 1) == 10
    assert zero_shot(short(tokenizer, lengths[0] - 1), tokenizer, task, examples).score.n == 10


def short(tokenizer, block_size):
    config = ModelConfig(vocab_size=tokenizer.vocab_size, block_size=block_size, n_layer=1, n_head=2, n_embd=16)
    return build_model(config, seed=1).eval().requires_grad_(False)


def test_a_sentence_longer_than_the_context_is_judged_by_its_end(tokenizer):
    task = task_named("acceptability-en")
    examples = task.examples("test")[:10]
    ids = [tokenizer.encode(example.prompt).tolist() for example in examples]
    n = min(map(len, ids))
    model = short(tokenizer, n)
    assert scoring.n_cut(tokenizer, task, examples, n) == 10
    means = np.array([plainly(model, row[-n:], n - 1).mean() for row in ids])
    assert zero_shot(model, tokenizer, task, examples).chosen == tuple((means < np.median(means)).astype(int))


def test_half_of_the_sentences_are_acceptable(model, tokenizer):
    task = task_named("acceptability-en")
    found = zero_shot(model, tokenizer, task, task.examples("validation")[:10])
    assert sum(found.chosen) == 5


def test_a_task_without_words_says_so(model, tokenizer):
    with pytest.raises(DataError, match="similarity-en"):
        zero_shot(model, tokenizer, task_named("similarity-en"), task_named("similarity-en").examples("validation")[:2])


@pytest.mark.parametrize("name", ["choice-en", "pronoun-ko", "acceptability-en"])
def test_parts_switched_off_are_parts_whose_output_has_no_weight(model, tokenizer, name):
    without = deepcopy(model)
    without.attentions[0].part.projection.weight[:, 16:] = 0.0  # what the second of two heads passes on
    without.mlps[1].part.projection.weight[:] = without.mlps[1].part.projection.bias[:] = 0.0
    task, off = task_named(name), Intervention(heads={(0, 1): 0.0}, mlps={1: 0.0})
    examples = task.examples("test")
    found = zero_shot(model, tokenizer, task, examples, off)
    assert found == zero_shot(without, tokenizer, task, examples) and found.chosen != zero_shot(model, tokenizer, task, examples).chosen
    pieces = [Piece(tokenizer.encode("Mina was in the garden.").tolist(), 5)]
    (whole,), (one,), (two,) = judge(model, pieces), judge(model, pieces, off), judge(without, pieces)
    assert np.allclose(one.nats, two.nats, atol=1e-5) and not np.allclose(one.nats, whole.nats, atol=1e-4)


def test_demonstrations_are_read_without_the_head_too(model):
    off = Intervention(heads={(0, 1): 0.0, (1, 0): 0.0})
    question, answers = [[7, 8]], [[[9, 10], [11]]]
    (at_once,) = likelihoods(model, [], [[3, 4, 5, 6, *question[0]]], answers, off)
    (in_parts,) = likelihoods(model, [3, 4, 5, 6], question, answers, off)
    for one, two in zip(at_once, in_parts, strict=True):
        assert np.allclose(one, two, atol=1e-5)
