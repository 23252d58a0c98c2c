"""The village's tasks, by name. Each is made from stories of its own, so no two splits share one."""

from gptlab.errors import DataError
from gptlab.evaluation.task import Task
from gptlab.evaluation.tasks.continuing import CONTINUING
from gptlab.evaluation.tasks.free import FREE
from gptlab.evaluation.tasks.understanding import UNDERSTANDING

VILLAGE = {task.name: task for task in (*UNDERSTANDING, *CONTINUING, *FREE)}
"""Name -> task, in the order in which pages list them."""


def task_named(name: str) -> Task:
    """A task of the village.

    Raises:
        DataError: no such task.
    """
    if name not in VILLAGE:
        raise DataError("There is no task {given!r}. There are {known}.", given=name, known=", ".join(VILLAGE))
    return VILLAGE[name]
