"""A training of a few milliseconds a step."""

import numpy as np
import pytest
import torch

from gptlab.config import ModelConfig, TrainingConfig
from gptlab.data.batches import Batches
from gptlab.model.build import build_model
from gptlab.training.events import Step
from gptlab.training.loop import Trainer, next_token_loss

torch.set_num_threads(1)


def training_config(**changes):
    values = dict(n_steps=30, batch_size=4, warmup_steps=5, evaluate_every=10, learning_rate=1e-2, seed=3)
    return TrainingConfig(**values | changes)


def build_trainer(config=None, *, dropout=0.1, loss=next_token_loss, evaluate=lambda: (2.0, 3.0, 0.25), average=None, batches=None):
    """A trainer of a model of two layers on 200 random tokens of a vocabulary of 11; the same one every time."""
    config = config or training_config()
    model = build_model(ModelConfig(vocab_size=11, block_size=8, n_layer=2, n_head=2, n_embd=16, dropout=dropout), seed=config.seed)
    tokens = np.random.default_rng(5).integers(0, 11, 200).astype(np.uint16)
    batches = batches or Batches(tokens, 8, config.batch_size, config.seed)
    return Trainer(model.train(), loss, batches, evaluate, config, "cpu", average)


def step_losses(trainer, until=10**9):
    """(step, loss, gradient norm) of every step before `until`, where the training is left."""
    found = []
    for event in trainer.events():
        if trainer.step >= until:
            break
        if isinstance(event, Step):
            found.append((event.step, event.loss_nats, event.grad_norm))
    return found


@pytest.fixture
def config():
    return training_config


@pytest.fixture
def trainer():
    return build_trainer


@pytest.fixture
def losses():
    return step_losses
