import numpy as np
import pytest
import torch

from gptlab.interpret.ablation import ablation_map, loss_nats, next_token, switched_off
from gptlab.model.trace import Intervention, Trace

IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5], [2, 7, 1, 8, 2, 8, 1, 8, 2]])
ALL = [(layer, head) for layer in range(3) for head in range(2)]


def test_all_heads_at_zero_is_no_attention(model):
    """What is left of an attention whose heads say nothing is the bias of its projection."""
    off = switched_off(model, IDS, ALL, (), "zero")
    trace = Trace()
    model.hidden(IDS, trace, off)
    for layer in range(3):
        bias = model.attentions[0 if len(model.attentions) == 1 else layer].part.projection.bias
        assert torch.allclose(trace.attention[layer], bias.expand_as(trace.attention[layer]), atol=1e-6)


def test_the_mean_is_what_a_head_says_on_average(model):
    off = switched_off(model, IDS, [(1, 0)], [2], "mean")
    trace = Trace()
    model.hidden(IDS, trace)
    assert torch.allclose(off.heads[1, 0], trace.heads[1][:, 0].mean((0, 1))) and torch.allclose(off.mlps[2], trace.mlp[2].mean((0, 1)))


def test_the_loss_is_the_cross_entropy_of_each_window(model):
    log_p = model(IDS[:, :-1]).log_softmax(-1)
    by_hand = -log_p.gather(2, IDS[:, 1:, None])[..., 0].mean(1)
    assert np.allclose(loss_nats(model, IDS), by_hand.numpy(), atol=1e-5)


@pytest.mark.parametrize("how", ["zero", "mean"])
def test_the_map_is_each_part_alone(model, how):
    found, whole = ablation_map(model, IDS, how), loss_nats(model, IDS)

    def rises(heads, mlps):  # of both windows
        return loss_nats(model, IDS, switched_off(model, IDS[:, :-1], heads, mlps, how)) - whole

    for layer, head in ALL:
        a, b = rises([(layer, head)], ())
        assert np.allclose([found.heads[layer, head], found.heads_error[layer, head]], [(a + b) / 2, abs(a - b) / 2], atol=1e-5)
    assert np.allclose(found.mlps, [rises((), [layer]).mean() for layer in range(3)], atol=1e-5)
    assert np.isclose(found.whole_nats, whole.mean())


def test_the_next_token_is_a_distribution_that_changes(model):
    whole, cut = next_token(model, IDS[:1]), next_token(model, IDS[:1], Intervention(heads={head: 0.0 for head in ALL}))
    assert np.isclose(whole.sum(), 1, atol=1e-5) and not np.allclose(whole, cut)
