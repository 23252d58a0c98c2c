"""Writing with a model: one token after the other, each drawn from what temperature, top-k and top-p leave.

Source: temperature and top-k as in GPT-2's sampling code; nucleus sampling (top-p) from Holtzman et al. 2020.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gptlab.config import SamplingConfig
from gptlab.errors import ModelError


@dataclass(frozen=True)
class NextToken:
    """One step of writing."""

    id: int
    """The token drawn."""
    probabilities: Tensor
    """(V,), what the model says: softmax of the logits, before any setting."""
    adjusted: Tensor
    """(V,), what was drawn from: after temperature, zero where top-k or top-p cut, summing to 1."""


def adjusted_probabilities(logits: Tensor, sampling: SamplingConfig) -> Tensor:
    """Probabilities to draw from, (..., V) -> (..., V): temperature first, then top-k, then top-p.

    Of equally likely tokens at the edge of top-k, the ones with the lower id stay. Temperature 0 puts everything on the likeliest.

        >>> adjusted_probabilities(torch.tensor([0.5, 0.3, 0.2]).log(), SamplingConfig(temperature=1.0, top_p=0.7))
        tensor([0.6250, 0.3750, 0.0000])
    """
    if sampling.temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    if sampling.temperature == 1 and sampling.top_k is None and sampling.top_p == 1:
        return logits.softmax(-1)
    probabilities = (logits / sampling.temperature).softmax(-1)
    if sampling.top_k is None and sampling.top_p == 1:
        return probabilities
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    if sampling.top_k is not None:
        ordered[..., sampling.top_k :] = 0.0
    if sampling.top_p < 1:
        before = ordered.cumsum(-1) - ordered  # a token stays while the ones before it have not reached top_p
        ordered[before >= sampling.top_p * ordered.sum(-1, keepdim=True)] = 0.0
    kept = torch.zeros_like(probabilities).scatter_(-1, order, ordered)
    return kept / kept.sum(-1, keepdim=True)


def context_begin(n_tokens: int, block_size: int) -> int:
    """Where the model's window starts when it is to continue `n_tokens` tokens.

    Positions are learned, so a window cannot slide without being computed anew. It therefore jumps: once full, it drops a
    quarter of the context at a time, and the cache serves all the tokens in between.

        >>> [context_begin(n, block_size=8) for n in (1, 8, 9, 10, 11)]
        [0, 0, 2, 2, 4]
    """
    jump = max(1, block_size // 4)
    return max(0, -(-(n_tokens - block_size) // jump) * jump)


@torch.inference_mode()
def generate(
    model: Any, prompt: list[int], sampling: SamplingConfig, n_tokens: int, end_of_text: int | None = None, n_words: int | None = None
) -> Iterator[NextToken]:
    """Continue a prompt, one token at a time.

    Args:
        model: GPT or LSTM, in `eval()`.
        prompt: ids, at least one.
        sampling: how to draw.
        n_tokens: the most to write.
        end_of_text: id that ends the writing early; None to go on.
        n_words: ids that may be drawn are below it, for a model that has more than its tokenizer: a fine-tuned one has special tokens.

    Raises:
        ModelError: an empty prompt.
    """
    if not prompt:
        raise ModelError("The prompt is empty. Write at least one character for the model to continue.")
    device = next(model.parameters()).device
    draws = torch.Generator().manual_seed(sampling.seed)
    ids = list(prompt)
    begin, cache, seen = -1, None, 0
    for _ in range(n_tokens):
        if (start := context_begin(len(ids), model.config.block_size)) != begin:
            begin, cache, seen = start, model.new_cache(), start
        new = torch.tensor([ids[seen:]], device=device)
        hidden = model.hidden(new, cache=cache)[:, -1:]  # only the last position needs the wide product with the vocabulary
        logits = model.logits(hidden)[0, -1, :n_words].float().cpu()  # (V,)
        seen = len(ids)
        adjusted = adjusted_probabilities(logits, sampling)
        # drawn by inverting the distribution: one uniform number a token, the same on every device
        cumulative = adjusted.double().cumsum(0)
        uniform = torch.rand(1, generator=draws, dtype=torch.float64) * cumulative[-1]
        chosen = int(torch.searchsorted(cumulative, uniform, right=True))
        yield NextToken(chosen, logits.softmax(-1), adjusted)
        if chosen == end_of_text:
            return
        ids.append(chosen)
