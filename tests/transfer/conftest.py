import pytest

from gptlab.config import ModelConfig
from gptlab.model.build import build_model
from gptlab.tokenizer import BPETokenizer


@pytest.fixture(scope="session")
def tokenizer():
    return BPETokenizer.train("Mina gave Jun the red kite. Jun was happy. " * 40, 300)


@pytest.fixture
def pretrained(tokenizer):
    """A small model; its weights count as pretrained."""
    config = ModelConfig(vocab_size=tokenizer.vocab_size, block_size=64, n_layer=3, n_head=2, n_embd=32)
    return build_model(config, seed=5).eval()
