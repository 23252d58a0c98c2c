"""AdamW as in the papers, and Muon for the matrices.

Source: Loshchilov & Hutter 2019 (AdamW; GPT-1, section 4.1 calls it modified L2); Jordan et al. 2024 (Muon).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from gptlab.config import TrainingConfig

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic that pushes singular values towards 1. Jordan et al. 2024."""

NEWTON_SCHULZ_STEPS = 5
"""Jordan et al. 2024. Chosen here: with three, the fast recipe ends 0.08 nats higher, for 5 % less time."""

MUON_MOMENTUM = 0.8
"""Chosen here: Jordan's 0.95 is for thousands of steps; over a few hundred, 0.8 ends 0.05 nats lower, with smaller weights
(tests/benchmarks/fast_recipe.py)."""

STACKED = {"query_key_value": 3}
"""Parameters that are several matrices on top of each other, by their name, and how many. Chosen here: queries, keys and values
made orthogonal each for itself end 0.017 nats lower than in one piece."""


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal: every direction of a matrix moves by the same amount.

    `torch.optim.Muon` does this one matrix at a time. Here all matrices of one shape go through Newton-Schulz together,
    because at narrow widths the calls cost time: on one CPU core a step of the mini size takes three quarters of torch's, of the small
    one nine tenths; from 192 channels on the arithmetic is all there is (`tests/benchmarks/optimizers.py`).

    Args:
        matrices: 2-D parameters, or groups of them; `stacked` in a group says how many matrices each of its parameters holds.
        lr: length of an update, as the root mean square of a square matrix's entries times the square root of its width.
        momentum: Nesterov momentum.
        weight_decay: decoupled; keeps the weights small enough to be fine-tuned later.
    """

    def __init__(
        self, matrices: Iterable[nn.Parameter] | list[dict[str, Any]], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(matrices, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, stacked=1))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            for matrices in _by_shape(group["params"]):
                gradients = torch.stack([m.grad for m in matrices if m.grad is not None])  # (n, rows, columns)
                state = self.state[matrices[0]]  # one momentum for the whole stack, kept with its first matrix
                momentum = state.setdefault("momentum", torch.zeros_like(gradients))
                momentum.lerp_(gradients, 1 - group["momentum"])
                rows, columns = gradients.shape[1] // group["stacked"], gradients.shape[2]
                updates = orthogonalised(gradients.lerp_(momentum, group["momentum"]).view(-1, rows, columns))
                updates.mul_(-group["lr"] * max(1.0, rows / columns) ** 0.5)
                for matrix, update in zip(matrices, updates.view_as(gradients), strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(update)


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest matrices with all singular values near 1, (n, rows, columns) -> the same.

    Newton-Schulz iteration in bfloat16 on the narrow side; five steps bring the singular values into about 0.7 to 1.2.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.transpose(1, 2) if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        s = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(s, s, s, beta=b, alpha=c), x, beta=a)
    return (x.transpose(1, 2) if tall else x).to(matrices.dtype)


def build_optimizers(model: nn.Module, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """The optimizers of a recipe; each group remembers its highest rate as `peak_lr` for the schedule.

    Weight decay falls on tensors with more than one dimension only (GPT-1's code). Under Muon the embeddings stay with
    AdamW: a row of an embedding is a word of its own and not a direction of a matrix (Jordan et al. 2024).
    """
    parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    by_height: dict[int, list[nn.Parameter]] = {}
    for name, p in parameters:
        if config.optimizer == "muon" and p.ndim == 2 and "embedding" not in name:
            by_height.setdefault(next((n for part, n in STACKED.items() if part in name), 1), []).append(p)
    taken = {id(p) for matrices in by_height.values() for p in matrices}
    rest = [p for _, p in parameters if id(p) not in taken]
    groups: list[dict[str, Any]] = [
        dict(params=[p for p in rest if p.ndim > 1], weight_decay=config.weight_decay),
        dict(params=[p for p in rest if p.ndim <= 1], weight_decay=0.0),
    ]
    adamw = torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=config.learning_rate, betas=(config.beta1, config.beta2), eps=1e-8, fused=True
    )
    optimizers: list[torch.optim.Optimizer] = [adamw]
    if by_height:
        stacks: list[dict[str, Any]] = [dict(params=matrices, stacked=n) for n, matrices in by_height.items()]
        optimizers.append(Muon(stacks, lr=config.muon_learning_rate, momentum=MUON_MOMENTUM, weight_decay=config.weight_decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def _by_shape(parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    shapes: dict[torch.Size, list[nn.Parameter]] = {}
    for p in parameters:
        shapes.setdefault(p.shape, []).append(p)
    return list(shapes.values())
