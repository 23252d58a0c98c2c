"""Answers by the model's own words: training begins where asking without training ends."""

import numpy as np
import pytest
import torch

from gptlab.errors import DataError
from gptlab.evaluation.scoring import zero_shot
from gptlab.evaluation.task import Example, Task
from gptlab.experiment import TransferConfig
from gptlab.transfer.classifier import with_special_tokens
from gptlab.transfer.finetune import predict
from gptlab.transfer.inputs import Packed, Prompted, reader
from gptlab.transfer.trial import Splits, classifier_for, trial, tuner_for

WORDS = TransferConfig(answer_by="words", n_epochs=6, batch_size=4, learning_rate=1e-2)

COLOURS = ("red", "happy")


def task_of(rule: str = "sum") -> Task:
    """What is right stands in the prompt; under the rule "after" what follows the answer is judged."""
    def example(i: int) -> Example:
        name, label = ("Mina", "Jun")[i // 2 % 2], i % 2
        prompt = f"{name} was {'happy' if label else 'red'} {i}."
        rest = f" kite {COLOURS[label]}." if rule == "after" else ""
        return Example((prompt,), prompt, tuple(f" {word}{rest}" for word in COLOURS), label)

    begins = {"train": 0, "validation": 50, "test": 80}
    splits = {split: tuple(example(i) for i in range(begin, begin + 24)) for split, begin in begins.items()}
    return Task("colours-en", "en", "classification", rule, "accuracy", COLOURS, "1", splits.__getitem__)


@pytest.mark.parametrize("rule", ["sum", "after"])
def test_before_training_it_answers_as_without_training(pretrained, tokenizer, rule):
    task = task_of(rule)
    splits = Splits.of(task, pretrained, tokenizer, WORDS)
    tuner = tuner_for(pretrained, task, splits, WORDS, "cpu", watched=False)
    says = tuner.predict(splits.test).probabilities
    asked = zero_shot(pretrained, tokenizer, task, task.examples("test"))
    assert tuple(says.argmax(1)) == asked.chosen and says.shape == (24, 2)
    pieces = Prompted(task, tokenizer, 64)(task.examples("test")[0])
    nats = []
    for row, n in zip(pieces.rows, pieces.judged, strict=True):
        chances = pretrained(torch.tensor([row]))[0].log_softmax(-1).detach()
        nats.append(sum(float(chances[t - 1, row[t]]) for t in range(len(row) - n, len(row))))
    assert np.allclose(says[0], torch.tensor(nats).softmax(0), atol=1e-5)


def test_it_learns(pretrained, tokenizer):
    *_steps, found = trial(pretrained, task_of(), Splits.of(task_of(), pretrained, tokenizer, WORDS), WORDS.with_(n_epochs=30), "cpu")
    assert found.train == 1.0 and found.validation > 0.75


def test_the_auxiliary_loss_reads_right_answers_only(pretrained, tokenizer):
    task = task_of()
    splits = Splits.of(task, pretrained, tokenizer, WORDS)
    classifier = tuner_for(pretrained, task, splits, WORDS, "cpu", watched=False).classifier.eval()
    batch = Packed.of(splits.train[:3])
    _logits, hidden = classifier(batch, auxiliary=True)
    nats = []
    for example in splits.train[:3]:
        ids = torch.tensor([example.rows[example.label]])
        chances = classifier.language_model(ids)[0].log_softmax(-1)
        nats += [-chances[t, ids[0, t + 1]] for t in range(ids.shape[1] - 1)]
    assert torch.allclose(classifier.auxiliary_loss(batch, hidden), torch.stack(nats).mean(), atol=1e-5)


def test_a_soft_prompt_can_learn_where_words_answer(pretrained, tokenizer):
    """Prompt tuning as it was published: nothing but the vectors changes."""
    config = WORDS.with_(updated="prompt", n_prompt=4)
    splits = Splits.of(task_of(), pretrained, tokenizer, config)
    tuner = tuner_for(pretrained, task_of(), splits, config, "cpu", watched=False)
    before = {name: tensor.clone() for name, tensor in tuner.classifier.state_dict().items()}
    for _event in tuner.events():
        pass
    assert {name for name, tensor in tuner.classifier.state_dict().items() if not torch.equal(tensor, before[name])} == {"soft_prompt"}


def test_what_cannot_answer_by_words_is_told(pretrained, tokenizer):
    with pytest.raises(DataError, match="has no words for its answers"):
        reader(task_of("threshold"), WORDS, tokenizer, pretrained.config.vocab_size, 64)
    with pytest.raises(DataError, match="no head to learn"):
        splits = Splits.of(task_of(), pretrained, tokenizer, WORDS)
        tuner_for(pretrained, task_of(), splits, WORDS.with_(updated="head"), "cpu", watched=False)


def test_a_prompt_that_is_too_long_loses_its_beginning(pretrained, tokenizer):
    long = Example(("x",), "Mina gave Jun the red kite. " * 30, (" red", " happy"), 0)
    found = Prompted(task_of(), tokenizer, 32)(long)
    assert [len(row) for row in found.rows] == [32, 32] and found.n_cut > 0
    classifier = classifier_for(with_special_tokens(pretrained, WORDS), task_of(), WORDS)
    assert predict(classifier, [found], "cpu").probabilities.shape == (1, 2)
