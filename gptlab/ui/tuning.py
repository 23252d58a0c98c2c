"""What the fine-tuning page is made of: the plan, the input transformation as a picture, the run while it learns, what it reaches."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.evaluation.shortcuts import guessing
from gptlab.evaluation.task import Example, Task
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.figures import transfer as figures
from gptlab.runs.store import Run, Status, open_run
from gptlab.training.events import PRETRAINED, SCRATCH
from gptlab.ui import cached, cached_transfer, launch, link, live, pick, show, state, task
from gptlab.words import _

LABELS = ("64", "256", "512", "1024", "4096", "all")

QUICK = 500_000
"""Characters of labelled text that a small model learns from in about a minute on two cores; with more, a part is the default."""

SHOWN_MISTAKES = 12


def plan() -> FineTuning | None:
    """The choices of the page; None, with a hint, while something is missing."""
    first, second, third = st.columns([4, 3, 4], gap="medium", vertical_alignment="bottom")
    with first:
        run = pick.pretrained()
    if run is None:
        return None
    with second:
        step = pick.checkpoint(run)
    with third:
        choice = task.choose()
    name = task.brought(choice)
    if name is None:
        return None
    columns = st.columns([4, 5, 2], gap="medium", vertical_alignment="bottom")
    with columns[0]:
        n_labels = labels(name)
    with columns[1]:
        updated = what_learns(run)
    with columns[2]:
        auxiliary = st.slider(
            _("λ"), 0.0, 2.0, 0.5, 0.1, key="lambda", bind="query-params", disabled=updated in ("head", "prompt"),
            help=pick.help_of(TransferConfig, "auxiliary"),
        )  # fmt: skip
    with st.expander(_("More settings")):
        answer_by = what_answers(name, updated)
        transfer = more(run, updated).with_(n_labels=n_labels, updated=updated, auxiliary=auxiliary, answer_by=answer_by)
        scratch = st.checkbox(
            _("Train the same model from random weights beside it"), value=True, key="scratch",
            help=_("The baseline that shows what pretraining is worth. It doubles the time."),
        )  # fmt: skip
    return FineTuning(model=run.id, step=step, task=name, scratch=scratch, transfer=transfer)


def labels(name: str) -> int | None:
    """How many labelled examples; None for all."""
    with st.spinner(_("Making the examples ...")):
        n = cached_transfer.n_examples(name, cached_transfer.here())
    options = [option for option in LABELS if option == "all" or int(option) < n]
    default = "1024" if "1024" in options and cached_transfer.n_characters(name, cached_transfer.here()) > QUICK else "all"
    names = {option: f"{int(option):,}" if option != "all" else _("all {n}").format(n=f"{n:,}") for option in options}
    chosen = link.segments(_("Labelled examples"), options, default, names.__getitem__, "labels")
    return None if chosen == "all" else int(chosen)


def what_learns(run: Run) -> str:
    names = {"all": _("everything"), "top": _("last blocks"), "head": _("head only"), "prompt": _("soft prompt")}
    if not pick.has_layers(run):
        del names["top"]
    if not pick.is_transformer(run):
        del names["prompt"]
    return link.segments(
        _("What learns"), list(names), "all", names.__getitem__, "updated",
        help=_(
            "Everything, as in GPT-1. Last blocks: the layers below stay as they are. Head only: $W_y$ reads frozen features. Soft prompt: "
            "some vectors before the text and $W_y$ (in Lester et al. 2021 the vectors alone); not one weight of the model changes. Where "
            "the model is frozen, Start, Delimiter and Extract stay random vectors."
        ),
    )  # fmt: skip


def what_answers(name: str, updated: str) -> str:
    """Words can answer where a task has words to choose from, and where something else than a head learns."""
    names = {"head": _("W_y at Extract, as in GPT-1"), "words": _("the answers' own words")}
    possible = cached_transfer.task(name).has_words and updated != "head"
    chosen = link.segments(
        _("What answers"), list(names), "head", names.__getitem__, "answer_by", disabled=not possible,
        help=_("A new linear layer that reads the model, or the probability that the model gives to each answer behind the prompt: then "
               "training begins where asking without training ends, and no new weight is needed."),
    )  # fmt: skip
    return chosen if possible else "head"


def more(run: Run, updated: str) -> TransferConfig:
    """Settings that mostly stay as they are."""
    from gptlab.transfer.studies import LEARNING_LESS

    preset = TransferConfig(**LEARNING_LESS.get(updated, {}), precision=cached.speed(launch.device()).tuning_precision)
    names = ["n_epochs", "learning_rate", "batch_size", "warmup_fraction", "weight_decay", "seed"]
    names += {"top": ["n_updated"], "prompt": ["n_prompt"]}.get(updated, [])
    found = {}
    columns = st.columns(3)
    for i, name in enumerate(names):
        with columns[i % 3]:
            found[name] = pick.number(TransferConfig, name, getattr(preset, name))
    st.caption(
        _(
            "GPT-1 fine-tuned 117 M weights with 6.25e-5 and a warm-up over 0.2 % of the updates. Models of a hundredth of that size bear "
            "a higher rate, and with fewer updates a longer share of warm-up."
        )
    )
    return preset.with_(**found)


def start(chosen: FineTuning) -> None:
    """Put a fine-tuning into the queue and show it; the callback of the button."""
    from gptlab.runs.subject import fine_tuning_config

    title = f"{pick.short_name(open_run(chosen.model))} → {cached_transfer.task(chosen.task).name}"
    launch.queued(lambda: fine_tuning_config(chosen, launch.device(), title), "tuning")


def transformation(chosen: FineTuning) -> None:
    """What the model reads for an example of this task, and where W_y reads the model."""
    st.subheader(_("What the model reads"))
    left, right = st.columns([3, 2], gap="large")
    with right:
        most = min(50, cached_transfer.n_examples(chosen.task, cached_transfer.here()))
        number = int(st.number_input(_("Example"), 1, most, 1, key="transform_example", bind="query-params"))
    answer_by = chosen.transfer.answer_by
    found = cached_transfer.drawn(chosen.model, chosen.task, chosen.transfer.reading(), number - 1, cached_transfer.here())
    form = "words" if answer_by == "words" else cached_transfer.task(chosen.task).form
    with left:
        show.sequences(found.rows, "log P" if answer_by == "words" else "h")
        caption = _("{n} tokens a sequence. Right: {answer}.").format(n=", ".join(map(str, found.n_tokens)), answer=found.right)
        if found.n_cut:
            cut = {
                "words": _("{n} tokens did not fit and were cut at the beginning of the prompt."),
                "head": _("{n} tokens did not fit and were cut at the end of the longest text."),
            }[answer_by]
            caption += " " + cut.format(n=found.n_cut)
        st.caption(caption)
    with right:
        st.markdown(form_words(form))
        st.latex(formula(form))


def form_words(form: str) -> str:
    return {
        "classification": _("**Classification.** $W_y$ reads the model at Extract."),
        "entailment": _("**Entailment.** Two texts in their order, a delimiter between them; $W_y$ reads the model at Extract."),
        "similarity": _("**Similarity.** Both orders, because a decoder only looks back; what stands at the two Extract tokens is added."),
        "choice": _("**Multiple choice.** One sequence an answer; one number each, and one softmax over them."),
        "words": _("**By words.** The prompt of zero-shot, an answer behind it; what counts is how likely the answer's tokens are."),
    }[form]


def formula(form: str) -> str:
    """Equations 3 to 5, as this task uses them."""
    reads = {
        "classification": r"P(y \mid x) = \mathrm{softmax}(h_{\mathrm{Extract}} W_y)",
        "entailment": r"P(y \mid x) = \mathrm{softmax}(h_{\mathrm{Extract}} W_y)",
        "similarity": r"P(y \mid x) = \mathrm{softmax}\big((h^{(1)} + h^{(2)})\, W_y\big)",
        "choice": r"P(a_k) = \mathrm{softmax}_k\big(h^{(k)} w_y\big)",
        "words": r"P(a_k) = \mathrm{softmax}_k \sum_i \log p(a_{k,i})",
    }
    return reads[form] + r"\\[4pt] L_3 = L_2 + \lambda L_1"


def watch(run: Run) -> None:
    """A fine-tuning: progress, scores on the way, losses, and at the end what it says of the test split."""
    status = run.status()
    state.seen_states()[run.id] = status.state
    st.fragment(run_every=live.tick(status))(_draw)(run)


def _draw(run: Run) -> None:
    with show.mistakes():
        status = run.status()
        if status.state != state.seen_states().get(run.id):
            st.rerun()
        live.wait_for_worker(run, status)
        chosen = run.config().fine_tuning
        assert chosen is not None
        live.progress(run, status)
        series = [one for one in (tuning_series(run, PRETRAINED), tuning_series(run, SCRATCH)) if len(one.step)]
        if not series:
            return
        found = cached_transfer.task(chosen.task)
        metric = metric_name(found.metric)
        show.figure(figures.scores_figure(series, levels(chosen.task), metric), key="tuning", table=lambda: table_of(series))
        st.caption(
            _("Training: {n} of the examples that it learns from; validation: up to 256 of the validation split. Seed {seed}.").format(
                n=min(256, chosen.transfer.n_labels or cached_transfer.n_examples(chosen.task, cached_transfer.here())),
                seed=chosen.transfer.seed,
            )
        )
        columns = st.columns(2, gap="medium")
        with columns[0]:
            show.figure(figures.losses_figure(series, auxiliary=False), key="tuning_task")
        with columns[1]:
            if any(len(one.auxiliary_nats) for one in series):
                show.figure(figures.losses_figure(series, auxiliary=True), key="tuning_auxiliary")
            else:
                st.info(_("L1 does not count here: λ is 0, or no weight of the language model learns."))


def tuning_series(run: Run, arm: str) -> figures.TuningSeries:
    curve = cached.curve(run.id)
    updates, looks = list(curve.tuned.get(arm, [])), list(curve.judged.get(arm, []))
    return figures.TuningSeries(
        label={PRETRAINED: _("pretrained"), SCRATCH: _("from scratch")}[arm],
        step=np.array([event.step for event in updates]),
        task_nats=np.array([event.task_nats for event in updates]),
        auxiliary_nats=np.array([event.auxiliary_nats for event in updates if event.auxiliary_nats is not None]),
        judged_step=np.array([event.step for event in looks]),
        train=np.array([event.train for event in looks]),
        validation=np.array([event.validation for event in looks], dtype=float),
    )


def table_of(series: list[figures.TuningSeries]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame({"model": one.label, "update": one.judged_step, "train": one.train, "validation": one.validation}) for one in series
    )


def metric_name(metric: str) -> str:
    return {"accuracy": _("accuracy"), "mcc": _("Matthews correlation"), "pearson": _("Pearson correlation")}[metric]


def levels(name: str) -> list[tuple[str, float]]:
    """What scores without reading, by the task's metric; two that are close share a line."""
    found = cached_transfer.task(name)
    known = cached_transfer.baselines(name, cached_transfer.here())
    if known is None or found.metric != "accuracy":
        return [(_("guessing"), guessing(found))]
    if abs(known.random - known.majority) < 0.03:
        lines = [(_("guessing, and the commonest class"), max(known.random, known.majority))]
    else:
        lines = [(_("guessing"), known.random), (_("the commonest class"), known.majority)]
    if abs(known.words.value - lines[-1][1]) < 0.03:
        return [*lines[:-1], (lines[-1][0] + _(", bag of words"), max(lines[-1][1], known.words.value))]
    return [*lines, (_("bag of words"), known.words.value)]


def outcome(run: Run, status: Status) -> None:
    """What a finished fine-tuning reaches on the test split, where it errs, and a box to try."""
    chosen = run.config().fine_tuning
    file = run.folder / "results.json"
    if status.state != "finished" or chosen is None or not file.exists():
        return
    written = file.stat().st_mtime
    found, about = cached_transfer.results(run.id, written), cached_transfer.task(chosen.task)
    st.subheader(_("On the test split"))
    show.numbers([
        (name, f"{score['value']:.3f}", f"[{score['low']:.3f}, {score['high']:.3f}]")
        for arm, name in ((PRETRAINED, _("pretrained")), (SCRATCH, _("from scratch"))) if (score := found.scores.get(arm))
    ] + [(name, f"{value:.3f}", "") for name, value in levels(chosen.task)])  # fmt: skip
    caption = _("{metric} on {n} test examples; 95 % interval over them, one training, seed {seed}.").format(
        metric=metric_name(about.metric), n=f"{len(found.right):,}", seed=chosen.transfer.seed
    )
    if found.n_cut:
        cut = {
            "words": _("{n} of them were longer than the context and lost their beginning."),
            "head": _("{n} of them were longer than the context and lost their end."),
        }[chosen.transfer.answer_by]
        caption += " " + cut.format(n=f"{found.n_cut:,}")
    st.caption(caption)
    if about.is_regression:
        show.figure(figures.quantities_figure(found.says[:, 0], found.right), key="quantities")
        st.caption(_("Spearman correlation: {value}").format(value=f"{found.spearman:.3f}"))
    else:
        _classes(about, found)
    _own_words(run, written, about)


def _classes(about: Task, found: cached_transfer.Results) -> None:
    answers = found.says.argmax(1)
    left, right = st.columns([3, 2], gap="large")
    if about.labels:
        counts = np.zeros((len(about.labels), len(about.labels)), dtype=int)
        np.add.at(counts, (found.right.astype(int), answers), 1)
        with left:
            st.markdown(_("**What it says where something else is right**"))
            show.figure(figures.confusion_figure(counts, about.labels), key="confusion")
    with right:
        st.markdown(_("**Is it as sure as it is right?**"))
        show.figure(figures.calibration_figure(found.says.max(1), answers == found.right), key="calibration")
        st.caption(_("Eight groups of equally many examples. On the dotted line, 80 % sure is right 8 times of 10."))
    wrong = np.flatnonzero(answers != found.right)
    examples = cached_transfer.test_examples_of(about)
    surest = sorted(wrong, key=lambda i: -found.says[i].max())[:SHOWN_MISTAKES]
    with st.expander(_("Where it is wrong: {n} of {m}, the surest first").format(n=f"{len(wrong):,}", m=f"{len(answers):,}")):
        rows = [
            (" ┊ ".join(examples[i].texts), answer_name(about, examples[i], int(answers[i])),
             answer_name(about, examples[i], int(found.right[i])), f"{found.says[i].max():.2f}")
            for i in surest
        ]  # fmt: skip
        show.table([_("Text"), _("said"), _("right answer"), _("how sure")], rows, wrap_first=True)


def answer_name(about: Task, example: Example, i: int) -> str:
    return about.labels[i] if about.labels else example.choices[i].strip()


def _own_words(run: Run, written: float, about: Task) -> None:
    """A box to try own sentences."""
    st.subheader(_("Try your own"))
    plan = run.config().fine_tuning
    assert plan is not None
    example = cached_transfer.test_examples_of(about)[0]
    by_words = plan.transfer.answer_by == "words"
    held = [example.prompt] if by_words else ["\n".join(example.texts)] if about.form == "choice" else example.texts
    texts = []
    for i, column in enumerate(st.columns(len(held))):
        with column:
            name = _("Prompt") if by_words else _("Text") if len(held) == 1 else [_("First text"), _("Second text")][i]
            texts.append(st.text_area(name, value=held[i], height=120, key=f"own_{run.id}_{i}"))
    choices: tuple[str, ...] = ()
    if by_words or about.form == "choice":
        shown = " | ".join(choice.strip() for choice in example.choices)
        given = st.text_input(_("Answers, with | between them"), shown, key=f"own_{run.id}_choices")
        choices = tuple(" " + c.strip() for c in given.split("|") if c.strip())
        if len(choices) < 2:
            st.info(_("Give at least two answers, with | between them."))
            return
    if not all(text.strip() for text in texts):
        st.info(_("Write something in every box."))
        return
    says = cached_transfer.said(run.id, written, Example(tuple(texts), texts[0], choices))
    if about.is_regression:
        st.markdown(f"**{says[0]:.2f}**")
        return
    order = np.argsort(-says)[:8]
    names = tuple(c.strip() for c in choices) or about.labels
    show.bars([(names[i], float(says[i])) for i in order])
