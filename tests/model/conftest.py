"""Small models whose every parameter matters."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from gptlab.config import ModelConfig
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT

# A second thread gains nothing at these sizes, and where the second core is busy the threads wait for each other in a
# spin: one forward pass then takes 143 ms in place of 0.7 ms (measured).
torch.set_num_threads(1)

FAMILIES = {
    "gpt1": dict(norm_position="post", residual_init_scaling=False),
    "gpt2": dict(norm_position="pre"),
    "factorised": dict(embedding_rank=5),
    "two groups": dict(shared_attention_groups=2, shared_mlp_groups=2),
    "one group": dict(shared_attention_groups=1, shared_mlp_groups=1),
    "post, one attention": dict(norm_position="post", shared_attention_groups=1),
    "post, one mlp": dict(norm_position="post", shared_mlp_groups=1),
}


def enlarge(model: nn.Module, seed: int = 7) -> None:
    """Weights ten times larger than fresh ones, and biases and gains that are not 0 and 1.

    With fresh weights a wrong GELU moves the logits by 1.6e-6 only, and a lost bias by nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = 0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_gain = parameter.dim() == 1 and name.endswith("weight")
        parameter.data = (noise + (1.0 if is_gain else 0.0)).to(parameter.dtype)


@pytest.fixture
def enlarged() -> Callable[[nn.Module], None]:
    return enlarge


@pytest.fixture
def config() -> Callable[..., ModelConfig]:
    """A config of 4 layers that takes milliseconds, with changes."""
    return lambda **changes: ModelConfig(**dict(vocab_size=65, block_size=16, n_layer=4, n_head=4, n_embd=32) | changes)


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, config: Callable[..., ModelConfig]) -> GPT:
    """One model of each family in turn, in evaluation mode, with enlarged weights."""
    model = build_model(config(**FAMILIES[request.param]), seed=3)
    enlarge(model)
    return model.eval()


@pytest.fixture
def gpt2(config: Callable[..., ModelConfig]) -> GPT:
    model = build_model(config(), seed=3)
    enlarge(model)
    return model.eval()


@pytest.fixture
def ids() -> torch.Tensor:
    """Token ids, (2, 12)."""
    return torch.randint(65, (2, 12), generator=torch.Generator().manual_seed(5))
