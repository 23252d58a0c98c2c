"""What a language model makes of a task without training: how likely it finds each choice, and what it writes.

Sources of the rules: sums of log-probabilities of a continuation, and the mean with a threshold for acceptability, GPT-1 section 5; a
name put in the pronoun's place and the rest of the sentence judged, Trinh and Le 2018 as used by GPT-2 section 3.4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gptlab.config import SamplingConfig
from gptlab.errors import DataError
from gptlab.evaluation.likelihood import BATCH_TOKENS, likelihoods
from gptlab.evaluation.metrics import Score, judge_labels, judge_texts
from gptlab.evaluation.task import WEIGHED, Example, Task
from gptlab.generation import generate
from gptlab.model.gpt import GPT
from gptlab.model.trace import Intervention
from gptlab.tokenizer import Tokenizer

BEGIN = "\n\n"
"""What stands before every prompt: in the text that the models read, a blank line parts documents."""

LONGEST_ANSWER = 40
"""Tokens written at most for a free answer."""


@dataclass(frozen=True)
class Piece:
    """A prompt with one continuation, as tokens.

    Args:
        judged: how many tokens at the end count.
        n_cut: tokens of the prompt's beginning that did not fit.
    """

    ids: list[int]
    judged: int
    n_cut: int = 0


@dataclass(frozen=True)
class Judged:
    """What a model thinks of the judged tokens of a piece.

    Args:
        nats: natural logarithm of each token's probability, (judged,).
        best: whether each was the likeliest token, (judged,).
    """

    nats: np.ndarray
    best: np.ndarray


def judge(model: Any, pieces: Sequence[Piece], intervention: Intervention | None = None) -> list[Judged]:
    """Every piece read once; similar lengths share a batch. An intervention is for a GPT."""
    found: dict[int, Judged] = {}
    for rows in _batches([len(piece.ids) for piece in pieces]):
        ids = torch.zeros(len(rows), len(pieces[rows[0]].ids), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(pieces[row].ids)] = torch.tensor(pieces[row].ids)
        found.update(zip(rows, _judged(model, ids, [pieces[row] for row in rows], intervention), strict=True))
    return [found[i] for i in range(len(pieces))]


@torch.inference_mode()
def _judged(model: Any, ids: Tensor, pieces: list[Piece], intervention: Intervention | None) -> list[Judged]:
    """Only positions that are judged meet the wide product with the vocabulary."""
    device = next(model.parameters()).device
    ids = ids.to(device)
    watched = dict(intervention=intervention) if intervention else {}
    hidden = model.hidden(ids, **watched)  # (B, T, C); padding stands at the end, where causal attention does not see it
    where = [(i, t) for i, piece in enumerate(pieces) for t in range(len(piece.ids) - piece.judged, len(piece.ids))]
    rows, positions = (torch.tensor(index, device=device) for index in zip(*where, strict=True))
    logits = model.logits(hidden[rows, positions - 1]).float()  # (N, V)
    right = ids[rows, positions]  # (N,)
    nats = logits.log_softmax(-1).gather(1, right[:, None])[:, 0].cpu().numpy()
    best = (logits.argmax(-1) == right).cpu().numpy()
    ends = np.cumsum([piece.judged for piece in pieces])[:-1]
    return [Judged(*both) for both in zip(np.split(nats, ends), np.split(best, ends), strict=True)]


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Indices by length, so that little is padded."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    begin = 0
    while begin < len(order):
        size = max(1, BATCH_TOKENS // lengths[order[begin]])
        yield order[begin : begin + size]
        begin += size


def piece_of(tokenizer: Tokenizer, prompt: str, continuation: str, block_size: int, judged_from: int = 0) -> Piece:
    """A prompt and its continuation, of which the characters from `judged_from` on count. Too long a prompt loses its beginning.

    Raises:
        DataError: an empty continuation, or one longer than the context.
    """
    before = tokenizer.encode(BEGIN + prompt).tolist()
    given, counted = (tokenizer.encode(text).tolist() for text in (continuation[:judged_from], continuation[judged_from:]))
    n = len(given) + len(counted)
    if not counted or n >= block_size:
        raise DataError("The answer {given!r} has {n} tokens; it needs 1 to {most}.", given=continuation, n=n, most=block_size - 1)
    ids = [*before, *given, *counted]
    return Piece(ids[-block_size:], len(counted), max(0, len(ids) - block_size))


def _whole(tokenizer: Tokenizer, text: str, block_size: int) -> Piece:
    """A text that counts as a whole. One that is too long loses its beginning; the first token that is left has nothing before it and does
    not count.
    """
    before, counted = (tokenizer.encode(part).tolist() for part in (BEGIN, text))
    ids = [*before, *counted]
    return Piece(ids[-block_size:], min(len(counted), block_size - 1), max(0, len(ids) - block_size))


def differ_until(choices: Sequence[str]) -> int:
    """How many characters at the end of all choices are the same, from the beginning of a word on."""
    same = 0
    while all(len(choice) > same and choice[-1 - same] == choices[0][-1 - same] for choice in choices):
        same += 1
    rest = choices[0][len(choices[0]) - same :]
    return len(rest) - rest.find(" ") if " " in rest else 0


@dataclass(frozen=True)
class Zero:
    """How a model does on a task without training.

    Args:
        score: on all examples.
        chosen: index of the choice for each example; empty for free answers.
        written: the free answers.
    """

    score: Score
    chosen: tuple[int, ...]
    written: tuple[str, ...]


def zero_shot(
    model: Any, tokenizer: Tokenizer, task: Task, examples: Sequence[Example], intervention: Intervention | None = None
) -> Zero:
    """Score of a model that was not trained on a task. `model` is in `eval()`.

    Args:
        intervention: into a GPT, for tasks whose answers are weighed, not written.

    Raises:
        DataError: a task that has no rule for this, or as `pieces_of`.
    """
    assert intervention is None or task.rule in WEIGHED and isinstance(model, GPT)
    block_size = model.config.block_size
    if task.rule == "write":
        written = tuple(_write(model, tokenizer, example, block_size) for example in examples)
        answers, also = [example.answer for example in examples], [example.also for example in examples]
        return Zero(judge_texts(task.metric, written, answers, also=also), (), written)
    if task.rule == "next":
        right = [int(_writes(model, tokenizer, example, block_size)) for example in examples]
        return Zero(judge_labels("accuracy", right, [1] * len(right)), tuple(right), ())
    if task.rule == "threshold":
        return _by_threshold(model, tokenizer, task, examples, intervention)
    if not task.rule:
        raise DataError("{task} cannot be answered without training: it has no words to choose from.", task=task.name)
    if task.rule == "sum" and isinstance(model, GPT):
        return _by_sum(model, tokenizer, task, examples, intervention)
    groups = [pieces_of(task, example, tokenizer, block_size) for example in examples]
    values = iter(judge(model, [piece for group in groups for piece in group], intervention))
    chosen = tuple(int(np.argmax([next(values).nats.sum() for _piece in group])) for group in groups)
    return Zero(judge_labels(task.metric, chosen, [example.label for example in examples]), chosen, ())


def _by_sum(
    model: GPT, tokenizer: Tokenizer, task: Task, examples: Sequence[Example], intervention: Intervention | None
) -> Zero:
    """Each prompt is read once for all its choices; one that is too long loses its beginning."""
    answers = [[tokenizer.encode(choice).tolist() for choice in example.choices] for example in examples]
    prompts = []
    for example, row in zip(examples, answers, strict=True):
        room = model.config.block_size - max(map(len, row))
        if room < 1 or not all(row):
            worst = max(example.choices, key=len) if all(row) else ""
            raise DataError(
                "The answer {given!r} has {n} tokens; it needs 1 to {most}.",
                given=worst, n=max(map(len, row)) if all(row) else 0, most=model.config.block_size - 1,
            )  # fmt: skip
        prompts.append(tokenizer.encode(BEGIN + example.prompt).tolist()[-room:])
    found = likelihoods(model, [], prompts, answers, intervention)
    chosen = tuple(int(np.argmax([nats.sum() for nats in row])) for row in found)
    return Zero(judge_labels(task.metric, chosen, [example.label for example in examples]), chosen, ())


def pieces_of(task: Task, example: Example, tokenizer: Tokenizer, block_size: int) -> list[Piece]:
    """One piece a choice; under the rule "after" the part counts that all choices share behind the word in which they differ.

    Raises:
        DataError: as `piece_of`.
    """
    shared = differ_until(example.choices) if task.rule == "after" else 0
    begins = [len(choice) - shared if shared else 0 for choice in example.choices]
    return [piece_of(tokenizer, example.prompt, choice, block_size, begin) for choice, begin in zip(example.choices, begins, strict=True)]


def n_cut(tokenizer: Tokenizer, task: Task, examples: Sequence[Example], block_size: int) -> int:
    """Of how many examples the prompt is too long for a context together with its answer, so that `zero_shot` cuts its beginning."""
    if task.rule == "threshold":  # the prompt is what is judged
        return sum(_whole(tokenizer, example.prompt, block_size).n_cut > 0 for example in examples)
    return sum(len(tokenizer.encode(BEGIN + e.prompt)) + _longest_answer(tokenizer, task, e) > block_size for e in examples)


def _longest_answer(tokenizer: Tokenizer, task: Task, example: Example) -> int:
    """Tokens that are kept free for the answer."""
    if task.rule == "write":
        return LONGEST_ANSWER
    if task.rule == "next":
        return len((" " + example.answer).encode("utf-8"))
    return max(len(tokenizer.encode(choice)) for choice in example.choices)


def _by_threshold(
    model: Any, tokenizer: Tokenizer, task: Task, examples: Sequence[Example], intervention: Intervention | None
) -> Zero:
    """Acceptable when the mean log-probability is above the median of all examples, of which half are acceptable."""
    pieces = [_whole(tokenizer, example.prompt, model.config.block_size) for example in examples]
    means = np.array([judged.nats.mean() for judged in judge(model, pieces, intervention)])
    chosen = tuple(int(mean < np.median(means)) for mean in means)
    return Zero(judge_labels(task.metric, chosen, [example.label for example in examples]), chosen, ())


GREEDY = SamplingConfig(temperature=0.0)


def _writes(model: Any, tokenizer: Tokenizer, example: Example, block_size: int) -> bool:
    """Whether the likeliest continuation begins with the answer. Letters are compared, not tokens: a Korean word and the particle behind it
    may be one token.
    """
    wanted = (" " + example.answer).encode("utf-8")
    prompt = tokenizer.encode(BEGIN + example.prompt).tolist()[-(block_size - len(wanted)) :]
    written = b""
    for token in generate(model, prompt, GREEDY, len(wanted), n_words=tokenizer.vocab_size):
        written += tokenizer.token_bytes(token.id)
        if not wanted.startswith(written[: len(wanted)]) or len(written) >= len(wanted):
            break
    return written.startswith(wanted)


def _write(model: Any, tokenizer: Tokenizer, example: Example, block_size: int) -> str:
    """Written greedily to the end of the line."""
    prompt = tokenizer.encode(BEGIN + example.prompt).tolist()[-(block_size - LONGEST_ANSWER) :]
    ids: list[int] = []
    for token in generate(model, prompt, GREEDY, LONGEST_ANSWER, n_words=tokenizer.vocab_size):
        ids.append(token.id)
        if b"\n" in tokenizer.token_bytes(token.id):
            break
    return tokenizer.decode(ids).strip("\n ").split("\n")[0]
