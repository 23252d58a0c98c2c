"""A training step with the memory that a process keeps, beside glibc's default, which gives large blocks back at every step.

What a process keeps cannot be changed back, so each side runs in a process of its own, in turns; the step's time is the median of
`--steps` after the first two. Weights and text are random.

    python tests/benchmarks/kept_memory.py --threads 1
"""

import multiprocessing
import statistics
import time

import torch
from peer import arguments, report, surroundings

from gptlab.config import ModelConfig
from gptlab.device import keep_memory
from gptlab.model.build import build_model
from gptlab.presets import training_config
from gptlab.training.loop import Trainer, next_token_loss

SHAPES = {"12 layers, 128 wide": dict(n_layer=12, n_head=4, n_embd=128), "6 layers, 96 wide": dict(n_layer=6, n_head=4, n_embd=96)}
BATCH, BLOCK, WORDS = 32, 256, 8192


def seconds_a_step(shape: dict[str, int], keeps: bool, n_steps: int, threads: int, precision: str) -> float:
    """In a fresh process."""
    if keeps:
        keep_memory()
    torch.set_num_threads(threads)
    config = ModelConfig(vocab_size=WORDS, block_size=BLOCK, dropout=0.0, **shape)
    training = training_config("small", "fast", precision=precision, batch_size=BATCH)

    class Random:
        def batch(self, step: int) -> torch.Tensor:
            return torch.randint(WORDS, (BATCH, BLOCK + 1))

    trainer = Trainer(build_model(config, 1).train(), next_token_loss, Random(), lambda: (0.0, 0.0, None), training, "cpu")
    events, times = trainer.events(), []
    for _ in range(n_steps + 3):  # the first event is an evaluation, the next steps find their memory
        began = time.perf_counter()
        next(events)
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:])


def measured(*given: object) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        return fresh.apply(seconds_a_step, given)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2, help="each side, in turns")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    given = parser.parse_args()
    about, rows = surroundings(threads=given.threads, precision=given.precision, steps=given.steps, rounds=given.rounds), []
    for name, shape in SHAPES.items():
        sides = [(shape, keeps, given.steps, given.threads, given.precision) for keeps in (False, True)]
        pairs = [[measured(*side) for side in sides] for _ in range(given.rounds)]
        default, kept = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        rows.append({"model": name, "default s": default, "kept s": kept, "kept / default": kept / default})
    report("a training step of 8,192 tokens and as many words", about, rows, given.json)


if __name__ == "__main__":
    main()
