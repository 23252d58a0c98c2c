"""How much sooner the "fast" recipe is where nanoGPT's recipe ends.

nanoGPT's CPU recipe is trained to its end (2,000 steps, warm-up 100, cosine to 1e-4) and the loss over the whole validation
split, in windows of 64 that do not overlap, is the target. Our recipe (`presets.training_config("small", "fast")`: the same
shape, text and split) trains beside it, the two taking turns of a few steps in one process, and is evaluated the same way every
ten steps of its second half. The result is our training time until the target is reached, over nanoGPT's whole training time.
Evaluating is counted on neither side. Per seed also: the loss at the end of our recipe, and how large the matrices became.

Settings were chosen on the last tenth of the *training* part (`--tune` holds that out instead), so that the validation split
says how well they do and not how well they were picked.

    python tests/benchmarks/fast_recipe.py --nanogpt /path/to/nanoGPT --text tinyshakespeare.txt --seeds 1 2 3
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from peer import NanoGPT, Text, all_windows, arguments, report, surroundings, whole_loss
from training_speed import chosen_precision

from gptlab.config import TrainingConfig
from gptlab.data.batches import Batches
from gptlab.model.build import build_model
from gptlab.presets import model_config, training_config
from gptlab.training.events import Step
from gptlab.training.loop import Trainer, next_token_loss

ROUNDS = 50
"""Turns that the two sides take."""


class Ours:
    """A training of one of our recipes on the text, step by step."""

    def __init__(self, text: Text, config: TrainingConfig, size: str = "small") -> None:
        self.model, self.config = build_model(model_config(size, "gpt2", text.vocab_size), config.seed), config
        self.block_size = self.model.config.block_size
        batches = Batches(text.train, self.block_size, config.batch_size, config.seed)
        config = config.with_(evaluate_every=1_000_000)
        self.trainer = Trainer(self.model, next_token_loss, batches, lambda: (0.0, 0.0, None), config, "cpu")
        self.events: Iterator = (event for event in self.trainer.events() if isinstance(event, Step))

    def step(self) -> float:
        event = next(self.events)
        if event.step == self.config.n_steps - 1:  # a step's event comes before its update
            next(self.events, None)
        return event.loss_nats

    def loss(self, ids: Any) -> float:
        """Over all of a split, in fp32."""
        return whole_loss(self.model, next_token_loss, all_windows(ids, self.block_size))

    def root_mean_squares(self) -> list[float]:
        """Of each matrix's entries, embeddings left out."""
        return [float(p.detach().square().mean().sqrt()) for n, p in self.model.named_parameters() if p.ndim == 2 and "embedding" not in n]


def timed(step: Callable[[], float], n: int) -> float:
    """Seconds for n steps."""
    begin = time.perf_counter()
    for _ in range(n):
        step()
    return time.perf_counter() - begin


def race(text: Text, nano: NanoGPT, ours: Ours) -> dict[str, Any]:
    """Both to their ends, in turns."""
    n_nano, n_ours = nano.recipe["max_iters"], ours.config.n_steps
    nano_s = ours_s = 0.0
    curve = []  # our steps, seconds, loss
    for turn in range(ROUNDS):
        nano_s += timed(nano.step, n_nano * (turn + 1) // ROUNDS - n_nano * turn // ROUNDS)
        for step in range(n_ours * turn // ROUNDS, n_ours * (turn + 1) // ROUNDS):
            ours_s += timed(ours.step, 1)
            done = step + 1
            if done == n_ours or (done > n_ours // 2 and done % 10 == 0):
                curve.append((done, ours_s, ours.loss(text.validation)))
    target = nano.loss(all_windows(text.validation, 64))
    reached = next(((step, seconds) for step, seconds, loss in curve if loss <= target), None)
    sizes = ours.root_mean_squares()
    return {
        "nanoGPT s": nano_s,
        "nanoGPT loss": target,
        "ours s": ours_s,
        "ours loss": curve[-1][2],
        "reached at step": f"{reached[0]} of {n_ours}" if reached else "never",
        "time to target / nanoGPT's": reached[1] / nano_s if reached else None,
        "whole time / nanoGPT's": ours_s / nano_s,
        "RMS of matrices": f"{min(sizes):.3f}-{max(sizes):.3f}",
    }


def hold_out(text: Text) -> None:
    """Turn the last tenth of the training part into the validation split."""
    begin = len(text.train) * 9 // 10
    text.train, text.validation = text.train[:begin], text.train[begin:]


def main() -> None:
    parser = arguments(__doc__, nanogpt=True, text=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="in place of what the app chooses here")
    parser.add_argument("--tune", action="store_true", help="use the last tenth of the training part in place of the validation split")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    text, precision = Text(given.text), given.precision or chosen_precision()
    if given.tune:
        hold_out(text)
    rows = []
    for seed in given.seeds:
        config = training_config("small", "fast", precision=precision, seed=seed)
        rows.append({"seed": str(seed)} | race(text, NanoGPT(given.nanogpt, text, seed), Ours(text, config)))
        print(rows[-1], file=sys.stderr)
    ratios = [row["time to target / nanoGPT's"] for row in rows if row["time to target / nanoGPT's"] is not None]
    if len(ratios) == len(rows):
        rows.append({"seed": "median", "time to target / nanoGPT's": statistics.median(ratios)})
    about = surroundings(precision=precision, batch_size=config.batch_size, split="tuning" if given.tune else "validation")
    report("time of the fast recipe to nanoGPT's final loss", about, rows, given.json)


if __name__ == "__main__":
    sys.exit(main())
