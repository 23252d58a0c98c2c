"""The training loop. It yields what happens and knows nothing of who listens.

    trainer = Trainer(model, loss, batches, evaluate, config, device)
    for event in trainer.events():
        ...                                # stop by leaving the loop; `trainer.step` says where it stands
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import TrainingConfig
from gptlab.errors import TrainingError
from gptlab.training.events import Evaluation, Step
from gptlab.training.optimizer import Muon, build_optimizers
from gptlab.training.schedule import learning_rate_fraction

MOST_STEP_EVENTS = 4000
"""A longer training reports every second, third ... step. Chosen here: several points a pixel, and a metrics file under a megabyte."""


def reported_every(n_steps: int) -> int:
    """Steps from one report to the next."""
    return max(1, n_steps // MOST_STEP_EVENTS)


class BatchSource(Protocol):
    """Batches as a pure function of the step, so that a resumed training sees the very same data."""

    def batch(self, step: int) -> Tensor: ...


class Trainer:
    """Model, optimizers and position of one training.

    Args:
        model: any module.
        loss: model and batch -> mean loss, a scalar with gradient.
        batches: this process's rows of the batch of a step.
        evaluate: -> mean nats per token on the training split, on the validation split, and the latter's standard error.
        config: how to learn.
        device: where.
        average: reduces a number over processes; None for a single process.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, Tensor], Tensor],
        batches: BatchSource,
        evaluate: Callable[[], tuple[float, float, float | None]],
        config: TrainingConfig,
        device: str,
        average: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.model, self.loss, self.batches, self.evaluate = model, loss, batches, evaluate
        self.config, self.device, self.average = config, device, average
        self.optimizers = build_optimizers(model, config)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.step = 0
        self.tokens = 0

    def events(self) -> Iterator[Step | Evaluation]:
        """Train to the last step. Every event describes the weights after `event.step` updates.

        A step's event comes before its update: the first one arrives after a single forward and backward pass.

        Raises:
            TrainingError: the loss or the gradient is not a number any more.
        """
        config = self.config
        report_every = reported_every(config.n_steps)
        while self.step < config.n_steps:
            loss, grad_norm, n_tokens = self.forward_backward()
            fraction = self.set_learning_rates()
            if self.step % report_every == 0:
                event = Step(self.step, self._mean(loss), config.learning_rate * fraction, float(grad_norm), self.tokens + n_tokens)
                if not math.isfinite(event.loss_nats) or not math.isfinite(event.grad_norm):
                    raise diverged(self.step, self.rates())
                yield event
            if self.step % config.evaluate_every == 0:
                yield self.evaluation()
            self.update()
            self.tokens += n_tokens
        yield self.evaluation()

    def evaluation(self) -> Evaluation:
        """Both splits at this step.

        Raises:
            TrainingError: a loss is not a number: the weights broke between two reported steps, and nothing of them may be kept.
        """
        event = Evaluation(self.step, *self.evaluate())
        if not math.isfinite(event.train_nats + event.validation_nats):
            raise diverged(self.step, self.rates())
        return event

    def forward_backward(self) -> tuple[Tensor, Tensor, int]:
        """Gradients of this step's batch, clipped; returns loss, length before clipping, tokens of the global batch.

        The random state is set from seed and step: dropout repeats after a resume without being stored.
        """
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        batch = self.batches.batch(self.step).to(self.device, non_blocking=True)
        with autocast(self.device, self.config.precision):
            loss = self.loss(self.model, batch)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip_norm or math.inf)
        return loss.detach(), norm, self.config.batch_size * (batch.shape[1] - 1)

    def set_learning_rates(self) -> float:
        fraction = learning_rate_fraction(
            self.step, n_steps=self.config.n_steps, warmup_steps=self.config.warmup_steps, schedule=self.config.schedule
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * fraction
        return fraction

    def rates(self) -> str:
        """The learning rates of this moment, by the names of their settings."""
        names = ["muon_learning_rate" if isinstance(optimizer, Muon) else "learning_rate" for optimizer in self.optimizers]
        rates = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]
        return ", ".join(f"{name} {rate:.2g}" for name, rate in zip(names, rates, strict=True))

    def update(self) -> None:
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def state(self) -> dict[str, Any]:
        """Position and optimizers; the weights are the model's own state."""
        return {"step": self.step, "tokens": self.tokens, "optimizers": [o.state_dict() for o in self.optimizers]}

    def restore(self, state: dict[str, Any]) -> None:
        self.step, self.tokens = state["step"], state["tokens"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def _mean(self, loss: Tensor) -> float:
        return float(self.average(loss) if self.average else loss)


def next_token_loss(model: nn.Module, batch: Tensor) -> Tensor:
    """Mean cross-entropy of every next token, in nats: windows of T + 1 ids, (B, T+1) -> scalar. GPT-1, equation 1."""
    loss: Tensor = model(batch[:, :-1], targets=batch[:, 1:])
    return loss


@torch.no_grad()
def mean_loss(model: nn.Module, batches: Iterator[Tensor], device: str, precision: str = "fp32") -> tuple[float, float | None]:
    """Mean nats per token over windows of T + 1 ids, each (B, T+1), dropout off; and its standard error over the windows, None for one."""
    was_training = model.training
    model.eval()
    losses = []
    with autocast(device, precision):
        for batch in batches:
            batch = batch.to(device)
            logits = model(batch[:, :-1])  # (B, T, V)
            each = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="none")  # (B * T)
            losses.append(each.float().view(len(batch), -1).mean(1))
    model.train(was_training)
    window = torch.cat(losses).cpu().double()  # (n_windows,); Apple's GPUs have no float64
    return float(window.mean()), float(window.std() / len(window) ** 0.5) if len(window) > 1 else None


def autocast(device: str, precision: str) -> AbstractContextManager:
    """Matrix products in bfloat16 where asked for; weights, sums and optimizer stay in fp32."""
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")


def diverged(step: int, rates: str) -> TrainingError:
    return TrainingError(
        "The loss is not a number any more at step {step}, with {rates}. Lower that to a third, or lengthen the warm-up.",
        step=step, rates=rates,
    )  # fmt: skip
