"""From a text and a few choices to a complete plan of a training: the ways that page and command line share."""

from dataclasses import fields
from typing import Any

from gptlab.config import DataConfig, LSTMConfig, ModelConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.data.corpus import Corpus
from gptlab.errors import ConfigError, RunError
from gptlab.presets import LSTM, SIZES, model_config, training_config
from gptlab.runs.estimate import measured_speed
from gptlab.runs.store import Run
from gptlab.tokenizer import Tokenizer, train_tokenizer


def tokenizer_for(corpus: Corpus, config: TokenizerConfig, validation_fraction: float) -> Tokenizer:
    """Merges are learned on the training split only. Characters are taken from the whole text: a symbol that first
    occurs in the validation split would otherwise have no token at all.
    """
    return train_tokenizer(config, corpus.text if config.kind == "characters" else corpus.split(validation_fraction)[0])


def plan(
    *,
    title: str,
    data: DataConfig,
    tokenizer_config: TokenizerConfig,
    tokenizer: Tokenizer,
    size: str,
    architecture: str,
    recipe: str,
    device: str,
    changes: dict[str, Any],
) -> RunConfig:
    """The settings of a training.

    Args:
        tokenizer: trained as `tokenizer_config` says; its vocabulary may be smaller than asked for.
        changes: settings of the model or the training that differ from the presets.

    Raises:
        ConfigError: a setting that neither model nor training has, or a value outside of what it allows.
    """
    kinds = (LSTMConfig if architecture == LSTM else ModelConfig, TrainingConfig)
    model_names, training_names = ({f.name for f in fields(kind)} for kind in kinds)
    model_names.remove("vocab_size")  # the tokenizer's
    if unknown := sorted(set(changes) - model_names - training_names):
        raise ConfigError(
            "There is no setting {names}. There are: {known}.",
            names=", ".join(unknown), known=", ".join(sorted(model_names | training_names)),
        )  # fmt: skip
    if "n_steps" in changes:
        TrainingConfig(n_steps=changes["n_steps"], warmup_steps=0)  # refused here: presets compute with it
    precision = {"precision": measured_speed(device).precision}
    return RunConfig(
        title=title,
        device=device,
        model=model_config(size, architecture, tokenizer.vocab_size, **{n: v for n, v in changes.items() if n in model_names}),
        tokenizer=tokenizer_config,
        data=data,
        training=training_config(size, recipe, **precision | {n: v for n, v in changes.items() if n in training_names}),
    )


def plan_onward(*, base: Run, title: str, data: DataConfig, recipe: str, device: str, changes: dict[str, Any]) -> RunConfig:
    """The settings of a training that goes on from a model, on another text. Shape and tokenizer stay as they are.

    Args:
        base: whose newest weights it begins with.
        changes: settings of the training that differ from the preset of the small size; that one's number of tokens decides how long it is.

    Raises:
        ConfigError: a setting that the training does not have, or a value outside of what it allows.
        RunError: a base without weights.
    """
    names = {f.name for f in fields(TrainingConfig)}
    if unknown := sorted(set(changes) - names):
        raise ConfigError(
            "{names} cannot be set for a training that goes on from {model}, whose shape stays. There are: {known}.",
            names=", ".join(unknown), model=base.id, known=", ".join(sorted(names)),
        )  # fmt: skip
    if not base.checkpoint_steps():
        raise RunError("The run {run_id} has no checkpoint yet. Wait until it has trained a step.", run_id=base.id)
    config = base.config()
    if config.study or config.induction or config.fine_tuning:
        raise ConfigError("{model} is no model that goes on with a text. Choose one that was trained on a text.", model=base.id)
    if "n_steps" in changes:
        TrainingConfig(n_steps=changes["n_steps"], warmup_steps=0)
    preset = training_config("small", recipe)
    n_steps = max(50, round(preset.n_steps * SIZES["small"].block_size / config.model.block_size))
    settings = {"precision": measured_speed(device).precision, "n_steps": n_steps} | changes
    return RunConfig(
        title=title, device=device, model=config.model, tokenizer=config.tokenizer, data=data, begins_from=base.id,
        training=training_config("small", recipe, **settings),
    )  # fmt: skip
