"""Commands about the village: its text, its tasks, and the models that ship."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from gptlab.commands.training import follow
from gptlab.config import RunConfig
from gptlab.runs.store import Run
from gptlab.tokenizer import Tokenizer


def village(args: argparse.Namespace) -> None:
    from gptlab.data.village.documents import Village

    rate = Village.demonstrations if args.demonstrations is None else args.demonstrations
    told = Village(tuple(args.language.split(",")), args.seed, rate, args.lessons, args.made_up).text(args.megabytes)
    print(json.dumps({"title": told.title, "text": told.text}, ensure_ascii=False) if args.json else told.text)


def tasks(args: argparse.Namespace) -> None:
    from gptlab.errors import DataError
    from gptlab.evaluation.own import PREFIX
    from gptlab.evaluation.shortcuts import record, recorded, shortcuts
    from gptlab.evaluation.task import SPLITS
    from gptlab.evaluation.tasks import VILLAGE, task_named

    if args.measure and (own := [name for name in args.names if name.startswith(PREFIX)]):
        raise DataError("What `tasks --measure` finds ships with the village's tasks; {names} is a table of yours.", names=", ".join(own))
    for task in [task_named(name) for name in args.names] or VILLAGE.values():
        if args.measure and task.form != "free":
            record(task, shortcuts(task))
        known = recorded(task)
        if args.json:
            sizes = {split: len(task.examples(split)) for split in SPLITS}
            about = {"name": task.name, "form": task.form, "metric": task.metric, "version": task.version, "sizes": sizes}
            print(json.dumps(about | {"shortcuts": asdict(known) if known else None}, ensure_ascii=False))
        else:
            print(f"{task.name:20s} {task.form:14s} {task.metric:9s} {tell_shortcuts(known)}")
        for example in task.examples("test")[: max(0, args.examples)]:
            print(json.dumps(asdict(example), ensure_ascii=False))


def tell_shortcuts(known: Any) -> str:
    if known is None:
        return ""
    second = f"{known.second_only.value:.3f}" if known.second_only else "-"
    return f"random {known.random:.3f}  majority {known.majority:.3f}  bag of words {known.words.value:.3f}  second text only {second}"


def models(args: argparse.Namespace) -> None:
    from gptlab.runs.scored import card_of, scored_anew, stale, write_card
    from gptlab.runs.shipped import cards
    from gptlab.runs.store import shipped_runs

    for run in shipped_runs() if args.measure else []:
        if stale(card := card_of(run)):
            write_card(run, scored_anew(card, run, run))
    for card in cards():
        if args.json:
            print(json.dumps(card, ensure_ascii=False))
        else:
            loss = f"{card['validation_bits_per_byte']:.3f} bits/byte"
            print(f"{card['name']:14s} {card['parameters']:>10,} parameters  {card['tokens']:>12,} tokens  {loss}  {card['command']}")


def build_models(args: argparse.Namespace) -> None:
    from gptlab.device import choose_device
    from gptlab.runs import shipped

    made: dict[str, Run] = {}
    for name in dict.fromkeys(step for wanted in args.names or shipped.RECIPES for step in shipped.way_to(wanted)):
        base = made.get(shipped.RECIPES[name].begins_from)
        run = made[name] = _done(*shipped.planned(name, choose_device(args.device), base), args.json)
        if shipped.RECIPES[name].n_shipped:
            print(json.dumps(shipped.pack(run, name), ensure_ascii=False))


def build_studies(args: argparse.Namespace) -> None:
    from gptlab.device import choose_device
    from gptlab.errors import RunError
    from gptlab.runs import shipped
    from gptlab.runs.subject import study_config

    recipes = shipped.study_recipes()
    for name in args.names or recipes:
        if name not in recipes:
            raise RunError("There is no recipe for {given!r}. There are {known}.", given=name, known=", ".join(recipes))
        run = _done(*study_config(recipes[name], choose_device(args.device), name), args.json)
        shipped.pack_study(run, name)


def _done(config: RunConfig, tokenizer: Tokenizer, as_json: bool) -> Run:
    """The run of these settings, from wherever it stands to its end; nothing goes on from one that was stopped on the way.

    Raises:
        RunError: it was stopped, or paused.
    """
    from gptlab.runs import job, shipped

    run = shipped.begun(config)
    if run is None:
        run = job.submit(config, tokenizer)
    elif run.status().state != "finished":
        job.resume(run, None)
    follow(run, as_json)
    shipped.require_finished(run)
    return run
