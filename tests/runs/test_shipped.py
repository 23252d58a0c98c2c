import json
from dataclasses import replace

import pytest
import torch

from gptlab.errors import RunError
from gptlab.runs import shipped, store
from gptlab.runs.checkpoint import load_model
from gptlab.runs.job import resume
from gptlab.runs.store import delete_run, list_runs, open_run, shipped_runs


@pytest.fixture
def packed(trained, monkeypatch):
    """A finished run among the models that ship, and the run itself."""
    monkeypatch.setattr(shipped, "zero_shot_scores", lambda run: {})
    monkeypatch.setattr(shipped, "scores_through_time", lambda run: {})
    monkeypatch.setitem(shipped.RECIPES, "tiny-model", shipped.Recipe("gpt2", {}, 30, 2))
    run = trained()
    shipped.pack(run, "tiny-model")
    return open_run("tiny-model"), run


def test_a_packed_model_is_the_model(packed):
    model, run = packed
    ids = torch.randint(0, run.config().model.vocab_size, (2, 16), generator=torch.Generator().manual_seed(1))
    assert model.tokenizer().id == run.tokenizer().id and model.checkpoint_steps() == run.checkpoint_steps()[-2:]
    for step in model.checkpoint_steps():
        assert torch.allclose(load_model(model, step)(ids), load_model(run, step)(ids), atol=0.02), "half precision"
    assert load_model(model)(ids).dtype == torch.float32


def test_a_packed_model_is_listed_apart_and_stays(packed):
    model, run = packed
    assert [m.id for m in shipped_runs()] == ["tiny-model"] and [r.id for r in list_runs()] == [run.id]
    assert model.is_shipped and not run.is_shipped
    for change in (delete_run, resume):
        with pytest.raises(RunError, match="ships with the app"):
            change(model)
    assert open_run("tiny-model").config() == run.config()


def test_a_card_says_where_a_model_comes_from(packed):
    (card,) = shipped.cards()
    assert card["name"] == "tiny-model" and card["steps"] == 30 and card["tokens"] == 30 * 4 * 16
    assert 0 < card["validation_bits_per_byte"] < 20 and card["environment"]["versions"] and card["training_seed"] == 1
    assert not any(str(path) in json.dumps(card) for path in (store.MODELS, store.home()))


def test_only_a_finished_run_ships(new_run):
    run = new_run()
    run.write_status(replace(run.status(), state="paused"))
    with pytest.raises(RunError, match="paused"):
        shipped.pack(run, "gpt2-6x128")


@pytest.mark.parametrize("name", ["../../etc", "no-such-model", "A"])
def test_other_names_open_nothing(name):
    with pytest.raises(RunError, match="no run"):
        open_run(name)
