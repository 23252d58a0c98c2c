import pytest
import torch

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.model.build import build_model
from gptlab.model.counting import count_albert_encoder, count_lstm_parameters, count_parameters, flops_per_token
from gptlab.model.gpt import GPT

GPT1 = ModelConfig(vocab_size=40_478, block_size=512, n_layer=12, n_head=12, n_embd=768, norm_position="post")


def gpt2(n_embd: int, n_layer: int, n_head: int) -> ModelConfig:
    return ModelConfig(vocab_size=50_257, block_size=1024, n_layer=n_layer, n_head=n_head, n_embd=n_embd)


def parameters(config: ModelConfig | LSTMConfig) -> int:
    """Parameters of the built model, without taking memory for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in build_model(config, seed=1).parameters())


PUBLISHED = [
    (GPT1, 116_534_784),
    (gpt2(768, 12, 12), 124_439_808),
    (gpt2(1024, 24, 16), 354_823_168),
    (gpt2(1280, 36, 20), 774_030_080),
    (gpt2(1600, 48, 25), 1_557_611_200),
]


@pytest.mark.parametrize("config, count", PUBLISHED, ids=["gpt1", "small", "medium", "large", "xl"])
def test_the_papers_models_have_their_published_size(config, count):
    assert count_parameters(config).total == count
    assert parameters(config) == count


def test_gpt1_is_made_of_these_parts():
    count = count_parameters(GPT1)
    assert (count.tokens, count.positions, count.final_norm) == (31_087_104, 393_216, 0)
    assert count.attention + count.mlp == 85_054_464 == 12 * 7_087_872


def test_all_four_wrong_names_of_gpt2_fit_the_vocabulary_of_gpt1():
    """117M, 345M, 762M and 1542M in the paper."""
    millions = [count_parameters(config.with_(vocab_size=40_478)).total / 1e6 for config, _ in PUBLISHED[1:]]
    assert [round(n, 1) for n in millions] == [116.9, 344.8, 761.5, 1542.0]


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("embedding_rank", [None, 5])
@pytest.mark.parametrize("attention_groups, mlp_groups", [(None, None), (1, None), (None, 1), (2, 3)])
def test_the_count_is_that_of_the_built_model(config, norm_position, embedding_rank, attention_groups, mlp_groups):
    shape = config(
        norm_position=norm_position,
        embedding_rank=embedding_rank,
        shared_attention_groups=attention_groups,
        shared_mlp_groups=mlp_groups,
    )
    assert count_parameters(shape).total == sum(p.numel() for p in GPT(shape).parameters())


def test_sharing_all_keeps_a_fifth():
    shape = ModelConfig(vocab_size=256, block_size=128, n_layer=6, n_head=4, n_embd=128)
    assert count_parameters(shape).total == 1_239_040
    assert count_parameters(shape.with_(shared_attention_groups=1, shared_mlp_groups=1)).total == 247_680


def test_a_factorised_embedding_saves_what_albert_says():
    """Section 3.1: V x H against V x E + E x H, with V = 30,000 and E = 128."""
    for width, full, factorised in ((768, 23_040_000, 3_938_304), (4096, 122_880_000, 4_364_288)):
        shape = ModelConfig(vocab_size=30_000, n_embd=width, n_head=4)
        assert count_parameters(shape).tokens == full
        count = count_parameters(shape.with_(embedding_rank=128))
        assert count.tokens + count.embedding_projection == factorised


@pytest.mark.parametrize(
    "hidden, n_layer, count", [(768, 12, 11_683_584), (1024, 24, 17_683_968), (2048, 24, 58_724_864), (4096, 12, 222_595_584)]
)
def test_albert_has_its_published_size(hidden, n_layer, count):
    """ALBERT, Table 1: 12M, 18M, 60M, 235M."""
    assert count_albert_encoder(hidden=hidden, n_layer=n_layer) == count


@pytest.mark.parametrize(
    "attention_groups, mlp_groups, wide, narrow",
    [
        (1, 1, 31_114_752, 11_683_584),
        (1, 12, 83_078_400, 63_647_232),
        (12, 1, 57_117_696, 37_686_528),
        (12, 12, 109_081_344, 89_650_176),
    ],
)
def test_albert_shares_as_published(attention_groups, mlp_groups, wide, narrow):
    """ALBERT, Table 4, with E = 768 and E = 128."""
    groups = dict(attention_groups=attention_groups, mlp_groups=mlp_groups)
    assert count_albert_encoder(hidden=768, n_layer=12, embedding=768, **groups) == wide
    assert count_albert_encoder(hidden=768, n_layer=12, embedding=128, **groups) == narrow


@pytest.mark.parametrize("n_layer", [1, 3])
def test_the_lstm_count_is_that_of_the_built_model(n_layer):
    shape = LSTMConfig(vocab_size=65, n_layer=n_layer, n_embd=24, n_hidden=40)
    assert count_lstm_parameters(shape) == parameters(shape)


def test_sharing_saves_no_computing():
    shape = gpt2(768, 12, 12)
    assert flops_per_token(shape.with_(shared_attention_groups=1, shared_mlp_groups=1)) == flops_per_token(shape)


def test_six_operations_a_weight():
    """Chowdhery et al. 2022, appendix B: 6 N, and 12 L T C more for attention."""
    shape = gpt2(768, 12, 12)
    assert flops_per_token(shape) == 6 * (12 * 12 * 768**2 + 50_257 * 768) + 12 * 12 * 1024 * 768
