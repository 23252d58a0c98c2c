"""What fine-tunings of a model on a task have reached so far, on this computer and in what ships."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student

from gptlab.config import ModelConfig
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.runs.curve import Curve
from gptlab.runs.store import Run, readable_runs, shipped_studies
from gptlab.runs.versions import is_of_now
from gptlab.training.events import SCRATCH


@dataclass(frozen=True)
class Reached:
    """A test score after training on labels.

    Args:
        updated: what learned, of `experiment.UPDATED`; "scratch" from random weights, "words" where the answers' words are what answers.
        n_labels: None for all.
        low, high: 95 % interval: over examples for one training, over seeds for a study.
    """

    updated: str
    n_labels: int | None
    value: float
    low: float
    high: float


def reached(model: Run, task: str) -> list[Reached]:
    """The newest result of each sort and number of labels."""
    found: dict[tuple[str, int | None], Reached] = {}
    for run in [*readable_runs(), *shipped_studies()]:
        for one in (*_of_fine_tuning(run, model, task), *_of_study(run, model, task)):
            found.setdefault((one.updated, one.n_labels), one)
    return list(found.values())


def _of_fine_tuning(run: Run, model: Run, task: str) -> list[Reached]:
    plan, file = run.config().fine_tuning, run.folder / "results.json"
    if plan is None or not _counts(run, plan, model, task) or plan.transfer.n_layers_taken is not None or not file.exists():
        return []
    scores = json.loads(file.read_text(encoding="utf-8"))["scores"]
    return [
        Reached(sort_of(plan.transfer, arm == SCRATCH), plan.transfer.n_labels, score["value"], score["low"], score["high"])
        for arm, score in scores.items()
        if arm != SCRATCH or plan.transfer.answer_by == "head"
    ]


def _counts(run: Run, plan: FineTuning, model: Run, task: str) -> bool:
    """Whether a fine-tuning says what the model reaches on the task: from its last weights, all of them free to learn where all learn, and
    asked what the task asks now.
    """
    if (plan.model, plan.task) != (model.id, task) or plan.transfer.freeze_taken:
        return False
    return plan.step in (None, model.checkpoint_steps()[-1]) and is_of_now(run, task)


def _of_study(run: Run, model: Run, task: str) -> list[Reached]:
    study, shape = run.config().study, model.config().model
    if study is None:
        return []
    curve = Curve(run.folder)
    curve.read()
    found = []
    for i, arm in enumerate(study.arms):
        values = [point.test for point in curve.points if point.arm == i]
        taken = arm.transfer.n_layers_taken
        whole = taken is None or isinstance(shape, ModelConfig) and taken == shape.n_layer
        if arm.transfer.answer_by == "head":
            fits = (whole or taken == -1) and arm.transfer.auxiliary > 0  # an ablation's arm without L1 is no fine-tuning as in GPT-1
        else:
            fits = whole  # from random weights no word means anything
        if _counts(run, arm, model, task) and values and fits:
            found.append(Reached(sort_of(arm.transfer, not whole), arm.transfer.n_labels, *mean_and_interval(values, task)))
    return found


def sort_of(transfer: TransferConfig, scratch: bool) -> str:
    return "scratch" if scratch else "words" if transfer.answer_by == "words" and transfer.updated == "all" else transfer.updated


def mean_and_interval(values: Sequence[float], task: str) -> tuple[float, float, float]:
    """Mean over seeds, and its 95 % interval as far as the task's metric goes."""
    mean, around = statistics.mean(values), half_interval(values)
    lowest = 0.0 if task_named(task).metric == "accuracy" else -1.0
    return mean, max(mean - around, lowest), min(mean + around, 1.0)


def half_interval(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean by Student's t; not a number for a single value."""
    if len(values) < 2:
        return float("nan")
    return float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
