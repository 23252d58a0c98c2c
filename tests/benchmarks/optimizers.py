"""One Muon step: ours, batched over matrices of one shape, beside torch.optim.Muon, which takes them one at a time.

The same matrices, gradients and settings on both sides; both step in turns, and both start from the same weights. The
difference is the largest of any entry after `--steps` steps, beside the size of the updates: both compute Newton-Schulz in
bfloat16, so the last digits differ.

    python tests/benchmarks/optimizers.py
"""

import statistics
import sys

import torch
from peer import arguments, median_ratio, milliseconds_in_turns, report, surroundings
from torch import nn

from gptlab.presets import SIZES, model_config
from gptlab.training import optimizer as ours


def matrices_of(size: str, seed: int) -> list[nn.Parameter]:
    """Parameters shaped like the matrices of a named size, with gradients."""
    config = model_config(size, "gpt2", vocab_size=256)
    d, random = config.n_embd, torch.Generator().manual_seed(seed)
    shapes = [(3 * d, d), (d, d), (4 * d, d), (d, 4 * d)] * config.n_layer
    matrices = [nn.Parameter(0.02 * torch.randn(shape, generator=random)) for shape in shapes]
    for matrix in matrices:
        matrix.grad = torch.randn(matrix.shape, generator=random)
    return matrices


def row(size: str, rounds: int, seed: int) -> dict[str, object]:
    left, right = matrices_of(size, seed), matrices_of(size, seed)
    before = [m.detach().clone() for m in left]
    settings = dict(lr=0.02, momentum=0.95, weight_decay=0.1)
    batched = ours.Muon(left, **settings)
    single = torch.optim.Muon(
        right, nesterov=True, ns_coefficients=ours.NEWTON_SCHULZ, ns_steps=ours.NEWTON_SCHULZ_STEPS, adjust_lr_fn="original", **settings
    )
    batched.step()
    single.step()
    update = max(float((a - b).detach().abs().max()) for a, b in zip(left, before, strict=True))
    difference = max(float((a - b).detach().abs().max()) for a, b in zip(left, right, strict=True))
    ms = milliseconds_in_turns({"batched": batched.step, "single": single.step}, rounds, calls=3, warm_up=1)
    return {
        "size": f"{size}, {len(left)} matrices",
        "torch.optim.Muon ms": statistics.median(ms["single"]),
        "ours ms": statistics.median(ms["batched"]),
        "x faster": median_ratio(ms["single"], ms["batched"]),
        "largest update": update,
        "largest difference": difference,
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sizes", nargs="+", choices=tuple(SIZES), default=["mini", "small", "medium", "large"])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = [row(size, given.rounds, given.seed) for size in given.sizes]
    report("one step of Muon", surroundings(seed=given.seed, rounds=given.rounds), rows, given.json)


if __name__ == "__main__":
    sys.exit(main())
