"""From the choices of the Train page to a run in the queue."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from gptlab.config import DataConfig, RunConfig, TokenizerConfig
from gptlab.errors import LabError
from gptlab.presets import SIZES
from gptlab.runs.store import Run
from gptlab.tokenizer import Tokenizer
from gptlab.ui import cached, show, state
from gptlab.ui.live import duration
from gptlab.words import _

Plan = TypeVar("Plan")

VALIDATION_FRACTION = 0.1
"""DataConfig's default; the page offers no other."""


def prepared(corpus_id: str, tokenizer: TokenizerConfig, base: str = "") -> cached.Prepared:
    """The text as tokens, with a sign that something is going on: a large text takes its time.

    Args:
        base: the model that goes on with it, whose tokenizer it gets.

    Raises:
        LabError: the text is too short, or cannot be encoded.
    """
    with st.spinner(_("Counting tokens ...")):
        return cached.prepared(corpus_id, tokenizer.kind, tokenizer.vocab_size, VALIDATION_FRACTION, base)


def measured(device: str) -> cached.Speed:
    """The speed of a device, measured when it is first asked for."""
    with st.spinner(_("Measuring this device for a second ...")):
        return cached.speed(device)


def draft(
    corpus_id: str, text: cached.Prepared, tokenizer: TokenizerConfig, size: str, architecture: str, recipe: str, device: str,
    changes: dict[str, object],
) -> RunConfig:  # fmt: skip
    """The settings that the choices make.

    Raises:
        LabError: settings that do not go together.
    """
    from gptlab.runs.plan import plan

    return plan(
        title=cached.preview(corpus_id).title, data=DataConfig(corpus=corpus_id), tokenizer_config=tokenizer, tokenizer=text.tokenizer,
        size=size, architecture=architecture, recipe=recipe, device=device, changes=changes,
    )  # fmt: skip


def draft_onward(corpus_id: str, base: Run, recipe: str, device: str, changes: dict[str, object]) -> RunConfig:
    """As `draft`, for a model that goes on to learn."""
    from gptlab.runs.plan import plan_onward

    return plan_onward(
        base=base, title=cached.preview(corpus_id).title, data=DataConfig(corpus=corpus_id), recipe=recipe, device=device, changes=changes
    )


def checked(config: RunConfig, text: cached.Prepared) -> RunConfig:
    """The settings, if the text is long enough for them. Their fields are drawn before, so that they can be changed.

    Raises:
        DataError: a part of the text is shorter than a context.
    """
    from gptlab.data.corpus import check_length

    check_length(text.n_train, text.n_validation, config.model.block_size)
    return config


def label_of(config: RunConfig, speed: cached.Speed) -> str:
    """Parameters of a model, and the time that a training takes at a speed."""
    from gptlab.model.counting import count_all

    seconds = speed.seconds(config.model, config.to_train()[1])
    return f"{count_all(config.model) / 1e6:.1f} M · {duration(seconds)}"


def size_labels(vocab_size: int, architecture: str, recipe: str, speed: cached.Speed) -> dict[str, str]:
    """For each size its parameters and the time expected at a speed."""
    from gptlab.model.counting import count_all
    from gptlab.presets import model_config, training_config

    names = {"mini": _("mini"), "small": _("small"), "medium": _("medium"), "large": _("large"), "paper": _("as in GPT-1")}
    labels = {}
    for size in SIZES:
        model = model_config(size, architecture, vocab_size)
        seconds = speed.seconds(model, training_config(size, recipe, precision=speed.precision))
        labels[size] = f"{names[size]} · {count_all(model) / 1e6:.1f} M · {duration(seconds)}"
    return labels


def wake_worker(device: str) -> None:
    """Have a worker ready before the click: loading torch takes longer than a person likes to wait after it."""
    from gptlab.runs.job import ensure_worker

    ensure_worker(device)


def device() -> str:
    """Where new runs go."""
    from gptlab.device import choose_device

    return choose_device()


def start(config: RunConfig, tokenizer: TokenizerConfig) -> None:
    """Put a training into the queue and show it; the callback of the Train button."""
    data, _training = config.to_train()
    trained = prepared(data.corpus, tokenizer, config.begins_from).tokenizer
    queued(lambda: (config, trained), "run")


def queued(make: Callable[[], tuple[RunConfig, Tokenizer]], key: str) -> None:
    """Put a run into the queue and let the selector of its sort show it; for callbacks, whose errors are kept for the page."""
    from gptlab.runs.job import submit

    state.attempt(lambda: state.choose_run(submit(*make()).id, key))


@st.fragment
def form(
    choose: Callable[[], Plan | None], label: Callable[[Plan | None], str], begin: Callable[[Plan], None],
    below: Callable[[Plan], None] = lambda _plan: None,
) -> None:  # fmt: skip
    """Choices, and the button that begins what they make. A part of its own: another choice does not draw the results anew.

    Args:
        choose: draws the choices; None while something is missing.
        below: draws what belongs to the choices.
    """
    with show.mistakes():
        plan = None
        try:
            plan = choose()
            if plan is not None:
                wake_worker(device())
        except LabError as problem:
            show.error(problem)
        if st.button(
            label(plan), type="primary", icon=":material/play_arrow:", key="begin", disabled=plan is None, on_click=begin, args=(plan,)
        ):  # the run is to be shown below, outside of this part
            st.rerun()
        if plan is not None:
            below(plan)
