import pytest
import torch

from gptlab.config import ModelConfig
from gptlab.model.build import build_model
from gptlab.model.trace import Intervention, KeyValueCache, Trace

PLACES = ("queries", "keys", "values", "patterns", "heads", "attention", "mlp")


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("groups", [None, 2, 1])
def test_looking_changes_no_bit(config, ids, enlarged, norm_position, groups):
    shape = config(norm_position=norm_position, shared_attention_groups=groups, shared_mlp_groups=groups)
    model = build_model(shape, seed=1).eval()
    enlarged(model)
    assert torch.equal(model(ids), model(ids, trace=Trace()))


def test_looking_changes_no_bit_while_training(config, ids):
    model = build_model(config(dropout=0.3), seed=1).train()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        plain = model(ids)
        torch.manual_seed(1)
        assert torch.equal(plain, model(ids, trace=Trace()))


def test_trace_has_the_documented_shapes(model, ids):
    model(ids, trace=(trace := Trace()))
    for layer in range(4):
        for place in ("queries", "keys", "values", "heads"):
            assert getattr(trace, place)[layer].shape == (2, 4, 12, 8)
        assert trace.patterns[layer].shape == (2, 4, 12, 12)
        assert trace.attention[layer].shape == trace.mlp[layer].shape == trace.residual[layer].shape == (2, 12, 32)
    assert trace.residual[4].shape == (2, 12, 32)
    assert not any(tensor.requires_grad for place in (*PLACES, "residual") for tensor in getattr(trace, place).values())


def test_patterns_are_the_weights_that_were_used(model, ids):
    model(ids, trace=(trace := Trace()))
    for layer in range(4):
        pattern = trace.patterns[layer]
        assert (pattern.sum(-1) - 1).abs().max() < 1e-6
        assert not pattern.triu(1).any()
        heads = trace.heads[layer]
        assert (pattern @ trace.values[layer] - heads).abs().max() < 1e-6 * max(1, heads.abs().max())


def test_the_residual_stream_adds_up(gpt2, ids):
    """Pre-norm: what enters a layer plus what its two parts put out is what enters the next."""
    gpt2(ids, trace=(trace := Trace()))
    for layer in range(4):
        after = trace.residual[layer] + trace.attention[layer] + trace.mlp[layer]
        assert torch.allclose(after, trace.residual[layer + 1], atol=1e-5)
    assert torch.equal(trace.residual[0], gpt2.embed(ids))
    assert torch.equal(gpt2.logits(gpt2.final_norm(trace.residual[4])), gpt2(ids))


def test_trace_records_only_the_chosen_layers(model, ids):
    model(ids, trace=(trace := Trace(layers=frozenset({1, 3}))))
    assert all(set(getattr(trace, place)) == {1, 3} for place in PLACES)
    assert set(trace.residual) == {1, 3, 4}  # what leaves the last block is always kept


def test_trace_with_a_cache_sees_old_keys(gpt2, ids):
    gpt2(ids, trace=(whole := Trace()))
    cache = gpt2.new_cache()
    gpt2(ids[:, :7], cache=cache)
    gpt2(ids[:, 7:], trace=(rest := Trace()), cache=cache)
    for layer in range(4):
        assert torch.allclose(rest.patterns[layer], whole.patterns[layer][:, :, 7:], atol=1e-5)
        assert torch.allclose(rest.keys[layer], whole.keys[layer], atol=1e-5)


def test_an_empty_intervention_changes_no_bit(model, ids):
    assert torch.equal(model(ids), model(ids, intervention=Intervention()))


def test_without_heads_attention_is_only_its_bias(gpt2, ids):
    no_heads = Intervention(heads={(2, head): 0.0 for head in range(4)})
    ablated = gpt2(ids, trace=(trace := Trace()), intervention=no_heads)
    bias = gpt2.attentions[2].part.projection.bias
    assert torch.equal(trace.attention[2], bias.detach().expand(2, 12, 32))
    assert not trace.heads[2].any()
    assert torch.equal(ablated, gpt2(ids, intervention=Intervention(attentions={2: bias})))
    assert not torch.equal(ablated, gpt2(ids))


def test_an_ablated_head_acts_in_its_layer_only(config, ids, enlarged):
    """The weights are shared by all layers; the intervention is not."""
    model = build_model(config(shared_attention_groups=1), seed=1).eval()
    enlarged(model)
    model(ids, trace=(trace := Trace()), intervention=Intervention(heads={(2, 1): 0.0}))
    silent = [(layer, head) for layer in range(4) for head in range(4) if not trace.heads[layer][:, head].any()]
    assert silent == [(2, 1)]


def test_replacing_places_by_their_own_values_changes_no_bit(model, ids):
    logits = model(ids, trace=(trace := Trace()))
    for layer in range(4):
        own = (
            Intervention(residuals={(layer, position): trace.residual[layer][:, position] for position in range(12)}),
            Intervention(heads={(layer, head): trace.heads[layer][:, head] for head in range(4)}),
            Intervention(attentions={layer: trace.attention[layer]}),
            Intervention(mlps={layer: trace.mlp[layer]}),
        )
        assert all(torch.equal(model(ids, intervention=intervention), logits) for intervention in own)


def test_a_changed_head_acts_on_later_logits_only(model, ids):
    logits = model(ids, trace=(trace := Trace()))
    changed = trace.heads[1][:, 2].clone()  # (B, T, D)
    changed[:, 5] += 1.0
    after = model(ids, intervention=Intervention(heads={(1, 2): changed}))
    assert torch.equal(after[:, :5], logits[:, :5])
    assert (after[:, 5:] != logits[:, 5:]).any(-1).all()


def test_patching_all_of_a_layer_takes_over_the_other_prompt(model, ids):
    other = ids.flip(1)
    theirs = model(other, trace=(trace := Trace()))
    patch = Intervention(residuals={(2, position): trace.residual[2][:, position] for position in range(12)})
    assert torch.equal(model(ids, intervention=patch), theirs)


def test_patching_one_position_acts_on_later_logits_only(gpt2, ids):
    gpt2(ids.flip(1), trace=(trace := Trace()))
    logits, patched = gpt2(ids), gpt2(ids, intervention=Intervention(residuals={(1, 6): trace.residual[1][:, 6]}))
    assert torch.equal(patched[:, :6], logits[:, :6])
    assert (patched[:, 6:] != logits[:, 6:]).any(-1).all()


def test_ablating_an_mlp_leaves_the_rest(gpt2, ids):
    gpt2(ids, trace=(trace := Trace()), intervention=Intervention(mlps={1: 0.0}))
    assert not trace.mlp[1].any()
    assert torch.equal(trace.residual[2], trace.residual[1] + trace.attention[1])


def test_the_full_trace_of_gpt2_takes_604_mb():
    """The figure in the docstring: patterns of 12 layers, 12 heads and 1,024 tokens."""
    config = ModelConfig(vocab_size=50_257, block_size=1024, n_layer=12, n_head=12, n_embd=768)
    assert config.n_layer * config.n_head * config.block_size**2 * 4 / 1e6 == pytest.approx(604, abs=0.5)


def test_the_cache_takes_its_memory_once(gpt2, ids):
    cache = KeyValueCache()
    with torch.no_grad():
        gpt2(ids[:, :1], cache=cache)
        first = cache._keys[0].data_ptr()
        for position in range(1, 12):
            gpt2(ids[:, position : position + 1], cache=cache)
    assert cache._keys[0].data_ptr() == first
    assert cache._keys[0].shape == (2, 4, 16, 8)
