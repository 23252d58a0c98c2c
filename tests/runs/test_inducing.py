import torch

from gptlab.experiment import Induction
from gptlab.runs import inducing
from gptlab.runs.checkpoint import load_model
from gptlab.runs.curve import Curve
from gptlab.runs.distributed import Ranks
from gptlab.runs.inducing import attention_only, induction_config, said_twice
from gptlab.runs.store import create_run
from gptlab.runs.worker import train_run


def lesson(**changes):
    return create_run(*induction_config(Induction(**{"n_steps": 30, "batch_size": 4} | changes), "cpu", "Induction"))


def test_what_is_said_again_was_said_before():
    config, _tokenizer = induction_config(Induction(), "cpu", "x")
    ids, again = said_twice(Induction(), 3, config.model, 5)
    assert ids.shape == (5, 65) and again.shape == (5, 64)
    for row, marks in zip(ids.tolist(), again.tolist(), strict=True):
        period = 1 + marks.index(True)
        assert all(row[t + 1] == row[t + 1 - period] for t, mark in enumerate(marks) if mark) and 16 <= period < 48


def test_the_mlps_say_nothing_and_learn_nothing():
    run = lesson()
    train_run(run, Ranks())
    assert run.status().state == "finished" and run.status().step == 30
    model = load_model(run)
    ids = torch.arange(20)[None]
    from gptlab.model.trace import Intervention

    assert torch.equal(model(ids), model(ids, intervention=Intervention(mlps={0: 0.0, 1: 0.0})))
    fresh = attention_only(model.config, 1)
    assert not torch.equal(fresh.attentions[0].part.query_key_value.weight, model.attentions[0].part.query_key_value.weight)
    curve = Curve(run.folder)
    curve.read()
    assert curve.induced[0].step == 0 and curve.induced[-1].step == 30 and abs(curve.induced[0].first_nats - 4.16) < 0.1


def test_a_pause_costs_nothing(monkeypatch):
    whole, halved = lesson(), lesson()
    train_run(whole, Ranks())
    looks = iter(range(10**6))
    monkeypatch.setattr(inducing, "wished", lambda _run: "pause" if next(looks) == 0 else None)
    monkeypatch.setattr(inducing.Desk, "sign_is_due", property(lambda self: True))
    train_run(halved, Ranks())
    assert halved.status().state == "paused" and halved.status().step < 30
    train_run(halved, Ranks())
    one, other = (load_model(run).state_dict() for run in (whole, halved))
    assert halved.status().state == "finished" and all(torch.equal(one[name], other[name]) for name in one)
