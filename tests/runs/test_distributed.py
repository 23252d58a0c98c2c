"""Two processes train what one would: `torchrun`, gloo, CPU."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import gptlab
from gptlab.runs import estimate
from gptlab.runs.checkpoint import checkpoints, load_model
from gptlab.runs.distributed import Ranks, is_torchrun
from gptlab.runs.store import create_run, open_run
from gptlab.runs.worker import train_run

ROOT = Path(gptlab.__file__).resolve().parents[1]

SETTINGS = dict(
    n_layer=1, n_head=2, n_embd=16, block_size=16, batch_size=6, evaluate_every=8, evaluation_tokens=64, sample_tokens=5,
    warmup_steps=4, learning_rate=0.01, precision='"fp32"', n_checkpoints=3,
)  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_processes_have_the_losses_of_one(tmp_path, monkeypatch, record, lab_home):
    monkeypatch.setattr(estimate, "_probe", lambda *_: {"fp32": 1e9, "bf16": 1e9})
    estimate.measured_speed("cpu")
    (tmp_path / "text.txt").write_text("the cat sat on a mat and saw the dog run home. " * 40)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    command += ["-m", "gptlab", "train", "--text", str(tmp_path / "text.txt"), "--size", "mini", "--steps", "20", "--device", "cpu"]
    command += ["--json"]
    for name, value in SETTINGS.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (said,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert said | {"elapsed_s": 0} == {"kind": "end", "run": said["run"], "state": "finished", "step": 20, "elapsed_s": 0}

    together = open_run(said["run"])
    alone = create_run(together.config(), together.tokenizer())
    train_run(alone, Ranks())
    ours, theirs = record(together), record(alone)
    assert [s["step"] for s in ours["steps"]] == list(range(20)) and len(ours["samples"]) == len(ours["evaluations"]) == 4
    for kind, names in (("steps", ("loss_nats", "grad_norm")), ("evaluations", ("train_nats", "validation_nats"))):
        for a, b in zip(ours[kind], theirs[kind], strict=True):
            assert all(abs(a[name] - b[name]) < 1e-4 for name in names), (a, b)
            assert a.get("tokens") == b.get("tokens")
    assert ours["evaluations"][-1]["validation_nats"] < ours["evaluations"][0]["validation_nats"] - 0.1
    assert [c.step for c in checkpoints(together)] == [c.step for c in checkpoints(alone)]
    for name, weight in load_model(together).state_dict().items():
        assert (weight - load_model(alone).state_dict()[name]).abs().max() < 1e-3, name


def test_one_process_needs_no_group(monkeypatch):
    ranks = Ranks()
    assert ranks.is_first and ranks.agreed("stop") == "stop" and ranks.agreed(None) is None and ranks.mean("x") == "x"
    assert not Ranks(rank=1, world_size=2).is_first
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not is_torchrun()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not is_torchrun()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert is_torchrun()
