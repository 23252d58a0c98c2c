"""Where a fact lies: the residual stream of a clean prompt is put, place by place, into a run on a corrupted one.

Source: Meng et al. 2022 (causal tracing); Heimersheim and Nanda 2024 on how to read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gptlab.errors import DataError
from gptlab.model.gpt import GPT
from gptlab.model.trace import Intervention, Trace


@dataclass(frozen=True)
class Patched:
    """How much of the clean answer comes back.

    Args:
        clean, corrupted: logit of the clean answer minus that of the corrupted one, in each run.
        restored: (L, T) share of the way from corrupted to clean: 0 nothing, 1 all.
    """

    clean: float
    corrupted: float
    restored: np.ndarray


@torch.inference_mode()
def patch(model: GPT, clean: Sequence[int], corrupted: Sequence[int], answer: int, other: int) -> Patched:
    """Put each layer's incoming residual stream at each place from the clean into the corrupted run.

    Args:
        clean, corrupted: T token ids each.
        answer, other: tokens that the clean and the corrupted prompt ask for.

    Raises:
        DataError: prompts of different lengths, or answers that the prompts do not tell apart.
    """
    if len(clean) != len(corrupted):
        raise DataError(
            "The clean prompt has {a} tokens and the corrupted one {b}; they need equally many, so that places correspond.",
            a=len(clean), b=len(corrupted),
        )  # fmt: skip
    device = model.token_embedding.weight.device
    first, second = (torch.tensor([list(ids)], device=device) for ids in (clean, corrupted))

    def difference(logits: torch.Tensor) -> torch.Tensor:  # (B, T, V) -> (B,)
        return (logits[:, -1, answer] - logits[:, -1, other]).float()

    kept, spoiled = Trace(), Trace()
    high, low = difference(model(first, kept)).item(), difference(model(second, spoiled)).item()
    if abs(high - low) < 1e-6:
        raise DataError(
            "Both prompts give the same difference between the answers ({value}): there is nothing to restore.", value=f"{low:.3g}"
        )
    T = len(clean)
    restored = np.zeros((model.config.n_layer, T))
    every_place = second.expand(T, -1)  # row p is patched at place p
    for layer in range(model.config.n_layer):
        places = {}
        for p in range(T):
            rows = spoiled.residual[layer][0, p].repeat(T, 1)  # (T, C): what stands there anyway ...
            rows[p] = kept.residual[layer][0, p]  # ... except in row p
            places[layer, p] = rows
        found = difference(model(every_place, intervention=Intervention(residuals=places)))
        restored[layer] = ((found - low) / (high - low)).cpu().numpy()
    return Patched(high, low, restored)
