"""Does every transferred layer help? GPT-1's Figure 2 (left) on the village, with seeds and intervals.

    python tests/benchmarks/layer_transfer.py --run RUN [--task kind-en] [--labels 1024] [--epochs 3] [--seeds 3] [--depths -1,0,3,6]

RUN is a run's id or a model that ships. Settings are chosen on the validation split; the test split is printed for the report.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scipy.stats import spearmanr, t  # noqa: E402

from gptlab.evaluation.shortcuts import recorded  # noqa: E402
from gptlab.evaluation.tasks import task_named  # noqa: E402
from gptlab.experiment import TransferConfig  # noqa: E402
from gptlab.runs.checkpoint import load_model  # noqa: E402
from gptlab.runs.store import open_run  # noqa: E402
from gptlab.transfer.layer_transfer import Splits, depths, grid  # noqa: E402


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--run", required=True)
    ask.add_argument("--task", default="kind-en")
    ask.add_argument("--labels", type=int, default=1024)
    ask.add_argument("--epochs", type=int, default=3)
    ask.add_argument("--rate", type=float, default=1e-3)
    ask.add_argument("--auxiliary", type=float, default=0.5)
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--depths", help="default: all")
    args = ask.parse_args()
    run, task = open_run(args.run), task_named(args.task)
    model = load_model(run)
    wanted = [int(n) for n in args.depths.split(",")] if args.depths else sorted(depths(model.config.n_layer))
    config = TransferConfig(n_labels=args.labels, n_epochs=args.epochs, learning_rate=args.rate, auxiliary=args.auxiliary)
    splits = Splits.of(task, model, run.tokenizer())
    found: dict[int, list] = {}
    for point in grid(model, splits, task, config, wanted, range(1, args.seeds + 1), "cpu"):
        found.setdefault(point.n_layers, []).append(point)
        print(f"  {time.strftime('%H:%M:%S')} seed {point.seed} layers {point.n_layers:3d}: train {point.train:.3f} "
              f"validation {point.validation:.3f}", file=sys.stderr)  # fmt: skip
    print(f"{args.run}, {args.task}, {args.labels} labels, {args.epochs} epochs, rate {args.rate}, lambda {args.auxiliary}")
    print(recorded(task))
    for n, points in sorted(found.items()):
        values = [point.test for point in points]
        half = t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        print(f"layers {n:3d}  train {statistics.mean(p.train for p in points):.3f}  test {statistics.mean(values):.3f} +- {half:.3f}")
    means = [statistics.mean(point.test for point in points) for _n, points in sorted(found.items())]
    print(f"Spearman of depth and mean test score: {spearmanr(range(len(means)), means).statistic:.2f}")


if __name__ == "__main__":
    main()
