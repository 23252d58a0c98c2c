"""Does every transferred layer help? GPT-1's Figure 2 (left) on the village, with seeds and intervals.

    python tests/benchmarks/layer_transfer.py --model MODEL [--task kind-en] [--labels 1024] [--epochs 3] [--seeds 3] [--depths -1,0,6]

MODEL is a model that ships, or a run's id. Settings are chosen on the validation split; the test split is printed for the report.
Fine-tunings run side by side, one on each core, as in the app.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gptlab.device import calm_threads  # noqa: E402

calm_threads()

from gptlab.device import device_name  # noqa: E402
from gptlab.evaluation.metrics import spearman  # noqa: E402
from gptlab.evaluation.shortcuts import recorded  # noqa: E402
from gptlab.evaluation.tasks import task_named  # noqa: E402
from gptlab.experiment import FineTuning, TransferConfig  # noqa: E402
from gptlab.runs.estimate import measured_speed  # noqa: E402
from gptlab.runs.reached import half_interval  # noqa: E402
from gptlab.runs.store import open_run  # noqa: E402
from gptlab.runs.studying import computed, processes  # noqa: E402
from gptlab.transfer.studies import layer_study  # noqa: E402


def main() -> None:
    import numpy as np

    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--model", required=True)
    ask.add_argument("--task", default="kind-en")
    ask.add_argument("--labels", type=int, default=1024)
    ask.add_argument("--epochs", type=int, default=3)
    ask.add_argument("--rate", type=float, default=1e-3)
    ask.add_argument("--auxiliary", type=float, default=0.5)
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--depths", help="default: all")
    ask.add_argument("--processes", type=int, help="default: one a core")
    args = ask.parse_args()
    transfer = TransferConfig(
        n_labels=args.labels, n_epochs=args.epochs, learning_rate=args.rate, auxiliary=args.auxiliary,
        precision=measured_speed("cpu").precision,
    )  # fmt: skip
    plan = FineTuning(model=args.model, task=args.task, transfer=transfer)
    study = layer_study([plan], open_run(args.model).config().model.n_layer, args.seeds)
    wanted = [int(n) for n in args.depths.split(",")] if args.depths else None
    tasks = [
        (study.arms[arm], arm, seed, "cpu") for arm, seed in study.points()
        if wanted is None or study.arms[arm].transfer.n_layers_taken in wanted
    ]  # fmt: skip
    begin, found = time.monotonic(), {}
    for point in computed(tasks, args.processes or processes("cpu")):
        if point is not None:
            depth = study.arms[point.arm].transfer.n_layers_taken
            found.setdefault(depth, []).append(point)
            print(f"  {time.monotonic() - begin:6.1f} s  layers {depth:3d}  seed {point.seed}  train {point.train:.3f}  "
                  f"validation {point.validation:.3f}  {point.seconds:.1f} s", file=sys.stderr, flush=True)  # fmt: skip
    print(f"{args.model}, {args.task}, {args.labels} labels, {args.epochs} epochs, rate {args.rate}, lambda {args.auxiliary}, "
          f"{transfer.precision}, {device_name('cpu')}, {time.monotonic() - begin:.0f} s in all")  # fmt: skip
    print(recorded(task_named(args.task)))
    means = {}
    for depth, points in sorted(found.items()):
        tests = [point.test for point in points]
        means[depth] = statistics.mean(tests)
        others = f"train {statistics.mean(p.train for p in points):.3f}  validation {statistics.mean(p.validation for p in points):.3f}"
        print(f"layers {depth:3d}  {others}  test {means[depth]:.3f} +- {half_interval(tests):.3f}")
    print(f"Spearman of depth and mean test score: {spearman(np.array(list(means)), np.array(list(means.values()))):.2f}")


if __name__ == "__main__":
    main()
