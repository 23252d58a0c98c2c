"""What the pages about zero and few shots are made of."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.errors import LabError
from gptlab.evaluation.shortcuts import guessing, recorded
from gptlab.evaluation.tasks import VILLAGE
from gptlab.figures import shots as figures
from gptlab.runs.reached import half_interval, reached
from gptlab.runs.store import Run, readable_runs, shipped_runs
from gptlab.ui import cached_shots, label_curve, link, pick, show, task
from gptlab.ui.tuning import metric_name
from gptlab.words import _, told

SHOTS = (0, 1, 2, 4, 8)
N_SEEDS = 5

WITHOUT_TRAINING = ("acceptability", "choice", "closed", "cloze", "pronoun", "last-word", "sentiment", "entailment")
"""Kinds of tasks with a rule for answering untrained, the ones first in which small models succeed."""


def learned_over_time(run: Run) -> bool:
    """Whether a model has several moments of its training to look at."""
    return len(cached_shots.moments(run)) > 1 and pick.sort_of(run) == "training"


def through_time() -> None:
    """GPT-1's Figure 2, right: what a model can do untrained, while it learns to read."""
    left, right = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
    with left:
        run = pick.pretrained(learned_over_time, _("Model"), order=pick.longest_film_first)
    if run is None:
        return
    names = [f"{kind}-{language}" for kind in WITHOUT_TRAINING for language in ("en", "ko")]
    with right:
        chosen = link.several(
            _("Tasks"), names, task.village_title, "zero_tasks",
            default=("acceptability-en", "choice-en", "last-word-en"),
        )  # fmt: skip
    first, second = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
    with first:
        others = {r.id: r for r in [*readable_runs(), *shipped_runs()] if learned_over_time(r) and r.id != run.id}
        baseline = next((id for id, r in others.items() if r.is_shipped and not pick.is_transformer(r)), "") if run.is_shipped else ""
        other = link.select(
            _("Lay another model beside it"), ["", *others], baseline, lambda id: pick.run_label(others[id]) if id else _("none"), "beside"
        )
    with second:
        normalised = st.toggle(_("0 is guessing, 1 the ceiling"), value=True, key="normalised", bind="query-params")
    if not chosen:
        st.info(_("Choose at least one task."))
        return
    models = [run, *([others[other]] if other else [])]
    series, refused, place = [], {}, st.empty()
    jobs = [(i, model, name) for i, model in enumerate(models) for name in chosen]
    for done, (i, model, name) in enumerate(jobs):
        place.progress(done / len(jobs), text=_("Asking {model} about {task} ...").format(model=pick.short_name(model), task=name))
        span = (guessing(VILLAGE[name]), ceiling(run, name)) if normalised else (0.0, 1.0)
        try:
            series.append(time_series(model, name, chosen.index(name), span, dashed=i > 0, named=len(models) > 1))
        except LabError as problem:  # an answer longer than the context, a letter that the vocabulary lacks
            refused[model.id, name] = problem
    place.empty()
    if not series:
        raise next(iter(refused.values()))
    show.figure(figures.through_time_figure(series, normalised), key="through_time", table=lambda: time_table(series))
    caption = _("The first {n} test examples at every checkpoint; 95 % interval over them; of models that ship recorded with the app. No "
                "weight is changed by a question.").format(n=cached_shots.N_EXAMPLES)  # fmt: skip
    if normalised:
        caption += " " + _("The ceiling is the best fine-tuned score of {model} on the task that was recorded with the app, or computed "
                           "here; else 1. Asking may do better than the labels taught.").format(model=pick.short_name(run))  # fmt: skip
    for model in models:
        reasons = {name: told(refused[model.id, name]) for name in chosen if (model.id, name) in refused}
        for name, reason in reasons.items():
            caption += " " + _("{model} cannot be asked about {task}: {reason}").format(
                model=pick.short_name(model), task=task.village_title(name), reason=reason
            )
        cuts = {name: cached_shots.n_cut(model.id, name, cached_shots.N_EXAMPLES) for name in chosen if name not in reasons}
        if any(cuts.values()):
            caption += " " + _("Prompts that are too long for the {context} tokens of {model} lose their beginning: {tasks}.").format(
                context=model.config().model.block_size, model=pick.short_name(model),
                tasks=", ".join(f"{task.village_title(name)} {n}" for name, n in cuts.items() if n),
            )  # fmt: skip
    st.caption(caption)
    with st.expander(_("How a language model answers without having been told the task")), show.mistakes():
        explain(run, chosen[0])


def time_series(run: Run, name: str, group: int, span: tuple[float, float], dashed: bool, named: bool) -> figures.ScoreSeries:
    """One task at every checkpoint.

    Args:
        span: the scores that become 0 and 1.
    """
    steps = cached_shots.moments(run, name)
    found = [cached_shots.zero_shot(run.id, step, name, cached_shots.N_EXAMPLES) for step in steps]
    value, low, high = (np.array([score[key] for score in found]) for key in ("value", "low", "high"))
    value, low, high = ((scores - span[0]) / (span[1] - span[0]) for scores in (value, low, high))
    label = task.village_title(name) + (f" · {pick.short_name(run)}" if named else "")
    return figures.ScoreSeries(label, np.array(steps), value, low, high, dashed, group)


def time_table(series: list[figures.ScoreSeries]) -> pd.DataFrame:
    return pd.concat(pd.DataFrame({"series": s.label, "step": s.x, "score": s.value, "low": s.low, "high": s.high}) for s in series)


def ceiling(run: Run, name: str) -> float:
    """The best test score that labels taught this model on this task, where it is clearly above guessing; else 1."""
    floor = guessing(VILLAGE[name])
    return max((one.value for one in reached(run, name) if one.updated != "scratch" and one.low > floor), default=1.0)


def explain(run: Run, name: str) -> None:
    """The heuristic of a task, with an example and its numbers."""
    words = {
        "threshold": _("**Acceptability.** Mean log-probability of the sentence's tokens; above the median of all sentences it counts as "
                       "well formed (GPT-1, section 5: a threshold)."),
        "sum": _("**Best continuation.** The answer whose tokens together are likeliest behind the prompt (GPT-1 took the mean; the "
                 "few-shot page lets you choose). For sentiment this is *happy* or *sad* behind *very*, as GPT-1 took *positive* or "
                 "*negative*."),
        "after": _("**Substitution.** Each name is put in the pronoun's place; the rest of the sentence is judged, not the name itself."),
        "next": _("**Next word.** Right if the likeliest continuation begins with the missing word (as in LAMBADA)."),
    }  # fmt: skip
    about = VILLAGE[name]
    st.markdown(words[about.rule])
    example = about.examples("test")[0]
    show.prose(_("The first test example"), example.prompt)
    choices = cached_shots.choices_of(example)
    if choices:
        nats = cached_shots.judged_first(run.id, run.checkpoint_steps()[-1], name)
        show.table(*weights_table(nats, choices, example.label))


def weights_table(nats: list[np.ndarray], choices: tuple[str, ...], right: int) -> tuple[list[str], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (choice.strip(), str(len(found)), f"{found.sum():.2f}", f"{found.mean():.2f}", "✓" if i == right else "")
        for i, (choice, found) in enumerate(zip(choices, nats, strict=True))
    ]
    return [_("Answer"), _("tokens"), _("sum of log-probabilities"), _("mean"), _("right answer")], rows


def few_shots() -> None:
    """Demonstrations in the prompt, the literal prompt, and all ways side by side."""
    columns = st.columns([3, 3, 3], gap="medium", vertical_alignment="bottom")
    with columns[0]:
        run = pick.pretrained(pick.is_transformer, _("Model"), order=pick.largest_first)
    if run is None:
        return
    names = [name for name, about in VILLAGE.items() if about.rule == "sum"]
    with columns[1]:
        name = link.select(_("Task"), names, "rules-en", task.village_title, "shot_task")
    with columns[2]:
        rule = link.segments(
            _("An answer's score"), ["sum", "mean", "unconditional"], "sum", rule_name, "rule",
            help=_("Sum of the log-probabilities of its tokens; their mean; or the sum minus what it is without the question "
                   "(GPT-3, section 2.4)."),
        )  # fmt: skip
    with st.expander(_("Instruction before everything")):
        instruction = st.text_input(_("Instruction"), "", key="instruction", bind="query-params", label_visibility="collapsed")
    step = run.checkpoint_steps()[-1]
    n = min(cached_shots.N_EXAMPLES, len(VILLAGE[name].examples("test")))
    fits = most_fitting(run, step, name, instruction, n)
    ks = [k for k in SHOTS if k <= fits]
    series = shot_series(run, step, name, ks, rule, instruction, n)
    left, right = st.columns(2, gap="large")
    with left:
        known = [(_("guessing"), guessing(VILLAGE[name]))]
        drawn = [series, *(of_other(other, name, rule, instruction, n) for other in beside(run))]
        show.figure(figures.shots_figure(drawn, known, metric_name("accuracy")), key="shots", table=lambda: time_table(drawn))
        st.caption(
            _("{n} test examples; mean over {seeds} choices and orders of demonstrations. Interval: 95 % over examples and choices "
              "together. {fits} demonstrations fit into the context of {context} tokens before the longest question.").format(
                n=n, seeds=N_SEEDS, fits=fits, context=run.config().model.block_size)
        )  # fmt: skip
    with right:
        literal_prompt(run, step, name, ks, instruction)
    label_curve.draw(run, name, series)
    st.subheader(_("All ways side by side"))
    shown = ways(run, name, series)
    show.figure(figures.ways_figure(shown, metric_name("accuracy")), key="ways")
    st.caption(_("Orange: something was learned from labels, weights of the model or, beside a frozen one, new numbers alone (soft prompt, "
                 "W_y). Bars of training are there where a fine-tuning of this model on this task was recorded with the app, or "
                 "computed here."))
    st.page_link(
        show.page_path("transfer/fine_tuning"), label=_("Fine-tune it"), icon=":material/tune:",
        query_params={"model": run.id, "task": name},
    )


def beside(run: Run) -> list[Run]:
    """Other models on the same questions: does showing help more with size?"""
    others = {r.id: r for r in [*shipped_runs(), *readable_runs()]
              if r.id != run.id and pick.is_transformer(r) and pick.sort_of(r) == "training" and r.checkpoint_steps()}  # fmt: skip
    chosen = link.several(_("Other models beside it"), list(others), lambda id: label_curve.label_of(others[id]), "shot_models")
    return [others[id] for id in chosen]


def of_other(run: Run, name: str, rule: str, instruction: str, n: int) -> figures.ScoreSeries:
    """The curve of another model, at the end of its training, as far as its own context goes."""
    step = run.checkpoint_steps()[-1]
    fits = most_fitting(run, step, name, instruction, n)
    return shot_series(run, step, name, [k for k in SHOTS if k <= fits], rule, instruction, n)


def most_fitting(run: Run, step: int, name: str, instruction: str, n: int) -> int:
    """The largest number of demonstrations of which every choice fits into the context."""
    with st.spinner(_("Counting what fits ...")):
        return min(cached_shots.most_shots(run.id, step, name, seed, instruction, n) for seed in range(1, N_SEEDS + 1))


def rule_name(rule: str) -> str:
    return {"sum": _("sum"), "mean": _("mean"), "unconditional": _("against no question")}[rule]


def shot_series(run: Run, step: int, name: str, ks: list[int], rule: str, instruction: str, n: int) -> figures.ScoreSeries:
    """Score over k: mean over seeds, with an interval over examples and seeds."""
    values, lows, highs = [], [], []
    place = st.empty()
    for i, k in enumerate(ks):
        place.progress(i / len(ks), text=_("{k} demonstrations ...").format(k=k))
        seeds = range(1, 2 if k == 0 else N_SEEDS + 1)
        right = np.stack([cached_shots.few_shot(run.id, step, name, k, seed, rule, instruction, n).right for seed in seeds])  # (S, n)
        mean = float(right.mean())
        over_examples = 1.96 * right.mean(0).std() / right.shape[1] ** 0.5
        over_seeds = half_interval([float(row.mean()) for row in right]) if len(right) > 1 else 0.0
        around = float(np.hypot(over_examples, over_seeds))
        values.append(mean)
        lows.append(max(0.0, mean - around))
        highs.append(min(1.0, mean + around))
    place.empty()
    return figures.ScoreSeries(label_curve.label_of(run), np.array(ks), np.array(values), np.array(lows), np.array(highs))


def literal_prompt(run: Run, step: int, name: str, ks: list[int], instruction: str) -> None:
    """The prompt of one example, to be read and changed, and what the model thinks of each answer."""
    a, b, c = st.columns([2, 3, 3])
    with a:
        k = int(st.number_input("k", 0, ks[-1], min(2, ks[-1]), key="prompt_k", bind="query-params"))
    with b:
        which = _("Which ones, in which order.")
        seed = int(st.number_input(_("Demonstrations"), 1, 100, 1, key="prompt_seed", bind="query-params", help=which))
    with c:
        number = int(st.number_input(_("Example"), 1, 50, 1, key="prompt_example", bind="query-params"))
    text, example = cached_shots.literal(name, number - 1, k, seed, instruction)
    changed = st.text_area(
        _("The literal prompt (you may change it)"), text, height=240, key=f"literal_{name}_{number}_{k}_{seed}_{hash(instruction)}"
    )
    try:
        weighed = cached_shots.weighed(run.id, step, changed, example.choices)
    except LabError as problem:
        show.error(problem)
        return
    show.table(*weights_table(weighed.nats, example.choices, example.label))
    st.caption(_("{n} tokens in the prompt.").format(n=weighed.n_tokens))


def ways(run: Run, name: str, series: figures.ScoreSeries) -> list[figures.Way]:
    """Guessing, prompting, and what training reached."""
    nan, unchanged = float("nan"), _("weights unchanged")
    known = recorded(VILLAGE[name])
    found = [figures.Way(_("guessing"), "", guessing(VILLAGE[name]), nan, nan, False)]
    if known is not None:
        found.append(figures.Way(_("the commonest class"), "", known.majority, nan, nan, False))
    names = {0: _("zero-shot"), 1: _("one-shot")}
    for k, value, low, high in zip(series.x.tolist(), series.value, series.low, series.high, strict=True):
        found.append(figures.Way(names.get(k, _("{k}-shot").format(k=k)), unchanged, float(value), float(low), float(high), False))
    for label, value, low, high in tuned_ways(run, name):
        found.append(figures.Way(label, _("trained on labels"), value, low, high, True))
    return found


def tuned_ways(run: Run, name: str) -> list[tuple[str, float, float, float]]:
    """What fine-tunings of this model on this task reached: name, score, interval."""
    words = {
        "all": _("fine-tuned"), "top": _("last blocks tuned"), "head": _("frozen features"), "prompt": _("prompt-tuned"),
        "words": _("fine-tuned, words answer"),
        "scratch": _("from scratch"),
    }  # fmt: skip
    def label(updated: str, n: int | None) -> str:
        return _("{way}, {n} labels").format(way=words[updated], n=f"{n:,}" if n else _("all"))

    return [(label(one.updated, one.n_labels), one.value, one.low, one.high) for one in reached(run, name)]
