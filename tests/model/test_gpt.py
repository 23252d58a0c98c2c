import math

import pytest
import torch
import torch.nn.functional as F

from gptlab.config import ModelConfig
from gptlab.errors import ModelError
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT


def test_logits_have_one_row_a_token(model, ids):
    assert model(ids).shape == (2, 12, 65)


def test_logits_are_the_head_on_the_hidden_state(model, ids):
    assert torch.equal(model(ids), model.logits(model.hidden(ids)))


def test_wanted_places_alone_are_the_same(model, ids):
    places = torch.tensor([[0, 7, 11], [5, 5, 2]])
    few, all_of_them = model.hidden(ids, wanted=places), model.hidden(ids)
    assert few.shape[:2] == (2, 3)
    assert torch.allclose(few, torch.stack([all_of_them[b, places[b]] for b in range(2)]), atol=1e-6)


@pytest.mark.parametrize("changed", [1, 6, 11])
def test_a_change_leaves_earlier_logits_untouched(model, ids, changed):
    other = ids.clone()
    other[:, changed] = (other[:, changed] + 1) % 65
    before, after = model(ids), model(other)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert (before[:, changed:] != after[:, changed:]).any(-1).all()


@pytest.mark.parametrize("vocab_size", [65, 256, 50_257])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("embedding_rank", [None, 16])
def test_a_fresh_model_guesses_evenly(vocab_size, norm_position, embedding_rank):
    """The loss at the start is near ln V: 4.174, 5.545, 10.825."""
    shape = dict(vocab_size=vocab_size, norm_position=norm_position, embedding_rank=embedding_rank)
    model = build_model(ModelConfig(**shape, n_embd=32, n_layer=2), seed=1)
    ids = torch.randint(vocab_size, (4, 65), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert abs(loss.item() - math.log(vocab_size)) < 0.02


@pytest.mark.parametrize("chunks", [[1] * 12, [5, 4, 3], [7, 1, 1, 1, 1, 1], [1, 11], [12]])
def test_cached_logits_are_the_same(model, ids, chunks):
    """Token by token, in chunks, and after a prefill."""
    for kind, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model = model.to(kind)
        cache, parts = model.new_cache(), []
        with torch.no_grad():
            for chunk in ids.split(chunks, dim=1):
                parts.append(model(chunk, cache=cache))
            scale = (logits := model(ids)).abs().max()
        assert (torch.cat(parts, dim=1) - logits).abs().max() / scale < tolerance
        assert cache.length == 12


def test_too_many_tokens_name_both_numbers(gpt2):
    with pytest.raises(ModelError, match="given 17 tokens; its context holds 16"):
        gpt2(torch.zeros(1, 17, dtype=torch.long))
    cache = gpt2.new_cache()
    gpt2(torch.zeros(1, 16, dtype=torch.long), cache=cache)
    with pytest.raises(ModelError, match="given 17 tokens; its context holds 16"):
        gpt2(torch.zeros(1, 1, dtype=torch.long), cache=cache)


@pytest.mark.parametrize("attention_groups, mlp_groups", [(None, None), (2, 4), (1, 1), (3, 1)])
def test_shared_weights_exist_once(config, attention_groups, mlp_groups):
    model = GPT(config(shared_attention_groups=attention_groups, shared_mlp_groups=mlp_groups))
    state = model.state_dict()
    assert {name.split(".")[1] for name in state if name.startswith("attentions.")} == {str(i) for i in range(attention_groups or 4)}
    assert {name.split(".")[1] for name in state if name.startswith("mlps.")} == {str(i) for i in range(mlp_groups or 4)}
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)


def test_groups_are_even_runs_of_layers(config):
    """ALBERT's code: floor(layer * groups / layers)."""
    model = GPT(config(n_layer=6))
    assert [model._group(layer, 3) for layer in range(6)] == [0, 0, 1, 1, 2, 2]
    assert [model._group(layer, 4) for layer in range(6)] == [0, 0, 1, 2, 2, 3]


def test_shared_blocks_compute_as_equal_blocks_do(config, ids, enlarged):
    shared = build_model(config(shared_attention_groups=2, shared_mlp_groups=1), seed=1).eval()
    enlarged(shared)
    separate = build_model(config(), seed=2).eval()
    state = {name: tensor for name, tensor in shared.state_dict().items() if not name.startswith(("attentions.", "mlps."))}
    for layer in range(4):
        state |= {f"attentions.{layer}.{n}": t for n, t in shared.attentions[layer // 2].state_dict().items()}
        state |= {f"mlps.{layer}.{n}": t for n, t in shared.mlps[0].state_dict().items()}
    separate.load_state_dict(state)
    assert torch.equal(shared(ids), separate(ids))


def test_residual_projections_start_smaller():
    model = build_model(ModelConfig(vocab_size=65, n_layer=8, n_embd=128), seed=1)
    for part in (*(a.part for a in model.attentions), *(m.part for m in model.mlps)):
        assert part.projection.weight.std().item() == pytest.approx(0.02 / math.sqrt(2 * 8), rel=0.03)
        assert not part.projection.bias.any()
    assert model.attentions[0].part.query_key_value.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert model.mlps[0].part.expansion.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert model.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert (model.final_norm.weight == 1).all() and not model.final_norm.bias.any()


def test_without_residual_scaling_all_matrices_start_alike():
    model = build_model(ModelConfig(vocab_size=65, n_layer=8, n_embd=128, residual_init_scaling=False), seed=1)
    assert model.mlps[0].part.projection.weight.std().item() == pytest.approx(0.02, rel=0.03)


def test_a_factorised_embedding_starts_as_large_as_a_full_one():
    model = build_model(ModelConfig(vocab_size=5000, n_embd=256, n_head=4, embedding_rank=32), seed=1)
    with torch.no_grad():
        tokens = model.embedding_projection(model.token_embedding.weight)
    assert tokens.std().item() == pytest.approx(0.02, rel=0.05)


def test_state_dict_makes_a_round_trip(model, ids):
    other = build_model(model.config, seed=99).eval()
    assert not torch.equal(other(ids), model(ids))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(ids), model(ids))


def test_the_seed_decides_the_weights(config):
    first, again, other = (build_model(config(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["token_embedding.weight"], other["token_embedding.weight"])


def test_building_leaves_the_global_random_state_alone(config):
    before = torch.get_rng_state()
    build_model(config(), seed=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_one_batch_can_be_overfitted(config, ids, norm_position):
    model = build_model(config(norm_position=norm_position, n_layer=2), seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_every_parameter_learns(model, ids):
    """A part that the forward pass forgets would get no gradient."""
    F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
