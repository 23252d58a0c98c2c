"""Zero, one, few shots: demonstrations before the question, and how likely each answer is after it. No weight is changed.

Source: GPT-3 (Brown et al. 2020), section 2.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gptlab.errors import DataError
from gptlab.evaluation.likelihood import likelihoods
from gptlab.evaluation.metrics import Score, judge_labels
from gptlab.evaluation.scoring import BEGIN
from gptlab.evaluation.task import Example, Task
from gptlab.model.gpt import GPT
from gptlab.tokenizer import Tokenizer

RULES = ("sum", "mean", "unconditional")
"""How an answer's log-probabilities become a score: added, averaged over its tokens, or added minus what they are without the question
(GPT-3, section 2.4: P(answer | question) / P(answer | answer context))."""

@dataclass(frozen=True)
class Prompting:
    """How a question is put.

    Args:
        k: demonstrations.
        seed: which demonstrations, in which order.
        rule: of `RULES`.
        instruction: stands before everything.
        separator: stands between demonstrations; None takes a line break for lists of pairs, a blank line for all else.
    """

    k: int = 0
    seed: int = 1
    rule: str = "sum"
    instruction: str = ""
    separator: str | None = None

    def between(self, task: Task) -> str:
        return self.separator if self.separator is not None else "\n" if by_rule(task) else "\n\n"


@dataclass(frozen=True)
class Answered:
    """What a model answers.

    Args:
        chosen: (n,) index of the likeliest answer.
        nats: for every example the sum of each answer's log-probabilities, and the score by which it was chosen.
    """

    score: Score
    chosen: tuple[int, ...]
    nats: tuple[tuple[float, ...], ...]
    scores: tuple[tuple[float, ...], ...]


def by_rule(task: Task) -> bool:
    """Whether demonstrations have to share something with the question: the rule that they show."""
    return task.name.startswith("rules")


def can_be_shown(task: Task) -> bool:
    """Whether demonstrations of a task can stand before a question: it has words for its answers."""
    return task.rule == "sum"


def demonstrations(task: Task, k: int, seed: int, sort: str = "") -> list[Example]:
    """So many training examples by chance, from the shorter half, so that more of them fit.

    Args:
        sort: only examples of this sort, where the task is about a rule.

    Raises:
        DataError: a task without words for its answers, or fewer examples than asked for.
    """
    if not can_be_shown(task):
        raise DataError(
            "{task} has no words for its answers, so none can be shown. Choose another task, or no demonstrations.", task=task.name
        )
    pool = [example for example in task.examples("train") if not sort or example.sort == sort]
    pool = sorted(pool, key=lambda example: len(example.prompt))[: max(1, len(pool) // 2)]
    if k > len(pool):
        raise DataError("There are {most} examples to show; {given} were asked for.", most=len(pool), given=k)
    return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[:k]]


def shown(example: Example) -> str:
    """A question with its right answer."""
    return example.prompt + example.choices[example.label]


def prompt_of(task: Task, example: Example, how: Prompting) -> tuple[str, str]:
    """What stands before the question, and the question with the break before it: together the literal prompt."""
    between = how.between(task)
    parts = [how.instruction] if how.instruction else []
    if how.k:
        parts += [shown(one) for one in demonstrations(task, how.k, how.seed, example.sort if by_rule(task) else "")]
    return between.join(parts), (between if parts else "") + example.prompt


def answer(model: GPT, tokenizer: Tokenizer, task: Task, examples: Sequence[Example], how: Prompting) -> Answered:
    """Score of a model on examples that have choices.

    Raises:
        DataError: demonstrations that do not fit, an empty answer, a question without words, or another rule.
    """
    if how.rule not in RULES:
        raise DataError("There is no rule {given!r}; there are {known}.", given=how.rule, known=", ".join(RULES))
    groups: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        if not example.choices:
            raise DataError("{task} has no choices; only tasks with choices can be answered this way.", task=task.name)
        if not example.prompt.strip():
            raise DataError("The question is empty: there is nothing to answer.")
        groups.setdefault(example.sort if by_rule(task) and how.k else "", []).append(i)
    tokens: list[list[np.ndarray]] = [[] for _ in examples]
    for rows in groups.values():
        before, _question = prompt_of(task, examples[rows[0]], how)
        questions = [_encoded(tokenizer, prompt_of(task, examples[i], how)[1] if before else BEGIN + examples[i].prompt) for i in rows]
        answers = [[_answer(tokenizer, choice) for choice in examples[i].choices] for i in rows]
        prefix = _encoded(tokenizer, BEGIN + before) if before else []
        _check_room(model, how, prefix, questions, answers)
        for i, found in zip(rows, likelihoods(model, prefix, questions, answers), strict=True):
            tokens[i] = found
    nats = [tuple(float(values.sum()) for values in row) for row in tokens]
    scores = nats
    if how.rule == "mean":
        scores = [tuple(float(values.mean()) for values in row) for row in tokens]
    elif how.rule == "unconditional":
        alone = _without_question(model, tokenizer, examples)
        scores = [tuple(a - b for a, b in zip(row, base, strict=True)) for row, base in zip(nats, alone, strict=True)]
    chosen = tuple(int(np.argmax(row)) for row in scores)
    return Answered(judge_labels("accuracy", chosen, [example.label for example in examples]), chosen, tuple(nats), tuple(scores))


def most_that_fit(model: GPT, tokenizer: Tokenizer, task: Task, examples: Sequence[Example], how: Prompting) -> int:
    """The largest number of demonstrations that leaves room for the longest of the questions."""
    longest = _longest(tokenizer, task, examples)
    fits = 0
    for k in range(1, 65):
        try:
            for example in longest:
                before, question = prompt_of(task, example, replace(how, k=k))
                n = len(_encoded(tokenizer, BEGIN + before)) + len(_encoded(tokenizer, question))
                if n + max(len(_answer(tokenizer, choice)) for choice in example.choices) > model.config.block_size:
                    return fits
        except DataError:  # no more examples to show
            return fits
        fits = k
    return fits


def _longest(tokenizer: Tokenizer, task: Task, examples: Sequence[Example]) -> list[Example]:
    """The question of each sort that has demonstrations of its own which takes the most tokens with its answer."""
    found: dict[str, tuple[int, Example]] = {}
    for example in examples:
        sort = example.sort if by_rule(task) else ""
        n = len(_encoded(tokenizer, example.prompt)) + max(len(_answer(tokenizer, choice)) for choice in example.choices)
        if sort not in found or n > found[sort][0]:
            found[sort] = n, example
    return [example for _n, example in found.values()]


def _check_room(model: GPT, how: Prompting, prefix: list[int], questions: list[list[int]], answers: list[list[list[int]]]) -> None:
    longest = max(len(q) + max(map(len, row)) for q, row in zip(questions, answers, strict=True))
    block_size = model.config.block_size
    if len(prefix) + longest <= block_size:
        return
    if how.k == 0:
        raise DataError(
            "The longest question with its answer takes {longest} tokens; the context holds {context}. Choose a model with a longer one.",
            longest=len(prefix) + longest, context=block_size,
        )  # fmt: skip
    raise DataError(
        "{k} demonstrations take {before} tokens and the longest question with its answer {longest}; the context holds {context}. "
        "Show fewer.",
        k=how.k, before=len(prefix), longest=longest, context=block_size,
    )  # fmt: skip


def _without_question(model: GPT, tokenizer: Tokenizer, examples: Sequence[Example]) -> list[tuple[float, ...]]:
    """Log-probability of each answer behind the last word of its prompt alone ("Answer:")."""
    cues = [_encoded(tokenizer, BEGIN + example.prompt.split()[-1]) for example in examples]
    answers = [[_answer(tokenizer, choice) for choice in example.choices] for example in examples]
    return [tuple(float(values.sum()) for values in row) for row in likelihoods(model, [], cues, answers)]


def _encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    return [int(i) for i in tokenizer.encode(text)]


def _answer(tokenizer: Tokenizer, choice: str) -> list[int]:
    if not (ids := _encoded(tokenizer, choice)):
        raise DataError("An answer is empty. Every answer needs at least one token.")
    return ids
