"""Commands that fine-tune: once, or for every number of layers handed over. Each is a run like any other."""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from gptlab.commands.training import follow
from gptlab.errors import DataError, ModelError
from gptlab.experiment import FineTuning, Study, TransferConfig
from gptlab.runs.curve import Curve
from gptlab.runs.store import Run, open_run


def fine_tune(args: argparse.Namespace) -> None:
    """Fine-tune once, and say what it reaches beside what guessing and a bag of words reach."""
    from gptlab.device import choose_device
    from gptlab.evaluation.shortcuts import shortcuts
    from gptlab.evaluation.tasks import task_named
    from gptlab.runs.job import submit
    from gptlab.runs.subject import fine_tuning_config

    if args.top_layers is not None and args.updated != "top":
        raise DataError("--top-layers says how many last blocks learn; give --updated top with it.")
    plan = plan_of(args)
    transfer = plan.transfer.with_(
        n_layers_taken=args.transfer_layers, updated=args.updated, n_updated=args.top_layers or 1, answer_by=args.answer_by, seed=args.seed
    )
    if args.auxiliary_lm and args.updated in ("head", "prompt"):
        print("--auxiliary-lm has no weights to move where the language model stays as it is; it is left out", file=sys.stderr)
    task = task_named(plan.task)
    config, tokenizer = fine_tuning_config(
        plan.with_(transfer=transfer, scratch=args.scratch), choose_device(args.device), f"{plan.model} · {task.name}"
    )
    run = submit(config, tokenizer)
    follow(run, args.json)
    if run.status().state != "finished":
        return
    results = json.loads((run.folder / "results.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = {"kind": "result", "task": task.name, "scores": results["scores"]}
    if not task.is_regression:
        known = shortcuts(task)
        found["baselines"] = {"random": known.random, "majority": known.majority, "words": known.words.value}
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for arm, score in results["scores"].items():
        print(f"{arm:10}  test {score['metric']} {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]")
    for name, value in found.get("baselines", {}).items():
        print(f"{name:10}  test accuracy {value:.3f}")


def layer_transfer(args: argparse.Namespace) -> None:
    """Fine-tune with every number of layers handed over; a line a point, then the means."""
    from gptlab.config import ModelConfig
    from gptlab.device import choose_device
    from gptlab.evaluation.tasks import task_named
    from gptlab.runs.job import submit
    from gptlab.runs.subject import study_config
    from gptlab.transfer.studies import layer_study

    plan = plan_of(args)
    shape = open_run(plan.model).config().model
    if not isinstance(shape, ModelConfig) or shape.shares_layers:
        raise ModelError("{name} has no layers of its own to hand over; choose a GPT that shares none.", name=plan.model)
    study = layer_study([plan], shape.n_layer, args.seeds)
    run = submit(*study_config(study, choose_device(args.device), f"{plan.model} · {task_named(plan.task).name}"))
    follow(run, args.json)
    tell_study(run, study, args.json)


def tell_study(run: Run, study: Study, as_json: bool) -> None:
    """Mean test score of every arm."""
    curve = Curve(run.folder)
    curve.read()
    for arm, plan in sorted(enumerate(study.arms), key=lambda entry: entry[1].transfer.n_layers_taken):
        values = [point.test for point in curve.points if point.arm == arm]
        if not values:
            continue
        mean = statistics.mean(values)
        if as_json:
            print(json.dumps({"kind": "mean", "layers": plan.transfer.n_layers_taken, "test": mean, "seeds": len(values)}))
        else:
            print(f"layers {plan.transfer.n_layers_taken:>3}  test {mean:.3f}, mean of {len(values)} seed(s)")


def plan_of(args: argparse.Namespace) -> FineTuning:
    """Model, checkpoint, task and settings that a command names; what was not given stays as it is by default.

    Raises:
        DataError: neither task nor table, or both; columns without a table.
    """
    from gptlab.device import choose_device
    from gptlab.runs.estimate import measured_speed

    if sum(given is not None for given in (args.task, args.data, args.hub)) != 1:
        raise DataError("Name a task with --task, or a table with --data or --hub, and its columns with --text and --label.")
    if args.task is not None and (args.text or args.text_2 or args.label or args.numbers):
        raise DataError("--text, --text-2, --label and --numbers are about a table; {task} is a task of the village.", task=args.task)
    given = dict(n_labels=args.labels, auxiliary=args.auxiliary_lm, n_epochs=args.epochs, learning_rate=args.learning_rate)
    transfer = TransferConfig(**{name: value for name, value in given.items() if value is not None})
    transfer = transfer.with_(precision=measured_speed(choose_device(args.device)).tuning_precision)
    return FineTuning(model=args.model, step=args.step, task=args.task or own_task(args), transfer=transfer)


def own_task(args: argparse.Namespace) -> str:
    """The task in a person's table; what was left out of it is told."""
    from gptlab.data.files import read_table
    from gptlab.data.hub import fetch, hub_table
    from gptlab.evaluation.own import Columns, draft, own

    if args.text is None or args.label is None:
        raise DataError("A table needs --text COLUMN and --label COLUMN.")
    title = fetch(args.hub) if args.hub else args.data.name
    table = hub_table(title) if args.hub else read_table(title, args.data.read_bytes(), args.encoding)
    name = draft(title, table, Columns(args.text, args.label, args.text_2, as_numbers=args.numbers))
    made = own(name)
    if made.n_missing or made.n_duplicates:
        print(f"left out: {made.n_missing} incomplete rows, {made.n_duplicates} with texts that occur before", file=sys.stderr)
    return name


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What both commands take."""
    command.add_argument("--model", required=True, help="a model that ships, or the id of a run")
    command.add_argument("--step", type=int, help="checkpoint; default: the newest")
    command.add_argument("--task", help="of the village; the command `tasks` lists them")
    command.add_argument("--data", type=Path, help="a labelled table instead of a task: .csv .tsv .jsonl .json .parquet")
    command.add_argument("--hub", metavar="NAME", help="a data set of the Hugging Face hub instead, as nyu-mll/glue:cola; is fetched")
    command.add_argument("--text", metavar="COLUMN", help="of the table")
    command.add_argument("--text-2", metavar="COLUMN", help="second text of a pair")
    command.add_argument("--label", metavar="COLUMN", help="of the table")
    command.add_argument("--numbers", action="store_true", help="the labels are quantities: predict them (Pearson correlation)")
    command.add_argument("--encoding", default="utf-8", help="of the table (default %(default)s)")
    command.add_argument("--labels", type=int, metavar="N", help="labelled examples to learn from; default: all")
    command.add_argument("--auxiliary-lm", type=float, metavar="LAMBDA", help="weight of the language-modelling loss (default 0.5)")
    command.add_argument("--epochs", type=int, help="default 3")
    command.add_argument("--learning-rate", type=float, help="default 1e-3")
    command.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")
