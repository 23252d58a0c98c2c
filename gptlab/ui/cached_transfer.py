"""As `cached`, for the pages that fine-tune."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from gptlab.data.files import Table
from gptlab.evaluation.own import PREFIX, Columns, draft
from gptlab.evaluation.shortcuts import Shortcuts, recorded, shortcuts
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import TransferConfig
from gptlab.paths import home
from gptlab.runs.store import open_run

Piece = tuple[str, str]
"""What stands in a sequence: its sort (start, first, delimiter, second, extract) and its text."""


@dataclass(frozen=True)
class Drawn:
    """An example as GPT-1 reads it.

    Args:
        rows: one sequence, two, or one an answer.
        n_tokens, n_cut: of each row.
        right: name of the right class, answer or quantity.
    """

    rows: tuple[tuple[Piece, ...], ...]
    n_tokens: tuple[int, ...]
    n_cut: int
    right: str


def task(name: str) -> Task:
    """
    Raises:
        DataError: no such task.
    """
    return task_named(name)


@st.cache_resource(max_entries=4, show_spinner=False)
def table(_read: Callable[[], Table], *key: str) -> Table:
    """A table that is read once: 40,000 rows take 0.3 s.

    Args:
        key: tells this table from others.

    Raises:
        DataError: as the function that reads.
    """
    return _read()


@st.cache_data(max_entries=64, show_spinner=False)
def drafted(_table: Table, title: str, columns: Columns, *key: str) -> str:
    """Put the columns of a table aside; returns the task's name.

    Raises:
        DataError: columns that make no task.
    """
    return draft(title, _table, columns)


@st.cache_data(max_entries=64, show_spinner=False)
def n_examples(name: str, _home: str) -> int:
    """Labelled examples of the training split."""
    return len(task_named(name).examples("train"))


@st.cache_data(max_entries=64, show_spinner=False)
def n_characters(name: str, _home: str) -> float:
    """Of all the labelled texts together, guessed from the first ones."""
    examples = task_named(name).examples("train")
    first = examples[:50]
    per_example = sum(len(text) for one in first for text in (*one.texts, *one.choices)) / len(first)
    repeated = max(1, len(first[0].choices)) if task_named(name).form == "choice" else 1  # every answer is read behind its texts
    return per_example * repeated * len(examples)


@st.cache_data(max_entries=128, show_spinner=False)
def drawn(run_id: str, name: str, reading: TransferConfig, i: int, _home: str) -> Drawn:
    """The i-th training example of a task, transformed for a model.

    Args:
        reading: as `TransferConfig.reading` gives it.
    """
    from gptlab.transfer.inputs import Transformation, reader

    run, found = open_run(run_id), task_named(name)
    model = run.config().model
    transform = reader(found, reading, run.tokenizer(), model.vocab_size, model.block_size)
    example = found.examples("train")[i]
    encoded = transform(example)
    rows: list[tuple[Piece, ...]] = []
    if not isinstance(transform, Transformation):
        rows = [(("first", example.prompt), ("second", choice.strip())) for choice in example.choices]
    else:
        for parts in transform.parts(example):
            row: list[Piece] = [("start", "Start")]
            for j, part in enumerate(parts):
                row += [("delimiter", "Delim"), ("second", part)] if j else [("first", part)]
            rows.append((*row, ("extract", "Extract")))
    return Drawn(tuple(rows), tuple(map(len, encoded.rows)), encoded.n_cut, right_name(found, example))


def right_name(task: Task, example: Example) -> str:
    """The right answer in words."""
    if example.value is not None:
        return f"{example.value:g}"
    return task.labels[example.label] if task.labels else example.choices[example.label].strip()


@st.cache_data(max_entries=64, show_spinner=False)
def baselines(name: str, _home: str) -> Shortcuts | None:
    """What scores without reading: recorded for the village, measured for an own table; None for quantities."""
    found = task_named(name)
    if found.is_regression:
        return None
    return recorded(found) or (shortcuts(found) if name.startswith(PREFIX) else None)


@dataclass(frozen=True)
class Results:
    """What a finished fine-tuning says of the test split.

    Args:
        says: (n, K) probabilities; (n, 1) quantities.
        right: (n,)
        scores: of the model, and of its twin from random weights.
    """

    says: np.ndarray
    right: np.ndarray
    scores: dict[str, dict[str, Any]]
    n_cut: int
    spearman: float | None


@st.cache_data(max_entries=16, show_spinner=False)
def results(run_id: str, written_s: float) -> Results:
    """
    Args:
        written_s: when the file was written, so that a run that goes on is read anew.
    """
    found = json.loads((open_run(run_id).folder / "results.json").read_text(encoding="utf-8"))
    return Results(np.array(found["says"]), np.array(found["right"]), found["scores"], found["n_cut"], found.get("spearman"))


def test_examples_of(found: Task) -> tuple[Example, ...]:
    """Its test split; tasks keep what they made."""
    return found.examples("test")


@st.cache_resource(max_entries=2, show_spinner=False)
def classifier(run_id: str, written_s: float) -> Any:
    """The finished classifier of a run, and what encodes examples for it."""
    from gptlab.runs.tuning import load_classifier
    from gptlab.transfer.inputs import N_SPECIAL, reader

    run = open_run(run_id)
    plan, model = run.config().fine_tuning, run.config().model
    assert plan is not None
    transform = reader(task_named(plan.task), plan.transfer, run.tokenizer(), model.vocab_size - N_SPECIAL, model.block_size)
    return load_classifier(run), transform


def said(run_id: str, written_s: float, example: Example) -> np.ndarray:
    """What a finished fine-tuning says of one example: (K,) probabilities, or (1,) quantity."""
    from gptlab.transfer.finetune import predict

    found, transform = classifier(run_id, written_s)
    plan = open_run(run_id).config().fine_tuning
    assert plan is not None
    return predict(found, [transform(example)], "cpu", task_named(plan.task).metric).probabilities[0]


def here() -> str:
    """The home, on which kept tables depend."""
    return str(home())
