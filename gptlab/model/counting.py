"""How many parameters a shape has, without building it; tied embeddings are counted once.

The published names of GPT-2 (117M, 345M, 762M) are wrong counts; these are the right ones. GPT-2 small:

    >>> count_parameters(ModelConfig(vocab_size=50257, block_size=1024, n_layer=12, n_head=12, n_embd=768)).total
    124439808
"""

from dataclasses import dataclass

from gptlab.config import LSTMConfig, ModelConfig


@dataclass(frozen=True)
class ParameterCount:
    """Parameters by part; `total` is their sum."""

    tokens: int
    positions: int
    embedding_projection: int
    attention: int
    mlp: int
    final_norm: int

    @property
    def total(self) -> int:
        return self.tokens + self.positions + self.embedding_projection + self.attention + self.mlp + self.final_norm


def count_parameters(config: ModelConfig) -> ParameterCount:
    """Parameters of a decoder; a block of width d has 12 d^2 + 13 d (each part with its LayerNorm)."""
    d, rank = config.n_embd, config.embedding_rank or config.n_embd
    return ParameterCount(
        tokens=config.vocab_size * rank,
        positions=config.block_size * rank,
        embedding_projection=config.embedding_rank * d if config.embedding_rank else 0,
        attention=config.attention_groups * (4 * d * d + 4 * d + 2 * d),
        mlp=config.mlp_groups * (8 * d * d + 5 * d + 2 * d),
        final_norm=2 * d if config.norm_position == "pre" else 0,
    )


def count_lstm_parameters(config: LSTMConfig) -> int:
    """Embedding, four gates with two biases a layer, and the projection back to the width of the embedding."""
    inputs = [config.n_embd] + [config.n_hidden] * (config.n_layer - 1)
    gates = sum(4 * config.n_hidden * (n + config.n_hidden + 2) for n in inputs)
    return config.vocab_size * config.n_embd + gates + config.n_hidden * config.n_embd


def count_all(config: ModelConfig | LSTMConfig) -> int:
    """Parameters of any model of the lab."""
    return count_lstm_parameters(config) if isinstance(config, LSTMConfig) else count_parameters(config).total


def count_albert_encoder(
    *, hidden: int, n_layer: int, vocab_size: int = 30_000, embedding: int = 128, attention_groups: int = 1, mlp_groups: int = 1
) -> int:
    """Parameters of the published ALBERT encoder with its pooler: 512 positions, 2 segments, 4 x hidden in the MLP.

    Source: ALBERT, Tables 1 and 4. No projection is counted when the embedding is as wide as the model.

        >>> count_albert_encoder(hidden=768, n_layer=12)
        11683584
    """
    embeddings = (vocab_size + 512 + 2) * embedding + 2 * embedding
    projection = embedding * hidden + hidden if embedding != hidden else 0
    attention = min(attention_groups, n_layer) * (4 * hidden * hidden + 6 * hidden)
    mlp = min(mlp_groups, n_layer) * (8 * hidden * hidden + 7 * hidden)
    pooler = hidden * hidden + hidden
    return embeddings + projection + attention + mlp + pooler


def flops_per_token(config: ModelConfig | LSTMConfig) -> float:
    """Floating point operations of one training step, a token: forward and backward.

    Source: Chowdhery et al. 2022 (PaLM), appendix B: 6 operations a weight that multiplies, plus 12 L T C for attention over T tokens.
    Shared blocks count as often as they run: sharing saves memory, not computing.
    """
    if isinstance(config, LSTMConfig):
        return 6.0 * count_lstm_parameters(config)
    d = config.n_embd
    matrices = 12 * config.n_layer * d * d + config.vocab_size * (config.embedding_rank or d)
    return 6.0 * matrices + 12.0 * config.n_layer * config.block_size * d
