"""Cross-entropy over a vocabulary in blocks (`gptlab.model.loss`), beside torch's of all logits in one piece: forward and backward pass.

Each side runs in a process of its own, which keeps its memory as a worker does, in turns; the time is the median of `--steps` after the
first two, the memory the highest that the process held beyond what it began with. Numbers are random.

    python tests/benchmarks/vocabulary_loss.py --threads 1
"""

import multiprocessing
import os
import resource
import statistics
import sys
import time

import psutil
import torch
import torch.nn.functional as F
from peer import arguments, report, surroundings

from gptlab.device import keep_memory
from gptlab.model.loss import weighed_nats

SHAPES = {  # tokens, width, words
    "a batch of the models that ship": (8192, 128, 8192), "a labelled batch": (384, 64, 8195), "GPT-2's vocabulary": (1024, 384, 50257),
    "bytes": (768, 128, 256),
}  # fmt: skip


def in_blocks(hidden: torch.Tensor, vocabulary: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return weighed_nats(hidden, vocabulary, targets)


def in_one_piece(hidden: torch.Tensor, vocabulary: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(F.linear(hidden, vocabulary), targets)


def measured(shape: tuple[int, int, int], blocks: bool, precision: str, n_steps: int, threads: int) -> tuple[float, float]:
    """In a fresh process: seconds, and megabytes."""
    keep_memory()
    torch.set_num_threads(threads)
    n, width, words = shape
    hidden, vocabulary = torch.randn(n, width, requires_grad=True), (0.05 * torch.randn(words, width)).requires_grad_()
    targets = torch.randint(words, (n,))
    before, times = psutil.Process(os.getpid()).memory_info().rss, []
    for _ in range(n_steps + 2):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = (in_blocks if blocks else in_one_piece)(hidden, vocabulary, targets)
        loss.backward()
        hidden.grad = vocabulary.grad = None
        times.append(time.perf_counter() - began)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return statistics.median(times[2:]), (highest - before) / 1e6


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2, help="each side, in turns")
    given = parser.parse_args()
    rows = []
    for name, shape in SHAPES.items():
        for precision in ("fp32", "bf16"):
            found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
            for _ in range(given.rounds):
                for blocks, pairs in found.items():
                    with multiprocessing.get_context("spawn").Pool(1) as fresh:
                        pairs.append(fresh.apply(measured, (shape, blocks, precision, given.steps, given.threads)))
            (piece_s, piece_mb), (blocks_s, blocks_mb) = ([statistics.median(p[i] for p in found[side]) for i in (0, 1)] for side in found)
            rows.append({
                "what": f"{name}, {precision}", "one piece s": piece_s, "blocks s": blocks_s, "blocks / one piece": blocks_s / piece_s,
                "one piece MB": piece_mb, "blocks MB": blocks_mb,
            })  # fmt: skip
    about = surroundings(threads=given.threads, steps=given.steps, rounds=given.rounds)
    report("cross-entropy over a vocabulary, forward and backward", about, rows, given.json)


if __name__ == "__main__":
    main()
