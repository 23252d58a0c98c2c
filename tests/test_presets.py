from itertools import product

import pytest

from gptlab.config import ModelConfig, TrainingConfig
from gptlab.errors import ConfigError
from gptlab.presets import ARCHITECTURES, RECIPES, SIZES, model_config, training_config, warmup


@pytest.mark.parametrize("size, architecture", list(product(SIZES, ARCHITECTURES)))
def test_every_size_and_architecture_is_a_valid_model(size, architecture):
    config = model_config(size, architecture, vocab_size=65)
    assert isinstance(config, ModelConfig)
    assert (config.n_layer, config.n_embd, config.block_size) == (SIZES[size].n_layer, SIZES[size].n_embd, SIZES[size].block_size)


@pytest.mark.parametrize("size, recipe, n_steps", list(product(SIZES, RECIPES, [None, 1, 2, 29, 10_000_000])))
def test_every_size_and_recipe_is_a_valid_training(size, recipe, n_steps):
    config = training_config(size, recipe, **({} if n_steps is None else {"n_steps": n_steps}))
    assert isinstance(config, TrainingConfig)
    assert n_steps is None or config.n_steps == n_steps
    assert config.n_steps // config.evaluate_every <= 59  # about thirty evaluations, at most twice as many at odd lengths


def test_architectures_are_those_of_the_papers():
    gpt1, gpt2, albert = (model_config("small", name, 65) for name in ("gpt1", "gpt2", "albert"))
    assert (gpt1.norm_position, gpt1.residual_init_scaling) == ("post", False)
    assert (gpt2.norm_position, gpt2.residual_init_scaling) == ("pre", True)
    assert (albert.attention_groups, albert.mlp_groups, albert.embedding_rank) == (1, 1, 32)
    paper = model_config("paper", "gpt1", 40_478)
    assert (paper.n_layer, paper.n_head, paper.n_embd, paper.block_size) == (12, 12, 768, 512)


def test_recipes_differ_in_optimizer_and_length():
    papers, fast = training_config("small", "papers"), training_config("small", "fast")
    assert (papers.optimizer, papers.schedule, fast.optimizer) == ("adamw", "cosine", "muon")
    assert fast.n_steps < papers.n_steps == 2000


def test_changes_win_over_presets():
    assert model_config("mini", "albert", 65, embedding_rank=None, dropout=0.2).embedding_rank is None
    assert training_config("mini", "fast", batch_size=3, evaluate_every=7).evaluate_every == 7


@pytest.mark.parametrize(
    "names, sentence",
    [
        (("huge", "gpt2"), "There is no preset 'huge'; there is mini, small, medium, large, paper."),
        (("mini", "gpt9"), "There is no preset 'gpt9'; there is gpt1, gpt2, albert."),
    ],
)
def test_unknown_name_is_refused(names, sentence):
    with pytest.raises(ConfigError) as refusal:
        model_config(*names, 65)
    assert str(refusal.value) == sentence
    with pytest.raises(ConfigError, match="There is no preset 'slow'; there is papers, fast"):
        training_config("mini", "slow")


@pytest.mark.parametrize("n_steps", [1, 2, 30, 100, 2000, 10_000_000])
def test_warm_up_fits_into_the_training(n_steps):
    assert 0 <= warmup(n_steps) <= n_steps / 2 and warmup(n_steps) <= 2000
