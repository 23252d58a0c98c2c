import math

import torch
import torch.nn.functional as F

from gptlab.model.attention import Attention, attend, attention_pattern, causal_mask


def test_causal_mask_lets_each_query_see_itself_and_its_past():
    mask = causal_mask(2, 3, torch.device("cpu"))
    assert mask.int().tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_pattern_times_values_is_what_attention_returns():
    q, k, v = torch.randn(3, 2, 4, 9, 8, generator=torch.Generator().manual_seed(1))  # (B, H, T, D) each
    pattern = attention_pattern(q, k)
    assert (pattern @ v - attend(q, k, v, is_causal=True)).abs().max() < 1e-6


def test_attention_follows_the_paper(config, enlarged):
    """Vaswani et al. 2017, section 3.2, written out head by head and token by token."""
    attention = Attention(config()).double()
    enlarged(attention)
    x = torch.randn(1, 6, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    q, k, v = attention.query_key_value(x)[0].split(32, dim=-1)
    heads = []
    for h in range(0, 32, 8):
        rows = []
        for t in range(6):
            weights = (k[: t + 1, h : h + 8] @ q[t, h : h + 8] / math.sqrt(8)).softmax(0)
            rows.append(weights @ v[: t + 1, h : h + 8])
        heads.append(torch.stack(rows))
    expected = attention.projection(torch.cat(heads, dim=-1))
    assert (attention(x, layer=0)[0] - expected).abs().max() < 1e-12


def test_in_bf16_on_a_cpu_what_is_attended_stays_in_fp32(config):
    attention = Attention(config())
    x = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(3))
    with torch.autocast("cpu", torch.bfloat16):
        looks = attention.query_key_value(x)
        q, k, v = looks.float().view(1, 6, 3, 4, 8).permute(2, 0, 3, 1, 4)
        with torch.autocast("cpu", enabled=False):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        expected = attention.projection(y.transpose(1, 2).reshape(1, 6, 32))
        assert looks.dtype == torch.bfloat16 and attend(q, k, v, is_causal=True).dtype == torch.float32
        assert torch.equal(attention(x, layer=0), expected)


def test_dropout_works_only_while_training(config):
    attention = Attention(config(dropout=0.5))
    x = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(4))
    assert not torch.equal(attention.train()(x, 0), attention(x, 0))
    assert torch.equal(attention.eval()(x, 0), attention(x, 0))
