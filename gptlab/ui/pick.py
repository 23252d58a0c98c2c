"""Widgets that return values. What a view depends on is bound to the link."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import streamlit as st

from gptlab.config import LSTMConfig, ModelConfig, SamplingConfig, TokenizerConfig, TrainingConfig
from gptlab.errors import LabError
from gptlab.presets import LSTM, RECIPES, SIZES
from gptlab.runs.store import Run, open_run, readable_runs, run_problem, shipped_runs
from gptlab.ui import link, show, state
from gptlab.words import _

MORE = {
    "model": ("block_size", "n_layer", "n_head", "n_embd", "n_hidden", "dropout"),
    "training": ("n_steps", "batch_size", "learning_rate", "muon_learning_rate", "weight_decay", "warmup_steps", "seed"),
}
"""Settings offered under "More"; the rest is for the command line's --set."""


def architecture() -> tuple[str, Run | None]:
    """An architecture to begin with at random weights, or a model that goes on to learn."""
    names = {"gpt1": "GPT-1", "gpt2": "GPT-2", "albert": _("ALBERT-style"), LSTM: "LSTM"}
    there = {run.id: run for run in [*shipped_runs(), *readable_runs()] if sort_of(run) == "training" and run.checkpoint_steps()}

    def name(key: str) -> str:
        return names.get(key) or _("go on with {model}").format(model=key if there[key].is_shipped else run_label(there[key]))

    chosen = link.select(
        _("Architecture"), [*names, *there], "gpt2", name, "architecture",
        help=_(
            "GPT-1 normalises after each sum, GPT-2 before each part; the ALBERT-style decoder runs the same weights in every layer; "
            "the LSTM is the baseline that GPT-1 compares with. Or a trained model goes on to learn, with its own size and tokenizer."
        ),
    )  # fmt: skip
    return chosen, there.get(chosen)


def recipe() -> str:
    names = {"papers": _("as in the papers"), "fast": _("fast")}
    return link.segments(
        _("Recipe"), list(RECIPES), "papers", names.__getitem__, "recipe",
        help=_("As in GPT-1: AdamW, warm-up, cosine to zero, but no dropout and far fewer steps. Fast: Muon for the matrices, an eighth "
               "of the steps with twice the batch."),
    )  # fmt: skip


def tokenizer(base: Run | None) -> TokenizerConfig:
    """A tokenizer to learn; a model that goes on keeps its own."""
    names = {"characters": _("characters"), "bpe": "BPE"}
    if base is not None:
        config = base.config()
        label = f"{names[config.tokenizer.kind]} · {config.model.vocab_size:,}"
        kept = _("The model keeps its shape and its tokenizer.")
        st.selectbox(_("Tokenizer"), [label], disabled=True, key=f"tokenizer_{base.id}", help=kept)
        return config.tokenizer
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        kind = link.segments(
            _("Tokenizer"), list(names), "characters", names.__getitem__, "tokenizer", help=help_of(TokenizerConfig, "kind")
        )
    with right:
        vocab_size = link.select(
            _("Vocabulary"), ["512", "1024", "2048", "4096", "8192", "16384"], "1024", lambda n: f"{int(n):,}", "vocab_size",
            disabled=kind == "characters", help=help_of(TokenizerConfig, "vocab_size"),
        )  # fmt: skip
    return TokenizerConfig(kind=kind, vocab_size=int(vocab_size))


def size(labels: dict[str, str]) -> str:
    """The size dial; `labels` say what each size is on this device."""
    return link.select(
        _("Size"), list(SIZES), "small", labels.__getitem__, "size",
        help=_("Parameters and expected time on this device, from a measurement of about a second."),
    )  # fmt: skip


def size_of(base: Run, label: str) -> None:
    """The size of a model that goes on, where the size dial stands otherwise."""
    st.selectbox(_("Size"), [label], disabled=True, key=f"size_{base.id}_{label}", help=_("The model keeps its shape and its tokenizer."))


def device() -> str:
    from gptlab.device import available_devices, choose_device

    there = available_devices()
    return st.selectbox(_("Device"), there, index=there.index(choose_device()), format_func=str.upper, key="device")


def changes(
    model: ModelConfig | LSTMConfig | None, training: TrainingConfig, of_length: Callable[[float], TrainingConfig]
) -> dict[str, object]:
    """Fields that differ from the presets; each shows its preset value until it is changed. No model: its shape stays.

    Args:
        of_length: the presets of a training of so many steps, on which the warm-up depends.
    """
    found: dict[str, object] = {}
    config: ModelConfig | LSTMConfig | TrainingConfig | None
    for config, names in ((model, MORE["model"]), (training, MORE["training"])):
        if config is None:
            continue
        columns = st.columns(2)
        without = () if isinstance(config, TrainingConfig) and config.optimizer == "muon" else ("muon_learning_rate",)
        for i, name in enumerate(name for name in names if hasattr(config, name) and name not in without):
            preset = getattr(config, name)
            with columns[i % 2]:
                chosen = number(type(config), name, preset)
            if chosen != preset:
                found[name] = chosen
                if name == "n_steps":
                    config = of_length(chosen)
    return found


def number(config: type, name: str, preset: float) -> float:
    """A number field with the help, unit and range of its setting. The preset is part of the key: another size starts afresh."""
    about = next(f.metadata for f in fields(config) if f.name == name)
    whole = isinstance(preset, int)
    return st.number_input(
        f"{name} ({_(about['unit'])})" if about["unit"] else name,
        min_value=(int if whole else float)(about["low"]),
        max_value=(int if whole else float)(about["high"]),
        value=preset,
        step=1 if whole else preset / 10 or 0.01,
        format=None if whole else "%.4g",
        help=_(about["help"]),
        key=f"more_{name}_{preset}",
    )


def run(label: str) -> Run | None:
    """A run: the one that the link names, else the newest; None when there is none yet."""
    return _run(label, readable_runs(), lambda _run: True)


def training(label: str) -> Run | None:
    """As `run`, among those that learn a text, and models from elsewhere."""
    return _run(label, [r for r in readable_runs() if sort_of(r) == "training"], lambda _run: True)


def run_that_writes(label: str) -> Run | None:
    """As `run`, but the newest is looked for among those that have a checkpoint; the models that ship come last."""
    there = [r for r in [*readable_runs(), *shipped_runs()] if sort_of(r) in ("training", "tuning")]
    return _run(label, there, lambda run: bool(run.checkpoint_steps()))


def deep_and_quick(run: Run) -> tuple[int, int]:
    """Order of models that many fine-tunings start from."""
    shape = run.config().model
    return -shape.n_layer, shape.n_embd


def largest_first(run: Run) -> int:
    """Order of models that are asked what they can do."""
    from gptlab.model.counting import count_all

    return -count_all(run.config().model)


def longest_film_first(run: Run) -> int:
    """Order of models that are looked into, also through time."""
    return -len(run.checkpoint_steps())


def with_weights(fits: Callable[[Run], bool], order: Callable[[Run], Any] = deep_and_quick) -> list[Run]:
    """The models that there are: those that ship, in this order, then the person's own."""
    shipped = sorted((run for run in shipped_runs() if fits(run)), key=order)
    return shipped + [run for run in readable_runs() if run.checkpoint_steps() and fits(run)]


def pretrained(
    fits: Callable[[Run], bool] = lambda run: sort_of(run) != "induction", label: str = "", key: str = "model",
    order: Callable[[Run], Any] = deep_and_quick,
) -> Run | None:  # fmt: skip
    """A model to start from; None, with the way to one, without any."""
    runs = {run.id: run for run in with_weights(fits, order)}
    asked = st.query_params.get(key)
    if asked and asked not in runs and (problem := _problem(asked)):
        show.error(problem)
    if not runs:
        show.empty(_("There is no model yet. Train one first: the smallest takes about a minute."), "pretrain/train", _("Train a model"))
        return None
    return runs[link.select(label or _("Pretrained model"), list(runs), next(iter(runs)), lambda id: run_label(runs[id]), key)]


def has_layers(run: Run) -> bool:
    """Whether a model is a GPT whose layers are its own, so that some of them can be handed over."""
    shape = run.config().model
    return isinstance(shape, ModelConfig) and not shape.shares_layers and sort_of(run) != "induction"


def is_transformer(run: Run) -> bool:
    """Whether a model has heads to look at."""
    return isinstance(run.config().model, ModelConfig)


def run_of_sort(label: str, sort: str, kind: str = "", shipped: list[Run] | None = None) -> Run | None:
    """A fine-tuning, or a study of a kind; those that ship come last."""
    there = [r for r in [*readable_runs(), *(shipped or [])] if sort_of(r) == sort and (not kind or _kind(r) == kind)]
    return _run(label, there, lambda _run: True, key=kind or sort)


def _kind(run: Run) -> str:
    study = run.config().study
    return study.kind if study else ""


def sort_of(run: Run) -> str:
    """What a run is: "training" on a text (or a model from elsewhere), "tuning", "study", or "induction"."""
    config = run.config()
    return "study" if config.study else "tuning" if config.fine_tuning else "induction" if config.induction else "training"


def _run(label: str, there: list[Run], preferred: Callable[[Run], bool], key: str = "run") -> Run | None:
    runs = {r.id: r for r in there}
    asked = state.looked_at_run(key)
    if asked and asked not in runs and (problem := _problem(asked)):
        show.error(problem)
    if not runs:
        return None
    ids = list(runs)
    default = next((id for id in ids if preferred(runs[id])), ids[0])
    chosen = st.selectbox(
        label, ids, index=ids.index(asked if asked in runs else default), format_func=lambda id: run_label(runs[id]),
        key=f"{key}_{state.run_selectors(key)}",
    )  # fmt: skip
    state.look_at_run(chosen, key)
    link.kept(key, chosen, default=None)
    return runs[chosen]


def others(than: Run) -> list[Run]:
    """Runs to lay over one."""
    runs = {r.id: r for r in readable_runs() if r.id != than.id and r.config().training is not None}
    chosen = link.several(
        _("Compare with"), list(runs), lambda id: run_label(runs[id]), "compare", placeholder=_("other runs"), max_selections=5
    )
    return [runs[id] for id in chosen]


def state_word(state: str) -> str:
    """A run's state in the chosen language."""
    return {
        "queued": _("waiting in the queue"),
        "starting": _("starting"),
        "running": _("training"),
        "paused": _("paused"),
        "stopped": _("stopped"),
        "finished": _("finished"),
        "failed": _("failed"),
        "died": _("died"),
    }[state]


def run_label(run: Run) -> str:
    """Title, time and end of the id of a run. Streamlit tells options apart by their labels: two alike would be one."""
    if run.is_shipped:
        return _("{name} · ships with the app").format(name=run.id)
    day, time = run.id[:8], run.id[9:13]
    return f"{run.config().title} · {day[4:6]}-{day[6:]} {time[:2]}:{time[2:]} · {run.id[-4:]}"


def short_name(run: Run) -> str:
    """What a run is called inside another one's title."""
    return run.id if run.is_shipped else run.config().title


def help_of(config: type, name: str) -> str:
    return _(next(f.metadata["help"] for f in fields(config) if f.name == name))


def _problem(run_id: str) -> LabError | None:
    """Why a run in a link cannot be shown; None if it is only of another sort than this page shows."""
    try:
        return run_problem(open_run(run_id))
    except LabError as error:
        return error


def unit() -> str:
    names = {"nats": _("nats/token"), "bits": _("bits/byte")}
    return link.segments(
        _("Loss in"), list(names), "nats", names.__getitem__, "unit",
        help=_("Nats per token depend on the tokenizer; bits per byte may be compared between vocabularies."),
    )  # fmt: skip


def checkpoint(run: Run) -> int | None:
    """A moment of a run's training, as the step of a checkpoint; None when none is written yet."""
    steps = run.checkpoint_steps()
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]
    return st.select_slider(
        _("Training time: step of the checkpoint"), steps, value=steps[-1], format_func=lambda n: f"{n:,}", key=f"step_{run.id}",
    )  # fmt: skip


def sampling() -> dict[str, float | int | None]:
    """Temperature, top-k, top-p and seed."""
    usual = SamplingConfig()
    columns = st.columns(4, gap="medium")
    with columns[0]:
        temperature = st.slider(
            _("Temperature"), 0.0, 2.0, usual.temperature, 0.05, key="temperature", bind="query-params",
            help=help_of(SamplingConfig, "temperature"),
        )  # fmt: skip
    with columns[1]:
        top_k = st.slider(
            _("Top-k (0: all)"), 0, 50, 0, key="top_k", bind="query-params", help=help_of(SamplingConfig, "top_k")
        )
    with columns[2]:
        top_p = st.slider(
            _("Top-p"), 0.05, 1.0, usual.top_p, 0.05, key="top_p", bind="query-params", help=help_of(SamplingConfig, "top_p")
        )
    with columns[3]:
        seed = st.number_input(_("Seed"), 0, 10_000, 1, key="seed", bind="query-params", help=help_of(SamplingConfig, "seed"))
    return dict(temperature=temperature, top_k=top_k or None, top_p=top_p, seed=seed)
