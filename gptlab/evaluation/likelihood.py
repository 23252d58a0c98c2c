"""How likely each of several answers is behind a question: the question is read once for all its answers, and what stands before all
questions is read once altogether.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gptlab.model.branches import SideBySide
from gptlab.model.gpt import GPT
from gptlab.model.trace import Intervention, KeyValueCache

BATCH_TOKENS = 8192
"""Tokens of one batch. Chosen here: larger ones are no faster on two cores."""


def likelihoods(
    model: GPT, prefix: Sequence[int], questions: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]],
    intervention: Intervention | None = None,
) -> list[list[np.ndarray]]:  # fmt: skip
    """Natural logarithm of the probability of every token of every answer, behind prefix and question.

    Args:
        prefix: is read once for all questions.
        questions: one or more tokens each; read once for all their answers.
        intervention: into everything that is read.

    Returns:
        For each question, for each answer, one number a token.
    """
    past = _read(model, prefix, intervention)
    found: list[list[np.ndarray]] = [[] for _ in questions]
    for rows in _batches([len(q) + sum(len(a) - 1 for a in row) for q, row in zip(questions, answers, strict=True)], past.length):
        found_here = _branched(model, past, [questions[i] for i in rows], [answers[i] for i in rows], intervention)
        for i, values in zip(rows, found_here, strict=True):
            found[i] = values
    return found


@torch.inference_mode()
def _read(model: GPT, prefix: Sequence[int], intervention: Intervention | None) -> KeyValueCache:
    cache = model.new_cache()
    if prefix:
        model.hidden(torch.tensor([list(prefix)], device=model.token_embedding.weight.device), intervention=intervention, cache=cache)
    return cache


def _batches(lengths: Sequence[int], past: int) -> Iterator[list[int]]:
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    begin = 0
    while begin < len(order):
        size = max(1, BATCH_TOKENS // (lengths[order[begin]] + past))
        yield order[begin : begin + size]
        begin += size


@torch.inference_mode()
def _branched(
    model: GPT, past: KeyValueCache, questions: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]],
    intervention: Intervention | None,
) -> list[list[np.ndarray]]:  # fmt: skip
    """One batch: each row is a question, then the answers side by side without their last tokens, which predict nothing that counts."""
    device = model.token_embedding.weight.device
    groups = [[[*question, *tokens[:-1]] for tokens in row] for question, row in zip(questions, answers, strict=True)]
    laid = SideBySide.of(groups, [len(question) for question in questions]).to(device)
    before = past.repeated(len(groups), laid.ids.shape[1]) if past.length else None
    hidden = model.hidden(laid.ids, intervention=intervention, cache=before, branches=laid.branches)  # (B, S, C)
    lines = [(len(question), tokens) for question, row in zip(questions, answers, strict=True) for tokens in row]
    reads = [(i, n - 1 + j) for i, (n, tokens) in enumerate(lines) for j in range(len(tokens))]  # line and place that predict a token
    rows, places = (torch.tensor(index, device=device) for index in zip(*reads, strict=True))
    logits: Tensor = model.logits(hidden[laid.rows[rows], laid.places[rows, places]]).float()  # (N, V)
    right = torch.tensor([token for _n, tokens in lines for token in tokens], device=device)
    nats = logits.log_softmax(-1).gather(1, right[:, None])[:, 0].cpu().numpy()
    each = iter(np.split(nats, np.cumsum([len(tokens) for _n, tokens in lines])[:-1]))
    return [[next(each) for _tokens in row] for row in answers]
