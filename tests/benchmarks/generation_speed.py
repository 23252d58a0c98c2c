"""Tokens per second of writing: our `generate` with its cache beside nanoGPT's `generate`, which its sample.py calls.

Both write `--tokens` tokens after one, with fresh weights of the same shape, the whole sequence timed; the sides take turns.
Shapes: nanoGPT's GPU recipe (6 layers, 6 heads, 384 wide, context 256) and its CPU recipe (4, 4, 128, context 64), where the
window is full early and moves. nanoGPT computes the whole window anew for every token; ours drops a quarter of a full window at
a time and serves the tokens in between from the cache, so from then on the two condition on windows of different length.
Sampling as in nanoGPT's sample.py: temperature 0.8 and the 200 likeliest tokens, which is all of 65.

    python tests/benchmarks/generation_speed.py --nanogpt /path/to/nanoGPT
"""

import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from peer import CPU_RECIPE, arguments, median_ratio, milliseconds_in_turns, nano_model, report, surroundings

from gptlab.config import ModelConfig, SamplingConfig
from gptlab.generation import generate
from gptlab.model.build import build_model

SHAPES = {
    "6 layers, 384 wide, context 256": dict(n_layer=6, n_head=6, n_embd=384, block_size=256),
    "4 layers, 128 wide, context 64": {name: CPU_RECIPE[name] for name in ("n_layer", "n_head", "n_embd", "block_size")},
}
VOCABULARY = 65


def sides_of(shape: dict[str, int], checkout: Path, n_tokens: int, seed: int) -> dict[str, Callable[[], object]]:
    torch.manual_seed(seed)
    theirs = nano_model(checkout, VOCABULARY, dropout=0.0, bias=False, **shape).eval()
    ours = build_model(ModelConfig(vocab_size=VOCABULARY, **shape), seed).eval()
    sampling = SamplingConfig(temperature=0.8, top_k=200, seed=seed)
    start = torch.zeros((1, 1), dtype=torch.long)
    return {
        "nanoGPT": lambda: theirs.generate(start, n_tokens, temperature=0.8, top_k=200),
        "GPT Lab": lambda: [token.id for token in generate(ours, [0], sampling, n_tokens)],
    }


def main() -> None:
    parser = arguments(__doc__, nanogpt=True)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = []
    for name, shape in SHAPES.items():
        times = milliseconds_in_turns(sides_of(shape, given.nanogpt, given.tokens, given.seed), given.rounds, calls=1, warm_up=1)
        for side, ms in times.items():
            per_second = given.tokens * 1e3 / statistics.median(ms)
            rows.append({"shape": name, "side": side, "tokens/s": per_second, "x nanoGPT": median_ratio(times["nanoGPT"], ms)})
    report(f"writing {given.tokens} tokens", surroundings(seed=given.seed, rounds=given.rounds), rows, given.json)


if __name__ == "__main__":
    sys.exit(main())
