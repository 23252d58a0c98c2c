"""Where a fact lies: the residual stream of a clean prompt is put, place by place, into a run on a corrupted one.

Source: Meng et al. 2022 (causal tracing); Heimersheim and Nanda 2024 on how to read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gptlab.errors import DataError
from gptlab.model.gpt import GPT
from gptlab.model.trace import Trace


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

    def difference(hidden: torch.Tensor) -> torch.Tensor:  # (B, T, C) -> (B,)
        logits = model.logits(hidden[:, -1])  # of the last place alone: with all of them, a large vocabulary takes gigabytes
        return (logits[:, answer] - logits[:, other]).float()

    kept, spoiled = Trace(), Trace()
    high, low = difference(model.hidden(first, kept)).item(), difference(model.hidden(second, spoiled)).item()
    if abs(high - low) < 1e-6:
        raise DataError(
            "Both prompts give the same difference between the answers ({value}): there is nothing to restore.", value=f"{low:.3g}"
        )
    L, T = model.config.n_layer, len(clean)
    restored = np.zeros((L, T))
    places = torch.arange(T, device=device)
    for layer in range(L):  # what comes before the patch is known
        x = spoiled.residual[layer].repeat(T, 1, 1)  # (T, T, C): in every row the corrupted run ...
        x[places, places] = kept.residual[layer][0]  # ... but in row p place p is the clean one's
        for later in range(layer, L):
            x = model.block(x, later)
        restored[layer] = ((difference(model.final_norm(x)) - low) / (high - low)).cpu().numpy()
    return Patched(high, low, restored)
