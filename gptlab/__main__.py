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
from dataclasses import fields
from pathlib import Path
from typing import Any

from gptlab.commands.shots import add_arguments as add_shot_arguments
from gptlab.commands.shots import compare, evaluate
from gptlab.commands.training import pause, resume, stop, tell_run, train
from gptlab.commands.transfer import add_arguments, fine_tune, layer_transfer
from gptlab.commands.village import build_models, build_studies, models, tasks, village
from gptlab.config import DataConfig, RunConfig, SamplingConfig, TokenizerConfig, TrainingConfig
from gptlab.device import calm_threads, keep_memory
from gptlab.errors import DataError, LabError
from gptlab.experiment import ANSWERS, UPDATED
from gptlab.presets import ARCHITECTURES, LSTM, RECIPES, SIZES
from gptlab.runs.store import list_runs, open_run


def main(arguments: list[str] | None = None) -> int:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    calm_threads()
    keep_memory()
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
    t.add_argument("--windows", choices=["anywhere", "blank line"], default="anywhere", help=field_help(DataConfig, "windows"))
    t.add_argument("--title", default="", help="name shown for the run")
    t.add_argument("--from", dest="begins_from", metavar="MODEL", help=field_help(RunConfig, "begins_from"))
    t.add_argument("--tokenizer", choices=["characters", "bpe"], help=f"{field_help(TokenizerConfig, 'kind')} Default: characters")
    t.add_argument("--vocab-size", type=int, help=f"{field_help(TokenizerConfig, 'vocab_size')} Default: 1024")
    t.add_argument("--size", "--preset", choices=list(SIZES), help="of model and training (default small)")
    t.add_argument("--architecture", choices=[*ARCHITECTURES, LSTM], help="default gpt2")
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
    usual = SamplingConfig()
    g.add_argument("--temperature", type=float, default=usual.temperature, help="default %(default)s")
    g.add_argument("--top-k", type=int)
    g.add_argument("--top-p", type=float, default=usual.top_p, help="default %(default)s")
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

    i = command("import", import_, "Take a directory of transformers in as a run: a GPT-2, or a GPT-1 whose tokenizer is of GPT-2's kind.")
    i.add_argument("--title", default="", help="name shown for the run")
    i.add_argument("directory", type=Path)

    v = command("village", village, "Write stories and tasks of the village as text.")
    v.add_argument("--language", default="en", help="en, ko, or en,ko (default %(default)s)")
    v.add_argument("--seed", type=int, default=1)
    v.add_argument("--megabytes", type=float, default=0.01)
    v.add_argument("--demonstrations", type=float, help="share of documents that show a task, 0 to 1")
    v.add_argument("--lessons", action="store_true", help="mostly stories with questions, above all for what they tell once")
    v.add_argument("--made-up", type=float, default=0.0, help="share of names that are made up, 0 to 1 (default %(default)s)")

    a = command("tasks", tasks, "List the village's tasks with their sizes, and what scores without reading.")
    a.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    a.add_argument("--measure", action="store_true", help="train the baselines anew and record what they reach")
    a.add_argument("--examples", type=int, default=0, metavar="N", help="also print the first N test examples")

    m = command("models", models, "List the models that ship.")
    m.add_argument("--measure", action="store_true", help="score them anew on tasks that have changed, and write it on their cards")

    f = command("fine-tune", fine_tune, "Let a model learn a task from labels, and test it.")
    add_arguments(f)
    f.add_argument("--transfer-layers", type=int, metavar="K", help="layers that start pretrained: -1 none, 0 embeddings; default: all")

    f.add_argument("--updated", choices=UPDATED, default="all", help="what learns (default %(default)s)")
    f.add_argument("--answer-by", choices=ANSWERS, default="head", help="what gives the answer (default %(default)s)")
    f.add_argument("--top-layers", type=int, metavar="K", help="with --updated top: how many last blocks (default 1)")
    f.add_argument("--scratch", action="store_true", help="train the same model from random weights beside it")
    f.add_argument("--seed", type=int, default=1, help="decides examples, order and random weights (default %(default)s)")

    y = command("layer-transfer", layer_transfer, "Fine-tune with every number of layers handed over, as in GPT-1's Figure 2.")
    add_arguments(y)
    y.add_argument("--seeds", type=int, default=3, help="how many (default %(default)s)")

    u = command("evaluate", evaluate, "Ask a model the questions of a task, with demonstrations before them and without.")
    add_shot_arguments(u)
    u.add_argument("--shots", default="0,1,4", help="numbers of demonstrations (default %(default)s)")

    add_shot_arguments(command("compare", compare, "Guessing, prompting and fine-tuning side by side, for one model and task."))

    b = command("build-studies", build_studies, "Compute the studies that ship, with the models that ship; goes on where one was begun.")
    b.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    b.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")

    b = command("build-models", build_models, "Make the models that ship, from the village's text; goes on with one that was begun.")
    b.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    b.add_argument("--device", choices=["cuda", "mps", "cpu"], help="default: the best there is")

    w = command("worker", worker, "Train what is queued for a device (pages and commands start it by themselves).")
    w.add_argument("--device", required=True, choices=["cuda", "mps", "cpu"])
    w.add_argument("--idle-s", type=float, default=900.0, help="seconds without work after which it ends (default %(default)s)")
    return top


def generate(args: argparse.Namespace) -> None:
    from gptlab.generation import generate as written
    from gptlab.runs.checkpoint import load_model
    from gptlab.tokenizer import decode_stream

    run = open_run(args.run)
    sampling = SamplingConfig(temperature=args.temperature, top_k=args.top_k, top_p=args.top_p, seed=args.seed)
    model, tokenizer = load_model(run, args.step), run.tokenizer()
    prompt = [int(i) for i in tokenizer.encode(args.prompt)]
    tokens = written(model, prompt, sampling, args.tokens, tokenizer.end_of_text, tokenizer.vocab_size)
    ids = (token.id for token in tokens)
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


def delete(args: argparse.Namespace) -> None:
    from gptlab.runs.store import delete_run

    run = open_run(args.run)
    delete_run(run)
    if args.json:
        print(json.dumps({"run": run.id, "state": "deleted"}))


def export(args: argparse.Namespace) -> None:
    from gptlab.runs.exchange import export_run

    export_run(open_run(args.run), args.step, args.directory)
    print(json.dumps({"directory": str(args.directory)}) if args.json else f"written to {args.directory}")


def import_(args: argparse.Namespace) -> None:
    from gptlab.runs.exchange import import_directory

    run = import_directory(args.directory, args.title)
    print(json.dumps({"run": run.id}) if args.json else run.id)


def worker(args: argparse.Namespace) -> None:
    from gptlab.runs.worker import work

    work(args.device, args.idle_s)


def field_help(config: type, name: str) -> str:
    """The help text of a config field."""
    return next(f.metadata["help"] for f in fields(config) if f.name == name).replace("%", "%%")


if __name__ == "__main__":
    sys.exit(main())
