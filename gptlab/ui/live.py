"""Views that draw themselves anew while a run trains. One timed fragment a page, at its top level; it stops when the run rests."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.config import RunConfig, differences
from gptlab.figures.training import Expected, LossSeries, loss_figure, pace_figure
from gptlab.runs import job
from gptlab.runs.curve import Curve
from gptlab.runs.store import Run, Status
from gptlab.training.diagnosis import Diagnosis, diagnose
from gptlab.ui import cached, pick, show, state
from gptlab.words import _

TICK_S = 1.0
"""Time between two looks at a training run."""

START_TICK_S = 0.25
"""Time between two looks at a run that is about to begin: somebody just pressed Train and waits."""

MOST_SAMPLES = 40


def watch(run: Run, others: list[Run]) -> None:
    """All that a run says: progress, buttons, numbers, curve, what it means, what it writes."""
    status = run.status()
    state.seen_states()[run.id] = status.state
    st.fragment(run_every=tick(status))(_draw)(run, others)


def tick(status: Status) -> float | None:
    """Seconds until the next look; None where nothing will change by itself."""
    return {"queued": START_TICK_S, "starting": START_TICK_S, "running": TICK_S}.get(status.state)


def _draw(run: Run, others: list[Run]) -> None:
    with show.mistakes():
        status = run.status()
        if status.state != state.seen_states().get(run.id):
            st.rerun()
        wait_for_worker(run, status)
        curve = cached.curve(run.id)
        progress(run, status)
        _numbers(curve, status)
        _losses(run, others)
        if curve.starts:
            _verdict(curve, status)
        _pace(curve)
        _samples(curve)


def wait_for_worker(run: Run, status: Status) -> None:
    """See to it that a queued run has a worker, or say why it has none."""
    if status.state == "queued":
        device = run.config().device
        job.ensure_worker(device)
        if (problem := job.worker_problem(device)) is not None:
            show.error(problem)


def progress(run: Run, status: Status) -> None:
    """How far a run is, and the buttons that stop it or let it go on."""
    done = status.step / status.n_steps if status.n_steps else 1.0
    place = _("step {step} of {n_steps}").format(step=f"{status.step:,}", n_steps=f"{status.n_steps:,}")
    text = f"**{pick.state_word(status.state)}** · {place}"
    if status.state == "queued" and (busy := job.training_run(run.config().device)) is not None:
        text += " · " + _("{title} trains first").format(title=busy.config().title)
    if status.state == "running" and status.seconds_left:
        text += " · " + _("{time} left").format(time=duration(status.seconds_left))
    show.kept_error()  # of its buttons, which draw this part alone anew
    left, right = st.columns([5, 2], vertical_alignment="center")
    with left:
        st.progress(min(1.0, done), text=text)
    with right:
        _buttons(run, status)
    if (problem := status.error) is not None:
        show.error(problem)


def _buttons(run: Run, status: Status) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        if status.is_active or status.state == "queued":
            st.button(_("Pause"), icon=":material/pause:", key="pause", on_click=state.attempt, args=(job.wish, run, "pause"))
            st.button(_("Stop"), icon=":material/stop:", key="stop", on_click=state.attempt, args=(job.wish, run, "stop"))
        elif pick.sort_of(run) == "training" and run.config().training is None or run.is_shipped:
            return
        elif status.state != "finished" or status.step < status.n_steps:
            st.button(_("Resume"), icon=":material/play_arrow:", key="resume", on_click=state.attempt, args=(job.resume, run, None))
        elif run.config().training is not None:
            half = max(1, status.n_steps // 2)
            st.button(
                _("Train {n} steps longer").format(n=f"{half:,}"), icon=":material/more_time:", key="longer", on_click=state.attempt,
                args=(job.resume, run, status.n_steps + half),
                help=_("The schedule is stretched over all steps, so the learning rate rises again first."),
            )  # fmt: skip


def _numbers(curve: Curve, status: Status) -> None:
    last = curve.evaluations[-1] if curve.evaluations else None
    step = curve.steps[-1] if curve.steps else None
    factor = curve.starts[-1].bits_per_byte if curve.starts else 0.0

    def error(factor: float) -> str:
        """The half of the 95 % interval over the windows of the evaluation."""
        return f", ±\u00a0{1.96 * last.validation_error_nats * factor:.3f}" if last and last.validation_error_nats is not None else ""

    values = [
        (_("Validation loss"), f"{last.validation_nats:.3f}" if last else "-", _("nats per token") + error(1.0)),
        (_("Validation loss"), f"{last.validation_nats * factor:.3f}" if last else "-", _("bits per byte") + error(factor)),
        (_("Training loss"), f"{last.train_nats:.3f}" if last else "-", _("nats per token")),
        (_("Learning rate"), f"{step.learning_rate:.2e}" if step else "-", _("AdamW")),
        (_("Gradient norm"), f"{step.grad_norm:.2f}" if step else "-", _("before clipping")),
        (_("Speed"), f"{status.tokens_per_s:,.0f}" if status.tokens_per_s else "-", _("tokens per second")),
        (_("Memory"), f"{status.memory_bytes / 1e9:.2f}" if status.memory_bytes else "-", "GB"),
    ]
    show.numbers(values)


def _verdict(curve: Curve, status: Status) -> None:
    found = diagnose(curve.steps, curve.evaluations, curve.starts[-1].unigram_nats, status.n_steps)
    draw = {"spiking": st.warning, "stuck": st.warning, "overfitting": st.warning}.get(found.kind, st.info)
    draw(verdict(found), icon=":material/stethoscope:")


def verdict(found: Diagnosis) -> str:
    """Is this normal? The answer in words."""
    words = {
        "starting": _("Is this normal? Too early to say: wait for the third evaluation."),
        "falling": _("This is normal: the validation loss is still falling (now {now})."),
        "flat": _(
            "The validation loss hardly moves any more (now {now}). At the end of a training this is normal; a larger size would be next."
        ),
        "rising": _(
            "The validation loss was best at step {step} ({best}) and is {now} now. One evaluation may be chance; if the next one is not "
            "lower, lower the learning rate."
        ),
        "overfitting": _(
            "The model is learning the training text by heart: validation was best at step {step} ({best}) and has risen to {now}. "
            "Stop, take a longer text, a smaller size, or some dropout."
        ),
        "spiking": _(
            "The training loss jumped up: the learning rate is too high for this model. Lower it to a third, or lengthen the warm-up."
        ),
        "stuck": _(
            "The model still does no better than counting single tokens. Raise the learning rate a little, or check that the text is what "
            "you think."
        ),
    }
    return words[found.kind].format(step=f"{found.best_step:,}", best=f"{found.best_nats:.3f}", now=f"{found.now_nats:.3f}")


def _losses(run: Run, others: list[Run]) -> None:
    starts = cached.curve(run.id).starts
    left, right = st.columns([5, 2], gap="medium", vertical_alignment="center")
    with left:
        st.caption(_protocol(run.config()) if starts else "")
    with right:  # inside of the fragment: switching the unit need not draw the whole page anew
        unit = pick.unit()
    series = [loss_series(r) for r in (run, *others)]
    expected = {found for r in (run, *others) if (found := expected_of(r)) is not None}
    show.figure(loss_figure(series, expected.pop() if len(expected) == 1 else None, unit), key="loss", table=lambda: loss_table(series))
    if expected:
        st.caption(_("Lines of what simple models reach are left out: these runs have different tokens or texts."))
    if others:
        different = differences([r.config() for r in (run, *others)])
        st.markdown(_("**What differs between these runs**") if different else _("These runs have the same settings."))
        if different:
            st.dataframe(
                pd.DataFrame([[name, *map(str, values)] for name, values in different.items()],
                             columns=[_("setting"), *(pick.run_label(r) for r in (run, *others))]),
                hide_index=True, key="differences",
            )  # fmt: skip


def _protocol(config: RunConfig) -> str:
    """How the losses were measured."""
    _data, training = config.to_train()
    weighed = _("In the loss of a batch an answer counts {n} times; evaluations count all tokens alike.")
    measured = _(
        "Every evaluation reads the same {n} tokens of each split, or all of a shorter one, in windows of {block_size}. ± is the 95 % "
        "interval over the validation windows. One training, seed {seed}."
    ).format(n=f"{training.evaluation_tokens:,}", block_size=config.model.block_size, seed=training.seed)
    return measured if training.answer_weight == 1 else f"{measured} {weighed.format(n=f'{training.answer_weight:g}')}"


def _pace(curve: Curve) -> None:
    place = st.expander(_("Learning rate and gradient norm"), key="pace", on_change="rerun")
    if not place.open:  # two figures less to draw every second
        return
    with place:
        steps = list(curve.steps)
        figures = pace_figure(*(np.array([getattr(s, name) for s in steps]) for name in ("step", "learning_rate", "grad_norm")))
        for column, name, figure in zip(st.columns(2), ("rate", "norm"), figures, strict=True):
            with column:
                show.figure(figure, key=name)


def expected_of(run: Run) -> Expected | None:
    """What simple models reach on a run's text, as far as it has begun."""
    starts = cached.curve(run.id).starts
    return Expected(starts[-1].uniform_nats, starts[-1].unigram_nats, starts[-1].bigram_nats) if starts else None


def loss_series(run: Run) -> LossSeries:
    """A run's losses as arrays."""
    curve = cached.curve(run.id)
    steps, evaluations = list(curve.steps), list(curve.evaluations)
    return LossSeries(
        label=pick.run_label(run),
        step=np.array([s.step for s in steps]),
        batch_nats=np.array([s.loss_nats for s in steps]),
        evaluation_step=np.array([e.step for e in evaluations]),
        train_nats=np.array([e.train_nats for e in evaluations]),
        validation_nats=np.array([e.validation_nats for e in evaluations]),
        bits_per_byte=curve.starts[-1].bits_per_byte if curve.starts else 1.0,
    )


def loss_table(series: list[LossSeries]) -> pd.DataFrame:
    """The evaluations behind a loss figure, one row each."""
    return pd.concat(
        pd.DataFrame(
            {
                "run": s.label, "step": s.evaluation_step, "train_nats_per_token": s.train_nats,
                "validation_nats_per_token": s.validation_nats, "validation_bits_per_byte": s.validation_nats * s.bits_per_byte,
            }
        )
        for s in series
    )  # fmt: skip


def _samples(curve: Curve) -> None:
    if not curve.samples:
        return
    st.subheader(_("What it writes, from noise to words"))
    with st.container(height=380, border=True, key="samples"):
        for sample in reversed(curve.samples[-MOST_SAMPLES:]):
            when = _("step {step}").format(step=f"{sample.step:,}") + f"\n{sample.validation_nats:.2f} nats"
            show.sample(when, sample.text)


def duration(seconds: float) -> str:
    """Seconds as a person says it."""
    if seconds < 90:
        return _("{n} s").format(n=f"{seconds:.0f}")
    if seconds < 90 * 60:
        return _("{n} min").format(n=f"{seconds / 60:.0f}")
    if seconds < 48 * 3600:
        return _("{n} h").format(n=f"{seconds / 3600:.1f}")
    return _("{n} days").format(n=f"{seconds / 86400:,.0f}")
