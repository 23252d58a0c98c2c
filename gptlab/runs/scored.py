"""What the models that ship score on the village's tasks without training, as their cards keep it.

    zero_shot        task -> score of the weights that ship
    through_time     task -> step -> score, where more moments of a training were kept than its two ends
    task_versions    task -> version of the task that was scored

A task that was mended since gives other questions, and what was scored on the old ones says nothing about it.
"""

import json
from dataclasses import asdict
from typing import Any

from gptlab.evaluation import tasks as village
from gptlab.evaluation.scoring import zero_shot
from gptlab.evaluation.task import Task
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import Run

N_SCORED, N_WRITTEN = 300, 100
"""Examples of a score, and of one for which free answers are written a token at a time. Chosen here: minutes a model on two cores, and
intervals of five points at most."""

N_THROUGH_TIME = 200
"""Examples of a score at every checkpoint. Chosen here: five minutes on two cores for a dozen of them."""


def card_of(run: Run) -> dict[str, Any]:
    """What is known about a model that ships."""
    found: dict[str, Any] = json.loads((run.folder / "card.json").read_text(encoding="utf-8"))
    return found


def write_card(run: Run, about: dict[str, Any]) -> None:
    (run.folder / "card.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")


def stale(card: dict[str, Any]) -> list[Task]:
    """Tasks that can be answered without training and are not what they were when a card was written."""
    return [task for task in village.VILLAGE.values() if task.rule and card["task_versions"].get(task.name) != task.version]


def scored_anew(card: dict[str, Any], ships: Run, trained: Run) -> dict[str, Any]:
    """A card with new scores where they are stale. What moments scored whose weights are not there is left out.

    Args:
        ships: the weights that ship.
        trained: the same model with as many moments of its training as there are.
    """
    tasks = stale(card)
    names = {task.name for task in tasks}
    kept = {name: found for name, found in card["through_time"].items() if name not in names}
    return card | {
        "zero_shot": card["zero_shot"] | zero_shot_scores(ships, tasks),
        "through_time": kept | scores_through_time(trained, tasks),
        "task_versions": card["task_versions"] | {task.name: task.version for task in tasks},
    }


def zero_shot_scores(run: Run, tasks: list[Task]) -> dict[str, dict[str, Any]]:
    """Task -> score on the first examples of its test split."""
    model, tokenizer = load_model(run), run.tokenizer()
    return {
        task.name: asdict(zero_shot(model, tokenizer, task, task.examples("test")[: N_WRITTEN if task.rule == "write" else N_SCORED]).score)
        for task in tasks
    }


def scores_through_time(run: Run, tasks: list[Task]) -> dict[str, dict[str, dict[str, Any]]]:
    """Task -> step -> score, where more moments of the training are kept than its two ends; written answers take too long."""
    steps = run.checkpoint_steps()
    if len(steps) <= 2:
        return {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    tokenizer = run.tokenizer()
    for step in steps:
        model = load_model(run, step)
        for task in tasks:
            if task.rule != "write":
                score = zero_shot(model, tokenizer, task, task.examples("test")[:N_THROUGH_TIME]).score
                found.setdefault(task.name, {})[str(step)] = asdict(score)
    return found
