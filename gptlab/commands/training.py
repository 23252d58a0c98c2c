"""Commands that train, and those about runs that train."""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gptlab.config import DataConfig, RunConfig, TokenizerConfig
from gptlab.device import give_back_memory
from gptlab.errors import ConfigError, DataError
from gptlab.runs.curve import Curve
from gptlab.runs.store import Run, open_run, run_problem
from gptlab.training.events import Evaluation, Judged, Point


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
    from gptlab.runs.plan import plan, plan_onward, tokenizer_for

    base = open_run(args.begins_from) if args.begins_from else None
    if base is not None:
        refuse_what_stays(args)
    corpus = read_text(args)
    data = DataConfig(corpus=library.save(corpus, home()), windows=args.windows)
    changes = dict(changed_setting(text) for text in args.set)
    if args.steps is not None:
        changes["n_steps"] = args.steps
    common: dict[str, Any] = dict(
        title=args.title or corpus.title, data=data, recipe=args.recipe, device=choose_device(args.device), changes=changes
    )
    if base is not None:
        return plan_onward(base=base, **common), base.tokenizer()
    if args.vocab_size is not None and args.tokenizer != "bpe":
        raise ConfigError("--vocab-size is for --tokenizer bpe; of characters the text decides how many there are.")
    vocab_size = 1024 if args.vocab_size is None else args.vocab_size
    tokenizer_config = TokenizerConfig(kind=args.tokenizer or "characters", vocab_size=vocab_size)
    tokenizer = tokenizer_for(corpus, tokenizer_config, data.validation_fraction)
    config = plan(
        tokenizer_config=tokenizer_config, tokenizer=tokenizer,
        size=args.size or "small", architecture=args.architecture or "gpt2", **common,
    )  # fmt: skip
    return config, tokenizer


def refuse_what_stays(args: argparse.Namespace) -> None:
    """
    Raises:
        ConfigError: options that would change the model that a training goes on from.
    """
    fixed = {"--tokenizer": args.tokenizer, "--vocab-size": args.vocab_size, "--size": args.size, "--architecture": args.architecture}
    if given := [option for option, value in fixed.items() if value is not None]:
        raise ConfigError(
            "{options} cannot be given together with --from {model}: its shape and its tokenizer stay.",
            options=", ".join(given), model=args.begins_from,
        )  # fmt: skip


def read_text(args: argparse.Namespace) -> Any:
    """The corpus that `--text` names.

    Raises:
        DataError: no such text, or a column of what is no table.
    """
    from gptlab.data import sources
    from gptlab.data.files import TABLE_READERS

    if args.column and Path(args.text).suffix.lower() not in TABLE_READERS:
        raise DataError("--column is for a single table ({suffixes}); {text} is none.", suffixes=" ".join(TABLE_READERS), text=args.text)
    if args.text in ("python-documentation", "python-sources"):
        return sources.python_documentation() if args.text == "python-documentation" else sources.python_sources()
    path = Path(args.text)
    if args.text and path.is_dir():  # an empty name would be the folder one stands in
        problems: list[DataError] = []
        corpus, n_skipped = sources.folder(path, args.encoding, problems.append)
        if n_skipped:
            first = "".join(f"; the first: {problem}" for problem in problems[:1])
            print(f"{n_skipped} files could not be read and were left out{first}", file=sys.stderr)
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
    """Show a run's progress until it rests; the first `told` news are known. Ctrl-C stops the run, with a checkpoint."""
    from tqdm import tqdm

    from gptlab.runs.job import ensure_worker, wish, worker_problem

    give_back_memory()  # what reading the text took
    curve = Curve(run.folder)
    with interrupts() as interrupted, tqdm(
        total=run.status().n_steps, unit="step", disable=as_json or not sys.stderr.isatty(), file=sys.stderr
    ) as bar:
        print(json.dumps({"kind": "run", "run": run.id}) if as_json else run.id, flush=True)
        while True:
            status = run.status()
            curve.read()
            news = news_of(curve)
            for event in news[told:]:
                tell_news(event, curve, as_json, bar)
            told = max(told, len(news))
            bar.total = status.n_steps
            bar.update(status.step - bar.n)
            bar.set_postfix_str(status.phase or (f"{status.tokens_per_s:,.0f} tokens/s" if status.tokens_per_s else status.state))
            if not status.is_active and status.state != "queued":
                break
            ensure_worker(run.config().device)
            if (problem := worker_problem(run.config().device)) is not None:
                raise problem
            if interrupted.wait(0.2):
                interrupted.clear()
                wish(run, "stop")
    tell_end(run, as_json)


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Ctrl-C as an event. As an exception it gets lost where Python ignores exceptions: in destructors, and while it collects garbage."""
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def news_of(curve: Curve) -> list[Any]:
    """What is told of a run as it comes: losses of a training, scores of a fine-tuning by step, points of a study."""
    judged = sorted((event for events in curve.judged.values() for event in events), key=lambda event: event.step)
    return [*curve.evaluations, *judged, *curve.points]


def tell_news(event: Evaluation | Judged | Point, curve: Curve, as_json: bool, bar: Any) -> None:
    more = {}
    if isinstance(event, Evaluation):
        bits = event.validation_nats * curve.starts[-1].bits_per_byte
        more = {"validation_bits_per_byte": bits}
        losses = f"train {event.train_nats:.4f}   validation {event.validation_nats:.4f} nats/token"
        line = f"step {event.step:>7,}   {losses}   {bits:.3f} bits/byte"
    elif isinstance(event, Judged):
        line = f"step {event.step:>7,}   {event.arm:10}   train {event.train:.3f}   validation {event.validation or 0.0:.3f}"
    else:
        scores = f"train {event.train:.3f}   validation {event.validation:.3f}   test {event.test:.3f}"
        line = f"seed {event.seed}   arm {event.arm:>2}   {scores}   {event.seconds:.1f} s"
    if as_json:
        print(json.dumps({"kind": type(event).__name__.lower()} | asdict(event) | more), flush=True)
    else:
        bar.write(line, file=sys.stdout)


def tell_end(run: Run, as_json: bool) -> None:
    status = run.status()
    if status.error:
        raise status.error
    if as_json:
        print(json.dumps({"kind": "end", "run": run.id, "state": status.state, "step": status.step, "elapsed_s": status.elapsed_s}))
    else:
        print(f"{status.state} at step {status.step:,} after {status.elapsed_s:.1f} s")
        if run.config().training is not None:
            print(f"python -m gptlab generate --run {run.id} --prompt TEXT")


def resume(args: argparse.Namespace) -> None:
    from gptlab.runs import job

    run = open_run(args.run)
    curve = Curve(run.folder)
    curve.read()
    job.resume(run, args.steps)
    follow(run, args.json, told=len(news_of(curve)))


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
