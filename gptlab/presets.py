"""Named sizes, architectures and recipes: one dial each, with the numbers behind it and where they come from."""

from dataclasses import dataclass
from typing import Any

from gptlab.config import LSTMConfig, ModelConfig, TrainingConfig
from gptlab.errors import ConfigError


@dataclass(frozen=True)
class Size:
    """A shape together with the training that suits it.

    `learning_rate` is AdamW's. GPT-1 used 2.5e-4 at a width of 768; narrower models bear more.
    """

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    batch_size: int
    n_steps: int
    learning_rate: float


SIZES = {
    # a class can wait for it: seconds on any laptop
    "mini": Size(2, 2, 64, 64, 16, 1500, 1e-3),
    # nanoGPT's CPU recipe for Tiny Shakespeare
    "small": Size(4, 4, 128, 64, 12, 2000, 1e-3),
    "medium": Size(6, 6, 192, 128, 16, 3000, 1e-3),
    # nanoGPT's GPU recipe for Tiny Shakespeare
    "large": Size(6, 6, 384, 256, 64, 5000, 1e-3),
    # GPT-1 and the smallest GPT-2: 12 layers, 768 wide (GPT-1, section 4.1); the number of steps is far below the papers'
    "paper": Size(12, 12, 768, 512, 64, 20_000, 2.5e-4),
}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    # GPT-1, Figure 1 and section 4.1
    "gpt1": dict(norm_position="post", residual_init_scaling=False),
    # GPT-2, section 2.3
    "gpt2": dict(norm_position="pre", residual_init_scaling=True),
    # ALBERT, section 3.1: every layer runs the same weights, and the embedding is factorised
    "albert": dict(norm_position="pre", residual_init_scaling=True, shared_attention_groups=1, shared_mlp_groups=1),
}

RECIPES: dict[str, dict[str, Any]] = {
    # GPT-1, section 4.1: Adam with decoupled decay 0.01, warm-up, cosine to zero
    "papers": dict(optimizer="adamw", schedule="cosine", weight_decay=0.01, beta2=0.999),
    # chosen here: measured in tests/benchmarks/fast_recipe.py. More decay costs loss (0.2: 0.02 nats), and this much keeps the
    # entries of the matrices at a root mean square of 0.04 to 0.1, so that AdamW can still move them later
    "fast": dict(optimizer="muon", schedule="linear", weight_decay=0.1, beta2=0.95, muon_learning_rate=0.1),
}

FAST_STEPS_FRACTION = 0.125
"""The fast recipe needs an eighth of the steps, with twice the batch. Chosen here: measured in tests/benchmarks/fast_recipe.py."""

WARMUP_STEPS = {"papers": 100, "fast": 30}
"""Shortest warm-up. Chosen here: with 15 steps the mini size left the valley at its first full step (loss 3.3 to 4.7) and took two
to return. An eighth of the steps cannot afford a hundred: the fast recipe ends 0.03 nats higher than with 30."""


LSTM = "lstm"
"""GPT-1's baseline (section 5), beside the architectures above: one recurrent layer in place of the blocks."""


def model_config(size: str, architecture: str, vocab_size: int, **changes: Any) -> ModelConfig | LSTMConfig:
    """The model of a named size and architecture. The LSTM is as wide as makes its parameters about those of the blocks.

    Raises:
        ConfigError: an unknown name.
    """
    if architecture == LSTM:
        shape = named(SIZES, size)
        width = round(1.5 * shape.n_layer**0.5 * shape.n_embd)  # 4 h (h + d) is then about 12 L d^2
        settings = dict(vocab_size=vocab_size, block_size=shape.block_size, n_embd=shape.n_embd, n_hidden=width)
        return LSTMConfig(**settings | changes)
    return gpt_config(size, architecture, vocab_size, **changes)


def gpt_config(size: str, architecture: str, vocab_size: int, **changes: Any) -> ModelConfig:
    """The GPT of a named size and architecture.

    Raises:
        ConfigError: an unknown name.
    """
    shape, style = named(SIZES, size), named(ARCHITECTURES, architecture)
    extra = {"embedding_rank": max(8, shape.n_embd // 4)} if architecture == "albert" else {}
    return ModelConfig(
        **dict(
            vocab_size=vocab_size, block_size=shape.block_size, n_layer=shape.n_layer, n_head=shape.n_head, n_embd=shape.n_embd
        )
        | style
        | extra
        | changes
    )  # fmt: skip


def training_config(size: str, recipe: str, **changes: Any) -> TrainingConfig:
    """The training of a named size and recipe.

    There are about thirty evaluations however long it is, and each split gives a tenth of the tokens that were trained on in
    between (within 4,096 and 65,536), so that evaluating takes about a fifteenth of the time; of a fast training of a small size, a fifth.

    Raises:
        ConfigError: an unknown name.
    """
    shape, style = named(SIZES, size), named(RECIPES, recipe)
    settings = dict(batch_size=shape.batch_size, learning_rate=shape.learning_rate) | style
    n_steps = changes.get("n_steps", shape.n_steps)
    if recipe == "fast":
        settings |= dict(batch_size=2 * shape.batch_size, learning_rate=5 * shape.learning_rate)
        n_steps = changes.get("n_steps", round(FAST_STEPS_FRACTION * shape.n_steps))
    evaluate_every = max(1, n_steps // 30)
    between = evaluate_every * settings["batch_size"] * shape.block_size
    settings |= dict(n_steps=n_steps, warmup_steps=warmup(n_steps, recipe), evaluate_every=evaluate_every)
    settings |= dict(evaluation_tokens=min(65_536, max(4096, between // 10)))
    return TrainingConfig(**settings | changes)


def warmup(n_steps: int, recipe: str = "papers") -> int:
    """A twentieth of the training, but at least `WARMUP_STEPS` and at most the papers' 2,000; never more than half of it."""
    return min(2000, n_steps // 2, max(WARMUP_STEPS[recipe], n_steps // 20))


def named(table: dict[str, Any], name: str) -> Any:
    if name not in table:
        raise ConfigError("There is no preset {name!r}; there is {known}.", name=name, known=", ".join(table))
    return table[name]
