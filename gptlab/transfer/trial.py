"""One fine-tuning from beginning to end, with nobody watching: a point of a study."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from gptlab.evaluation.task import Task
from gptlab.experiment import TransferConfig
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.tokenizer import Tokenizer
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import FineTuner, chosen_examples
from gptlab.transfer.inputs import Encoded, reader

TRAIN_SCORED = 256
"""Training examples that are scored at the end. Chosen here: enough to see what was learned by heart."""


@dataclass(frozen=True)
class Trial:
    """What a fine-tuned model reaches.

    Args:
        train, validation, test: scores at the end; the test split is read once, for the figure.
        seconds: that it took.
    """

    train: float
    validation: float
    test: float
    seconds: float


@dataclass(frozen=True)
class Splits:
    """A task's examples as a model reads them."""

    train: tuple[Encoded, ...]
    validation: tuple[Encoded, ...]
    test: tuple[Encoded, ...]

    @classmethod
    def of(cls, task: Task, model: GPT | LSTM, tokenizer: Tokenizer, config: TransferConfig) -> "Splits":
        """
        Raises:
            DataError: as `reader`, and texts that do not fit the task's form.
        """
        encode = reader(task, config, tokenizer, model.config.vocab_size, model.config.block_size)
        return cls(*(tuple(map(encode, task.examples(split))) for split in ("train", "validation", "test")))

    @property
    def n_cut(self) -> int:
        """Test examples that were longer than the context."""
        return sum(example.n_cut > 0 for example in self.test)


def tuner_for(
    pretrained: GPT | LSTM, task: Task, splits: Splits, config: TransferConfig, device: str, *, watched: bool
) -> FineTuner:
    """Everything set up as the settings say, before the first step."""
    torch.manual_seed(config.seed)
    model = with_special_tokens(pretrained, config)
    classifier = classifier_for(model, task, config)
    examples = chosen_examples(splits.train, config.n_labels, config.seed)
    return FineTuner(classifier, examples, splits.validation if watched else (), config, task.metric, device)


def classifier_for(model: GPT | LSTM, task: Task, config: TransferConfig) -> Classifier:
    """A model with three tokens more, with what a task needs on top."""
    form = "words" if config.answer_by == "words" else task.form
    n_classes = 1 if task.is_regression else len(task.labels)
    return Classifier(model, form, n_classes, config.dropout, config.n_prompt if config.updated == "prompt" else 0)


def trial(pretrained: GPT | LSTM, task: Task, splits: Splits, config: TransferConfig, device: str) -> Iterator[Trial | None]:
    """Fine-tune once and score: None after every update, so that whoever drives it can look about, and what was reached at last."""
    begin = time.monotonic()
    tuner = tuner_for(pretrained, task, splits, config, device, watched=False)
    for _event in tuner.events():
        yield None
    scored: tuple[Sequence[Encoded], ...] = (tuner.examples[:TRAIN_SCORED], splits.validation, splits.test)
    train, validation, test = (tuner.predict(part).score.value for part in scored)
    yield Trial(train, validation, test, time.monotonic() - begin)
