"""What a model does with one text: the attention of every head, and the vectors behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gptlab.model.gpt import GPT
from gptlab.model.trace import Trace


@dataclass(frozen=True)
class Captured:
    """Attention on a text of T tokens, by L layers of H heads.

    Args:
        patterns: (L, H, T, T), query by key; each row sums to 1, and above the diagonal it is 0.
        queries, keys: (L, H, T, D)
    """

    patterns: np.ndarray
    queries: np.ndarray
    keys: np.ndarray


@torch.inference_mode()
def capture(model: GPT, ids: Sequence[int]) -> Captured:
    """
    Raises:
        ModelError: more tokens than the model's context.
    """
    trace = Trace()
    model.hidden(torch.tensor([list(ids)], device=model.token_embedding.weight.device), trace)

    def stacked(parts: dict[int, torch.Tensor]) -> np.ndarray:
        return torch.stack([parts[layer][0] for layer in sorted(parts)]).float().cpu().numpy()

    return Captured(stacked(trace.patterns), stacked(trace.queries), stacked(trace.keys))


def entropy_bits(patterns: np.ndarray) -> np.ndarray:
    """Entropy of every row of attention, (..., T, T) -> (..., T), in bits: 0 looks at one token, log2 of n at n alike."""
    p = np.clip(patterns, 1e-12, 1.0)
    return -(patterns * np.log2(p)).sum(-1)
