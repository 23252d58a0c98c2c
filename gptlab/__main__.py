"""The command line: what the pages do, for scripts and for machines without a screen.

    python -m gptlab train --text FILE [--size small] [--recipe papers|fast] [--steps N]
    python -m gptlab generate --run ID --prompt TEXT
    python -m gptlab runs

Every command takes `--json`. Under `torchrun --nproc-per-node N -m gptlab train ...` the processes train one model together.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from gptlab.config import DataConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.device import calm_threads
from gptlab.errors import ConfigError, DataError, LabError
from gptlab.presets import ARCHITECTURES, LSTM, RECIPES, SIZES
from gptlab.runs.curve import Curve
from gptlab.runs.store import Run, list_runs, open_run, run_problem
from gptlab.training.events import Evaluation


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    calm_threads()
    args = parser().parse_args(arguments)
    try:
        args.command(args)
    except (LabError, OSError) as problem:
        error = problem if isinstance(problem, LabError) else unusable(problem)
        if args.json:
            print(json.dumps({"error": str(error)}, ensure_ascii=False))
        else:
            print(f"gptlab: {error}", file=sys.stderr)
        return 2
    return 0


def unusable(error: OSError) -> LabError:
    return LabError("{file} cannot be read or written: {reason}.", file=error.filename or "A file", reason=error.strerror or str(error))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m gptlab", description="Train small GPTs, look inside them, transfer what they learned.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: Any, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.set_defaults(command=does)
        return sub

    t = command("train", train, "Train a model on a text and print the run's id.")
    t.add_argument("--text", required=True, help="a file or a folder; 'python-documentation' or 'python-sources' for Python's own")
    t.add_argument("--encoding", default="utf-8", help="character encoding of the text (default %(default)s)")
    t.add_argument("--column", help="text column of a table; default: the one with the most text")
    t.add_argument("--title", default="", help="name shown for the run")
    t.add_argument("--tokenizer", choices=["characters", "bpe"], default="characters", help=field_help(TokenizerConfig, "kind"))
    t.add_argument("--vocab-size", type=int, default=1024, help=field_help(TokenizerConfig, "vocab_size"))
    t.add_argument("--size", "--preset", choices=list(SIZES), default="small", help="of model and training (default %(default)s)")
    t.add_argument("--architecture", choices=[*ARCHITECTURES, LSTM], default="gpt2", help="default %(default)s")
    t.add_argument("--recipe", choices=list(RECIPES), default="papers", help="default %(default)s")
    t.add_argument("--steps", type=int, help=field_help(TrainingConfig, "n_steps"))
    t.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")
    t.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other setting of the model or the training")

    r = command("resume", resume, "Go on with a run that was paused, stopped, finished or died.")
    r.add_argument("--run", required=True)
    r.add_argument("--steps", type=int, help="train to this many steps in all")

    g = command("generate", generate, "Let a run's model continue a prompt.")
    g.add_argument("--run", required=True)
    g.add_argument("--prompt", required=True)
    g.add_argument("--step", type=int, help="checkpoint; default: the newest")
    g.add_argument("--tokens", type=int, default=200, help="most tokens to write (default %(default)s)")
    g.add_argument("--temperature", type=float, default=0.8)
    g.add_argument("--top-k", type=int)
    g.add_argument("--top-p", type=float, default=1.0)
    g.add_argument("--seed", type=int, default=1)

    k = command("tokenize", tokenize, "Cut a text into tokens: one line a token with its id and its bytes.")
    k.add_argument(
        "--encoding", default="gpt2", metavar="NAME", help="gpt2 (default), characters, bytes, cl100k_base, o200k_base, or the id of a run"
    )
    k.add_argument("text", metavar="TEXT", help="the text; '-' reads it from the standard input")

    command("runs", runs, "List the runs.")

    for name, does, help in (("pause", pause, "Pause a training run."), ("stop", stop, "Stop a training run; its last checkpoint stays.")):
        command(name, does, help).add_argument("--run", required=True)
    command("delete", delete, "Delete a run for good.").add_argument("--run", required=True)

    e = command("export", export, "Write a run's model and tokenizer as a directory that transformers opens.")
    e.add_argument("--run", required=True)
    e.add_argument("--step", type=int, help="checkpoint; default: the newest")
    e.add_argument("directory", type=Path)

    i = command("import", import_, "Take a GPT-1 or GPT-2 directory of transformers in as a run.")
    i.add_argument("--title", default="", help="name shown for the run")
    i.add_argument("directory", type=Path)

    v = command("village", village, "Write stories and tasks of the village as text.")
    v.add_argument("--language", default="en", help="en, ko, or en,ko (default %(default)s)")
    v.add_argument("--seed", type=int, default=1)
    v.add_argument("--megabytes", type=float, default=0.01)
    v.add_argument("--demonstrations", type=float, help="share of documents that show a task, 0 to 1")

    a = command("tasks", tasks, "List the village's tasks with their sizes, and what scores without reading.")
    a.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    a.add_argument("--measure", action="store_true", help="train the baselines anew and record what they reach")
    a.add_argument("--examples", type=int, default=0, metavar="N", help="also print the first N test examples")

    command("models", models, "List the models that ship.")

    b = command("build-models", build_models, "Make the models that ship, from the village's text; goes on with one that was begun.")
    b.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    b.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")

    w = command("worker", worker, "Train what is queued for a device (pages and commands start it by themselves).")
    w.add_argument("--device", required=True, choices=["cuda", "mps", "cpu"])
    w.add_argument("--idle-s", type=float, default=900.0, help="seconds without work after which it ends (default %(default)s)")
    return top


def train(args: argparse.Namespace) -> None:
    from gptlab.runs.distributed import is_torchrun, joined
    from gptlab.runs.job import submit

    if not is_torchrun():
        config, tokenizer = planned(args)
        follow(submit(config, tokenizer), args.json)
        return
    from gptlab.device import choose_device
    from gptlab.runs.store import create_run
    from gptlab.runs.worker import alone_on_device, train_run

    device = choose_device(args.device)
    # alone before the run is in the queue: the device's worker would take it
    with joined(device) as ranks, alone_on_device(device, ranks):
        run = open_run(ranks.agreed(create_run(*planned(args)).id if ranks.is_first else None) or "")
        train_run(run, ranks)
    if ranks.is_first:
        tell_end(run, args.json)


def planned(args: argparse.Namespace) -> tuple[RunConfig, Any]:
    """The settings and the tokenizer of a `train` command; the text is in the library afterwards."""
    from gptlab.data import library
    from gptlab.device import choose_device
    from gptlab.paths import home
    from gptlab.runs.plan import plan, tokenizer_for

    corpus = read_text(args)
    data = DataConfig(corpus=library.save(corpus, home()))
    tokenizer_config = TokenizerConfig(kind=args.tokenizer, vocab_size=args.vocab_size)
    tokenizer = tokenizer_for(corpus, tokenizer_config, data.validation_fraction)
    changes = dict(changed_setting(text) for text in args.set)
    if args.steps is not None:
        changes["n_steps"] = args.steps
    config = plan(
        title=args.title or corpus.title,
        data=data,
        tokenizer_config=tokenizer_config,
        tokenizer=tokenizer,
        size=args.size,
        architecture=args.architecture,
        recipe=args.recipe,
        device=choose_device(args.device),
        changes=changes,
    )
    return config, tokenizer


def read_text(args: argparse.Namespace) -> Any:
    """The corpus that `--text` names."""
    from gptlab.data import sources

    if args.text in ("python-documentation", "python-sources"):
        return sources.python_documentation() if args.text == "python-documentation" else sources.python_sources()
    path = Path(args.text)
    if args.text and path.is_dir():  # an empty name would be the folder one stands in
        corpus, n_skipped = sources.folder(path, args.encoding)
        if n_skipped:
            print(f"{n_skipped} files could not be read and were left out", file=sys.stderr)
        return corpus
    if not path.is_file():
        raise DataError("There is no file or folder {path!r}.", path=args.text)
    return sources.uploads([(path.name, path.read_bytes())], args.encoding, args.column)


def changed_setting(text: str) -> tuple[str, Any]:
    """`name=value` with the value as JSON, or as plain text where it is none."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError("--set {text!r} has to look like NAME=VALUE.", text=text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def follow(run: Run, as_json: bool, told: int = 0) -> None:
    """Show a run's progress until it rests; the first `told` evaluations are known. Ctrl-C stops the run, with a checkpoint."""
    from tqdm import tqdm

    from gptlab.runs.job import ensure_worker, wish, worker_problem

    print(run.id, flush=True)
    curve = Curve(run.folder)
    with tqdm(total=run.status().n_steps, unit="step", disable=as_json or not sys.stderr.isatty(), file=sys.stderr) as bar:
        while True:
            try:
                status = run.status()
                curve.read()
                for event in curve.evaluations[told:]:
                    tell_evaluation(event, curve.starts[-1].bits_per_byte, as_json, bar)
                told = max(told, len(curve.evaluations))
                bar.update(status.step - bar.n)
                bar.set_postfix_str(status.phase or (f"{status.tokens_per_s:,.0f} tokens/s" if status.is_active else status.state))
                if not status.is_active and status.state != "queued":
                    break
                ensure_worker(run.config().device)
                if (problem := worker_problem(run.config().device)) is not None:
                    raise problem
                time.sleep(0.2)
            except KeyboardInterrupt:
                wish(run, "stop")
    tell_end(run, as_json)


def tell_evaluation(event: Evaluation, bits_per_byte: float, as_json: bool, bar: Any) -> None:
    bits = event.validation_nats * bits_per_byte
    if as_json:
        print(json.dumps({"kind": "evaluation"} | asdict(event) | {"validation_bits_per_byte": bits}), flush=True)
    else:
        losses = f"train {event.train_nats:.4f}   validation {event.validation_nats:.4f} nats/token"
        bar.write(f"step {event.step:>7,}   {losses}   {bits:.3f} bits/byte", file=sys.stdout)


def tell_end(run: Run, as_json: bool) -> None:
    status = run.status()
    if status.error:
        raise status.error
    if as_json:
        print(json.dumps({"kind": "end", "run": run.id, "state": status.state, "step": status.step, "elapsed_s": status.elapsed_s}))
    else:
        print(f"{status.state} at step {status.step:,} after {status.elapsed_s:.1f} s")
        print(f"python -m gptlab generate --run {run.id} --prompt TEXT")


def resume(args: argparse.Namespace) -> None:
    from gptlab.runs import job

    run = open_run(args.run)
    curve = Curve(run.folder)
    curve.read()
    job.resume(run, args.steps)
    follow(run, args.json, told=len(curve.evaluations))


def pause(args: argparse.Namespace) -> None:
    ask(args, "pause")


def stop(args: argparse.Namespace) -> None:
    ask(args, "stop")


def ask(args: argparse.Namespace, what: str) -> None:
    from gptlab.runs.job import wish

    run = open_run(args.run)
    wish(run, what)
    while run.status().is_active:
        time.sleep(0.1)
    tell_run(run, args.json)


def generate(args: argparse.Namespace) -> None:
    from gptlab.config import SamplingConfig
    from gptlab.generation import generate as written
    from gptlab.runs.checkpoint import load_model
    from gptlab.tokenizer import decode_stream

    run = open_run(args.run)
    sampling = SamplingConfig(temperature=args.temperature, top_k=args.top_k, top_p=args.top_p, seed=args.seed)
    model, tokenizer = load_model(run, args.step), run.tokenizer()
    prompt = [int(i) for i in tokenizer.encode(args.prompt)]
    ids = (token.id for token in written(model, prompt, sampling, args.tokens, tokenizer.end_of_text))
    if args.json:
        drawn = list(ids)
        print(json.dumps({"run": run.id, "prompt": args.prompt, "text": tokenizer.decode(drawn), "ids": drawn}, ensure_ascii=False))
        return
    print(args.prompt, end="", flush=True)
    for piece in decode_stream(tokenizer, ids):
        print(piece, end="", flush=True)
    print()


def tokenize(args: argparse.Namespace) -> None:
    from gptlab.runs.vocabularies import vocabulary
    from gptlab.tokenizer import readable

    try:
        text = sys.stdin.buffer.read().decode("utf-8") if args.text == "-" else args.text
    except UnicodeDecodeError as error:
        raise DataError("The standard input is not UTF-8 at byte {position}.", position=error.start) from None
    tokenizer = vocabulary(args.encoding, text)
    ids = [int(id) for id in tokenizer.encode(text)]
    labels = readable(tokenizer, ids)
    if args.json:
        print(json.dumps({"encoding": args.encoding, "vocab_size": tokenizer.vocab_size, "ids": ids, "tokens": labels}, ensure_ascii=False))
        return
    for id, label in zip(ids, labels, strict=True):
        print(f"{id:>7}  {tokenizer.token_bytes(id).hex(' '):<24}  {label}")


def runs(args: argparse.Namespace) -> None:
    for run in list_runs():
        tell_run(run, args.json)


def tell_run(run: Run, as_json: bool) -> None:
    """A line about a run; an unreadable one says why."""
    if (problem := run_problem(run)) is not None:
        print(json.dumps({"run": run.id, "error": str(problem)}) if as_json else f"{run.id}  {problem}")
        return
    config, status, curve = run.config(), run.status(), Curve(run.folder)
    curve.read()
    validation = curve.evaluations[-1].validation_nats if curve.evaluations else None
    if as_json:
        about = {"run": run.id, "title": config.title, "state": status.state, "step": status.step, "n_steps": status.n_steps}
        print(json.dumps(about | {"device": config.device, "validation_nats": validation}, ensure_ascii=False))
    else:
        loss = f"{validation:.4f} nats/token" if validation is not None else "-"
        print(f"{run.id}  {status.state:9s} {status.step:>7,} / {status.n_steps:,} steps  {loss:>18s}  {config.title}")


def delete(args: argparse.Namespace) -> None:
    from gptlab.runs.store import delete_run

    delete_run(open_run(args.run))


def export(args: argparse.Namespace) -> None:
    from gptlab.runs.exchange import export_run

    export_run(open_run(args.run), args.step, args.directory)
    print(json.dumps({"directory": str(args.directory)}) if args.json else f"written to {args.directory}")


def import_(args: argparse.Namespace) -> None:
    from gptlab.runs.exchange import import_directory

    run = import_directory(args.directory, args.title)
    print(json.dumps({"run": run.id}) if args.json else run.id)


def village(args: argparse.Namespace) -> None:
    from gptlab.data.village.documents import RATE, corpus

    rate = RATE if args.demonstrations is None else args.demonstrations
    told = corpus(tuple(args.language.split(",")), args.seed, args.megabytes, rate)
    print(json.dumps({"title": told.title, "text": told.text}, ensure_ascii=False) if args.json else told.text)


def tasks(args: argparse.Namespace) -> None:
    from gptlab.evaluation.shortcuts import record, recorded, shortcuts
    from gptlab.evaluation.task import SPLITS
    from gptlab.evaluation.tasks import VILLAGE, task_named

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
        for example in task.examples("test")[: args.examples]:
            print(json.dumps(asdict(example), ensure_ascii=False))


def tell_shortcuts(known: Any) -> str:
    if known is None:
        return ""
    second = f"{known.second_only.value:.3f}" if known.second_only else "-"
    return f"random {known.random:.3f}  majority {known.majority:.3f}  bag of words {known.words.value:.3f}  second text only {second}"


def models(args: argparse.Namespace) -> None:
    from gptlab.runs.shipped import cards

    for card in cards():
        if args.json:
            print(json.dumps(card, ensure_ascii=False))
        else:
            loss = f"{card['validation_bits_per_byte']:.3f} bits/byte"
            print(f"{card['name']:14s} {card['parameters']:>10,} parameters  {card['tokens']:>12,} tokens  {loss}  {card['command']}")


def build_models(args: argparse.Namespace) -> None:
    from gptlab.device import choose_device
    from gptlab.runs import job, shipped

    for name in args.names or shipped.RECIPES:
        run = shipped.begun(name)
        if run is None:
            run = job.submit(*shipped.planned(name, choose_device(args.device)))
        elif run.status().state != "finished":
            job.resume(run, None)
        follow(run, args.json)
        print(json.dumps(shipped.pack(run, name), ensure_ascii=False))


def worker(args: argparse.Namespace) -> None:
    from gptlab.runs.worker import work

    work(args.device, args.idle_s)


def field_help(config: type, name: str) -> str:
    """The help text of a config field."""
    return next(f.metadata["help"] for f in fields(config) if f.name == name).replace("%", "%%")


if __name__ == "__main__":
    sys.exit(main())
