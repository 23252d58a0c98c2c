import math

import pytest
import torch
import torch.nn.functional as F

from gptlab.config import LSTMConfig
from gptlab.errors import ModelError
from gptlab.model.build import build_model
from gptlab.model.lstm import LSTM
from gptlab.model.trace import Intervention, Trace

CONFIG = LSTMConfig(vocab_size=65, block_size=16, n_layer=2, n_embd=24, n_hidden=40)


@pytest.fixture
def lstm(enlarged) -> LSTM:
    model = build_model(CONFIG, seed=1)
    enlarged(model)
    return model.eval()


def test_logits_are_the_head_on_the_hidden_state(lstm, ids):
    assert lstm(ids).shape == (2, 12, 65)
    assert torch.equal(lstm(ids), lstm.logits(lstm.hidden(ids)))


def test_a_change_leaves_earlier_logits_untouched(lstm, ids):
    other = ids.clone()
    other[:, 6] = (other[:, 6] + 1) % 65
    before, after = lstm(ids), lstm(other)
    assert torch.equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] != after[:, 6:]).any(-1).all()


@pytest.mark.parametrize("chunks", [[1] * 12, [5, 4, 3], [7, 1, 1, 1, 1, 1]])
def test_cached_logits_are_the_same(lstm, ids, chunks):
    cache = lstm.new_cache()
    with torch.no_grad():
        parts = [lstm(chunk, cache=cache) for chunk in ids.split(chunks, dim=1)]
        assert (torch.cat(parts, dim=1) - lstm(ids)).abs().max() < 1e-5
    assert cache.length == 12


@pytest.mark.parametrize("watch", [dict(trace=Trace()), dict(intervention=Intervention())])
def test_there_is_nothing_to_look_at(lstm, ids, watch):
    with pytest.raises(ModelError, match="no attention heads"):
        lstm(ids, **watch)


@pytest.mark.parametrize("vocab_size", [65, 50_257])
def test_a_fresh_model_guesses_evenly(vocab_size):
    model = build_model(CONFIG.with_(vocab_size=vocab_size), seed=1)
    ids = torch.randint(vocab_size, (4, 33), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert abs(loss.item() - math.log(vocab_size)) < 0.02


def test_state_dict_makes_a_round_trip(lstm, ids):
    other = build_model(CONFIG, seed=2).eval()
    other.load_state_dict(lstm.state_dict())
    assert torch.equal(other(ids), lstm(ids))


def test_one_layer_builds_with_dropout(ids):
    """PyTorch's LSTM warns about dropout between layers when there is only one."""
    model = build_model(CONFIG.with_(n_layer=1, dropout=0.5), seed=1)
    assert not torch.equal(model.train()(ids), model(ids))
    assert torch.equal(model.eval()(ids), model(ids))


def test_the_seed_decides_the_weights():
    before = torch.get_rng_state()
    first, again, other = (build_model(CONFIG, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["projection.weight"], other["projection.weight"])
    assert torch.equal(torch.get_rng_state(), before)
