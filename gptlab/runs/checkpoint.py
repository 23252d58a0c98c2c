"""Checkpoints: `checkpoints/step-<n>/` in a run folder.

    model.safetensors        weights
    optimizer.safetensors    state of the optimizers; only where training can go on from
    state.json               step, tokens, optimizer settings, size of each file

A checkpoint is written aside, synced and renamed: what carries its name is complete. The random state needs no file: batches
and dropout are functions of seed and step. Only safetensors and JSON are read; nothing is ever unpickled.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gptlab.errors import RunError
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.runs.store import CHECKPOINT_PREFIX, Run


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint folder."""

    folder: Path

    @property
    def step(self) -> int:
        return int(self.folder.name.removeprefix(CHECKPOINT_PREFIX))

    @property
    def can_resume(self) -> bool:
        return (self.folder / "optimizer.safetensors").exists()


def checkpoints(run: Run) -> list[Checkpoint]:
    """The checkpoints of a run, oldest first."""
    return [Checkpoint(run.checkpoint_folder(step)) for step in run.checkpoint_steps()]


WRITING, REPLACED = ".writing-", ".replaced-"
"""How a checkpoint is called while it is written, and one of the same step before it until then."""


def clear_up(run: Run) -> None:
    """What a worker that was killed while it saved has left: a checkpoint that was being replaced comes back, one half written goes."""
    for left in (run.folder / "checkpoints").glob(f"{REPLACED}*"):
        if not (target := left.with_name(left.name.removeprefix(REPLACED))).exists():
            left.rename(target)
    for left in [path for sort in (WRITING, REPLACED) for path in (run.folder / "checkpoints").glob(f"{sort}*")]:
        shutil.rmtree(left, ignore_errors=True)


def save_checkpoint(run: Run, model: nn.Module, trainer_state: dict[str, Any] | None, step: int) -> Checkpoint:
    """Write a checkpoint; one with the optimizer takes the optimizer files of the older ones away.

    Args:
        trainer_state: `Trainer.state()` for a checkpoint that training can go on from; None for one to look back at.

    Raises:
        RunError: the disk is full; nothing is left behind and earlier checkpoints are untouched.
    """
    target = run.checkpoint_folder(step)
    aside, replaced = target.with_name(WRITING + target.name), target.with_name(REPLACED + target.name)
    clear_up(run)
    try:
        aside.mkdir()
        state: dict[str, Any] = {"step": step}
        save_file({name: t.detach().contiguous().cpu() for name, t in model.state_dict().items()}, aside / "model.safetensors")
        if trainer_state is not None:
            tensors, settings = flattened(trainer_state["optimizers"])
            save_file(tensors, aside / "optimizer.safetensors")
            state |= {"tokens": trainer_state["tokens"], "optimizers": settings}
        state["sizes"] = {f.name: f.stat().st_size for f in aside.iterdir()}
        (aside / "state.json").write_text(json.dumps(state), encoding="utf-8")
        for file in (*aside.iterdir(), aside):
            synced(file)
        if target.exists():
            target.rename(replaced)
        aside.rename(target)
        synced(target.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise RunError(
            "The checkpoint of step {step} could not be written: {reason}. On the disk {free_mb} MB are free. Earlier checkpoints are "
            "untouched: make room, then resume.",
            step=step, reason=reason(error), free_mb=shutil.disk_usage(run.folder).free // 2**20,
        ) from error  # fmt: skip
    return Checkpoint(target)


def drop_superseded(run: Run, keep_steps: Iterable[int]) -> None:
    """Of all checkpoints but the newest that can resume, keep the weights of `keep_steps` and remove the rest."""
    keep = set(keep_steps)
    resumable = [c for c in checkpoints(run) if c.can_resume]
    for old in resumable[:-1]:
        if old.step in keep:
            (old.folder / "optimizer.safetensors").unlink()
        else:
            shutil.rmtree(old.folder, ignore_errors=True)


def drop_after(run: Run, step: int) -> None:
    """Remove the checkpoints of later steps, which a training taken up at `step` will write anew.

    They are damaged, or of a future that a longer training will not have; left there, they would count as the newest.
    """
    for later in checkpoints(run):
        if later.step > step:
            shutil.rmtree(later.folder, ignore_errors=True)


def load_model(run: Run, step: int | None = None) -> GPT | LSTM:
    """The model at a checkpoint (None: the newest), in `eval()` and without gradients, on the CPU.

    Raises:
        RunError: no such checkpoint, or a damaged one.
    """
    there = checkpoints(run)
    if not there:
        raise RunError("The run {run_id} has no checkpoint yet. Wait until it has trained a step.", run_id=run.id)
    chosen = [c for c in there if step is None or c.step == step]
    if not chosen:
        raise RunError(
            "The run {run_id} has no checkpoint of step {step}; it has {steps}.",
            run_id=run.id, step=step, steps=", ".join(str(c.step) for c in there),
        )  # fmt: skip
    config = run.config()
    model = build_model(config.model, seed=0)
    load_weights(model, chosen[-1], within=TUNED_MODEL if config.fine_tuning is not None else "")
    return model.eval().requires_grad_(False)


TUNED_MODEL = "pretrained.language_model."
"""Where the language model stands in the weights of a fine-tuning, beside the task's head and, on the way, a twin from scratch."""


def load_weights(model: nn.Module, checkpoint: Checkpoint, within: str = "") -> None:
    """
    Args:
        within: reads the part of the weights whose names begin so.

    Raises:
        RunError: a file is missing, cut short, or does not fit the model; the sentence names what is wrong.
    """
    there = read_tensors(checkpoint, "model.safetensors")
    tensors = {name.removeprefix(within): tensor for name, tensor in there.items() if name.startswith(within)}
    expected = {name: t.shape for name, t in model.state_dict().items()}
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            given = list(tensors[name].shape) if name in tensors else "nothing"
            raise damaged(checkpoint, f"{name}: {list(shape)} expected, {given} given")
    if unknown := sorted(set(tensors) - set(expected)):
        raise damaged(checkpoint, f"{unknown[0]}: nothing expected, {list(tensors[unknown[0]].shape)} given")
    model.load_state_dict(tensors)


def load_trainer_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """What `Trainer.restore` takes.

    Raises:
        RunError: a damaged checkpoint.
    """
    state = read_state(checkpoint)
    tensors = read_tensors(checkpoint, "optimizer.safetensors")
    try:
        optimizers = unflattened(tensors, state["optimizers"])
        return {"step": int(state["step"]), "tokens": int(state["tokens"]), "optimizers": optimizers}
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise damaged(checkpoint, "state.json") from error


def read_state(checkpoint: Checkpoint) -> dict[str, Any]:
    try:
        state = json.loads((checkpoint.folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(checkpoint, "state.json") from error
    if not isinstance(state, dict) or not isinstance(state.get("sizes"), dict):
        raise damaged(checkpoint, "state.json")
    return state


def read_tensors(checkpoint: Checkpoint, name: str) -> dict[str, Tensor]:
    path = checkpoint.folder / name
    size = read_state(checkpoint)["sizes"].get(name)
    there = path.stat().st_size if path.exists() else 0
    if there != size:
        raise damaged(checkpoint, f"{name}: {there} of {size} bytes")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise damaged(checkpoint, name) from error


def flattened(optimizers: list[dict[str, Any]]) -> tuple[dict[str, Tensor], list[Any]]:
    """Optimizer states as named tensors ("0.3.exp_avg": optimizer, parameter, quantity) and their settings."""
    tensors = {
        f"{i}.{parameter}.{quantity}": value.contiguous().cpu()
        for i, optimizer in enumerate(optimizers)
        for parameter, quantities in optimizer["state"].items()
        for quantity, value in quantities.items()
    }
    return tensors, [optimizer["param_groups"] for optimizer in optimizers]


def unflattened(tensors: dict[str, Tensor], settings: list[Any]) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = [{"state": {}, "param_groups": groups} for groups in settings]
    for name, value in tensors.items():
        optimizer, parameter, quantity = name.split(".")
        states[int(optimizer)]["state"].setdefault(int(parameter), {})[quantity] = value
    return states


def timeline(n_steps: int, n_checkpoints: int) -> list[int]:
    """Steps to keep for looking back: 0, then evenly spread over log time up to the end.

    >>> timeline(1000, 5)
    [0, 10, 46, 215, 1000]
    """
    first = max(1, n_steps // 100)
    n = n_checkpoints - 1
    ratio = (n_steps / first) ** (1 / max(1, n - 1))
    return sorted({0} | {round(n_steps / ratio**i) for i in range(n)})


def synced(path: Path) -> None:
    """Make sure that what was written is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot sync a folder, nor a file that is open to read
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def damaged(checkpoint: Checkpoint, what: str) -> RunError:
    return RunError(
        "The checkpoint of step {step} is damaged ({what}). Choose an earlier one.", step=checkpoint.step, what=what
    )


def reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def newest_intact(run: Run) -> Checkpoint | None:
    """The newest checkpoint that training can go on from; a damaged one is passed over."""
    for checkpoint in reversed(checkpoints(run)):
        if not checkpoint.can_resume:
            continue
        try:
            load_trainer_state(checkpoint)
            read_tensors(checkpoint, "model.safetensors")
        except RunError:
            continue
        return checkpoint
    return None

