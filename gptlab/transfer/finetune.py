"""Fine-tuning: L3 = L2 + lambda L1 (equation 5). L2 is the loss of the task, L1 the language-modelling loss on the labelled text itself.

The loop yields what happens and knows nothing of who listens; whoever stops listening stops it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import TransferConfig
from gptlab.errors import DataError
from gptlab.evaluation.metrics import Score, judge_labels
from gptlab.transfer.classifier import Classifier
from gptlab.transfer.inputs import Encoded, Packed

BUCKET = 16
"""Batches whose examples are sorted by length together, so that little is padded and the order stays random."""

EVALUATION_TOKENS = 16_384
"""Tokens of one batch that is only read."""


@dataclass(frozen=True)
class Tuned:
    """One update. `learning_rate` is the one of this update."""

    step: int
    task_nats: float
    auxiliary_nats: float | None
    learning_rate: float


@dataclass(frozen=True)
class Predicted:
    """What the classifier says of some examples.

    Args:
        probabilities: (n, K).
        score: accuracy, or the task's metric.
    """

    probabilities: np.ndarray
    score: Score


def chosen_examples(examples: Sequence[Encoded], n: int | None, seed: int) -> list[Encoded]:
    """So many examples by chance, the same ones for the same seed; all when None.

    Raises:
        DataError: more than there are.
    """
    if n is None:
        return list(examples)
    if n > len(examples):
        raise DataError("There are {most} labelled examples; {given} were asked for.", most=len(examples), given=n)
    return [examples[i] for i in np.random.default_rng(seed).permutation(len(examples))[:n]]


def n_steps_of(n_examples: int, config: TransferConfig) -> int:
    return config.n_epochs * math.ceil(n_examples / config.batch_size)


def batches(examples: Sequence[Encoded], config: TransferConfig) -> Iterator[Packed]:
    """All epochs. Similar lengths stand together; which batch comes when, and which examples are near each other, is random."""
    size = config.batch_size
    for epoch in range(config.n_epochs):
        rng = np.random.default_rng([config.seed, epoch])
        order = rng.permutation(len(examples))
        groups: list[np.ndarray] = []
        for begin in range(0, len(order), size * BUCKET):
            bucket = sorted(order[begin : begin + size * BUCKET], key=lambda i: examples[i].length)
            groups += [np.array(bucket[i : i + size]) for i in range(0, len(bucket), size)]
        for i in rng.permutation(len(groups)):
            yield Packed.of([examples[j] for j in groups[i]])


def fine_tune(classifier: Classifier, examples: Sequence[Encoded], config: TransferConfig, device: str) -> Iterator[Tuned]:
    """Train on the examples; the classifier is in `eval()` afterwards.

    Raises:
        DataError: no examples.
    """
    if not examples:
        raise DataError("There is no labelled example to learn from.")
    classifier.to(device).train()
    choose_updated(classifier, config)
    parameters = [p for p in classifier.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [dict(params=[p for p in parameters if p.ndim > 1], weight_decay=config.weight_decay),
         dict(params=[p for p in parameters if p.ndim <= 1], weight_decay=0.0)],
        lr=config.learning_rate, fused=True,
    )  # fmt: skip
    n_steps = n_steps_of(len(examples), config)
    try:
        for step, batch in enumerate(batches(examples, config)):
            rate = config.learning_rate * _fraction(step, n_steps, config.warmup_fraction)
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(config.seed * 1_000_003 + step)
            task, auxiliary = losses(classifier, batch.to(device), config.auxiliary)
            loss = task if auxiliary is None else task + config.auxiliary * auxiliary
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            yield Tuned(step, task.item(), None if auxiliary is None else auxiliary.item(), rate)
    finally:
        classifier.eval()


def losses(classifier: Classifier, batch: Packed, auxiliary: float) -> tuple[Tensor, Tensor | None]:
    """L2 and L1, scalars; L1 only where it counts."""
    logits, hidden = classifier(batch)
    task = F.cross_entropy(logits.float(), batch.labels)
    return task, classifier.auxiliary_loss(batch, hidden) if auxiliary else None


def choose_updated(classifier: Classifier, config: TransferConfig) -> None:
    """Freeze what is not to learn.

    Raises:
        DataError: more blocks than there are.
    """
    model = classifier.language_model
    classifier.requires_grad_(True)
    if config.updated == "all":
        return
    model.requires_grad_(False)
    if config.updated == "top":
        n_layer = model.config.n_layer
        if config.n_updated > n_layer:
            raise DataError("The model has {most} blocks; {given} cannot learn.", most=n_layer, given=config.n_updated)
        last = {str(layer) for layer in range(n_layer - config.n_updated, n_layer)}
        for name, parameter in model.named_parameters():
            if name.startswith("final_norm") or name.split(".")[1] in last and name.startswith(("attentions", "mlps")):
                parameter.requires_grad_(True)


def _fraction(step: int, n_steps: int, warmup_fraction: float) -> float:
    """Up along a line, then down along a line to zero (GPT-1, section 4.1)."""
    warmup = warmup_fraction * n_steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return max(0.0, (n_steps - step) / max(1.0, n_steps - warmup))


@torch.inference_mode()
def predict(classifier: Classifier, examples: Sequence[Encoded], device: str, metric: str = "accuracy") -> Predicted:
    """Probabilities and score of examples; similar lengths share a batch."""
    classifier.to(device).eval()
    order = sorted(range(len(examples)), key=lambda i: examples[i].length)
    found: list[np.ndarray] = [np.empty(0)] * len(examples)
    begin = 0
    while begin < len(order):
        longest = examples[order[min(len(order), begin + 256) - 1]]
        rows = order[begin : begin + max(1, EVALUATION_TOKENS // (longest.length * len(longest.rows)))]
        logits, _hidden = classifier(Packed.of([examples[i] for i in rows]).to(device))
        for i, probabilities in zip(rows, logits.float().softmax(-1).cpu().numpy(), strict=True):
            found[i] = probabilities
        begin += len(rows)
    probabilities = np.stack(found)
    return Predicted(probabilities, judge_labels(metric, probabilities.argmax(1).tolist(), [example.label for example in examples]))
