"""How many labels are demonstrations worth? The same model and task, learned from more and more labels, beside the best prompt."""

import numpy as np
import streamlit as st

from gptlab.evaluation.shortcuts import guessing
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, Study, TransferConfig
from gptlab.figures import shots as figures
from gptlab.figures.style import Level
from gptlab.runs.reached import mean_and_interval
from gptlab.runs.store import Run, readable_runs, shipped_studies
from gptlab.runs.versions import is_of_now
from gptlab.training.events import Point
from gptlab.ui import cached, launch, pick, show, study, task
from gptlab.ui.tuning import metric_name
from gptlab.words import _

N_SEEDS = 3


def draw(run: Run, name: str, prompted: figures.ScoreSeries) -> None:
    """The curve of a model and a task, or the button that computes it.

    Args:
        prompted: score over the number of demonstrations.
    """
    st.subheader(_("How many labels are the demonstrations worth?"))
    if name not in task.learnable():
        st.info(_("Labels cannot teach this task: the rule stands in the demonstrations alone, and a trained model sees only the question. "
                  "Choose another task to compare."))
        return
    plan = planned(run, name)
    there = newest(run, name)
    if there is None or there.is_shipped:
        st.button(
            _("Compute {n} fine-tunings").format(n=len(plan.points())), icon=":material/play_arrow:", key="label_curve",
            on_click=study.start, args=(plan,), help=_("With {counts} labels, from the pretrained weights and from scratch, three times "
                                                       "each; frozen features and a soft prompt beside them.").format(
                counts=", ".join(f"{n:,}" for n in sorted({arm.transfer.n_labels for arm in plan.arms}))),
        )  # fmt: skip
    if there is not None:
        study.watch(there, lambda _study, points: _figure(_study, points, name, prompted))


def most_labels(name: str) -> int:
    return len(task_named(name).examples("train"))


def planned(run: Run, name: str) -> Study:
    """What the button computes."""
    from gptlab.transfer.studies import label_study

    return label_study(run.id, name, TransferConfig(precision=cached.speed(launch.device()).tuning_precision), N_SEEDS, most_labels(name))


def newest(run: Run, name: str) -> Run | None:
    """The newest such study of this model and of what the task asks now, else one that ships."""
    for one in [*readable_runs(), *shipped_studies()]:
        found = one.config().study
        fits = found is not None and found.kind == "few_shot" and (found.arms[0].model, found.arms[0].task) == (run.id, name)
        if fits and (one.status().state in ("queued", "starting") or is_of_now(one, name)):
            return one
    return None


def _figure(found: Study, points: list[Point], name: str, prompted: figures.ScoreSeries) -> None:
    series = [one for one in (_series(found, points, None), _series(found, points, -1)) if len(one.x)]
    best = int(np.argmax(prompted.value))
    shots = _("best prompt ({k}-shot)").format(k=int(prompted.x[best]))
    levels: list[Level] = [(_("guessing"), guessing(task_named(name))), (shots, float(prompted.value[best]))]
    figure = figures.labels_figure(series, levels, metric_name("accuracy"))
    show.figure(figure, key="label_curve_figure", table=lambda: study.points_table(found, points))
    st.caption(
        _("Whole test split; mean over {seeds} seeds (other labels, order and random weights each), ± 95 % interval over seeds by "
          "Student's t. With few labels more epochs: {epochs}. The prompt is the best of those above, chosen by the very questions that it "
          "is scored on: a little too good.").format(
            seeds=found.n_seeds,
            epochs=", ".join(f"{arm.transfer.n_labels:,}: {arm.transfer.n_epochs}" for arm in found.arms if _is_whole(arm)))
    )  # fmt: skip
    if len(series) and len(series[0].x):
        st.markdown(crossing(series[0], shots, float(prompted.value[best])))


def _is_whole(arm: FineTuning) -> bool:
    return arm.transfer.updated == "all" and arm.transfer.n_layers_taken is None


def _series(found: Study, points: list[Point], taken: int | None) -> figures.ScoreSeries:
    by_count: dict[int, list[float]] = {}
    for point in points:
        transfer = found.arms[point.arm].transfer
        if transfer.updated == "all" and transfer.n_layers_taken == taken:
            by_count.setdefault(transfer.n_labels, []).append(point.test)
    counts = sorted(by_count)
    found_at = np.array([mean_and_interval(by_count[n], found.arms[0].task) for n in counts]).reshape(-1, 3)
    name = _("fine-tuned") if taken is None else _("from scratch")
    return figures.ScoreSeries(name, np.array(counts), *found_at.T)


def crossing(tuned: figures.ScoreSeries, name: str, level: float) -> str:
    """Between which numbers of labels training passes the prompt."""
    above = [int(n) for n, value in zip(tuned.x, tuned.value, strict=True) if value > level]
    below = [int(n) for n, value in zip(tuned.x, tuned.value, strict=True) if value <= level]
    if not above:
        return _("With up to {n} labels, training stays below the {prompt}.").format(n=f"{below[-1]:,}", prompt=name)
    if not below or min(above) < min(below):
        return _("From {n} labels on, and maybe fewer, training is above the {prompt}.").format(n=f"{above[0]:,}", prompt=name)
    last = max(n for n in below if n < above[0])
    return _("Training passes the {prompt} between {a} and {b} labels.").format(prompt=name, a=f"{last:,}", b=f"{above[0]:,}")


def label_of(run: Run) -> str:
    """Name and size of a model."""
    from gptlab.model.counting import count_all

    return f"{pick.short_name(run)} · {count_all(run.config().model) / 1e6:.1f} M"
