"""A step of fine-tuning on tasks with answers to choose from: what the answers of a question share read once, against every sequence whole.

The same classifier, batches and losses on both sides, in turns; the ratio is the median over rounds.

    python tests/benchmarks/shared_beginning.py --threads 1 [--model gpt2-12x64] [--tasks closed-en,choice-en,cloze-en,pronoun-en]
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle

import torch
from peer import arguments, median_ratio, milliseconds_in_turns, report, surroundings

from gptlab.device import keep_memory
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import TransferConfig
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run
from gptlab.training.events import Tuned
from gptlab.transfer.finetune import FineTuner, batches
from gptlab.transfer.inputs import Packed
from gptlab.transfer.trial import Splits, tuner_for


def steps_with(tuner: FineTuner, packed: Sequence[Packed]) -> Callable[[], Tuned]:
    """A function that makes the next update."""
    each = cycle(packed)
    return lambda: tuner.update(next(each))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", default="gpt2-12x64")
    parser.add_argument("--tasks", default="closed-en,choice-en,cloze-en,pronoun-en")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_memory()
    run = open_run(given.model)
    model, tokenizer = load_model(run), run.tokenizer()
    about, rows = surroundings(threads=given.threads, model=given.model, rounds=given.rounds), []
    for name in given.tasks.split(","):
        task, config = task_named(name), TransferConfig(n_labels=256, precision="bf16", seed=given.seed)
        tuner = tuner_for(model, task, Splits.of(task, model, tokenizer, config), config, "cpu", watched=False)
        tuner.classifier.train()
        once = list(batches(tuner.examples, config))[:16]
        whole = [replace(batch, together=None, shared=torch.zeros_like(batch.shared)) for batch in once]
        sides = {"whole": steps_with(tuner, whole), "once": steps_with(tuner, once)}
        times = milliseconds_in_turns(sides, given.rounds, calls=4, warm_up=2)
        rows.append({
            "task": name, "tokens": sum(int(b.lengths.sum()) for b in whole) / len(whole),
            "batches read once": sum(b.together is not None for b in once) / len(once), "whole ms": min(times["whole"]),
            "once ms": min(times["once"]), "times as fast": median_ratio(times["whole"], times["once"]),
        })  # fmt: skip
    report("a step of fine-tuning on 16 questions", about, rows, given.json)


if __name__ == "__main__":
    main()
