import pytest

from gptlab.config import ModelConfig
from gptlab.model.build import build_model
from gptlab.tokenizer import BPETokenizer


@pytest.fixture(scope="session")
def tokenizer():
    """Bytes and a few merges."""
    return BPETokenizer.train("Mina was in the garden. 미나는 정원에 있었다. " * 50, 320)


@pytest.fixture(scope="session")
def model(tokenizer):
    """Untrained, with a context of 512 tokens."""
    config = ModelConfig(vocab_size=tokenizer.vocab_size, block_size=512, n_layer=2, n_head=2, n_embd=32)
    return build_model(config, seed=1).eval().requires_grad_(False)
