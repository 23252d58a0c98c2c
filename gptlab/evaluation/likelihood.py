"""How likely each of several answers is behind a question: the question is read once for all its answers, and what stands before all
questions is read once altogether.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gptlab.model.gpt import GPT
from gptlab.model.trace import Branches, Intervention, KeyValueCache

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
    width = max(len(q) + sum(len(a) - 1 for a in row) for q, row in zip(questions, answers, strict=True))
    B = len(questions)
    ids = torch.zeros(B, width, dtype=torch.long)
    positions = torch.zeros(B, width, dtype=torch.long)
    visible = torch.eye(width, dtype=torch.bool).repeat(B, 1, 1)
    reads: list[tuple[int, int]] = []  # row and place that predict a token ...
    right: list[int] = []  # ... and that token
    for b, (question, row) in enumerate(zip(questions, answers, strict=True)):
        n = len(question)
        ids[b, :n], positions[b, :n] = torch.tensor(question), torch.arange(n)
        visible[b, :n, :n] = torch.ones(n, n, dtype=torch.bool).tril()
        begin = n
        for tokens in row:
            m = len(tokens) - 1
            ids[b, begin : begin + m], positions[b, begin : begin + m] = torch.tensor(tokens[:-1], dtype=torch.long), n + torch.arange(m)
            visible[b, begin : begin + m, :n] = True
            visible[b, begin : begin + m, begin : begin + m] = torch.ones(m, m, dtype=torch.bool).tril()
            reads += [(b, n - 1), *((b, begin + j) for j in range(m))]
            right += tokens
            begin += m
    branches = Branches(positions.to(device), visible.to(device))
    before = past.repeated(B, width) if past.length else None
    hidden = model.hidden(ids.to(device), intervention=intervention, cache=before, branches=branches)  # (B, T, C)
    rows, places = (torch.tensor(index, device=device) for index in zip(*reads, strict=True))
    logits: Tensor = model.logits(hidden[rows, places]).float()  # (N, V)
    nats = logits.log_softmax(-1).gather(1, torch.tensor(right, device=device)[:, None])[:, 0].cpu().numpy()
    lengths = [len(tokens) for row in answers for tokens in row]
    each = iter(np.split(nats, np.cumsum(lengths)[:-1]))
    return [[next(each) for _tokens in row] for row in answers]
