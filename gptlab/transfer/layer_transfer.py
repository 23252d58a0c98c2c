"""GPT-1's Figure 2 (left): how much of the pretrained model has to be handed over. For each number of layers, from nothing over the
embeddings to all, a model starts from so much of the pretrained weights, is fine-tuned as a whole, and is tested.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from gptlab.config import TransferConfig
from gptlab.evaluation.task import Task
from gptlab.model.gpt import GPT
from gptlab.tokenizer import Tokenizer
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import chosen_examples, fine_tune, predict
from gptlab.transfer.inputs import Encoded, Transformation


@dataclass(frozen=True)
class Point:
    """One fine-tuned model of the grid.

    Args:
        n_layers: handed over; -1 nothing, 0 the embeddings.
        train, validation, test: scores at the end; the test split is read once, for the figure.
    """

    n_layers: int
    seed: int
    train: float
    validation: float
    test: float


@dataclass(frozen=True)
class Splits:
    """A task's examples as a model reads them."""

    train: tuple[Encoded, ...]
    validation: tuple[Encoded, ...]
    test: tuple[Encoded, ...]

    @classmethod
    def of(cls, task: Task, model: GPT, tokenizer: Tokenizer) -> "Splits":
        encode = Transformation(task.form, tokenizer, model.config.vocab_size, model.config.block_size)
        return cls(*(tuple(map(encode, task.examples(split))) for split in ("train", "validation", "test")))


TRAIN_SCORED = 512
"""Training examples that are scored at the end. Chosen here: enough to see what was learned by heart."""


def depths(n_layer: int) -> list[int]:
    """All numbers of layers that can be handed over, the most telling first: none, all, the embeddings, then halves between."""
    found = [-1, n_layer, 0]
    gaps = [(0, n_layer)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if middle not in found:
            found.append(middle)
            gaps += [(low, middle), (middle, high)]
    return found


def grid(
    pretrained: GPT, splits: Splits, task: Task, config: TransferConfig, n_layers: Sequence[int], seeds: Sequence[int], device: str
) -> Iterator[Point]:
    """One point after the other; the same seed has the same examples at every depth."""
    for seed in seeds:
        for n in n_layers:
            yield point(pretrained, splits, task, config.with_(n_layers_taken=n, seed=seed), device)


def point(pretrained: GPT, splits: Splits, task: Task, config: TransferConfig, device: str) -> Point:
    """Fine-tune once and score."""
    assert config.n_layers_taken is not None
    torch.manual_seed(config.seed)
    model = with_special_tokens(pretrained, config.n_layers_taken, config.seed)
    classifier = Classifier(model, task.form, len(task.labels), config.dropout)
    examples = chosen_examples(splits.train, config.n_labels, config.seed)
    for _event in fine_tune(classifier, examples, config, device):
        pass
    scored = (examples[:TRAIN_SCORED], splits.validation, splits.test)
    values = [predict(classifier, list(split), device, task.metric).score.value for split in scored]
    return Point(config.n_layers_taken, config.seed, *values)
