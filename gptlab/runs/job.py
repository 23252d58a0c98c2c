"""The queue of a device, and wishes for the run that trains.

A queued run waits until the device's worker takes it; a device has one worker and a worker one run at a time. The worker is a
process of its own that outlives pages and server. It is started early and waits a while for work, because importing torch
takes longer than a person likes to wait after a click.
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import filelock
import psutil

from gptlab.config import RunConfig
from gptlab.errors import RunError
from gptlab.paths import home, replaced
from gptlab.runs.store import Run, create_run, is_alive, overview, start_s
from gptlab.tokenizer import Tokenizer

WISHES = ("pause", "stop")

RETRY_S = 30.0
"""Time before another worker is tried after one that could not begin."""


def devices_folder() -> Path:
    folder = home() / "devices"
    folder.mkdir(exist_ok=True)
    return folder


def queue(device: str) -> list[Run]:
    """Runs that wait for a device, first come first."""
    waiting = [(status.queued_s, run.id, run) for run, config, status in overview() if config.device == device and status.state == "queued"]
    return [run for *_, run in sorted(waiting, key=lambda entry: entry[:2])]


def submit(config: RunConfig, tokenizer: Tokenizer) -> Run:
    """A new run at the end of its device's queue; the worker is woken, or started."""
    run = create_run(config, tokenizer)
    ring(config.device)
    ensure_worker(config.device)
    return run


def ring(device: str) -> None:
    """Tell the device's worker that its queue changed: looking at one file's time is cheaper than reading all runs."""
    bell(device).touch()


def last_ring(device: str) -> int:
    """When the bell rang last, in nanoseconds; 1 if never, so that a new worker looks at the queue once."""
    return bell(device).stat().st_mtime_ns if bell(device).exists() else 1


def bell(device: str) -> Path:
    return devices_folder() / f"{device}.bell"


def training_run(device: str) -> Run | None:
    """The run that the device's worker is at, or None."""
    return next((run for run, config, status in overview() if status.is_active and config.device == device), None)


def worker_is_alive(device: str) -> bool:
    """Whether the device has a worker, or one that is still on its way: importing torch takes seconds."""
    return any(is_alive(*identity) for identity in (_identity(at_work(device)), _identity(on_its_way(device))) if identity)


def worker_problem(device: str) -> RunError | None:
    """Why the device has no worker: the last one that was started ended before it began to work. None if all is well."""
    started = _identity(on_its_way(device))
    if started is None or is_alive(*started) or started == _identity(at_work(device)):
        return None
    try:
        filelock.FileLock(devices_folder() / f"{device}.lock").acquire(timeout=0).lock.release()
    except filelock.Timeout:  # it gave way to one that somebody else started
        return None
    with log_file(device).open("rb") as log:
        log.seek(-min(log.seek(0, os.SEEK_END), 400), os.SEEK_END)
        said = log.read().decode("utf-8", errors="replace").strip()
    return RunError(
        "The worker process for {device} ended before it began to work; another one is tried in half a minute. Its last words, from "
        "{file}: {said}",
        device=device, file=log_file(device), said=said or "-",
    )  # fmt: skip


def at_work(device: str) -> Path:
    """The file that names the device's worker."""
    return devices_folder() / f"{device}.json"


def on_its_way(device: str) -> Path:
    """The file that names the worker that was started last."""
    return devices_folder() / f"{device}-starting.json"


def log_file(device: str) -> Path:
    return devices_folder() / f"{device}.log"


def _identity(path: Path) -> tuple[int, float] | None:
    """The process that a file names; None if it names none."""
    try:
        worker = json.loads(path.read_text(encoding="utf-8"))
        return int(worker["pid"]), float(worker["process_start_s"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_identity(process: psutil.Process, path: Path) -> None:
    """Name a process by its number and its time of birth: numbers are used again."""
    with replaced(path) as file:
        json.dump({"pid": process.pid, "process_start_s": start_s(process)}, file)


def ensure_worker(device: str, idle_s: int = 900) -> None:
    """Start the device's worker unless there is one, or the last one could not begin to work a moment ago: an open page asks every second.

    Of two started at once, the second gives way.

    The worker leads a session of its own, so that neither Ctrl-C nor the end of the server takes it along.
    """
    if worker_is_alive(device):
        return
    if worker_problem(device) is not None and time.time() - on_its_way(device).stat().st_mtime < RETRY_S:
        return
    with log_file(device).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gptlab", "worker", "--device", device, "--idle-s", str(idle_s)],
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | {"GPTLAB_HOME": str(home().resolve())},  # a relative home would be another one from there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # when it ends it leaves no zombie
    with suppress(psutil.NoSuchProcess):  # it has ended already
        write_identity(psutil.Process(process.pid), on_its_way(device))


def wish(run: Run, what: str) -> None:
    """Ask for a pause or a stop. A queued run obeys at once; a training one at its next step, after writing a checkpoint."""
    assert what in WISHES
    status = run.status()
    if status.state == "queued":
        (run.folder / "requests" / what).touch()  # for a worker that takes the run at this very moment
        run.write_status(replace(status, state="stopped" if what == "stop" else "paused"))
    elif status.is_active:
        (run.folder / "requests" / what).touch()
    elif status.state == "paused" and what == "stop":
        run.write_status(replace(status, state="stopped"))


def wished(run: Run) -> str | None:
    """The wish that waits to be granted; a stop outweighs a pause."""
    return next((what for what in ("stop", "pause") if (run.folder / "requests" / what).exists()), None)


def forget_wishes(run: Run) -> None:
    for what in WISHES:
        (run.folder / "requests" / what).unlink(missing_ok=True)


def resume(run: Run, n_steps: int | None = None) -> None:
    """Put a run that rests back into the queue, to `n_steps` in all if given.

    Raises:
        RunError: it is queued or training already, there is nothing left to do, or it ships with the app.
    """
    run.require_own()
    status, config = run.status(), run.config()
    if status.state in ("queued", "starting", "running"):
        raise RunError("The run {run_id} is in the queue or training already.", run_id=run.id)
    if config.training is not None or not config.has_work:
        config.to_train()
    elif n_steps is not None:
        raise RunError("{run_id} is no training on a text; it cannot be made longer.", run_id=run.id)
    total = n_steps or (config.training.n_steps if config.training else status.n_steps)
    # a run that broke off at its last step still has to write its last checkpoint
    if total and (status.step > total or (status.step == total and status.state not in ("failed", "died"))):
        raise RunError(
            "The run {run_id} has done {step} of {n_steps} steps; ask for more steps to train it longer.",
            run_id=run.id, step=status.step, n_steps=total,
        )  # fmt: skip
    if n_steps is not None and config.training is not None:
        run.write_config(config.with_(training=config.training.with_(n_steps=n_steps)))
    forget_wishes(run)
    run.write_status(replace(status, state="queued", queued_s=time.time(), n_steps=total, message="", values={}))
    ring(config.device)
    ensure_worker(config.device)
