"""Is this normal? What a learning curve says, from numbers alone; the screen finds the words."""

from dataclasses import dataclass
from statistics import mean

from gptlab.training.events import Evaluation, Step

SPIKE = 1.5
"""A loss this many times its recent best is a spike. Chosen here: batch noise stays below 1.2 on the lab's presets."""


RISEN = 1.01
"""A validation loss this many times the best one has risen. Chosen here: the lab's presets wobble by less."""


@dataclass(frozen=True)
class Diagnosis:
    """One finding.

    kind: "starting" (too few points), "stuck" (no better than guessing single tokens), "falling", "flat" (hardly any
    progress over the last third), "rising" (validation stood lower before, and it is too early to say why), "overfitting" (validation rose
    while training fell), "spiking" (the training loss jumped up: learning rate too high).
    """

    kind: str
    best_step: int = 0
    """Step of the lowest validation loss."""
    best_nats: float = 0.0
    """The lowest validation loss."""
    now_nats: float = 0.0
    """The last validation loss."""


def diagnose(steps: list[Step], evaluations: list[Evaluation], unigram_nats: float, n_steps: int) -> Diagnosis:
    """The finding that matters most, judged in this order: spiking, overfitting, stuck, rising, flat, falling.

    Args:
        steps: all step events so far, in order.
        evaluations: all evaluations so far, in order.
        unigram_nats: loss of a model that knows how often each token occurs and nothing else.
        n_steps: length of the whole training.
    """
    if len(evaluations) < 3:
        return Diagnosis("starting")
    best = min(evaluations, key=lambda e: e.validation_nats)
    last = evaluations[-1]
    if _spiking(steps):
        kind = "spiking"
    elif _overfitting(evaluations, best):
        kind = "overfitting"
    elif last.step >= 0.1 * n_steps and last.validation_nats > unigram_nats - 0.02:
        kind = "stuck"
    elif last.validation_nats > RISEN * best.validation_nats:
        kind = "rising"
    elif _flat(evaluations):
        kind = "flat"
    else:
        kind = "falling"
    return Diagnosis(kind, best.step, best.validation_nats, last.validation_nats)


def _overfitting(evaluations: list[Evaluation], best: Evaluation) -> bool:
    last = evaluations[-1]
    later = [e for e in evaluations if e.step > best.step]
    # two evaluations above the best: one alone may be noise of the curve
    return len(later) >= 2 and last.validation_nats > RISEN * best.validation_nats and last.train_nats < best.train_nats


def _flat(evaluations: list[Evaluation]) -> bool:
    last = evaluations[-1]
    third = [e for e in evaluations if e.step >= last.step * 2 / 3]
    return len(third) >= 3 and third[0].validation_nats - last.validation_nats < 0.002 * last.validation_nats


def _spiking(steps: list[Step]) -> bool:
    if len(steps) < 20:
        return False
    recent = mean(s.loss_nats for s in steps[-5:])
    before = min(mean(s.loss_nats for s in steps[i : i + 5]) for i in range(max(0, len(steps) - 200), len(steps) - 9, 5))
    return recent > SPIKE * before
