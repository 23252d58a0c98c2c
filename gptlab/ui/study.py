"""What the pages of studies are made of: many fine-tunings, computed in the queue, drawn as they are done."""

import json
import statistics
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.config import ModelConfig
from gptlab.evaluation.metrics import spearman
from gptlab.experiment import ANSWERS, FineTuning, Study, TransferConfig
from gptlab.figures import transfer as figures
from gptlab.paths import ASSETS
from gptlab.runs.reached import half_interval, mean_and_interval
from gptlab.runs.store import Run, open_run, readable_runs, shipped_runs, shipped_studies
from gptlab.training.events import Point
from gptlab.transfer.studies import VARIANTS
from gptlab.ui import cached, cached_transfer, launch, link, live, pick, show, state, task
from gptlab.ui.tuning import LABELS, levels, metric_name
from gptlab.words import _

LABEL_CHOICES = [n for n in LABELS if n != "all"]


@cache
def paper() -> dict:
    """Numbers that the papers print, with their source."""
    return json.loads((ASSETS / "paper_reference.json").read_text(encoding="utf-8"))


def plan_layers() -> Study | None:
    """The choices of the layer-transfer page."""
    first, second, third = st.columns([4, 4, 4], gap="medium", vertical_alignment="bottom")
    with first:
        model = pick.pretrained(pick.has_layers)
    if model is None:
        return None
    with second:
        choice = task.choose("closed-en")
    with third:
        possible = [variant for variant in VARIANTS if variant != "words" or task.has_words(choice)]
        variant = link.select(
            _("What is tried"), possible, possible[0], variant_name, "variant",
            help=_("The first n layers are handed over, the rest starts at random, and everything is trained. In the paper a new head, "
                   "W_y, answers; it takes more labels and updates than words that the model has already."),
        )  # fmt: skip
    name = task.brought(choice)
    if name is None:
        return None
    left, right = st.columns([4, 2], gap="medium", vertical_alignment="bottom")
    with left:
        counts = link.several(
            _("Labelled examples: a curve for each number"), [n for n in LABEL_CHOICES if int(n) <= n_train(name)], lambda n: f"{int(n):,}",
            "label_counts", default=("512",) if n_train(name) >= 512 else (),
        )  # fmt: skip
    with right:
        n_seeds = int(st.number_input(_("Seeds"), 1, 20, 3, key="n_seeds", bind="query-params"))
    return layers_of(model, name, variant, [int(n) for n in counts] or [None], n_seeds)


def n_train(name: str) -> int:
    with st.spinner(_("Making the examples ...")):
        return cached_transfer.n_examples(name, cached_transfer.here())


def layers_of(model: Run, name: str, variant: str, counts: Sequence[int | None], n_seeds: int) -> Study:
    """One arm for every number of layers and labels."""
    from gptlab.transfer.studies import layer_study

    base = TransferConfig(precision=cached.speed(launch.device()).tuning_precision)
    base = base.with_(**VARIANTS[variant])
    plans = [FineTuning(model=model.id, task=name, transfer=base.with_(n_labels=n)) for n in counts]
    return layer_study(plans, model.config().model.n_layer, n_seeds)


def variant_of(arm: FineTuning) -> str:
    """What was tried in a study of layers that has this arm."""
    settings = arm.transfer.to_json()
    telling = {name: next(iter(changes.items())) for name, changes in VARIANTS.items() if changes}
    return next((name for name, (what, value) in telling.items() if settings[what] == value), "paper")


def variant_name(variant: str) -> str:
    return {
        "words": _("the answers' own words answer, no W_y"), "paper": _("as in the paper: W_y answers"),
        "no_auxiliary": _("W_y, without L1 (λ = 0)"), "top": _("W_y, layers from the top instead"),
        "frozen": _("W_y, the blocks handed over stay frozen"),
    }[variant]  # fmt: skip


def plan_ablations() -> Study | None:
    """The choices of the Table 5 page: full, without pretraining, without L1, and the LSTM, on several tasks."""
    from gptlab.transfer.studies import ablation_study

    lstms = {run.id: run for run in [*shipped_runs(), *readable_runs()] if not isinstance(run.config().model, ModelConfig)}
    first, second, third = st.columns([4, 4, 2], gap="medium", vertical_alignment="bottom")
    with first:
        model = pick.pretrained(pick.has_layers)
    if model is None:
        return None
    with second:
        none = {"": _("none there yet")}
        lstm = link.select(
            "LSTM", list(lstms) or [""], next(iter(lstms), ""), lambda id: pick.run_label(lstms[id]) if id else none[id], "lstm",
        )  # fmt: skip
    with third:
        n_seeds = int(st.number_input(_("Seeds"), 1, 20, 3, key="n_seeds", bind="query-params"))
    left, right = st.columns([4, 6], gap="medium", vertical_alignment="bottom")
    with left:
        answer_by = link.segments(_("What answers"), list(ANSWERS), "head", answers_name, "answer_by")
    names = [name for name in task.learnable() if answer_by == "head" or task.has_words(name)]
    default = ("acceptability-en", "kind-en", "pronoun-en") if answer_by == "head" else ("closed-en", "pronoun-en")
    with right:
        n_labels = link.segments(_("Labelled examples"), LABEL_CHOICES, "1024", lambda n: f"{int(n):,}", "labels")
    tasks = link.several(_("Tasks"), names, task.village_title, "tasks", default=default)
    if not tasks:
        st.info(_("Choose at least one task."))
        return None
    base = TransferConfig(n_labels=int(n_labels), answer_by=answer_by, precision=cached.speed(launch.device()).tuning_precision)
    return ablation_study([FineTuning(model=model.id, task=name, transfer=base) for name in tasks], lstm or None, n_seeds)


def answers_name(answer_by: str) -> str:
    return {"head": "W_y", "words": _("words")}[answer_by]


def ablation_of(arm: FineTuning) -> str:
    """Which row of Table 5 an arm belongs to."""
    if not isinstance(open_run(arm.model).config().model, ModelConfig):
        return "lstm"
    return "scratch" if arm.transfer.n_layers_taken == -1 else "full" if arm.transfer.auxiliary else "no_auxiliary"


def start(study: Study) -> None:
    """Put a study into the queue and show it; the callback of the button."""
    from gptlab.runs.subject import study_config

    names = dict.fromkeys(cached_transfer.task(arm.task).name for arm in study.arms)
    title = f"{pick.short_name(open_run(study.arms[0].model))} → {', '.join(names)}"
    launch.queued(lambda: study_config(study, launch.device(), title), study.kind)


def button(study: Study | None) -> str:
    return _("Compute {n} fine-tunings").format(n=len(study.points()) if study else 0)


def choose(kind: str) -> Run | None:
    """A study of this kind: the newest, or one that ships."""
    return pick.run_of_sort(_("Study"), "study", kind, shipped_studies())


def watch(run: Run, draw: Callable[[Study, list[Point]], None]) -> None:
    """A study: progress while it is computed, and the figure of what is done."""
    status = run.status()
    state.seen_states()[run.id] = status.state

    def look() -> None:
        with show.mistakes():
            now = run.status()
            if now.state != state.seen_states().get(run.id):
                st.rerun()
            live.wait_for_worker(run, now)
            if run.is_shipped:
                about = run.environment()
                st.caption(
                    _("Recorded on {date} on {device}, {minutes} min; commit {commit}. Press the button to compute it here.").format(
                        date=about.get("created", "")[:10], device=now.device_name, minutes=f"{now.elapsed_s / 60:.0f}",
                        commit=about.get("commit", ""),
                    )
                )  # fmt: skip
            else:
                live.progress(run, now)
            study = run.config().study
            assert study is not None
            points = list(cached.curve(run.id).points)
            if points:
                draw(study, points)
            else:
                st.info(_("The first point takes some seconds: examples are made, then models fine-tuned, one on each core."))

    st.fragment(run_every=live.tick(status))(look)()


def layers(study: Study, points: list[Point]) -> None:
    """The figure of layers transferred."""
    first = study.arms[0]
    found = cached_transfer.task(first.task)
    shape = open_run(first.model).config().model
    assert isinstance(shape, ModelConfig)
    beside = st.toggle(_("Mark the ends of the paper's curves"), key="paper_curve", bind="query-params")
    series = [depth_series(study, points, n) for n in dict.fromkeys(arm.transfer.n_labels for arm in study.arms)]
    drawn = [one for one in series if len(one.n_layers)]
    show.figure(
        figures.layers_figure(drawn, shape.n_layer, levels(first.task), metric_name(found.metric), paper_curves() if beside else ()),
        key="layers", table=lambda: points_table(study, points),
    )  # fmt: skip
    caption = _(
        "Mean over seeds (other labelled examples, order and random weights each), ± 95 % interval over seeds by Student's t. Test: {test} "
        "examples, read once; training: some hundred of those learned from. {epochs} epochs of batches of {size}, highest rate {rate}, λ = "
        "{auxiliary}."
    ).format(
        size=first.transfer.batch_size,
        test=f"{len(cached_transfer.test_examples_of(found)):,}", epochs=first.transfer.n_epochs, rate=f"{first.transfer.learning_rate:g}",
        auxiliary=f"{first.transfer.auxiliary:g}",
    )  # fmt: skip
    if any(arm.transfer.n_labels is None for arm in study.arms):
        caption += " " + _("Where all labels are learned from, every seed has the same ones.")
    caption += " " + _("What is tried: {variant}.").format(variant=variant_name(variant_of(first)))
    if beside:
        known = _("Paper: {source}. Its curves between the ends are not drawn, and its tasks are others.")
        caption += " " + known.format(source=paper()["gpt1_layers"]["source"])
        if found.metric != "accuracy":
            caption += " " + _("The paper's scores are accuracies, these are not.")
    st.caption(caption)
    for one in drawn:
        verdict(one)


def depth_series(study: Study, points: list[Point], n_labels: int | None) -> figures.DepthSeries:
    """Means over seeds for one number of labels."""
    arms = {i: arm.transfer.n_layers_taken for i, arm in enumerate(study.arms) if arm.transfer.n_labels == n_labels}
    by_depth: dict[int, list[Point]] = {}
    for point in points:
        if (depth := arms.get(point.arm)) is not None:
            by_depth.setdefault(depth, []).append(point)
    depths = sorted(by_depth)
    tests = [[point.test for point in by_depth[depth]] for depth in depths]
    name = _("{n} labels").format(n=f"{n_labels:,}") if n_labels else _("all labels")
    intervals = np.array([mean_and_interval(values, study.arms[0].task) for values in tests]).reshape(-1, 3)
    means, lows, highs = intervals.T
    train = np.array([statistics.mean(p.train for p in by_depth[depth]) for depth in depths])
    return figures.DepthSeries(name, np.array(depths), means, lows, highs, train, np.array([len(values) for values in tests]))


def verdict(one: figures.DepthSeries) -> None:
    """What the curve says, in a sentence with its numbers."""
    score = dict(zip(one.n_layers.tolist(), one.test.tolist(), strict=True))
    deepest = max(score)
    if not {-1, 0} <= set(score) or deepest < 1:
        return
    gain = 100 * (score[deepest] - score[-1])
    share = 100 * (score[0] - score[-1])
    rho = spearman(np.array(list(score)), np.array(list(score.values())))
    text = _("**{series}**: all layers are worth {gain} points over nothing, the embeddings alone {share}. Rank correlation of score and "
             "depth: {rho}.")  # fmt: skip
    st.markdown(text.format(series=one.label, gain=f"{gain:+.1f}", share=f"{share:+.1f}", rho=f"{rho:.2f}"))


def paper_curves() -> list[tuple[str, float, float]]:
    found = paper()["gpt1_layers"]
    return [
        (_("GPT-1 on {task}").format(task=name), found[name]["none_or_embeddings"] / 100, found[name]["all_12"] / 100)
        for name in ("MultiNLI", "RACE")
    ]


def points_table(study: Study, points: list[Point]) -> pd.DataFrame:
    """Every point with its settings."""
    return pd.DataFrame([
        {"model": study.arms[p.arm].model, "task": study.arms[p.arm].task, "layers": study.arms[p.arm].transfer.n_layers_taken,
         "labels": study.arms[p.arm].transfer.n_labels, "answers": study.arms[p.arm].transfer.answer_by,
         "lambda": study.arms[p.arm].transfer.auxiliary, "seed": p.seed,
         "train": p.train, "validation": p.validation, "test": p.test, "seconds": p.seconds}
        for p in points
    ])  # fmt: skip


def ablations(study: Study, points: list[Point]) -> None:
    """Our Table 5: a column for each task and each way to answer it."""
    columns = {(arm.task, arm.transfer.answer_by): arm.transfer.n_labels for arm in study.arms}
    values: dict[tuple[str, str, str], list[float]] = {}
    for point in points:
        arm = study.arms[point.arm]
        values.setdefault((ablation_of(arm), arm.task, arm.transfer.answer_by), []).append(point.test)
    rows = []
    for kind in ("full", "scratch", "no_auxiliary", "lstm"):
        cells = [values.get((kind, *column), []) for column in columns]
        if any(cells):
            rows.append((ablation_name(kind), *(mean_cell(cell) for cell in cells)))
    labels = _("labelled examples"), *(_("all") if n is None else f"{n:,}" for n in columns.values())
    names = [
        cached_transfer.task(name).name + (f" ({answers_name(answer_by)})" if answer_by == "words" else "") for name, answer_by in columns
    ]
    show.table([_("Test score"), *names], [*rows, labels])
    chosen = study.arms[0].transfer
    same = _("{model}, on the test split. Mean ± half of the 95 % interval over {n} seeds. Accuracy; acceptability: Matthews correlation. "
             "The same budget for all rows of a task: {epochs} epochs, rate {rate}.")
    name = pick.short_name(open_run(study.arms[0].model))
    st.caption(same.format(model=name, n=study.n_seeds, epochs=chosen.n_epochs, rate=f"{chosen.learning_rate:g}"))
    show.csv(lambda: points_table(study, points), key="ablations")


def paper_ablations() -> None:
    """The paper's Table 5."""
    st.subheader(_("GPT-1, Table 5"))
    known = paper()["gpt1_ablations"]
    rows = [
        (ablation_name(kind), *(f"{value:.1f}" for value in known[kind])) for kind in ("full", "scratch", "no_auxiliary", "lstm")
    ]
    show.table([_("Score as in the paper"), *known["columns"]], rows)
    st.caption(
        _("CoLA: Matthews correlation; STS-B: Pearson; MRPC and QQP: F1; the others accuracy. No interval and no number of trainings is "
          "printed. The average is higher without the auxiliary loss; it helps on the larger data sets (QQP, MNLI, QNLI) and on RTE.")
    )  # fmt: skip


def ablation_name(kind: str) -> str:
    return {
        "full": _("Transformer, with L1 (full)"), "scratch": _("without pretraining"), "no_auxiliary": _("without L1 (λ = 0)"),
        "lstm": _("LSTM, with L1"),
    }[kind]  # fmt: skip


def mean_cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{statistics.mean(values):.3f}" + (f" ± {half_interval(values):.3f}" if len(values) > 1 else "")
