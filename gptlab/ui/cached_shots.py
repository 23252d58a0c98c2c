"""As `cached`, for the pages that ask without training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from gptlab.evaluation.task import Example
from gptlab.evaluation.tasks import task_named
from gptlab.runs.store import Run, open_run
from gptlab.ui import cached

N_EXAMPLES = 200
"""Test examples of a score on screen. Chosen here: seconds a score, and intervals of seven points at most."""


@st.cache_data(max_entries=2000, show_spinner=False)
def zero_shot(run_id: str, step: int, task: str, n: int) -> dict[str, Any]:
    """Score of one checkpoint without training on a task, on the first test examples.

    Raises:
        DataError: a task that has no rule for this.
    """
    from dataclasses import asdict

    from gptlab.evaluation.scoring import zero_shot as scored
    from gptlab.runs.checkpoint import load_model

    run, found = open_run(run_id), task_named(task)
    recorded = _through_time(run_id).get(task, {}).get(str(step)) if run.is_shipped else None
    if recorded is not None and recorded["n"] <= n:
        return recorded
    return asdict(scored(load_model(run, step), run.tokenizer(), found, found.examples("test")[:n]).score)


@st.cache_data(max_entries=200, show_spinner=False)
def n_cut(run_id: str, task: str, n: int) -> int:
    """Of how many of the first test examples the prompt loses its beginning."""
    from gptlab.evaluation.scoring import n_cut as counted

    run, found = open_run(run_id), task_named(task)
    return counted(run.tokenizer(), found, found.examples("test")[:n], run.config().model.block_size)


def choices_of(example: Example) -> tuple[str, ...]:
    """What a model weighs for an example; the right word alone where any word may come."""
    return example.choices or ((" " + example.answer,) if example.answer else ())


@st.cache_data(max_entries=64, show_spinner=False)
def judged_first(run_id: str, step: int, task: str) -> list[np.ndarray]:
    """Of the first test example, the log-probability of each token that counts, for each of its choices."""
    from dataclasses import replace

    from gptlab.evaluation.scoring import judge, pieces_of

    run, found = open_run(run_id), task_named(task)
    example = found.examples("test")[0]
    pieces = pieces_of(found, replace(example, choices=choices_of(example)), run.tokenizer(), run.config().model.block_size)
    return [judged.nats for judged in judge(cached.model(run_id, step), pieces)]


def moments(run: Run, task: str | None = None) -> list[int]:
    """Steps of a training at which scores of a task, or of any, are known or can be computed: of a model that ships, scores may be there
    without weights.
    """
    known = _through_time(run.id) if run.is_shipped else {}
    recorded = {int(step) for name, scores in known.items() if task in (None, name) for step in scores}
    return sorted(recorded | set(run.checkpoint_steps()))


@st.cache_data(max_entries=8, show_spinner=False)
def _through_time(name: str) -> dict[str, dict[str, Any]]:
    """What was measured at every checkpoint of a model that ships: task -> step -> score."""
    from gptlab.runs.scored import card_of

    found: dict[str, dict[str, Any]] = card_of(open_run(name))["through_time"]
    return found


@dataclass(frozen=True)
class Shot:
    """A score with demonstrations, and which examples were answered rightly."""

    right: np.ndarray
    value: float


@st.cache_data(max_entries=500, show_spinner=False)
def few_shot(run_id: str, step: int, task: str, k: int, seed: int, rule: str, instruction: str, n: int) -> Shot:
    """
    Raises:
        DataError: demonstrations that do not fit, or a task without words for its answers.
    """
    from gptlab.evaluation.shots import Prompting, answer

    run, found = open_run(run_id), task_named(task)
    examples = found.examples("test")[:n]
    answered = answer(cached.model(run_id, step), run.tokenizer(), found, examples, Prompting(k, seed, rule, instruction))
    right = np.array([chosen == example.label for chosen, example in zip(answered.chosen, examples, strict=True)])
    return Shot(right, float(right.mean()))


@st.cache_data(max_entries=100, show_spinner=False)
def most_shots(run_id: str, step: int, task: str, seed: int, instruction: str, n: int) -> int:
    """How many demonstrations fit before the longest of the questions."""
    from gptlab.evaluation.shots import Prompting, most_that_fit

    run, found = open_run(run_id), task_named(task)
    how = Prompting(seed=seed, instruction=instruction)
    return most_that_fit(cached.model(run_id, step), run.tokenizer(), found, found.examples("test")[:n], how)


def literal(task: str, i: int, k: int, seed: int, instruction: str) -> tuple[str, Example]:
    """The prompt of a test example, word for word, and the example."""
    from gptlab.evaluation.shots import Prompting, prompt_of

    found = task_named(task)
    example = found.examples("test")[i]
    return "".join(prompt_of(found, example, Prompting(k, seed, "sum", instruction))), example


@dataclass(frozen=True)
class Weighed:
    """What a model thinks of each answer behind a prompt: log-probability of each token."""

    n_tokens: int
    nats: list[np.ndarray]


@st.cache_data(max_entries=64, show_spinner=False)
def weighed(run_id: str, step: int, prompt: str, choices: tuple[str, ...]) -> Weighed:
    """
    Raises:
        LabError: a prompt or an answer without tokens, or more than the context holds.
    """
    from gptlab.errors import DataError
    from gptlab.evaluation.likelihood import likelihoods
    from gptlab.evaluation.scoring import BEGIN

    run = open_run(run_id)
    tokenizer, model = run.tokenizer(), cached.model(run_id, step)
    ids = [int(i) for i in tokenizer.encode(BEGIN + prompt)]
    answers = [[int(i) for i in tokenizer.encode(choice)] for choice in choices]
    if not prompt.strip():
        raise DataError("The question is empty: there is nothing to answer.")
    if not all(answers):
        raise DataError("An answer is empty. Every answer needs at least one token.")
    if len(ids) + max(map(len, answers)) > model.config.block_size:
        raise DataError(
            "The prompt has {n} tokens; with the longest answer {most} fit into the context of {context}. Shorten it.",
            n=len(ids), most=model.config.block_size - max(map(len, answers)), context=model.config.block_size,
        )  # fmt: skip
    return Weighed(len(ids), likelihoods(model, [], [ids], [answers])[0])
