import doctest
import errno
import json
import os
import resource
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptlab.config import ModelConfig
from gptlab.errors import RunError
from gptlab.model.build import build_model
from gptlab.runs import checkpoint as saving
from gptlab.runs.checkpoint import (
    checkpoints,
    drop_after,
    drop_superseded,
    load_model,
    load_trainer_state,
    load_weights,
    newest_intact,
    save_checkpoint,
    timeline,
)
from gptlab.training.optimizer import build_optimizers


@pytest.fixture(params=["adamw", "muon"])
def state(request, planned):
    """Model and trainer state after two updates."""
    config, _ = planned(optimizer=request.param)
    return updated(config)


@pytest.fixture
def adamw(planned):
    return updated(planned()[0])


def updated(config):
    model = build_model(config.model, seed=1)
    optimizers = build_optimizers(model, config.training)
    for _ in range(2):
        model(torch.arange(16)[None] % config.model.vocab_size).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    return model, {"step": 5, "tokens": 320, "optimizers": [o.state_dict() for o in optimizers]}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def files(run):
    return sorted(str(f.relative_to(run.folder / "checkpoints")) for f in (run.folder / "checkpoints").rglob("*") if f.is_file())


def test_checkpoint_gives_back_weights_and_optimizers(new_run, state):
    run, (model, trainer_state) = new_run(), state
    saved = save_checkpoint(run, model, trainer_state, 5)
    assert checkpoints(run) == [saved] and saved.step == 5 and saved.can_resume
    assert same(load_trainer_state(saved), trainer_state)
    loaded = load_model(run, 5)
    assert same(dict(loaded.state_dict()), dict(model.state_dict()))
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_checkpoint_before_the_first_update_can_be_resumed(new_run, planned):
    run, model = new_run(), build_model(planned()[0].model, seed=1)
    optimizers = build_optimizers(model, planned()[0].training)
    state = {"step": 0, "tokens": 0, "optimizers": [o.state_dict() for o in optimizers]}
    assert same(load_trainer_state(save_checkpoint(run, model, state, 0)), state)


def test_checkpoint_to_look_back_at_has_no_optimizer(new_run, adamw):
    run = new_run()
    saved = save_checkpoint(run, adamw[0], None, 5)
    assert not saved.can_resume and newest_intact(run) is None
    load_model(run, 5)


def test_nothing_is_pickled(new_run, adamw):
    run = new_run()
    save_checkpoint(run, *adamw, 5)
    assert files(run) == [f"step-000000005/{n}" for n in ("model.safetensors", "optimizer.safetensors", "state.json")]


def test_checkpoints_come_in_the_order_of_their_steps(new_run, adamw):
    run = new_run()
    for step in (1000, 5, 10):
        save_checkpoint(run, adamw[0], None, step)
    (run.folder / "checkpoints" / "step-abc").mkdir()
    (run.folder / "checkpoints" / ".writing-step-000000011").mkdir()
    assert [c.step for c in checkpoints(run)] == [5, 10, 1000]


def test_saving_again_replaces_and_clears_what_a_kill_left(new_run, adamw, planned):
    run, (model, state) = new_run(), adamw
    save_checkpoint(run, build_model(planned()[0].model, seed=9), None, 5)
    for name in (".writing-step-000000005", ".replaced-step-000000005"):
        (run.folder / "checkpoints" / name).mkdir()
        (run.folder / "checkpoints" / name / "x").write_text("half")
    saved = save_checkpoint(run, model, state, 5)
    assert saved.can_resume and same(dict(load_model(run).state_dict()), dict(model.state_dict()))
    assert [f.name for f in (run.folder / "checkpoints").iterdir()] == ["step-000000005"]


def test_unknown_step_names_those_there_are(new_run, adamw):
    run = new_run()
    with pytest.raises(RunError, match="has no checkpoint yet. Wait until it has trained a step."):
        load_model(run)
    save_checkpoint(run, adamw[0], None, 5)
    save_checkpoint(run, adamw[0], None, 7)
    with pytest.raises(RunError, match="has no checkpoint of step 6; it has 5, 7"):
        load_model(run, 6)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def scrambled(path):
    path.write_bytes(b"\xff" * path.stat().st_size)


DAMAGES = {
    "model cut": lambda folder: cut(folder / "model.safetensors"),
    "model scrambled": lambda folder: scrambled(folder / "model.safetensors"),
    "model missing": lambda folder: (folder / "model.safetensors").unlink(),
    "model empty": lambda folder: (folder / "model.safetensors").write_bytes(b""),
    "optimizer cut": lambda folder: cut(folder / "optimizer.safetensors"),
    "state missing": lambda folder: (folder / "state.json").unlink(),
    "state cut": lambda folder: cut(folder / "state.json"),
    "state empty table": lambda folder: (folder / "state.json").write_text("{}"),
    "state no table": lambda folder: (folder / "state.json").write_text("[1]"),
    "state binary": lambda folder: (folder / "state.json").write_bytes(b"\xff\0"),
    "sizes no table": lambda folder: (folder / "state.json").write_text('{"sizes": 3}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_checkpoint_is_told_and_the_earlier_one_opens(new_run, adamw, damage):
    run, (model, state) = new_run(), adamw
    earlier, later = save_checkpoint(run, model, state, 5), save_checkpoint(run, model, state, 9)
    damage(later.folder)
    with pytest.raises(RunError, match=r"The checkpoint of step 9 is damaged \(.*\). Choose an earlier one."):
        load_weights(model, later)
        load_trainer_state(later)
    assert newest_intact(run) == earlier
    load_model(run, 5)


def test_cut_file_is_told_with_its_size(new_run, adamw):
    run = new_run()
    path = save_checkpoint(run, *adamw, 5).folder / "model.safetensors"
    size = path.stat().st_size
    cut(path)
    with pytest.raises(RunError, match=f"is damaged .model.safetensors: {size - 10} of {size} bytes."):
        load_model(run)


@pytest.mark.parametrize(
    "changes", [{"step": None}, {"tokens": "many"}, {"optimizers": None}, {"optimizers": []}, {"optimizers": 3}], ids=str
)
def test_damaged_state_is_told(new_run, adamw, changes):
    run, (model, state) = new_run(), adamw
    saved = save_checkpoint(run, model, state, 5)
    values = json.loads((saved.folder / "state.json").read_text())
    for broken in (values | changes, {k: v for k, v in values.items() if k not in changes}):
        (saved.folder / "state.json").write_text(json.dumps(broken))
        with pytest.raises(RunError, match="The checkpoint of step 5 is damaged .state.json."):
            load_trainer_state(saved)
        assert newest_intact(run) is None


def rewritten(saved, change):
    """The checkpoint with other tensors, its sizes in order."""
    path = saved.folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    state = json.loads((saved.folder / "state.json").read_text())
    state["sizes"]["model.safetensors"] = path.stat().st_size
    (saved.folder / "state.json").write_text(json.dumps(state))


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda t: t.pop("final_norm.bias"), r"final_norm.bias: \[16\] expected, nothing given"),
        (lambda t: t.update({"final_norm.bias": torch.zeros(3)}), r"final_norm.bias: \[16\] expected, \[3\] given"),
        (lambda t: t.update({"extra": torch.zeros(3)}), r"extra: nothing expected, \[3\] given"),
    ],
    ids=["missing", "misshapen", "unknown"],
)
def test_tensor_that_does_not_fit_is_named(new_run, adamw, change, sentence):
    run = new_run()
    rewritten(save_checkpoint(run, *adamw, 5), change)
    with pytest.raises(RunError, match=sentence):
        load_model(run)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["model", "optimizer", "state", "fsync", "rename", "mkdir"])
def test_full_disk_is_told_and_leaves_everything_as_it_was(new_run, adamw, monkeypatch, where):
    run, (model, state) = new_run(), adamw
    save_checkpoint(run, model, state, 5)
    before = files(run)

    def full(*args, **_):
        raise FULL

    def full_at(name, write):
        return lambda tensors, path: full() if path.name == f"{name}.safetensors" else write(tensors, path)

    if where in ("model", "optimizer"):
        monkeypatch.setattr(saving, "save_file", full_at(where, save_file))
    elif where == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(saving.Path, {"state": "write_text", "rename": "rename", "mkdir": "mkdir"}[where], full)
    with pytest.raises(RunError) as failure:
        save_checkpoint(run, model, state, 9)
    monkeypatch.undo()
    assert "The checkpoint of step 9 could not be written: No space left on device. On the disk " in str(failure.value)
    assert "make room, then resume" in str(failure.value)
    assert files(run) == before and [f.name for f in (run.folder / "checkpoints").iterdir()] == ["step-000000005"]
    assert newest_intact(run).step == 5


def test_file_that_may_not_grow_is_told_too(new_run):
    """A real limit of the system in place of a full disk."""
    run = new_run()
    model = build_model(ModelConfig(vocab_size=200, n_layer=1, n_head=1, n_embd=64), seed=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(RunError, match="could not be written: .*File too large"):
            save_checkpoint(run, model, None, 9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((run.folder / "checkpoints").iterdir()) == []


def test_what_a_killed_worker_left_is_cleared_up(new_run, adamw):
    """Killed while it wrote step 9, and between the two renames of step 5."""
    run = new_run()
    save_checkpoint(run, *adamw, 5)
    before, folder = files(run), run.folder / "checkpoints"
    (folder / "step-000000005").rename(folder / ".replaced-step-000000005")
    for step in (5, 9):
        shutil.copytree(folder / ".replaced-step-000000005", folder / f".writing-step-00000000{step}")
    saving.clear_up(run)
    assert files(run) == before and [path.name for path in folder.iterdir()] == ["step-000000005"]
    (folder / ".replaced-step-000000005").mkdir()
    saving.clear_up(run)
    assert files(run) == before and [path.name for path in folder.iterdir()] == ["step-000000005"], "the new one has its name already"


def test_files_are_synced_by_a_handle_that_may_write(new_run, adamw, monkeypatch):
    """Windows refuses others."""
    opened, original = {}, os.open

    def recorded(path, flags, *more):
        opened[Path(path).name] = flags
        return original(path, flags, *more)

    monkeypatch.setattr(os, "open", recorded)
    save_checkpoint(new_run(), *adamw, 5)
    assert all(opened[name] & os.O_RDWR for name in ("model.safetensors", "optimizer.safetensors", "state.json"))


def test_files_are_on_the_disk_before_the_checkpoint_has_its_name(new_run, adamw, monkeypatch):
    run, synced = new_run(), []
    original = saving.synced
    monkeypatch.setattr(saving, "synced", lambda path: (synced.append(path.name), original(path)))
    save_checkpoint(run, *adamw, 5)
    assert sorted(synced[:3]) == ["model.safetensors", "optimizer.safetensors", "state.json"]
    assert synced[3:] == [".writing-step-000000005", "checkpoints"]


def test_superseded_checkpoints_keep_their_weights_where_asked(new_run, adamw):
    run = new_run()
    for step in (1, 2, 3, 4):
        save_checkpoint(run, *adamw, step)
    save_checkpoint(run, adamw[0], None, 6)
    drop_superseded(run, keep_steps=[2, 6])
    assert [(c.step, c.can_resume) for c in checkpoints(run)] == [(2, False), (4, True), (6, False)]
    load_model(run, 2)


def test_checkpoints_after_a_step_are_dropped(new_run, adamw):
    run = new_run()
    for step in (1, 2, 3):
        save_checkpoint(run, *adamw, step)
    drop_after(run, 2)
    assert [c.step for c in checkpoints(run)] == [1, 2]
    drop_after(run, -1)
    assert checkpoints(run) == []


def test_run_without_its_folder_of_checkpoints_has_none(new_run):
    run = new_run()
    shutil.rmtree(run.folder / "checkpoints")
    assert checkpoints(run) == [] and newest_intact(run) is None


def test_worked_example_holds():
    assert doctest.testmod(saving) == doctest.TestResults(failed=0, attempted=1)


@pytest.mark.parametrize("n_steps", [1, 2, 3, 10, 99, 101, 2000, 10_000_000])
@pytest.mark.parametrize("n_checkpoints", [2, 3, 12, 200])
def test_timeline_goes_from_the_first_step_to_the_last(n_steps, n_checkpoints):
    steps = timeline(n_steps, n_checkpoints)
    assert steps[0] == 0 and steps[-1] == n_steps and len(steps) <= n_checkpoints and steps == sorted(set(steps))
