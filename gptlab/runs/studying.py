"""A study as a run: many fine-tunings, one on each core at a time, each kept as soon as it is done.

    metrics.jsonl     a point for every finished fine-tuning

Small models do not fill several cores: two fine-tunings side by side, each on one core, are done sooner than one after the other on two.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from functools import cache
from multiprocessing import get_context
from typing import Any

import torch

from gptlab.device import device_name, keep_memory
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.runs.curve import Curve, end_torn_line
from gptlab.runs.desk import HEARTBEAT_S, Desk
from gptlab.runs.distributed import Ranks
from gptlab.runs.job import forget_wishes, wished
from gptlab.runs.store import Run
from gptlab.runs.subject import opened
from gptlab.runs.versions import note_versions
from gptlab.training.events import Point
from gptlab.transfer.trial import Splits, trial

MOST_PROCESSES = 8
"""Chosen here: each holds torch and a task's examples, about half a gigabyte."""

Task = tuple[FineTuning, int, int, str]
"""Settings, their place in the study, seed, device."""


def run_study(run: Run, ranks: Ranks, desk: Desk) -> str:
    """Returns the state in which the run ends."""
    config = run.config()
    study = config.study
    assert study is not None
    note_versions(run)
    end_torn_line(run.folder / "metrics.jsonl")
    curve = Curve(run.folder)
    curve.read()
    known = {(point.arm, point.seed) for point in curve.points}
    left: list[Task] = [(study.arms[arm], arm, seed, config.device) for arm, seed in study.points() if (arm, seed) not in known]
    desk.status(device_name=device_name(config.device), n_steps=len(study.points()), step=len(known), phase="making the examples")
    begin_s, before_s, new = time.monotonic(), desk.now.elapsed_s, 0
    ended = "finished"
    with closing(computed(left, processes(config.device))) as points:
        for point in points:
            if point is not None:
                desk.append("metrics.jsonl", point)
                new += 1
            elapsed = time.monotonic() - begin_s
            desk.status(
                state="running", phase="" if new else "making the examples", step=len(known) + new, elapsed_s=before_s + elapsed,
                seconds_left=(len(left) - new) * elapsed / new if new else 0.0,
            )  # fmt: skip
            if new < len(left) and (wish := wished(run)):
                ended = {"pause": "paused", "stop": "stopped"}[wish]
                break
    forget_wishes(run)
    return ended


def processes(device: str) -> int:
    """How many fine-tunings run side by side."""
    return min(MOST_PROCESSES, torch.get_num_threads()) if device == "cpu" else 1


def computed(tasks: list[Task], n: int) -> Generator[Point | None]:
    """Points as they are done; None now and then, so that the caller can look about.

    The first one is computed here with all threads, because somebody waits for it: this process has torch already, which others need
    seconds to load. Then this process goes on with one thread, and n - 1 others, which end with this one, compute beside it.
    """
    left = deque(tasks)
    n_others = min(n, len(tasks) - 1) - 1
    pool: ProcessPoolExecutor | None = None
    threads = torch.get_num_threads()
    here: Iterator[Point | None] | None = None
    elsewhere: set[Future[Point]] = set()
    looked_s = time.monotonic()
    try:
        while left or here or elsewhere:
            if here is None and left:
                here = _in_steps(*left.popleft())
            while pool and left and len(elsewhere) < n_others:
                elsewhere.add(pool.submit(_point, *left.popleft()))
            if here is None:
                wait(elsewhere, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
            elif (point := next(here)) is not None:
                here = None
                if pool is None and n_others > 0:
                    pool = ProcessPoolExecutor(n_others, get_context("spawn"), _begin, (os.getpid(),))
                    torch.set_num_threads(1)
                yield point
            for future in [future for future in elsewhere if future.done()]:
                elsewhere.remove(future)
                yield future.result()
            if time.monotonic() - looked_s > HEARTBEAT_S:
                looked_s = time.monotonic()
                yield None
    finally:
        torch.set_num_threads(threads)
        _prepared.cache_clear()
        if pool:
            for process in (pool._processes or {}).values():  # a point takes seconds, and a pause should not wait for it
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(parent: int) -> None:
    """One core, and not longer alive than the parent, from whom it has its politeness."""
    torch.set_num_threads(1)
    keep_memory()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _point(plan: FineTuning, arm: int, seed: int, device: str) -> Point:
    *_, point = _in_steps(plan, arm, seed, device)
    assert point is not None
    return point


def _in_steps(plan: FineTuning, arm: int, seed: int, device: str) -> Iterator[Point | None]:
    """None after every update, then the point."""
    model, splits = _prepared(plan.model, plan.step, plan.task, plan.transfer.reading())
    for found in trial(model, task_named(plan.task), splits, plan.transfer.with_(seed=seed), device):
        yield None if found is None else Point(arm, seed, found.train, found.validation, found.test, found.seconds)


@cache
def _prepared(model: str, step: int | None, task: str, reading: TransferConfig) -> tuple[Any, Splits]:
    """
    Args:
        reading: what decides how examples are read, so that plans share them.
    """
    opened_model, tokenizer, opened_task = opened(FineTuning.from_json({"model": model, "step": step, "task": task, "transfer": {}}))
    return opened_model, Splits.of(opened_task, opened_model, tokenizer, reading)
