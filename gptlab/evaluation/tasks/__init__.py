"""Tasks by name: those of the village, each made from stories of its own so that no two splits share one, and a person's own tables."""

from gptlab.errors import DataError
from gptlab.evaluation.own import PREFIX, own
from gptlab.evaluation.task import Task
from gptlab.evaluation.tasks.continuing import CONTINUING
from gptlab.evaluation.tasks.free import FREE
from gptlab.evaluation.tasks.understanding import UNDERSTANDING

VILLAGE = {task.name: task for task in (*UNDERSTANDING, *CONTINUING, *FREE)}
"""Name -> task, in the order in which pages list them."""


def task_named(name: str) -> Task:
    """A task of the village, or of a table that was kept.

    Raises:
        DataError: no such task.
    """
    if name.startswith(PREFIX):
        return own(name).task
    if name not in VILLAGE:
        raise DataError("There is no task {given!r}. There are {known}.", given=name, known=", ".join(VILLAGE))
    return VILLAGE[name]
