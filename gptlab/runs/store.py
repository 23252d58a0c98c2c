"""Run folders: `home/runs/<id>/`.

    config.json       settings, schema version, seed, versions, hardware, git commit
    tokenizer.json    how text became tokens
    status.json       what is happening; replaced as a whole
    metrics.jsonl     step and evaluation events, one a line, append-only
    samples.jsonl     what the model wrote at each evaluation, append-only
    checkpoints/      see `checkpoint`
    requests/         wishes of the person: `pause`, `stop`
    log.txt           what the worker had to say

While a worker trains, it is the only writer of the folder except for `requests/`. A run at rest (queued, paused, stopped,
finished, failed, died) may be changed by the page or the command line.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_origin

import psutil

from gptlab.config import RunConfig
from gptlab.errors import LabError, RunError
from gptlab.paths import ASSETS, home, replaced
from gptlab.tokenizer import Tokenizer
from gptlab.tokenizer import load as load_tokenizer
from gptlab.tokenizer import save as save_tokenizer

ACTIVE = ("starting", "running")
"""States in which a worker owns the folder."""

CHECKPOINT_PREFIX = "step-"
"""Name of a checkpoint's folder, before its step."""

NEW_PREFIX = ".new-"
"""Name of the folder of a run in the making, before its id: it is no run yet."""

MODELS = ASSETS / "models"
"""Where the models lie that ship with the app, each a finished run of the name that its folder has."""

STUDIES = ASSETS / "studies"
"""Where the studies lie that ship with the app, each a finished run."""

MODEL_NAME = re.compile(r"[a-z][a-z0-9-]*")

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


@dataclass(frozen=True)
class Status:
    """What is happening to a run.

    state: "queued", "starting", "running", "paused", "stopped", "finished", "failed" or "died". "died" is never written:
    a reader concludes it when the worker's process is gone.
    """

    state: str
    queued_s: float
    """When it entered the queue; Unix time."""
    step: int = 0
    """Of a study: fine-tunings that are done."""
    n_steps: int = 0
    """0 until that is known."""
    message: str = ""
    """Why it failed: the template of a LabError."""
    values: dict[str, Any] = field(default_factory=dict)
    """What stands in the template's places."""
    pid: int = 0
    process_start_s: float = 0.0
    """With the pid, the identity of the worker: pids are used again."""
    heartbeat_s: float = 0.0
    """Last sign of life; Unix time."""
    phase: str = ""
    """What a starting worker is doing."""
    tokens_per_s: float = 0.0
    elapsed_s: float = 0.0
    """Time spent training, over all starts."""
    seconds_left: float = 0.0
    memory_bytes: int = 0
    """Of the worker's process; of the GPU when it trains there."""
    device_name: str = ""

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def error(self) -> LabError | None:
        """Why it failed or died, as the error that the screen translates."""
        return RunError(self.message, **self.values) if self.message else None


@dataclass(frozen=True)
class Run:
    """One run folder. Everything is read when asked for: another process writes it."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def is_shipped(self) -> bool:
        """Whether it came with the app; such a run is read only."""
        return self.folder.parent in (MODELS, STUDIES)

    def require_own(self) -> None:
        """
        Raises:
            RunError: it ships with the app.
        """
        if self.is_shipped:
            raise RunError("{name} ships with the app and stays as it is. Train or fine-tune one of your own.", name=self.id)

    def config(self) -> RunConfig:
        """
        Raises:
            RunError: no readable config.
            ConfigError: a newer schema version, or a setting outside of what it allows.
        """
        return RunConfig.from_json({k: v for k, v in self._about().items() if k != "environment"})

    def environment(self) -> dict[str, Any]:
        """Versions, hardware and commit of the day it was made."""
        return self._about().get("environment", {})

    def tokenizer(self) -> Tokenizer:
        return load_tokenizer(self.folder / "tokenizer.json")

    def checkpoint_steps(self) -> list[int]:
        """Steps of the complete checkpoints, ascending; see `checkpoint`."""
        names = [f.name.removeprefix(CHECKPOINT_PREFIX) for f in (self.folder / "checkpoints").glob(f"{CHECKPOINT_PREFIX}*")]
        return sorted(int(name) for name in names if name.isdecimal())

    def checkpoint_folder(self, step: int) -> Path:
        return self.folder / "checkpoints" / f"{CHECKPOINT_PREFIX}{step:09d}"

    def status(self) -> Status:
        """The written status, or "died" when it names a worker that is gone."""
        values = _read_json(self.folder / "status.json")
        known = {f.name: get_origin(f.type) or f.type for f in fields(Status)}
        kinds: dict[str, Any] = {name: (int, float) if kind is float else kind for name, kind in known.items()}
        values = {name: value for name, value in values.items() if name in known}
        if not {"state", "queued_s"} <= set(values) or not all(isinstance(v, kinds[name]) for name, v in values.items()):
            raise _not_settings(self.folder / "status.json")
        status = Status(**values)
        if status.is_active and not is_alive(status.pid, status.process_start_s):
            return replace(
                status,
                state="died",
                message="The worker (process {pid}) is gone: it was killed, or the computer was switched off. "
                "Resume to go on from the last checkpoint.",
                values={"pid": status.pid},
            )
        return status

    def write_status(self, status: Status) -> None:
        with replaced(self.folder / "status.json") as file:
            json.dump(asdict(status), file)

    def write_config(self, config: RunConfig) -> None:
        with replaced(self.folder / "config.json") as file:
            json.dump(config.to_json() | {"environment": self.environment()}, file, indent=1, ensure_ascii=False)

    def _about(self) -> dict[str, Any]:
        return _read_json(self.folder / "config.json")


def create_run(config: RunConfig, tokenizer: Tokenizer) -> Run:
    """A new run folder, complete and queued; a model from elsewhere, which has nothing to do, counts as finished.

    It appears under its name only once everything in it is written.
    """
    state = "queued" if config.has_work else "finished"
    n_steps = config.training.n_steps if config.training else 0
    runs = home() / "runs"
    runs.mkdir(exist_ok=True)
    making = _claim_id(runs)
    try:
        (making / "requests").mkdir()
        (making / "checkpoints").mkdir()
        with replaced(making / "config.json") as file:
            json.dump(config.to_json() | {"environment": describe_environment()}, file, indent=1, ensure_ascii=False)
        save_tokenizer(tokenizer, making / "tokenizer.json")
        Run(making).write_status(Status(state, queued_s=time.time(), n_steps=n_steps))
        return Run(making.rename(runs / making.name.removeprefix(NEW_PREFIX)))
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _claim_id(runs: Path) -> Path:
    """The folder `.new-<id>` in which a run is made; of two that want one id, the second takes the next moment."""
    while True:
        now = time.time()
        run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{int(now % 1 * 0x10000):04x}"  # sorts by time within a second too
        making = runs / f"{NEW_PREFIX}{run_id}"
        with suppress(FileExistsError):
            making.mkdir()
            if not (runs / run_id).exists():
                return making
            making.rmdir()
        time.sleep(1 / 0x10000)


def open_run(run_id: str) -> Run:
    """The run of an id, or the model or study of a name that ships with the app.

    Raises:
        RunError: not an id, or no such run.
    """
    if MODEL_NAME.fullmatch(run_id) and (MODELS / run_id / "card.json").is_file():
        return Run(MODELS / run_id)
    if MODEL_NAME.fullmatch(run_id) and (STUDIES / run_id / "config.json").is_file():
        return Run(STUDIES / run_id)
    folder = home() / "runs" / run_id
    if not RUN_ID.fullmatch(run_id) or not folder.is_dir():
        raise RunError("There is no run {run_id!r}. The command `runs` lists those there are.", run_id=run_id)
    return Run(folder)


def size_on_disk(run: Run) -> int:
    """Bytes of a run's folder; a worker may take files away meanwhile."""
    total = 0
    for folder, _folders, files in os.walk(run.folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def shipped_runs() -> list[Run]:
    """The models that came with the app, by name."""
    return [Run(card.parent) for card in sorted(MODELS.glob("*/card.json"))]


def shipped_studies() -> list[Run]:
    """The studies that came with the app, by name."""
    return [Run(config.parent) for config in sorted(STUDIES.glob("*/config.json"))]


def list_runs() -> list[Run]:
    """All runs, newest first, readable or not."""
    folder = home() / "runs"
    found = [Run(f) for f in folder.iterdir() if RUN_ID.fullmatch(f.name)] if folder.is_dir() else []
    return sorted(found, key=lambda run: run.id, reverse=True)


def readable_runs() -> list[Run]:
    """The runs whose config and status can be read, newest first."""
    return [run for run in list_runs() if run_problem(run) is None]


def overview() -> list[tuple[Run, RunConfig, Status]]:
    """The readable runs with their config and status, newest first; a run that is deleted meanwhile is left out."""
    found = []
    for run in list_runs():
        try:
            found.append((run, run.config(), run.status()))
        except LabError:
            continue
    return found


def run_problem(run: Run) -> LabError | None:
    """Why a run cannot be read, or None."""
    try:
        run.config()
        run.status()
    except LabError as error:
        return error
    return None


def delete_run(run: Run) -> None:
    """Remove a run for good.

    Raises:
        RunError: a worker is training it, or it ships with the app.
    """
    run.require_own()
    try:
        is_active = run.status().is_active
    except RunError:  # nobody knows; a run that cannot be read is deleted all the more
        is_active = False
    if is_active:
        raise RunError("The run {run_id} is training. Stop it before deleting it.", run_id=run.id)
    with suppress(FileNotFoundError):  # somebody else deleted it
        doomed = run.folder.rename(run.folder.with_name(f".deleted-{run.id}"))  # gone from every list at once
        shutil.rmtree(doomed, ignore_errors=True)


def start_s(process: psutil.Process) -> float:
    """When a process began, in seconds on a clock that nobody sets.

    On Linux that is the time since the boot. `create_time` adds the date of the boot, which moves whenever the clock is put right:
    a worker that trains would be taken for dead.
    """
    if not psutil.LINUX:
        return process.create_time()
    after_name = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int, process_start_s: float) -> bool:
    """Whether that very process still runs."""
    try:
        process = psutil.Process(pid)
        return abs(start_s(process) - process_start_s) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError, ValueError):  # gone, somebody else's, or never the number of a process
        return False


def describe_environment() -> dict[str, Any]:
    """What a result depends on besides its settings."""
    names = ("torch", "numpy", "tokenizers", "tiktoken", "safetensors")
    return {
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "commit": _commit(),
        "versions": {name: version(name) for name in names},
    }


def _commit() -> str:
    """The git commit of this code, or an empty string outside of a checkout."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            "The file {file} of run {run_id} cannot be read ({reason}). Delete the run, or restore the file.",
            file=path.name, run_id=path.parent.name, reason=type(error).__name__,
        ) from error  # fmt: skip
    if not isinstance(values, dict):
        raise _not_settings(path)
    return values


def _not_settings(path: Path) -> RunError:
    return RunError("The file {file} of run {run_id} does not hold settings.", file=path.name, run_id=path.parent.name)
