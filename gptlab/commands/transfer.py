"""Commands that fine-tune: once, or for every number of layers handed over."""

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gptlab.config import TransferConfig
from gptlab.errors import DataError, ModelError


def fine_tune(args: argparse.Namespace) -> None:
    """Fine-tune once, and say what it reaches beside what guessing and a bag of words reach."""
    from gptlab.device import choose_device
    from gptlab.evaluation.shortcuts import shortcuts
    from gptlab.transfer.layer_transfer import Splits, point

    model, tokenizer, task = subject(args)
    depth = model.config.n_layer if args.transfer_layers is None else args.transfer_layers
    found = point(model, Splits.of(task, model, tokenizer), task, settings(args).with_(n_layers_taken=depth), choose_device(args.device))
    baselines = shortcuts(task)
    if args.json:
        print(json.dumps(asdict(found) | {"task": task.name, "metric": task.metric, "baselines": asdict(baselines)}, ensure_ascii=False))
        return
    print(f"{task.name}, {task.metric}: train {found.train:.3f}   validation {found.validation:.3f}   test {found.test:.3f}")
    print(f"accuracy of random {baselines.random:.3f}   majority {baselines.majority:.3f}   bag of words {baselines.words.value:.3f}")


def layer_transfer(args: argparse.Namespace) -> None:
    """Fine-tune with every number of layers handed over; a line a point, then the means."""
    from gptlab.device import choose_device
    from gptlab.transfer.layer_transfer import Splits, depths, grid

    model, tokenizer, task = subject(args)
    splits, config, device = Splits.of(task, model, tokenizer), settings(args), choose_device(args.device)
    seeds = range(args.seed, args.seed + args.seeds)
    reached: dict[int, list[float]] = {}
    for found in grid(model, splits, task, config, depths(model.config.n_layer), seeds, device):
        reached.setdefault(found.n_layers, []).append(found.test)
        if args.json:
            print(json.dumps(asdict(found)), flush=True)
        else:
            scores = f"train {found.train:.3f}  test {found.test:.3f}"
            print(f"seed {found.seed}  layers {found.n_layers:>3}  {scores}", file=sys.stderr, flush=True)
    if not args.json:
        for depth, values in sorted(reached.items()):
            print(f"layers {depth:>3}  test {task.metric} {statistics.mean(values):.3f}, mean of {len(values)} seed(s)")


def subject(args: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Model, tokenizer and task that a command names.

    Raises:
        DataError, ModelError: neither task nor table, both, or a model without layers.
    """
    from gptlab.evaluation.tasks import task_named
    from gptlab.model.gpt import GPT
    from gptlab.runs.checkpoint import load_model
    from gptlab.runs.store import open_run

    run = open_run(args.model)
    model = load_model(run, args.step)
    if not isinstance(model, GPT):
        raise ModelError("{name} is an LSTM; only a GPT has layers to hand over.", name=args.model)
    if (args.task is None) == (args.data is None):
        raise DataError("Name a task with --task, or a table with --data, --text and --label.")
    return model, run.tokenizer(), task_named(args.task) if args.task else own_task(args)


def own_task(args: argparse.Namespace) -> Any:
    """The task in a person's table; what was left out of it is told."""
    from gptlab.data.files import read_table
    from gptlab.evaluation.labelled import labelled_task

    if args.text is None or args.label is None:
        raise DataError("A table needs --text COLUMN and --label COLUMN.")
    table = read_table(args.data.name, args.data.read_bytes(), args.encoding)
    made = labelled_task(args.data.name, table, args.text, args.label, args.text_2, seed=args.seed)
    if made.n_missing or made.n_duplicates:
        print(f"left out: {made.n_missing} incomplete rows, {made.n_duplicates} with texts that occur before", file=sys.stderr)
    return made.task


def settings(args: argparse.Namespace) -> TransferConfig:
    """How to learn; what was not given stays as it is by default."""
    given = dict(n_labels=args.labels, auxiliary=args.auxiliary_lm, n_epochs=args.epochs, learning_rate=args.learning_rate, seed=args.seed)
    return TransferConfig(**{name: value for name, value in given.items() if value is not None})


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What both commands take."""
    command.add_argument("--model", required=True, help="a model that ships, or the id of a run")
    command.add_argument("--step", type=int, help="checkpoint; default: the newest")
    command.add_argument("--task", help="of the village; the command `tasks` lists them")
    command.add_argument("--data", type=Path, help="a labelled table instead of a task: .csv .tsv .jsonl .json .parquet")
    command.add_argument("--text", metavar="COLUMN", help="of the table")
    command.add_argument("--text-2", metavar="COLUMN", help="second text of a pair")
    command.add_argument("--label", metavar="COLUMN", help="of the table")
    command.add_argument("--encoding", default="utf-8", help="of the table (default %(default)s)")
    command.add_argument("--labels", type=int, metavar="N", help="labelled examples to learn from; default: all")
    command.add_argument("--auxiliary-lm", type=float, metavar="LAMBDA", help="weight of the language-modelling loss (default 0.5)")
    command.add_argument("--epochs", type=int, help="default 3")
    command.add_argument("--learning-rate", type=float, help="default 1e-3")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")
