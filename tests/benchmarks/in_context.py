"""Does showing help? Every task whose answers can be shown, every Transformer that ships, with 0, 1, 2, 4 and 8 demonstrations.

    python tests/benchmarks/in_context.py [--examples 200] [--seeds 5] [--tasks NAME ...] [--models NAME ...]

The questions are the shortest quarter of the first test examples, the same for every k, so that demonstrations fit before them; a k
that does not fit has no number. Mean over choices and orders of demonstrations; the interval is 95 % over examples and choices together,
as in the app. "wins" means that the best k's interval lies above that of k = 0 (one of several tried: a little too good).
"""

import argparse
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gptlab.device import calm_threads  # noqa: E402

calm_threads()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from gptlab.config import ModelConfig  # noqa: E402
from gptlab.device import device_name  # noqa: E402
from gptlab.evaluation.shortcuts import guessing  # noqa: E402
from gptlab.evaluation.shots import Prompting, answer, can_be_shown, most_that_fit  # noqa: E402
from gptlab.evaluation.tasks import VILLAGE  # noqa: E402
from gptlab.runs.checkpoint import load_model  # noqa: E402
from gptlab.runs.reached import half_interval  # noqa: E402
from gptlab.runs.store import shipped_runs  # noqa: E402

SHOTS = (0, 1, 2, 4, 8)


def scored(right: np.ndarray) -> tuple[float, float]:
    """Mean and half of the interval of answers, (seeds, examples)."""
    over_examples = 1.96 * right.mean(0).std() / right.shape[1] ** 0.5
    over_choices = half_interval([float(row.mean()) for row in right]) if len(right) > 1 else 0.0
    return float(right.mean()), math.hypot(over_examples, over_choices)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--examples", type=int, default=200)
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--tasks", nargs="+", default=list(VILLAGE), help="default: all")
    ask.add_argument("--models", nargs="+", help="default: all Transformers that ship")
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    runs = sorted((run for run in shipped_runs() if isinstance(run.config().model, ModelConfig)), key=lambda run: run.id)
    runs = [run for run in runs if not args.models or run.id in args.models]
    if not args.json:
        print(f"{device_name('cpu')}, torch {torch.__version__}, {args.seeds} choices of demonstrations")
    for task in filter(can_be_shown, (VILLAGE[name] for name in args.tasks)):
        examples = sorted(task.examples("test")[: 4 * args.examples], key=lambda example: len(example.prompt))[: args.examples]
        labels = np.array([example.label for example in examples])
        for run in runs:
            model, tokenizer = load_model(run), run.tokenizer()
            fits = min(most_that_fit(model, tokenizer, task, examples, Prompting(seed=seed)) for seed in range(1, args.seeds + 1))
            found: dict[int, tuple[float, float]] = {}
            for k in SHOTS:
                if k <= fits:
                    seeds = range(1, 2 if k == 0 else args.seeds + 1)
                    found[k] = scored(np.stack([np.array(answer(model, tokenizer, task, examples, Prompting(k, seed)).chosen) == labels
                                                for seed in seeds]))  # fmt: skip
            (zero, around), rest = found[0], [found[k] for k in found if k]
            best, width = max(rest, default=(0.0, 0.0))
            wins = best - width > zero + around
            row = dict(task=task.name, model=run.id, guessing=guessing(task), n=len(examples), shots=found, wins=wins)
            cells = "  ".join(f"{k}: {found[k][0]:.2f} +- {found[k][1]:.2f}" if k in found else f"{k}:      -     " for k in SHOTS)
            print(json.dumps(row) if args.json else f"{task.name:16} {run.id:12} guessing {row['guessing']:.2f}  {cells}"
                  f"{'  wins' if wins else ''}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
