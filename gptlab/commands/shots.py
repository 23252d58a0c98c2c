"""Commands that ask without training: scores with demonstrations, and all ways side by side."""

import argparse
import json
import statistics
from dataclasses import asdict
from typing import Any

from gptlab.errors import DataError, ModelError
from gptlab.runs.store import open_run


def evaluate(args: argparse.Namespace) -> None:
    """Score with so many demonstrations, for each seed; a line each."""
    model, tokenizer, task, examples = asked(args)
    for k in shots_of(args.shots):
        for seed in range(1, 2 if k == 0 else args.seeds + 1):
            tell(scored(model, tokenizer, task, examples, k, seed, args.rule), args.json)


def compare(args: argparse.Namespace) -> None:
    """Guessing, a bag of words, prompting with 0, 1, 2, 4, 8 demonstrations, and what fine-tunings of this model reached here."""
    from gptlab.evaluation.shortcuts import guessing, recorded
    from gptlab.evaluation.shots import Prompting, most_that_fit
    from gptlab.runs.reached import reached

    model, tokenizer, task, examples = asked(args)
    known = recorded(task)
    ways: list[dict[str, Any]] = [{"way": "random", "value": guessing(task)}]
    if known is not None:
        ways += [{"way": "majority", "value": known.majority}, {"way": "bag of words", "value": known.words.value}]
    fits = min(most_that_fit(model, tokenizer, task, examples, Prompting(seed=seed)) for seed in range(1, args.seeds + 1))
    for k in [k for k in (0, 1, 2, 4, 8) if k <= fits]:
        found = [scored(model, tokenizer, task, examples, k, s, args.rule) for s in range(1, 2 if k == 0 else args.seeds + 1)]
        ways.append({"way": f"{k}-shot", "value": statistics.mean(one["value"] for one in found), "seeds": len(found)})
    run = open_run(args.model)
    at_last = args.step in (None, run.checkpoint_steps()[-1])  # what fine-tunings reached began there
    for one in reached(run, args.task) if at_last else []:
        ways.append({"way": f"{one.updated}, {one.n_labels or 'all'} labels", "value": one.value, "low": one.low, "high": one.high})
    for way in ways:
        print(json.dumps(way) if args.json else f"{way['way']:32} {way['value']:.3f}")


def asked(args: argparse.Namespace) -> tuple[Any, Any, Any, Any]:
    """Model, tokenizer, task and test examples.

    Raises:
        DataError, ModelError: a task without choices, an LSTM, or no examples.
    """
    from gptlab.evaluation.tasks import task_named
    from gptlab.model.gpt import GPT
    from gptlab.runs.checkpoint import load_model

    if args.examples < 1 or args.seeds < 1:
        raise DataError("--examples and --seeds have to be 1 or more.")
    run, task = open_run(args.model), task_named(args.task)
    model = load_model(run, args.step)
    if not isinstance(model, GPT):
        raise ModelError("{name} is an LSTM; prompts with demonstrations are for Transformers here.", name=args.model)
    if task.rule != "sum":
        raise DataError(
            "{task} has no words for its answers, so none can be shown. Choose another task, or no demonstrations.", task=task.name
        )
    return model, run.tokenizer(), task, task.examples("test")[: args.examples]


def shots_of(text: str) -> list[int]:
    """The numbers in "0,1,4".

    Raises:
        DataError: something else.
    """
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [-1]
    if min(found) < 0:
        raise DataError("--shots {given!r} has to be numbers from 0 on with commas between them, as in 0,1,4.", given=text)
    return found


def scored(model: Any, tokenizer: Any, task: Any, examples: Any, k: int, seed: int, rule: str) -> dict[str, Any]:
    from gptlab.evaluation.shots import Prompting, answer

    score = answer(model, tokenizer, task, examples, Prompting(k=k, seed=seed, rule=rule)).score
    return {"task": task.name, "shots": k, "seed": seed, "rule": rule} | asdict(score)


def tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        interval = f"[{found['low']:.3f}, {found['high']:.3f}]"
        asked_how = f"{found['task']}  {found['shots']}-shot  seed {found['seed']}"
        print(f"{asked_how}  {found['value']:.3f} {interval}  n = {found['n']}", flush=True)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What both commands take."""
    command.add_argument("--model", required=True, help="a model that ships, or the id of a run")
    command.add_argument("--step", type=int, help="checkpoint; default: the newest")
    command.add_argument("--task", required=True, help="of the village; the command `tasks` lists them")
    command.add_argument("--rule", choices=["sum", "mean", "unconditional"], default="sum", help="an answer's score (default %(default)s)")
    command.add_argument("--examples", type=int, default=500, metavar="N", help="test examples (default %(default)s)")
    command.add_argument("--seeds", type=int, default=3, help="choices and orders of demonstrations (default %(default)s)")
