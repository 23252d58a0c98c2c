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
