import json
from dataclasses import fields

import pytest

from gptlab.config import (
    SCHEMA_VERSION,
    DataConfig,
    LSTMConfig,
    ModelConfig,
    RunConfig,
    SamplingConfig,
    TokenizerConfig,
    TrainingConfig,
    differences,
)
from gptlab.errors import ConfigError

KINDS = [ModelConfig, LSTMConfig, TokenizerConfig, DataConfig, TrainingConfig, SamplingConfig]


def run_config(**changes):
    values = dict(
        title="한국어 run",
        device="cpu",
        model=ModelConfig(vocab_size=65),
        tokenizer=TokenizerConfig(),
        data=DataConfig(corpus="0" * 16),
        training=TrainingConfig(),
    )
    return RunConfig(**values | changes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_setting_has_a_help_text(kind):
    for entry in fields(kind):
        assert entry.metadata["help"].endswith("."), entry.name
        if entry.type in (int, float):
            assert entry.metadata["low"] is not None and entry.metadata["high"] is not None, entry.name


@pytest.mark.parametrize(
    "config",
    [
        run_config(),
        run_config(model=ModelConfig(vocab_size=65, norm_position="post", embedding_rank=16, shared_mlp_groups=2)),
        run_config(model=LSTMConfig(vocab_size=300, n_hidden=64)),
        run_config(data=None, training=None),
    ],
    ids=["gpt", "albert", "lstm", "imported"],
)
def test_run_config_survives_json(config):
    again = RunConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config and type(again.model) is type(config.model)


def test_newer_schema_version_is_refused_with_a_sentence():
    newer = run_config().to_json() | {"schema_version": SCHEMA_VERSION + 1, "dreams": True}
    with pytest.raises(ConfigError) as refusal:
        RunConfig.from_json(newer)
    assert str(refusal.value) == (
        "This run was written by a newer GPT Lab (schema version 3; this one reads up to 2). Update GPT Lab to open it."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": "1"}, {"schema_version": None}, {"model": None}, {"model": []}, {"model": "gpt"}, {"tokenizer": None},
        {"tokenizer": "bpe"}, {"data": [1]}, {"training": 3}, {"title": 7}, {"device": "tpu"}, {"extra": 1},
        {"model": {"family": ["gpt"]}}, {"model": {"family": "gpt"}}, {"model": {"family": "lstm", "vocab_size": 65, "n_head": 2}},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_json_is_a_config_error(changes):
    with pytest.raises(ConfigError):
        RunConfig.from_json(run_config().to_json() | changes)


def test_unknown_family_is_named():
    with pytest.raises(ConfigError, match="The model family is 'mamba'; this GPT Lab knows gpt, lstm."):
        RunConfig.from_json(run_config().to_json() | {"model": {"family": "mamba", "vocab_size": 65}})


def test_width_must_be_a_multiple_of_the_heads():
    with pytest.raises(ConfigError, match="n_embd is 130 and n_head is 4"):
        ModelConfig(vocab_size=65, n_embd=130, n_head=4)
    assert ModelConfig(vocab_size=65, n_embd=128, n_head=4).head_size == 32


@pytest.mark.parametrize("name", ["shared_attention_groups", "shared_mlp_groups"])
def test_groups_cannot_outnumber_layers(name):
    with pytest.raises(ConfigError, match=f"{name} is 3; there cannot be more groups than the 2 layers"):
        ModelConfig(vocab_size=65, n_layer=2, **{name: 3})
    ModelConfig(vocab_size=65, n_layer=2, **{name: 2})


def test_groups_default_to_the_layers():
    config = ModelConfig(vocab_size=65, n_layer=6, shared_mlp_groups=2)
    assert (config.attention_groups, config.mlp_groups) == (6, 2)


def test_warm_up_must_end_before_the_training():
    with pytest.raises(ConfigError, match="warmup_steps is 11 and n_steps is 10"):
        TrainingConfig(n_steps=10, warmup_steps=11)
    TrainingConfig(n_steps=10, warmup_steps=10)


def test_model_from_elsewhere_has_nothing_to_train_on():
    config = run_config()
    assert config.to_train() == (config.data, config.training)
    for lacking in (dict(data=None), dict(training=None)):
        with pytest.raises(ConfigError, match="한국어 run is a model from elsewhere"):
            run_config(**lacking).to_train()


def test_differences_lists_what_is_not_the_same_everywhere():
    first = run_config()
    second = run_config(title="other", training=TrainingConfig(seed=2, optimizer="muon"))
    third = run_config(model=LSTMConfig(vocab_size=65))
    assert differences([first, second]) == {"training.optimizer": ["adamw", "muon"], "training.seed": [1, 2]}
    assert differences([first]) == differences([first, first]) == {}
    found = differences([first, third])
    assert found["model.family"] == ["gpt", "lstm"] and found["model.n_head"] == [4, None] and found["model.n_hidden"] == [None, 256]
    assert "model.vocab_size" not in found


def test_differences_shows_a_model_from_elsewhere_beside_a_trained_one():
    found = differences([run_config(), run_config(data=None, training=None)])
    assert found["training.n_steps"] == [2000, None] and found["data.corpus"] == ["0" * 16, None]
