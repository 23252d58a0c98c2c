"""How much memory a training takes, beside what `gptlab.runs.estimate.memory_needed` says before it starts.

Each size trains a few steps in a process of its own. Measured is the highest resident memory (the system's own record, so no
peak is missed) less what the process held before the model was built, which is what the estimate speaks of. Weights are random,
the text too: neither changes the shapes. The largest size takes about half a minute.

    python tests/benchmarks/memory.py --sizes mini small medium large
"""

import multiprocessing
import os
import sys
from typing import Any

import psutil
import torch
from peer import arguments, report, surroundings

from gptlab.model.build import build_model
from gptlab.presets import RECIPES, SIZES, model_config, training_config
from gptlab.runs.estimate import memory_needed
from gptlab.runs.worker import warm_up
from gptlab.training.loop import Trainer, next_token_loss


def highest_bytes() -> int:
    """Highest resident memory of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def train(size: str, recipe: str, precision: str, vocab_size: int, n_steps: int, threads: int) -> tuple[int, int]:
    """In a fresh process: bytes before the model is built, and the highest while it trains."""
    torch.set_num_threads(threads)
    warm_up("cpu")
    before = psutil.Process(os.getpid()).memory_info().rss
    config, training = model_config(size, "gpt2", vocab_size), training_config(size, recipe, precision=precision)

    class Random:
        def batch(self, step: int) -> torch.Tensor:
            return torch.randint(vocab_size, (training.batch_size, config.block_size + 1))

    trainer = Trainer(build_model(config, 1).train(), next_token_loss, Random(), lambda: (0.0, 0.0, None), training, "cpu")
    events = trainer.events()
    for _ in range(n_steps + 1):  # one of them is an evaluation
        next(events)
    return before, highest_bytes()


def row(size: str, recipe: str, precision: str, given: Any) -> dict[str, object]:
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        before, highest = fresh.apply(train, (size, recipe, precision, given.vocab_size, given.steps, given.threads))
    estimate = memory_needed(model_config(size, "gpt2", given.vocab_size), training_config(size, recipe, precision=precision))
    return {
        "training": f"{size}, {recipe}, {precision}",
        "peak MB": highest / 1e6,
        "beyond an idle process MB": (highest - before) / 1e6,
        "estimate MB": estimate / 1e6,
        "estimate / measured": estimate / (highest - before),
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sizes", nargs="+", choices=tuple(SIZES), default=["mini", "small", "medium", "large"])
    parser.add_argument("--recipes", nargs="+", choices=tuple(RECIPES), default=["papers"])
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    parser.add_argument("--vocab-size", type=int, default=65)
    parser.add_argument("--steps", type=int, default=2, help="two: the second runs beside the optimizer's state")
    given = parser.parse_args()
    rows = [row(s, r, p, given) for s in given.sizes for r in given.recipes for p in given.precisions]
    report("memory of a training", surroundings(vocab_size=given.vocab_size, steps=given.steps), rows, given.json)


if __name__ == "__main__":
    sys.exit(main())
