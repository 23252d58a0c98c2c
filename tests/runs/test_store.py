import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from gptlab.errors import ConfigError, RunError
from gptlab.runs import store
from gptlab.runs.store import (
    Run,
    Status,
    create_run,
    delete_run,
    is_alive,
    list_runs,
    open_run,
    overview,
    readable_runs,
    run_problem,
    start_s,
)


def test_new_run_is_complete_and_queued(planned):
    config, tokenizer = planned()
    before = time.time()
    run = create_run(config, tokenizer)
    assert run.config() == config and run.tokenizer().id == tokenizer.id
    status = run.status()
    assert (status.state, status.step, status.n_steps) == ("queued", 0, 30) and before <= status.queued_s <= time.time()
    assert sorted(f.name for f in run.folder.iterdir()) == ["checkpoints", "config.json", "requests", "status.json", "tokenizer.json"]


def test_new_run_knows_where_it_was_made(new_run):
    about = new_run().environment()
    assert {"torch", "tokenizers"} <= set(about["versions"]) and about["python"] and about["memory_bytes"] > 0 and "commit" in about


def test_model_from_elsewhere_counts_as_finished(planned):
    config, tokenizer = planned()
    run = create_run(config.with_(data=None, training=None), tokenizer)
    assert (run.status().state, run.status().n_steps) == ("finished", 0)


def test_run_that_could_not_be_written_leaves_nothing(planned, monkeypatch, lab_home):
    def full(*_):
        raise OSError(28, "No space left on device")

    config, tokenizer = planned()
    monkeypatch.setattr(store, "save_tokenizer", full)
    with pytest.raises(OSError):
        create_run(config, tokenizer)
    assert list((lab_home / "runs").iterdir()) == []


def test_list_has_the_newest_first_and_only_runs(planned, monkeypatch, lab_home):
    assert list_runs() == []
    config, tokenizer = planned()
    made = []
    for now in (1_700_000_000.5, 1_800_000_000.0, 1_700_000_000.25):
        monkeypatch.setattr(store.time, "time", lambda now=now: now)
        made.append(create_run(config, tokenizer))
    for name in (".new-20260101-000000-abcd", "notes", "20260101-000000-abcd-copy"):
        (lab_home / "runs" / name).mkdir()
    assert list_runs() == [made[1], made[0], made[2]]


def test_of_two_runs_made_at_one_moment_the_second_takes_the_next(planned, monkeypatch, lab_home):
    config, tokenizer = planned()
    moments = [1_700_000_000.5] * 3 + [1_700_000_001.25, 1_700_000_002.75]
    (lab_home / "runs").mkdir()
    monkeypatch.setattr(store, "time", type("Clock", (), {"time": lambda: moments.pop(0), "strftime": time.strftime,
                                                          "localtime": time.localtime, "sleep": lambda s: None}))  # fmt: skip
    first = store._claim_id(lab_home / "runs")  # is still being made
    made = create_run(config, tokenizer)
    assert (first.name[-4:], made.id[-4:]) == ("8000", "4000") and made.config() == config
    first.rename(lab_home / "runs" / first.name.removeprefix(".new-"))
    moments[:] = [1_700_000_000.5, 1_700_000_002.75, 1_700_000_002.75]
    assert create_run(config, tokenizer).id[-4:] == "c000"


@pytest.mark.parametrize(
    "run_id",
    ["", "..", "../../etc", "20260101-000000-abcd/../x", "20260101-000000-abcd\n", "20260101-000000-ABCD", "a\0b", "20260101-000000-abcd"],
)
def test_unknown_id_is_refused(run_id, lab_home):
    (lab_home / "runs").mkdir()
    with pytest.raises(RunError, match="There is no run .*lists those there are"):
        open_run(run_id)


def test_open_run_finds_what_create_run_made(new_run):
    run = new_run()
    assert open_run(run.id) == run


def test_run_of_a_newer_version_is_listed_but_refused(new_run, write_json):
    run, other = new_run(), new_run()
    write_json(run.folder / "config.json", run.config().to_json() | {"schema_version": 99, "dreams": [1]})
    assert {r.id for r in list_runs()} == {run.id, other.id} and readable_runs() == [other]
    assert [r for r, *_ in overview()] == [other]
    problem = run_problem(run)
    assert isinstance(problem, ConfigError) and "newer GPT Lab (schema version 99" in str(problem)


BROKEN = {
    "empty": "", "cut": '{"state": "que', "no table": "[1, 2]", "binary": "\0\1", "nothing in it": "{}", "a word": "null",
    "deep": "[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_broken_file_is_told_and_does_not_hide_the_others(new_run, name, content):
    run, other = new_run(), new_run()
    (run.folder / name).write_text(content)
    assert str(run_problem(run)) and readable_runs() == [other]
    if name == "status.json":
        assert name in str(run_problem(run)) and run.id in str(run_problem(run))


def test_missing_file_is_told(new_run):
    run = new_run()
    (run.folder / "status.json").unlink()
    with pytest.raises(RunError, match=f"The file status.json of run {run.id} cannot be read .FileNotFoundError."):
        run.status()


@pytest.mark.parametrize(
    "changes", [{"state": 3}, {"queued_s": "now"}, {"pid": "1"}, {"step": None}, {"values": []}, {"state": None}, {"message": 7}], ids=str
)
def test_status_of_wrong_types_is_told(new_run, write_json, changes):
    run = new_run()
    write_json(run.folder / "status.json", {"state": "running", "queued_s": 1.0} | changes)
    with pytest.raises(RunError, match="status.json of run .* does not hold settings"):
        run.status()


def test_status_of_a_newer_version_is_read_as_far_as_known(new_run, write_json):
    run = new_run()
    write_json(run.folder / "status.json", {"state": "paused", "queued_s": 1, "step": 4, "mood": "good"})
    assert run.status() == Status("paused", 1, step=4)


def vanished_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("state", ["starting", "running"])
def test_run_of_a_vanished_worker_has_died(new_run, state):
    run = new_run()
    pid = vanished_pid()
    run.write_status(Status(state, queued_s=1.0, step=7, n_steps=30, pid=pid, process_start_s=time.time()))
    status = run.status()
    assert (status.state, status.step, status.is_active) == ("died", 7, False)
    assert str(status.error).startswith(f"The worker (process {pid}) is gone") and "Resume" in str(status.error)
    assert json.loads((run.folder / "status.json").read_text())["state"] == state  # a reader writes nothing


@pytest.mark.parametrize("state", ["queued", "paused", "stopped", "finished", "failed"])
def test_run_at_rest_cannot_die(new_run, state):
    run = new_run()
    run.write_status(Status(state, queued_s=1.0, pid=vanished_pid()))
    assert run.status().state == state


def test_run_of_a_living_worker_is_running(new_run):
    run, me = new_run(), psutil.Process()
    run.write_status(Status("running", queued_s=1.0, pid=me.pid, process_start_s=start_s(me)))
    assert run.status().state == "running"
    run.write_status(replace(run.status(), process_start_s=start_s(me) - 100))  # the number was used again
    assert run.status().state == "died"


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system itself keeps the date of a process's start")
def test_clock_that_is_put_right_kills_nobody(new_run, monkeypatch):
    run, me = new_run(), psutil.Process()
    run.write_status(Status("running", queued_s=1.0, pid=me.pid, process_start_s=start_s(me)))
    before = me.create_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: 12345.0)
    assert abs(psutil.Process().create_time() - before) > 1000 and run.status().state == "running"


def test_is_alive_knows_zombies_and_numbers_that_are_none(monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_s(psutil.Process(process.pid))
    assert is_alive(process.pid, started)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(process.pid, started)
    process.communicate()
    assert not is_alive(-5, started) and not is_alive(2**40, started)

    def refused(pid):
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(psutil, "Process", refused)
    assert not is_alive(1, 0.0)


def test_delete_takes_the_run_away(new_run, lab_home):
    run, other = new_run(), new_run()
    delete_run(run)
    assert list_runs() == [other] and [f.name for f in (lab_home / "runs").iterdir()] == [other.id]
    with pytest.raises(RunError, match="There is no run"):
        open_run(run.id)


def test_a_run_that_somebody_else_deleted_is_gone_and_all_is_well(new_run):
    run = new_run()
    shutil.rmtree(run.folder)
    delete_run(run)
    assert run not in list_runs()


def test_training_run_is_not_deleted(new_run, write_json):
    run, me = new_run(), psutil.Process()
    run.write_status(Status("running", queued_s=1.0, pid=me.pid, process_start_s=start_s(me)))
    with pytest.raises(RunError, match=f"The run {run.id} is training. Stop it before deleting it."):
        delete_run(run)
    write_json(run.folder / "config.json", {"schema_version": 99})  # not even when we cannot read what it trains
    with pytest.raises(RunError, match="is training"):
        delete_run(run)
    assert run.folder.exists()


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_unreadable_run_can_be_deleted(new_run, name):
    run = new_run()
    (run.folder / name).write_text("{")
    delete_run(run)
    assert list_runs() == []


def test_config_can_be_changed_and_keeps_its_environment(new_run):
    run = new_run()
    before = run.environment()
    run.write_config(run.config().with_(title="새 이름"))
    assert run.config().title == "새 이름" and run.environment() == before


def test_reader_sees_the_old_or_the_new_status_only(new_run, monkeypatch):
    run = new_run()

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        run.write_status(replace(run.status(), state="running"))
    assert run.status().state == "queued" and Run(run.folder).config()
