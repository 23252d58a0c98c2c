import pytest

from gptlab.config import ModelConfig
from gptlab.model.build import build_model

SHAPES = {
    "gpt2": dict(norm_position="pre"),
    "gpt1": dict(norm_position="post", residual_init_scaling=False),
    "albert": dict(norm_position="pre", embedding_rank=8, shared_attention_groups=1, shared_mlp_groups=1),
}


@pytest.fixture(params=list(SHAPES))
def model(request):
    """A small model of each family, with weights large enough to say something."""
    shape = ModelConfig(vocab_size=40, block_size=48, n_layer=3, n_head=2, n_embd=16, **SHAPES[request.param])
    model = build_model(shape, seed=3).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.mul_(8)
    return model
