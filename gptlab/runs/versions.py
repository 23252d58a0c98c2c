"""On which versions of its tasks a run was measured.

    tasks.json        task -> version, written when a fine-tuning or a study begins

A task that was mended since asks other questions: scores of before stand beside none of now.
"""

import json

from gptlab.config import RunConfig
from gptlab.errors import RunError
from gptlab.evaluation.tasks import task_named
from gptlab.paths import replaced
from gptlab.runs.store import Run


def versions_of(config: RunConfig) -> dict[str, str]:
    """Task -> its version now, of the tasks that a run fine-tunes for."""
    plans = config.study.arms if config.study else [config.fine_tuning] if config.fine_tuning else []
    return {plan.task: task_named(plan.task).version for plan in plans}


def note_versions(run: Run) -> None:
    """
    Raises:
        RunError: the run was begun with another version of one of its tasks.
    """
    now, begun = versions_of(run.config()), measured_on(run)
    if changed := [task for task in now if begun and begun.get(task) != now[task]]:
        raise RunError(
            "The task {task} asks other questions since this run was begun, and their scores do not go together. Start it anew.",
            task=changed[0],
        )
    with replaced(run.folder / "tasks.json") as file:
        json.dump(now, file, indent=1)


def measured_on(run: Run) -> dict[str, str]:
    """Task -> version; empty for a run that has not begun, or did before versions were noted."""
    path = run.folder / "tasks.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def is_of_now(run: Run, task: str) -> bool:
    """Whether what a run says of a task is about the questions of now."""
    return measured_on(run).get(task) == task_named(task).version
