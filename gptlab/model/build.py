"""From a config to a model."""

import torch

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM


def build_model(config: ModelConfig | LSTMConfig, seed: int) -> GPT | LSTM:
    """A freshly initialised model; the same seed gives the same weights, and the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would also reseed the GPUs
        return LSTM(config) if isinstance(config, LSTMConfig) else GPT(config)
