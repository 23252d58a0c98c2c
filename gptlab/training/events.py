"""News from the loop, as values. `step` counts the updates that the weights have behind them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One batch went forward and backward."""

    step: int
    loss_nats: float
    """Mean over the batch, nats per token, before the update."""
    learning_rate: float
    """AdamW's rate for the update that follows."""
    grad_norm: float
    """Length of the whole gradient before clipping."""
    tokens: int
    """Tokens trained on so far, with this batch."""


@dataclass(frozen=True)
class Evaluation:
    """Both splits were read, dropout off."""

    step: int
    train_nats: float
    """Mean nats per token on fixed windows of the training split."""
    validation_nats: float
    """Mean nats per token on fixed windows of the validation split."""
    validation_error_nats: float | None = None
    """Standard error of that mean over its windows; None for a single window."""


PRETRAINED, SCRATCH = "pretrained", "scratch"
"""Which of two models an event of a fine-tuning is about: the one that starts from pretrained weights, or its twin from random ones."""


@dataclass(frozen=True)
class Tuned:
    """One update of a fine-tuning."""

    step: int
    task_nats: float
    """L2 before the update: nats an example; for quantities the squared error over their variance."""
    auxiliary_nats: float | None
    """L1 before the update: nats per token; None where it does not count."""
    learning_rate: float
    """Of this update."""
    arm: str = PRETRAINED


@dataclass(frozen=True)
class Judged:
    """A model that is being fine-tuned was scored by the task's metric."""

    step: int
    train: float
    """On some of the examples that it learns from."""
    validation: float | None
    """On some of the validation split; None if that is empty."""
    arm: str = PRETRAINED


@dataclass(frozen=True)
class Point:
    """One fine-tuning of a study, from beginning to end."""

    arm: int
    """Place of its settings in the study."""
    seed: int
    train: float
    validation: float
    test: float
    seconds: float


@dataclass(frozen=True)
class Induced:
    """A model that learns random tokens said twice was looked at."""

    step: int
    first_nats: float
    """Loss where tokens are said for the first time: nobody can do better than ln V."""
    second_nats: float
    """Loss where they are said again."""
    score: float
    """Highest induction score of its heads."""
