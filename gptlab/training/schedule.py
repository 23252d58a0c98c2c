"""The learning rate over time, as a fraction of its highest value.

Source: GPT-1, section 4.1 (linear warm-up, then cosine to zero); section 4.1 of fine-tuning (linear decay).
"""

import math


def learning_rate_fraction(step: int, *, n_steps: int, warmup_steps: int, schedule: str) -> float:
    """Fraction of the highest learning rate for the update after `step` updates.

    The first update of a warm-up already moves, and the last update of a decay still does: neither is a wasted step.

        >>> [learning_rate_fraction(s, n_steps=4, warmup_steps=2, schedule="linear") for s in range(4)]
        [0.5, 1.0, 1.0, 0.5]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, n_steps - warmup_steps)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    if schedule == "linear":
        return max(0.0, 1 - done)
    return 1.0
