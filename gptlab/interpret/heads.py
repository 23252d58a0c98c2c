"""What kind of head is it? Scores on random tokens that are said twice: there, only looking back can help.

Induction heads: Olsson et al. 2022, "In-context Learning and Induction Heads". The scores are masses of attention, 0 to 1.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from gptlab.interpret.capture import entropy_bits
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.trace import Trace

N_REPEATED, N_SEQUENCES = 24, 8
"""Tokens of a sequence before it is said again, and sequences. Chosen here: half a second on two cores for 12 layers."""

KINDS = ("previous", "first", "duplicate", "induction")
"""Kinds of heads that a label is given for."""

RANDOM_SEEDS = (101, 102, 103)


@dataclass(frozen=True)
class HeadScores:
    """Scores of all heads, (L, H) each.

    Args:
        previous: mean attention to the token before.
        first: mean attention to the first token.
        duplicate: in the second half, attention to the same token in the first half.
        induction: in the second half, attention to the token that came after the same one in the first half.
        entropy: of the attention, as a share of the highest that is possible at each place.
    """

    previous: np.ndarray
    first: np.ndarray
    duplicate: np.ndarray
    induction: np.ndarray
    entropy: np.ndarray


def repeated_tokens(vocab_size: int, n: int = N_REPEATED, n_sequences: int = N_SEQUENCES, seed: int = 0) -> Tensor:
    """Random tokens, each sequence said twice: (n_sequences, 2 n)."""
    once = torch.randint(vocab_size, (n_sequences, n), generator=torch.Generator().manual_seed(seed))
    return torch.cat([once, once], dim=1)


@torch.inference_mode()
def head_scores(model: GPT, seed: int = 0) -> HeadScores:
    """Scores of a model's heads; a context shorter than 48 tokens takes shorter sequences."""
    n = min(N_REPEATED, model.config.block_size // 2)
    ids = repeated_tokens(model.config.vocab_size, n, seed=seed)
    trace = Trace()
    model.hidden(ids.to(model.token_embedding.weight.device), trace)
    patterns = np.stack([trace.patterns[layer].float().cpu().numpy() for layer in sorted(trace.patterns)], axis=0)  # (L, B, H, T, T)
    return scores_of(patterns.mean(1), n)


def scores_of(patterns: np.ndarray, n: int) -> HeadScores:
    """Scores from patterns on tokens that are said twice, (..., 2 n, 2 n)."""
    t = np.arange(1, 2 * n)
    second = np.arange(n, 2 * n)
    share = entropy_bits(patterns)[..., 1:] / np.log2(np.arange(2, 2 * n + 1))
    return HeadScores(
        previous=patterns[..., t, t - 1].mean(-1),
        first=patterns[..., t, 0].mean(-1),
        duplicate=patterns[..., second, second - n].mean(-1),
        induction=patterns[..., second, second - n + 1].mean(-1),
        entropy=share.mean(-1),
    )


@dataclass(frozen=True)
class Baseline:
    """A score in models of the same shape with random weights: mean and highest of all their heads."""

    mean: float
    highest: float


def baselines(model: GPT) -> dict[str, Baseline]:
    """Every score without any training."""
    found = [head_scores(build_model(model.config, seed).eval()) for seed in RANDOM_SEEDS]  # type: ignore[arg-type]
    together = {entry.name: np.stack([getattr(scores, entry.name) for scores in found]) for entry in fields(HeadScores)}
    return {name: Baseline(float(values.mean()), float(values.max())) for name, values in together.items()}


MARGIN = 0.3
"""A label needs a score so far above every random head. Chosen here: attention that is mostly spent on one thing."""


def labels(scores: HeadScores, random: dict[str, Baseline]) -> list[list[str]]:
    """Layer -> head -> the kind that fits best, or "" where no score is clearly above the random model's."""
    above = np.stack([getattr(scores, kind) - random[kind].highest for kind in KINDS])  # (K, L, H)
    best = above.argmax(0)
    return [
        [KINDS[best[layer, head]] if above[:, layer, head].max() > MARGIN else "" for head in range(best.shape[1])]
        for layer in range(best.shape[0])
    ]
