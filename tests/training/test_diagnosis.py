import pytest

from gptlab.training.diagnosis import Diagnosis, diagnose
from gptlab.training.events import Evaluation, Step


def steps(losses):
    return [Step(i, loss, 1e-3, 1.0, i) for i, loss in enumerate(losses)]


def evaluations(validation, train=None):
    return [Evaluation(100 * i, t, v) for i, (v, t) in enumerate(zip(validation, train or validation, strict=True))]


FALLING = [4.2, 3.4, 2.9, 2.6, 2.4, 2.3]
SMOOTH = [4.0 - 0.01 * i for i in range(60)]


def kind(losses=SMOOTH, validation=FALLING, train=None, n_steps=1000):
    return diagnose(steps(losses), evaluations(validation, train), 3.3, n_steps).kind


def test_too_few_points_say_nothing_yet():
    assert diagnose([], [], 3.3, 1000) == Diagnosis("starting") and kind(validation=FALLING[:2]) == "starting"


def test_falling_curve_is_normal_and_its_numbers_are_told():
    assert diagnose(steps(SMOOTH), evaluations(FALLING), 3.3, 1000) == Diagnosis("falling", 500, 2.3, 2.3)


def test_curve_that_hardly_moves_is_flat():
    assert kind(validation=[4.2, 2.9, 2.5, 2.4, 2.302, 2.301, 2.300]) == "flat"
    assert kind(validation=[4.2, 2.9, 2.5, 2.4, 2.32, 2.31, 2.300]) == "falling"


def test_validation_that_rises_while_training_falls_is_overfitting():
    validation, train = [4.2, 3.0, 2.5, 2.4, 2.5, 2.7], [4.2, 2.9, 2.3, 2.0, 1.7, 1.4]
    found = diagnose(steps(SMOOTH), evaluations(validation, train), 3.3, 1000)
    assert found == Diagnosis("overfitting", 300, 2.4, 2.7)


def test_rise_of_both_losses_is_not_overfitting():
    assert kind(validation=[4.2, 3.0, 2.5, 2.4, 2.5, 2.7], train=[4.2, 2.9, 2.3, 2.2, 2.3, 2.5]) == "rising"


def test_one_evaluation_above_the_best_is_noise():
    assert kind(validation=[4.2, 3.0, 2.5, 2.4, 2.7], train=[4.2, 2.9, 2.3, 2.0, 1.7]) == "rising"


@pytest.mark.parametrize("n_steps, expected", [(1000, "stuck"), (100_000, "flat")])
def test_no_better_than_single_tokens_is_stuck_once_a_tenth_is_over(n_steps, expected):
    assert kind(validation=[4.2, 3.31, 3.30, 3.30, 3.30, 3.299, 3.299], n_steps=n_steps) == expected


def test_jump_of_the_training_loss_is_a_spike_and_outweighs_the_rest():
    jumped = SMOOTH + [6.5] * 5
    assert kind(losses=jumped) == "spiking"
    assert kind(losses=jumped, validation=[4.2, 3.0, 2.5, 2.4, 2.5, 2.7], train=[4.2, 2.9, 2.3, 2.0, 1.7, 1.4]) == "spiking"


def test_batch_noise_and_a_spike_long_past_are_none():
    noisy = [loss * (1.1 if i % 2 else 0.9) for i, loss in enumerate(SMOOTH)]
    assert kind(losses=noisy) == "falling"
    assert kind(losses=[4.0] * 30 + [9.0] * 5 + [3.0] * 30) == "falling"
    assert kind(losses=[2.0] * 5 + [6.0] * 10) == "falling"  # 15 steps are too few to tell
