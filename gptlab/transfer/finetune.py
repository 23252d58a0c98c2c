"""Fine-tuning: L3 = L2 + lambda L1 (equation 5). L2 is the loss of the task, L1 the language-modelling loss on the labelled text itself.

A `FineTuner` yields what happens and knows nothing of who listens; whoever stops listening stops it, and can go on later.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.errors import DataError
from gptlab.evaluation.metrics import Score, judge_labels, judge_numbers
from gptlab.experiment import TransferConfig
from gptlab.training.events import Judged, Tuned
from gptlab.training.loop import autocast
from gptlab.transfer.classifier import Classifier, is_taken, require_blocks
from gptlab.transfer.inputs import Encoded, Packed

BUCKET = 16
"""Batches whose examples are sorted by length together, so that little is padded and the order stays random."""

EVALUATION_TOKENS = 16_384
"""Tokens of one batch that is only read."""

SCORED_EXAMPLES = 256
"""Examples of each split by which a training is judged on its way. Chosen here: a quarter of the time at most, +- 6 points at most."""

N_LOOKS = 8
"""Evaluations on the way."""


@dataclass(frozen=True)
class Predicted:
    """What the classifier says of some examples.

    Args:
        probabilities: (n, K); for quantities the values themselves, (n, 1).
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


class FineTuner:
    """A classifier, its examples, and where its training stands.

    Args:
        examples: to learn from.
        validation: to be judged by on the way; empty to train without a look.
        metric: the task's.

    Raises:
        DataError: no examples, or more blocks to learn than there are.
    """

    def __init__(
        self, classifier: Classifier, examples: Sequence[Encoded], validation: Sequence[Encoded], config: TransferConfig, metric: str,
        device: str,
    ) -> None:  # fmt: skip
        if not examples:
            raise DataError("There is no labelled example to learn from.")
        self.classifier, self.examples, self.config, self.metric, self.device = classifier, examples, config, metric, device
        self.looked_at = (examples[:SCORED_EXAMPLES], validation[:SCORED_EXAMPLES])
        self.step, self.n_steps = 0, n_steps_of(len(examples), config)
        if metric == "pearson":
            values = torch.tensor([float(example.label) for example in examples])
            classifier.centre.fill_(values.mean())
            classifier.spread.fill_(values.std().clamp_min(1e-6))
        classifier.to(device)
        choose_updated(classifier, config)
        self.parameters = [p for p in classifier.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [dict(params=[p for p in self.parameters if p.ndim > 1], weight_decay=config.weight_decay),
             dict(params=[p for p in self.parameters if p.ndim <= 1], weight_decay=0.0)],
            lr=config.learning_rate, fused=True,
        )  # fmt: skip

    @property
    def auxiliary(self) -> float:
        """Lambda; without weights to learn in the language model its loss has nothing to move."""
        return self.config.auxiliary if self.config.updated in ("all", "top") else 0.0

    def events(self) -> Iterator[Tuned | Judged]:
        """Train to the last step; nothing happens behind it. Every event describes the weights after `event.step` updates."""
        if self.step == self.n_steps:
            return
        look_every = max(1, self.n_steps // N_LOOKS)
        self.classifier.train()
        try:
            for step, batch in enumerate(batches(self.examples, self.config)):
                if step < self.step:  # done before a pause
                    continue
                if self.looked_at[1] and step % look_every == 0:
                    yield self.judged()
                yield self.update(batch)
            if self.looked_at[1]:
                yield self.judged()
        finally:
            self.classifier.eval()

    def update(self, batch: Packed) -> Tuned:
        """One step; the event tells the losses before it."""
        rate = self.config.learning_rate * _fraction(self.step, self.n_steps, self.config.warmup_fraction)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        with autocast(self.device, self.config.precision):
            task, auxiliary = losses(self.classifier, batch.to(self.device), self.auxiliary)
            loss = task if auxiliary is None else task + self.auxiliary * auxiliary
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return Tuned(self.step - 1, task.item(), None if auxiliary is None else auxiliary.item(), rate)

    def judged(self) -> Judged:
        scores = [self.predict(part).score.value if part else None for part in self.looked_at]
        self.classifier.train()
        assert scores[0] is not None
        return Judged(self.step, scores[0], scores[1])

    def predict(self, examples: Sequence[Encoded]) -> Predicted:
        return predict(self.classifier, examples, self.device, self.metric, self.config.precision)

    def state(self) -> dict[str, Any]:
        """Position and optimizer; the weights are the classifier's own state."""
        return {"step": self.step, "tokens": 0, "optimizers": [self.optimizer.state_dict()]}

    def restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.optimizer.load_state_dict(state["optimizers"][0])


def losses(classifier: Classifier, batch: Packed, auxiliary: float) -> tuple[Tensor, Tensor | None]:
    """L2 and L1, scalars; L1 only where it counts. For quantities L2 is the squared error in units of their variance."""
    logits, hidden = classifier(batch, auxiliary=auxiliary > 0)
    if batch.labels.is_floating_point():
        task = F.mse_loss(logits[:, 0].float(), (batch.labels - classifier.centre) / classifier.spread)
    else:
        task = F.cross_entropy(logits.float(), batch.labels)
    return task, classifier.auxiliary_loss(batch, hidden) if auxiliary and hidden is not None else None


def choose_updated(classifier: Classifier, config: TransferConfig) -> None:
    """Freeze what is not to learn.

    Raises:
        DataError: more blocks than there are, or a head where words answer.
        ModelError: last blocks of a model that has none of its own.
    """
    if config.updated == "head" and classifier.head is None:
        raise DataError("Where words answer there is no head to learn. Choose what else learns, or let the head answer.")
    model = classifier.language_model
    classifier.requires_grad_(True)
    if config.updated == "all":
        if config.freeze_taken:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(not is_taken(name, model.config, config) or "token_embedding" in name)
        return
    model.requires_grad_(False)
    if config.updated == "top":
        require_blocks(model.config)
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
def predict(
    classifier: Classifier, examples: Sequence[Encoded], device: str, metric: str = "accuracy", precision: str = "fp32"
) -> Predicted:
    """Probabilities and score of examples; similar lengths share a batch."""
    classifier.to(device).eval()
    order = sorted(range(len(examples)), key=lambda i: examples[i].length)
    found: list[np.ndarray] = [np.empty(0)] * len(examples)
    begin = 0
    while begin < len(order):
        longest = examples[order[min(len(order), begin + 256) - 1]]
        rows = order[begin : begin + max(1, EVALUATION_TOKENS // (longest.length * len(longest.rows)))]
        with autocast(device, precision):
            logits, _hidden = classifier(Packed.of([examples[i] for i in rows]).to(device))
        says = logits.float() * classifier.spread + classifier.centre if metric == "pearson" else logits.float().softmax(-1)
        for i, row in zip(rows, says.cpu().numpy(), strict=True):
            found[i] = row
        begin += len(rows)
    values, right = np.stack(found), [example.label for example in examples]
    if metric == "pearson":
        return Predicted(values, judge_numbers(values[:, 0], np.asarray(right, dtype=float)))
    return Predicted(values, judge_labels(metric, values.argmax(1).tolist(), [int(label) for label in right]))
