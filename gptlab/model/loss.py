"""Cross-entropy over a vocabulary without its logits in one piece.

    nats of a token = ln sum_v exp(h . w_v) - h . w_target

The logits of all tokens are the largest tensor of a small model, and its softmax, their gradient and their copies as large again. A block
of tokens at a time, all of that stays in the processor's cache; and since the gradient of a block is known as soon as its softmax is
(softmax - one-hot), it is computed on the way and nothing of the block is kept (as in Hsu et al. 2024, Liger Kernel).
"""

from typing import Any

import torch
from torch import Tensor

BLOCK = {"cpu": 1_300_000}
"""Logits of a block. Measured with one thread, 8,192 tokens and as many words, 128 wide: forward and backward pass take 0.67 (fp32) and
0.81 (bf16) of the time that all logits in one piece take, and 0.1 GB instead of 2 to 3 (tests/benchmarks/vocabulary_loss.py). Of blocks
of 32 to 1,024 tokens, 128 were the fastest."""

BLOCK_ELSEWHERE = 2**26
"""Chosen here: a quarter of a gigabyte, where memory is what blocks are good for."""


def weighed_nats(hidden: Tensor, vocabulary: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum over tokens of weight times cross-entropy, scalar; the mean in nats without weights.

    Args:
        hidden: what leads to the logits, (N, C).
        vocabulary: the vectors of the words, (V, C).
        targets: the right words, (N,).
        weights: (N,), float32.
    """
    if weights is None:
        weights = torch.full(targets.shape, 1 / max(1, len(targets)), device=hidden.device)
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    found: Tensor = _InBlocks.apply(hidden, vocabulary, targets, weights, dtype)
    return found


def rows_of_block(n_words: int, width: int, device: str) -> int:
    """Tokens of a block, in a number that suits the kernels; each block adds to the gradient of all words, so it has as many tokens as that
    is wide at least.
    """
    return max(64, width, BLOCK.get(device, BLOCK_ELSEWHERE) // n_words // 64 * 64)


class _InBlocks(torch.autograd.Function):
    """The gradients are found in the forward pass, for a loss whose own gradient is 1; the backward pass scales them."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, vocabulary: Tensor, targets: Tensor, weights: Tensor, dtype: torch.dtype) -> Tensor:
        device, size = hidden.device.type, rows_of_block(len(vocabulary), vocabulary.shape[1], hidden.device.type)
        learns = any(ctx.needs_input_grad)
        to_hidden, to_vocabulary = (torch.zeros_like(t, dtype=torch.float32) for t in (hidden, vocabulary)) if learns else (None, None)
        total = hidden.new_zeros((), dtype=torch.float32)
        with torch.autocast(device, enabled=False):
            h, w = hidden.to(dtype), vocabulary.to(dtype)
            for begin in range(0, len(h), size):
                block = slice(begin, begin + size)
                right, weight = targets[block, None], weights[block, None]  # (n, 1)
                logits = (h[block] @ w.t()).float()  # (n, V)
                p = logits.softmax(-1)
                normaliser = logits.amax(-1, keepdim=True) - p.amax(-1, keepdim=True).log()  # of the likeliest word p is never 0
                total += ((normaliser - logits.gather(1, right)) * weight).sum()
                if to_hidden is None or to_vocabulary is None:
                    continue
                slope = p.mul_(weight).scatter_add_(1, right, -weight).to(dtype)  # (softmax - one-hot) * weight
                to_hidden[block] = slope @ w
                to_vocabulary += slope.t() @ h[block]
        ctx.save_for_backward(to_hidden, to_vocabulary)
        ctx.dtypes = hidden.dtype, vocabulary.dtype
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_hidden, to_vocabulary = ctx.saved_tensors
        return (to_hidden * slope).to(ctx.dtypes[0]), (to_vocabulary * slope).to(ctx.dtypes[1]), None, None, None
