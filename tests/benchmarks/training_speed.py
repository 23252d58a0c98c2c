"""Tokens per second of training: our Trainer beside nanoGPT's loop, the same shape, batch and optimizer settings.

nanoGPT's CPU recipe: characters, 4 layers, 4 heads, 128 wide, context 64, batch 12, AdamW 1e-3, betas 0.9 and 0.99, weight
decay 0.1, clipping at 1, no dropout, fp32, no compilation. Each side makes its batches its own way; a step is everything that
the loop does in between two batches, reading the loss included. The sides take turns of a few steps in one process; the ratio
is the median over rounds. "as the app chooses" is the precision that `runs.estimate.measured_speed` would pick here.

nanoGPT's recipe has no biases and our GPT-2 has them; `--bias` gives them to nanoGPT too.

    python tests/benchmarks/training_speed.py --nanogpt /path/to/nanoGPT --text tinyshakespeare.txt
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator

import torch
from peer import NanoGPT, Text, arguments, median_ratio, milliseconds_in_turns, report, surroundings

from gptlab.config import ModelConfig, TrainingConfig
from gptlab.data.batches import Batches
from gptlab.model.build import build_model
from gptlab.runs.estimate import measured_speed
from gptlab.training.events import Step
from gptlab.training.loop import Trainer, next_token_loss


def our_step(text: Text, precision: str, seed: int) -> Callable[[], None]:
    """A function that does one step as the worker does, of nanoGPT's recipe."""
    model = build_model(ModelConfig(vocab_size=text.vocab_size, block_size=64, n_layer=4, n_head=4, n_embd=128), seed)
    config = TrainingConfig(
        n_steps=4000, batch_size=12, learning_rate=1e-3, beta2=0.99, weight_decay=0.1, warmup_steps=100, precision=precision,
        evaluate_every=1_000_000, seed=seed,
    )  # fmt: skip
    batches = Batches(text.train, 64, config.batch_size, seed)
    trainer = Trainer(model, next_token_loss, batches, lambda: (0.0, 0.0, None), config, "cpu")
    events: Iterator = (event for event in trainer.events() if isinstance(event, Step))
    return lambda: next(events)


def chosen_precision() -> str:
    """What the app would train with here, measured in an empty home."""
    with tempfile.TemporaryDirectory(prefix="gptlab-home-") as folder:
        before = os.environ.get("GPTLAB_HOME")
        os.environ["GPTLAB_HOME"] = folder
        try:
            return measured_speed("cpu").precision
        finally:
            del os.environ["GPTLAB_HOME"]
            os.environ |= {} if before is None else {"GPTLAB_HOME": before}


def main() -> None:
    parser = arguments(__doc__, nanogpt=True, text=True)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--bias", action="store_true", help="biases in nanoGPT's model too")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    text, precision = Text(given.text), chosen_precision()
    nano = NanoGPT(given.nanogpt, text, given.seed, bias=given.bias)
    sides: dict[str, Callable[[], object]] = {"nanoGPT": nano.step}
    sides |= {f"GPT Lab {p}": our_step(text, p, given.seed) for p in ("fp32", "bf16")}
    times = milliseconds_in_turns(sides, given.rounds, calls=10)
    rows = [
        {
            "side": name + (" (as the app chooses)" if name.endswith(precision) else ""),
            "ms/step": statistics.median(ms),
            "tokens/s": 12 * 64 * 1e3 / statistics.median(ms),
            "x nanoGPT": median_ratio(times["nanoGPT"], ms),
        }
        for name, ms in times.items()
    ]
    about = surroundings(seed=given.seed, rounds=given.rounds, nanogpt_bias=given.bias)
    report("training speed, nanoGPT's CPU recipe", about, rows, given.json)


if __name__ == "__main__":
    sys.exit(main())
