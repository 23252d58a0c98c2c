"""Writing with a model: one token after the other, each drawn from what temperature, top-k and top-p leave.

Source: temperature and top-k as in GPT-2's sampling code; nucleus sampling (top-p) from Holtzman et al. 2020.
"""

from collections.abc import Callable, Iterator, Sequence
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


def _drawn(adjusted: Tensor, draws: torch.Generator) -> int:
    """A token by inverting the distribution, (V,): one uniform number, the same on every device."""
    cumulative = adjusted.double().cumsum(0)
    uniform = torch.rand(1, generator=draws, dtype=torch.float64) * cumulative[-1]
    return int(torch.searchsorted(cumulative, uniform, right=True))


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
        chosen = _drawn(adjusted, draws)
        yield NextToken(chosen, logits.softmax(-1), adjusted)
        if chosen == end_of_text:
            return
        ids.append(chosen)


@torch.inference_mode()
def generate_together(
    model: Any, prompts: Sequence[list[int]], sampling: SamplingConfig, seeds: Sequence[int], is_done: Callable[[int, list[int]], bool],
    n_words: int | None = None,
) -> list[list[int]]:  # fmt: skip
    """Continue several prompts side by side, each until it is done or the context is full: what `generate` would write one by one.

    Args:
        prompts: ids, as many in each.
        seeds: one for each prompt, in place of the one of `sampling`.
        is_done: is told the place of a prompt and what was written to it.
        n_words: as in `generate`.

    Returns:
        What was written to each.
    """
    n = len(prompts[0])
    assert all(len(prompt) == n for prompt in prompts)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    written: list[list[int]] = [[] for _prompt in prompts]
    left, cache = set(range(len(prompts))), model.new_cache()
    new = torch.tensor(prompts, device=next(model.parameters()).device)
    for _ in range(model.config.block_size - n):
        logits = model.logits(model.hidden(new, cache=cache)[:, -1])[:, :n_words].float().cpu()  # (B, V)
        adjusted = adjusted_probabilities(logits, sampling)
        for i in left:
            written[i].append(_drawn(adjusted[i], draws[i]))
        left -= {i for i in left if is_done(i, written[i])}
        if not left:
            break
        new = torch.tensor([[ids[-1]] for ids in written], device=new.device)  # what is done is written to, and not kept
    return written
