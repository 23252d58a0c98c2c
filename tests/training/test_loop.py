import copy
import math

import pytest
import torch

from gptlab.errors import TrainingError
from gptlab.training import loop
from gptlab.training.events import Evaluation, Step
from gptlab.training.loop import mean_loss, next_token_loss
from gptlab.training.schedule import learning_rate_fraction

OPTIMIZERS = ["adamw", "muon"]


class OneBatch:
    def batch(self, step):
        return torch.randint(11, (4, 9), generator=torch.Generator().manual_seed(8))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_batch_is_learned_by_heart(trainer, config, losses, optimizer):
    settings = config(n_steps=80, optimizer=optimizer, schedule="linear", evaluate_every=1000)
    found = losses(trainer(settings, dropout=0.0, batches=OneBatch()))
    assert found[0][1] == pytest.approx(math.log(11), abs=0.1) and found[-1][1] < 0.1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_same_seed_gives_the_same_losses(trainer, config, losses, optimizer):
    first, again, other = (losses(trainer(config(optimizer=optimizer, seed=seed))) for seed in (3, 3, 4))
    assert first == again and first != other


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_training_is_the_unbroken_one_bit_for_bit(trainer, config, losses, optimizer):
    settings = config(optimizer=optimizer, weight_decay=0.1)
    whole = trainer(settings)
    expected = losses(whole)

    first = trainer(settings)
    begun = losses(first, until=12)
    state, weights = copy.deepcopy(first.state()), copy.deepcopy(first.model.state_dict())
    losses(first)  # goes on without having part in what was saved
    torch.rand(17)  # whatever else the process draws
    second = trainer(settings)
    second.model.load_state_dict(weights)
    second.restore(state)
    assert (second.step, second.tokens) == (12, 12 * 4 * 8)

    assert begun + losses(second) == expected and len(expected) == 30
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name


def test_resume_needs_the_optimizers_state(trainer, config, losses):
    whole, first, second = (trainer() for _ in range(3))
    expected = losses(whole)
    losses(first, until=12)
    second.model.load_state_dict(first.model.state_dict())
    second.step = 12
    assert losses(second) != expected[12:]


def test_events_come_in_order_with_their_contents(trainer, config):
    settings = config(n_steps=5, warmup_steps=2, evaluate_every=2)
    events = list(trainer(settings, evaluate=lambda: (1.5, 2.5, 0.5)).events())
    assert [(type(e).__name__[0], e.step) for e in events] == [
        ("S", 0), ("E", 0), ("S", 1), ("S", 2), ("E", 2), ("S", 3), ("S", 4), ("E", 4), ("E", 5),
    ]  # fmt: skip
    assert {(e.train_nats, e.validation_nats) for e in events if isinstance(e, Evaluation)} == {(1.5, 2.5)}
    steps = [e for e in events if isinstance(e, Step)]
    assert [s.tokens for s in steps] == [32 * (i + 1) for i in range(5)]
    rates = [1e-2 * learning_rate_fraction(s, n_steps=5, warmup_steps=2, schedule="cosine") for s in range(5)]
    assert [s.learning_rate for s in steps] == pytest.approx(rates)


def test_optimizers_move_at_the_scheduled_rate(trainer, config):
    made = trainer(config(optimizer="muon", n_steps=10, warmup_steps=4, muon_learning_rate=0.2))
    for event in made.events():
        if isinstance(event, Step) and event.step == 1:
            break
    assert [{group["lr"] for group in o.param_groups} for o in made.optimizers] == [{0.005}, {0.1}]


def test_first_event_comes_before_the_first_update(trainer):
    made = trainer()
    before = copy.deepcopy(made.model.state_dict())
    event = next(made.events())
    assert event.step == 0 and all(torch.equal(before[n], w) for n, w in made.model.state_dict().items())


def test_evaluation_describes_the_weights_of_its_step(trainer, config):
    seen = []
    made = trainer(config(n_steps=4, warmup_steps=0, evaluate_every=2), evaluate=lambda: (seen.append(made.step), (0.0, 0.0, None))[1])
    list(made.events())
    assert seen == [0, 2, 4]


def test_longer_training_reports_fewer_steps(trainer, config, monkeypatch):
    monkeypatch.setattr(loop, "MOST_STEP_EVENTS", 4)
    events = list(trainer(config(n_steps=12, evaluate_every=100)).events())
    assert [e.step for e in events if isinstance(e, Step)] == [0, 3, 6, 9] and events[-1].step == 12


def test_training_at_its_end_only_evaluates(trainer, config):
    made = trainer()
    made.step = 30
    assert list(made.events()) == [Evaluation(30, 2.0, 3.0, 0.25)]


def test_broken_loss_raises_with_step_and_advice(trainer):
    made = trainer(loss=lambda model, batch: next_token_loss(model, batch) * (math.nan if made.step == 3 else 1.0))
    seen = []
    with pytest.raises(TrainingError) as failure:
        seen.extend(event.step for event in made.events())
    assert "not a number any more at step 3, with learning_rate 0.008. Lower that to a third" in str(failure.value)


def test_infinite_gradient_raises_too(trainer):
    def loss(model, batch):
        value = next_token_loss(model, batch)
        return value + (model.token_embedding.weight.sum() * 0.0).clamp(min=0).sqrt()  # 0 with the slope of infinity times 0

    with pytest.raises(TrainingError, match="at step 0"):
        list(trainer(loss=loss).events())


def test_gradients_are_clipped_and_the_length_before_is_told(trainer, config):
    def lengths(clip_norm):
        made = trainer(config(clip_norm=clip_norm), dropout=0.0)
        told = next(made.events()).grad_norm
        return told, math.sqrt(sum(float(p.grad.square().sum()) for p in made.parameters))

    free_told, free = lengths(0.0)
    clipped_told, clipped = lengths(0.01)
    assert free == pytest.approx(free_told, rel=1e-5) and free > 0.1
    assert clipped_told == pytest.approx(free_told, rel=1e-5) and clipped == pytest.approx(0.01, rel=1e-3)


def test_loss_is_averaged_over_processes(trainer):
    assert next(trainer(average=lambda loss: loss * 0 + 7).events()).loss_nats == 7.0


def test_next_token_loss_is_the_mean_over_all_next_tokens(trainer):
    model, batch = trainer(dropout=0.0).model, OneBatch().batch(0)
    with torch.no_grad():
        log_p = model(batch[:, :-1]).log_softmax(-1)
        expected = -sum(log_p[row, t, batch[row, t + 1]] for row in range(4) for t in range(8)) / 32
        assert float(next_token_loss(model, batch)) == pytest.approx(float(expected), rel=1e-5)


def test_mean_loss_weighs_windows_evenly_without_dropout(trainer):
    model = trainer(dropout=0.5).model
    windows = torch.randint(11, (7, 9), generator=torch.Generator().manual_seed(9))
    found, error = mean_loss(model, iter([windows[:4], windows[4:6], windows[6:]]), "cpu")
    assert model.training
    with torch.no_grad():
        direct = torch.stack([next_token_loss(model.eval(), windows[i : i + 1]) for i in range(7)])
    assert found == pytest.approx(float(direct.mean()), rel=1e-5)
    assert error == pytest.approx(float(direct.std()) / math.sqrt(7), rel=1e-3)
    assert mean_loss(model, iter([windows[:1]]), "cpu") == (pytest.approx(float(direct[0]), rel=1e-5), None)
    mean_loss(model, iter([windows]), "cpu")
    assert not model.training


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_bf16_learns_nearly_the_same_and_keeps_weights_in_fp32(trainer, config, losses, optimizer):
    fp32, bf16 = (trainer(config(optimizer=optimizer, precision=p), dropout=0.0) for p in ("fp32", "bf16"))
    differences = [abs(a[1] - b[1]) for a, b in zip(losses(fp32), losses(bf16), strict=True)]
    assert 0 < max(differences) < 0.05
    assert {p.dtype for p in bf16.parameters} == {torch.float32}
    windows = OneBatch().batch(0)
    in_bf16, in_fp32 = (mean_loss(bf16.model, iter([windows]), "cpu", precision)[0] for precision in ("bf16", "fp32"))
    assert in_bf16 == pytest.approx(in_fp32, abs=0.02)
