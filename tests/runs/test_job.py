"""The queue and its worker, as real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import filelock
import psutil
import pytest
import torch

from gptlab.errors import ConfigError, RunError
from gptlab.runs import job
from gptlab.runs.checkpoint import checkpoints, load_model
from gptlab.runs.curve import Curve
from gptlab.runs.distributed import Ranks
from gptlab.runs.job import devices_folder, ensure_worker, queue, resume, submit, training_run, wish, wished, worker_is_alive
from gptlab.runs.store import Status, delete_run, open_run, start_s
from gptlab.runs.worker import alone_on_device, train_run, work

ROOT = Path(job.__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Sums come out the same in every process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def no_process(monkeypatch):
    """Nobody takes runs out of the queue; gives the devices whose worker was wanted."""
    wanted = []
    monkeypatch.setattr(job, "ensure_worker", wanted.append)
    return wanted


def is_state(run, *states):
    return lambda: run.status().state in states


def test_a_worker_that_fails_on_its_way_is_told_of(lab_home, monkeypatch):
    """A device whose memory somebody else has taken: the worker ends before it begins to work, and is not started again at once."""
    from gptlab.runs import worker

    monkeypatch.setattr(worker, "warm_up", lambda device: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker.work("cpu", idle_s=0)
    assert not job.at_work("cpu").exists()


def test_run_survives_a_pause_and_a_kill(planned, trained, record, until):
    long = dict(n_steps=600, evaluate_every=200)
    whole = trained(**long)
    run = submit(*planned(**long))
    until(is_state(run, "running"))
    wish(run, "pause")
    until(is_state(run, "paused", "finished"))
    paused_at = run.status().step
    assert run.status().state == "paused" and 0 <= paused_at < 600 and checkpoints(run)[-1].step == paused_at

    resume(run)
    until(lambda: run.status().state == "running" and run.status().step > paused_at)
    os.kill(run.status().pid, signal.SIGKILL)
    killed = time.monotonic()
    until(is_state(run, "died"))
    assert time.monotonic() - killed < 2 and not worker_is_alive("cpu")
    assert "is gone: it was killed" in str(run.status().error)

    resume(run)
    until(is_state(run, "finished", "failed"))
    assert run.status().state == "finished" and run.status().step == 600
    assert record(run) == record(whole)
    ours, theirs = load_model(run).state_dict(), load_model(whole).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)

    resume(run, 1000)
    until(lambda: run.status().step > 600)
    wish(run, "stop")
    until(is_state(run, "stopped", "finished"))
    assert run.status().n_steps == 1000 and checkpoints(run)[-1].step == run.status().step


SUBMIT = """
import sys
from pathlib import Path
from gptlab.config import RunConfig
from gptlab.runs.job import submit
from gptlab.tokenizer import load
import json
config = RunConfig.from_json(json.loads(Path(sys.argv[1]).read_text()))
sys.stdin.readline()
print(submit(config, load(Path(sys.argv[2]))).id)
assert "torch" not in sys.modules
"""


def test_two_runs_submitted_at_once_train_one_after_the_other(new_run, until, tmp_path):
    example = new_run(n_steps=400, evaluate_every=200)
    (tmp_path / "config.json").write_text(json.dumps(example.config().to_json()))
    command = [sys.executable, "-c", SUBMIT, str(tmp_path / "config.json"), str(example.folder / "tokenizer.json")]
    submitters = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    example.write_status(replace(example.status(), state="stopped"))
    for submitter in submitters:  # both have imported what they need and wait for this line
        submitter.stdin.write("\n")
        submitter.stdin.flush()
    runs = [open_run(submitter.communicate()[0].strip()) for submitter in submitters]
    most_active = 0

    def both_finished():
        nonlocal most_active
        states = [run.status() for run in runs]
        most_active = max(most_active, sum(s.is_active for s in states))
        assert not any(s.state in ("failed", "died") for s in states)
        return all(s.state == "finished" for s in states)

    until(both_finished)
    assert most_active == 1
    spans = []
    for run in runs:
        curve = Curve(run.folder)
        curve.read()
        assert [s.step for s in curve.steps] == list(range(400)) and len(curve.starts) == 1
        spans.append((curve.starts[0].time_s, run.status().heartbeat_s))
    (_, first_end), (second_begin, _) = sorted(spans)
    assert first_end <= second_begin
    assert len({run.status().pid for run in runs}) == 1


def test_of_two_workers_started_at_once_one_gives_way(new_run):
    run = new_run()
    job.ring("cpu")
    command = [sys.executable, "-m", "gptlab", "worker", "--device", "cpu", "--idle-s", "0.5"]
    workers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(w.communicate(timeout=60)[1], w.returncode) for w in workers] == [("", 0)] * 2
    curve = Curve(run.folder)
    curve.read()
    assert run.status().state == "finished" and len(curve.starts) == 1 and [s.step for s in curve.steps] == list(range(30))


def test_worker_gives_way_to_the_one_that_holds_the_device():
    with filelock.FileLock(devices_folder() / "cpu.lock"):
        work("cpu", idle_s=100.0)  # returns
    assert not (devices_folder() / "cpu.json").exists()


def test_idle_worker_ends(monkeypatch):
    monkeypatch.setattr(os, "nice", lambda by: 0)
    begin = time.monotonic()
    work("cpu", idle_s=0.1)
    assert 0.1 <= time.monotonic() - begin < 5
    with filelock.FileLock(devices_folder() / "cpu.lock", timeout=0):
        pass


def test_worker_takes_what_comes_while_it_is_idle(planned, monkeypatch, no_process):
    monkeypatch.setattr(os, "nice", lambda by: 0)
    waiting = threading.Thread(target=work, args=("cpu", 1.0))
    waiting.start()
    time.sleep(0.3)
    run = submit(*planned(n_steps=5))
    waiting.join(20)
    assert run.status().state == "finished"


def sleeping(monkeypatch):
    """Workers that only sleep; gives what each was started with."""
    started, popen = [], subprocess.Popen

    def start(command, **how):
        started.append((command, how))
        return popen(["sleep", "60"], **how)

    monkeypatch.setattr(job.subprocess, "Popen", start)
    return started


def test_worker_on_its_way_is_not_started_twice(monkeypatch):
    started = sleeping(monkeypatch)
    for _ in range(5):
        ensure_worker("cpu")
    assert len(started) == 1 and worker_is_alive("cpu")
    os.kill(json.loads((devices_folder() / "cpu-starting.json").read_text())["pid"], signal.SIGKILL)
    for _ in range(200):
        if not worker_is_alive("cpu"):
            break
        time.sleep(0.01)
    ensure_worker("cpu")
    assert len(started) == 1  # it ended a moment ago: the next one would end as soon
    half_a_minute_ago = time.time() - job.RETRY_S
    os.utime(devices_folder() / "cpu-starting.json", (half_a_minute_ago, half_a_minute_ago))
    ensure_worker("cpu")
    assert len(started) == 2


def test_worker_that_cannot_begin_is_told_and_not_started_again_at_once(new_run, until, monkeypatch):
    started, popen = [], subprocess.Popen

    def start(command, **how):
        started.append(command)
        return popen([sys.executable, "-c", "print('Übel ' * 200); raise ImportError('libgomp.so.1: cannot open')"], **how)

    run = new_run()
    monkeypatch.setattr(job.subprocess, "Popen", start)
    assert job.worker_problem("cpu") is None
    ensure_worker("cpu")
    until(lambda: not worker_is_alive("cpu"))
    for _ in range(3):
        ensure_worker("cpu")
    assert len(started) == 1 and run.status().state == "queued"
    problem = str(job.worker_problem("cpu"))
    assert "The worker process for cpu ended before it began to work" in problem
    assert problem.endswith("ImportError: libgomp.so.1: cannot open")
    assert str(devices_folder() / "cpu.log") in problem and len(problem) < 900
    with filelock.FileLock(devices_folder() / "cpu.lock"):  # it may have given way to this one
        assert job.worker_problem("cpu") is None


def test_worker_that_worked_and_ended_is_no_problem(new_run, until):
    run = new_run(n_steps=5)
    ensure_worker("cpu", idle_s=1)
    until(lambda: run.status().state == "finished" and not worker_is_alive("cpu"))
    assert job.worker_problem("cpu") is None


def test_worker_has_the_same_home_even_if_it_was_named_from_here(monkeypatch, lab_home):
    started = sleeping(monkeypatch)
    monkeypatch.chdir(lab_home.parent)
    monkeypatch.setenv("GPTLAB_HOME", "home")
    ensure_worker("cpu")
    (command, how), = started
    assert how["env"]["GPTLAB_HOME"] == str(lab_home.resolve()) and how["start_new_session"]
    assert command[1:] == ["-m", "gptlab", "worker", "--device", "cpu", "--idle-s", "900"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": "x", "process_start_s": 1}', '{"pid": 1}'])
def test_broken_note_about_the_worker_means_there_is_none(content):
    (devices_folder() / "cpu.json").write_text(content)
    assert not worker_is_alive("cpu")
    (devices_folder() / "cpu.json").unlink()


def test_queue_is_first_come_first_served_and_a_devices_own(new_run, planned, no_process):
    first, second, third = (new_run() for _ in range(3))
    for run, queued_s in ((first, 3.0), (second, 1.0), (third, 2.0)):
        run.write_status(replace(run.status(), queued_s=queued_s))
    third.write_config(third.config().with_(device="cuda"))
    assert queue("cpu") == [second, first] and queue("cuda") == [third] and queue("mps") == []
    wish(second, "pause")
    assert queue("cpu") == [first]
    resume(second)
    assert queue("cpu") == [first, second]


def test_queue_passes_over_what_cannot_be_read(new_run):
    broken, run = new_run(), new_run()
    (broken.folder / "config.json").write_text("{")
    assert queue("cpu") == [run] and training_run("cpu") is None


def test_training_run_is_the_active_one_of_the_device(new_run):
    run, me = new_run(), psutil.Process()
    new_run()
    run.write_status(Status("running", queued_s=1.0, pid=me.pid, process_start_s=start_s(me)))
    assert training_run("cpu") == run and training_run("cuda") is None


def test_submit_rings_and_wants_a_worker(planned, no_process):
    heard = job.last_ring("cpu")
    run = submit(*planned())
    assert job.last_ring("cpu") > heard and no_process == ["cpu"] and queue("cpu") == [run]


@pytest.mark.parametrize("what, state", [("pause", "paused"), ("stop", "stopped")])
def test_queued_run_obeys_at_once(new_run, what, state):
    run = new_run()
    wish(run, what)
    assert run.status().state == state


@pytest.mark.parametrize("what, state", [("pause", "paused"), ("stop", "stopped")])
def test_wish_is_heard_even_if_the_worker_takes_the_run_at_that_moment(new_run, what, state):
    run = new_run()
    wish(run, what)
    run.write_status(replace(run.status(), state="queued"))  # as if the worker had read it before, and trained on
    train_run(run, Ranks())
    assert run.status().state == state


def test_wish_of_a_training_run_waits_and_a_stop_outweighs_a_pause(new_run):
    run, me = new_run(), psutil.Process()
    run.write_status(Status("running", queued_s=1.0, pid=me.pid, process_start_s=start_s(me)))
    assert wished(run) is None
    wish(run, "pause")
    assert wished(run) == "pause" and run.status().state == "running"
    wish(run, "stop")
    assert wished(run) == "stop"
    job.forget_wishes(run)
    assert wished(run) is None


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_wish_changes_nothing_for_a_run_that_is_over(new_run, state):
    run = new_run()
    run.write_status(Status(state, queued_s=1.0))
    wish(run, "pause")
    wish(run, "stop")
    assert run.status().state == state


def test_paused_run_can_be_stopped(new_run):
    run = new_run()
    wish(run, "pause")
    wish(run, "stop")
    assert run.status().state == "stopped"


def test_resume_forgets_old_wishes_and_errors(new_run, no_process):
    run = new_run()
    wish(run, "stop")
    run.write_status(replace(run.status(), state="failed", message="It broke at {step}.", values={"step": 3}, step=3))
    resume(run)
    status = run.status()
    assert (status.state, status.step, status.error) == ("queued", 3, None) and wished(run) is None


def test_resume_refuses_what_makes_no_sense(new_run, planned, no_process):
    run = new_run()
    with pytest.raises(RunError, match="is in the queue or training already"):
        resume(run)
    run.write_status(Status("finished", queued_s=1.0, step=30, n_steps=30))
    for n_steps in (None, 30, 12):
        with pytest.raises(RunError, match="has done 30 of .* steps; ask for more steps to train it longer"):
            resume(run, n_steps)
    with pytest.raises(ConfigError, match="n_steps is"):
        resume(run, 10**9)
    assert run.config().training.n_steps == 30 and run.status().state == "finished" and no_process == []
    run.write_config(run.config().with_(data=None, training=None))
    with pytest.raises(ConfigError, match="is a model from elsewhere"):
        resume(run, 60)


def test_run_deleted_while_it_waits_does_not_disturb_the_queue(new_run):
    doomed, run = new_run(), new_run()
    delete_run(doomed)
    assert queue("cpu") == [run]


def test_idle_worker_goes_when_the_device_is_wanted(until, lab_home):
    """As under torchrun, whose first process wants the device for itself."""
    ensure_worker("cpu")
    until((devices_folder() / "cpu.json").exists)
    with alone_on_device("cpu", Ranks()):
        until(lambda: not worker_is_alive("cpu"))
    assert not (devices_folder() / "cpu.wanted").exists()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="only Linux shares the processor between sessions")
def test_worker_gives_way_as_a_session_too(until):
    ensure_worker("cpu", idle_s=5)
    until(lambda: (devices_folder() / "cpu.json").exists())
    pid = json.loads((devices_folder() / "cpu.json").read_text())["pid"]
    until(lambda: psutil.Process(pid).nice() == 15 and Path(f"/proc/{pid}/autogroup").read_text().endswith("nice 15\n"))
    assert Path("/proc/self/autogroup").read_text() != Path(f"/proc/{pid}/autogroup").read_text()
