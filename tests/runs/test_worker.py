"""One start of a run, in this process: what ends up in its folder, whatever happens."""

import errno
import json
import math
import os
import random
import time

import psutil
import pytest
import torch

from gptlab.config import ModelConfig
from gptlab.runs import checkpoint as saving
from gptlab.runs import worker
from gptlab.runs.checkpoint import checkpoints, load_model, timeline
from gptlab.runs.curve import Curve
from gptlab.runs.distributed import Ranks
from gptlab.runs.estimate import memory_needed
from gptlab.runs.job import resume
from gptlab.runs.store import delete_run, start_s
from gptlab.runs.worker import train_run


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """Resuming puts a run into the queue; here nobody waits there."""
    monkeypatch.setattr("gptlab.runs.job.ensure_worker", lambda device: None)


@pytest.fixture
def again():
    """Resume a run and train it here."""

    def go(run, n_steps=None):
        resume(run, n_steps)
        assert run.status().state == "queued"
        train_run(run, Ranks())
        return run

    return go


def weights(run):
    return load_model(run).state_dict()


def assert_same_weights(run, other):
    ours, theirs = weights(run), weights(other)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_training_goes_on_from_another_runs_weights(trained, again, record, wish_at):
    base = trained()
    onward = trained(begins_from=base.id)
    first, last = record(onward)["evaluations"][0], record(base)["evaluations"][-1]
    assert first["validation_nats"] == pytest.approx(last["validation_nats"], abs=1e-5) and onward.status().state == "finished"
    wish_at(20, "pause")
    broken = trained(begins_from=base.id)
    wish_at(-1, "pause")
    delete_run(base)  # what goes on has weights of its own
    assert_same_weights(again(broken), onward)


def test_windows_can_begin_with_documents(trained, monkeypatch):
    documents = "\n\n".join(f"{n:04d} is the number of this document." for n in range(400))
    seen, loss = [], worker.next_token_loss
    monkeypatch.setattr(worker, "next_token_loss", lambda model, batch: (seen.append(batch), loss(model, batch))[1])
    run = trained(content=documents, windows="blank line", n_steps=6)
    begins = {run.tokenizer().decode(row[:3].tolist()) for row in torch.cat(seen)}
    assert run.status().state == "finished" and begins <= {"000", "\n\n0"}


def test_answers_can_count_more(trained, record):
    """In the loss of a batch, not in an evaluation."""
    rng = random.Random(1)
    lines = [f"Question: {a}+{b}?\nAnswer: {(a + b) % 10}" for a, b in ((rng.randrange(10), rng.randrange(10)) for _ in range(300))]
    alike, weighed = (trained(content="\n".join(lines), answer_weight=weight) for weight in (1.0, 50.0))
    assert weighed.status().state == "finished"
    losses = [[step["loss_nats"] for step in record(run)["steps"]] for run in (alike, weighed)]
    assert losses[0][0] != losses[1][0], "the first batch is the same, and its loss is not"
    evaluations = [record(run)["evaluations"][0]["validation_nats"] for run in (alike, weighed)]
    assert evaluations[0] == evaluations[1], "an evaluation counts all tokens alike"


def test_a_text_without_answers_is_told(trained):
    assert "no line of this text begins with Answer: A: 대답: 답:" in failure(trained(answer_weight=20.0))


def test_weights_to_begin_from_that_are_gone_are_told(new_run, trained):
    base = trained()
    run = new_run(begins_from=base.id)
    delete_run(base)
    train_run(run, Ranks())
    status = run.status()
    assert status.state == "failed" and status.message.startswith("There is no run") and status.values["run_id"] == base.id


@pytest.mark.parametrize("model", [None, "lstm"])
def test_run_is_trained_to_its_end(trained, record, model):
    run = trained(model)
    status, found = run.status(), record(run)
    assert (status.state, status.step, status.n_steps, status.message, status.phase) == ("finished", 30, 30, "", "")
    assert status.elapsed_s > 0 and status.tokens_per_s > 0 and status.memory_bytes > 2**20 and status.seconds_left == 0
    assert abs(status.heartbeat_s - time.time()) < 60 and "thread" in status.device_name
    assert [s["step"] for s in found["steps"]] == list(range(30))
    assert [e["step"] for e in found["evaluations"]] == [s["step"] for s in found["samples"]] == [0, 10, 20, 30]
    assert found["evaluations"][-1]["validation_nats"] < found["evaluations"][0]["validation_nats"] - 0.1
    assert [c.step for c in checkpoints(run)] == timeline(30, 4) and [c.can_resume for c in checkpoints(run)][-1]


def test_a_long_training_keeps_all_its_moments(trained, monkeypatch):
    """It reports every third step only, and is looked at then."""
    from gptlab.training import loop

    monkeypatch.setattr(loop, "MOST_STEP_EVENTS", 10)
    run = trained(n_steps=30, n_checkpoints=6)
    kept = [c.step for c in checkpoints(run)]
    assert kept == sorted(step if step == 30 else step // 3 * 3 for step in set(timeline(30, 6)) - {1, 2})
    assert len(kept) >= 4



def test_start_tells_what_to_expect(trained):
    curve = Curve((run := trained()).folder)
    curve.read()
    (start,) = curve.starts
    assert (start.step, start.n_steps) == (0, 30)
    assert start.uniform_nats == pytest.approx(math.log(run.tokenizer().vocab_size))
    assert start.bigram_nats < start.unigram_nats < start.uniform_nats
    assert curve.evaluations[0].validation_nats == pytest.approx(start.uniform_nats, abs=0.1)
    assert 0.5 < start.bits_per_byte < 1.45  # some of its characters take three bytes; 1 / ln 2 where each takes one


def test_samples_are_of_the_length_asked_for_and_start_with_the_prompt(trained, record):
    samples = record(trained(sample_prompt="the ", sample_tokens=6))["samples"]
    assert all(s["text"].startswith("the ") and len(s["text"]) == 10 for s in samples)


def test_same_settings_give_the_same_run(trained, record):
    first, second = trained(), trained()
    assert record(first) == record(second)
    assert_same_weights(first, second)
    assert record(trained(seed=2))["steps"] != record(first)["steps"]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("step", [0, 7, 10, 29])
def test_paused_and_resumed_run_is_the_unbroken_one(trained, again, record, wish_at, optimizer, step):
    whole = trained(optimizer=optimizer)
    wish_at(step, "pause")
    run = trained(optimizer=optimizer)
    assert (run.status().state, run.status().step) == ("paused", step) and checkpoints(run)[-1].step == step
    wish_at(-1, "pause")
    again(run)
    assert run.status().state == "finished" and record(run) == record(whole)
    assert_same_weights(run, whole)
    assert f"resumed from step {step}" in (run.folder / "log.txt").read_text()


def test_wish_of_the_last_moment_is_too_late(trained, wish_at):
    wish_at(30, "stop")
    assert trained().status().state == "finished"


def test_stopped_run_has_a_checkpoint_and_forgets_the_wish(new_run):
    run = new_run()
    for what in ("pause", "stop"):
        (run.folder / "requests" / what).touch()
    train_run(run, Ranks())
    assert run.status().state == "stopped" and checkpoints(run)[-1].can_resume
    assert list((run.folder / "requests").iterdir()) == []


def test_run_is_trained_longer(trained, again, record):
    run = again(trained(schedule="constant"), 45)
    assert (run.status().state, run.status().step, run.config().training.n_steps) == ("finished", 45, 45)
    assert record(run)["steps"] == record(trained(schedule="constant", n_steps=45))["steps"]


def test_elapsed_time_adds_up_over_starts(trained, again, wish_at):
    wish_at(15, "pause")
    run = trained()
    before = run.status().elapsed_s
    wish_at(-1, "pause")
    assert again(run).status().elapsed_s > before > 0


def died(run):
    """As a kill leaves it: a status that names a process that is gone."""
    values = json.loads((run.folder / "status.json").read_text())
    (run.folder / "status.json").write_text(json.dumps(values | {"state": "running", "process_start_s": 1.0}))
    assert run.status().state == "died"


def test_run_that_died_at_its_last_step_can_be_resumed(trained, again, record):
    run, whole = trained(), trained()
    died(run)
    again(run)
    assert run.status().state == "finished" and record(run)["steps"] == record(whole)["steps"]
    assert_same_weights(run, whole)


def test_damaged_checkpoint_is_passed_over_and_written_anew(trained, again, record, wish_at):
    whole = trained(n_checkpoints=2)
    wish_at(12, "pause")
    run = trained(n_checkpoints=2)
    wish_at(20, "pause")
    kept = run.folder / "checkpoints" / "step-000000012"
    aside = run.folder / "kept"
    os.rename(kept, aside)  # the later checkpoint would take its optimizer away
    again(run)
    os.rename(aside, kept) if not kept.exists() else None
    damaged = run.folder / "checkpoints" / "step-000000020" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:100])
    wish_at(-1, "pause")
    again(run)
    assert "resumed from step 12" in (run.folder / "log.txt").read_text()
    assert record(run) == record(whole)
    assert_same_weights(run, whole)
    for checkpoint in checkpoints(run):
        load_model(run, checkpoint.step)


def test_damaged_newer_checkpoint_does_not_take_the_good_one_away(trained, again, wish_at, monkeypatch):
    wish_at(12, "pause")
    run = trained(n_checkpoints=2)
    broken = run.folder / "checkpoints" / "step-000000025"
    broken.mkdir()
    (broken / "optimizer.safetensors").write_bytes(b"half")
    wish_at(14, "pause")
    again(run)
    assert saving.newest_intact(run).step == 14


def test_torn_line_costs_no_other(trained, again, record, wish_at):
    wish_at(12, "pause")
    run = trained()
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "st')
    wish_at(-1, "pause")
    again(run)
    curve = Curve(run.folder)
    curve.read()
    assert [s.step for s in curve.starts] == [0, 12] and [s.step for s in curve.steps] == list(range(30))


def test_long_work_is_saved_now_and_then(trained, monkeypatch):
    saved = []
    save = saving.save_checkpoint
    monkeypatch.setattr(worker, "SAFETY_CHECKPOINT_S", 0.0)

    def noted(run, model, state, step):
        saved.append((step, state is not None))
        return save(run, model, state, step)

    monkeypatch.setattr(saving, "save_checkpoint", noted)
    run = trained(n_checkpoints=2)
    assert {(step, True) for step in range(30)} <= set(saved)
    assert [(c.step, c.can_resume) for c in checkpoints(run)] == [(0, False), (30, True)]


def failure(run):
    status = run.status()
    assert status.state == "failed" and status.phase == "" and not status.is_active
    return str(status.error)


def test_diverged_run_fails_with_advice_and_shows_the_steps_before(new_run, record, monkeypatch):
    loss = worker.next_token_loss
    count = iter(range(100))
    monkeypatch.setattr(worker, "next_token_loss", lambda model, batch: loss(model, batch) * (float("nan") if next(count) == 17 else 1))
    run = new_run()
    train_run(run, Ranks())
    assert "not a number any more at step 17, with learning_rate 0.0053. Lower that to a third" in failure(run)
    assert [s["step"] for s in record(run)["steps"]] == list(range(17)) and run.status().step == 17
    assert checkpoints(run)


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("short text", "The training part has 9 tokens, one context needs 17"),
        ("a much longer text, of " * 4, "The validation part has 10 tokens, one context needs 17"),
    ],
)
def test_text_shorter_than_one_context_fails_with_a_sentence(trained, content, sentence):
    assert sentence in failure(trained(content=content)) and "lower block_size" in failure(trained(content=content))


def test_missing_text_fails_with_a_sentence(new_run, lab_home):
    run = new_run()
    for file in (lab_home / "corpora").rglob("text.txt"):
        file.unlink()
    for file in (lab_home / "corpora").rglob("*.npy"):
        file.unlink()
    train_run(run, Ranks())
    assert "is damaged" in failure(run)


@pytest.mark.parametrize("content", ["{", '{"kind": "dream"}', None])
def test_broken_tokenizer_file_fails_with_a_sentence(new_run, content):
    run = new_run()
    (run.folder / "tokenizer.json").unlink() if content is None else (run.folder / "tokenizer.json").write_text(content)
    train_run(run, Ranks())
    assert "The tokenizer file" in failure(run) and "tokenizer.json" in failure(run)


def test_sample_prompt_that_cannot_be_encoded_fails_with_a_sentence(trained):
    assert "日" in failure(trained(sample_prompt="日本"))


def test_training_that_will_not_fit_is_refused_before_it_starts(new_run, monkeypatch, record):
    run = new_run(batch_size=64)
    config = run.config()
    free = memory_needed(config.model, config.training.with_(batch_size=9))
    monkeypatch.setattr(worker, "memory_bytes", lambda device: (free, 2**34))
    train_run(run, Ranks())
    assert "Lower batch_size from 64 to 9," in failure(run) and f" GB of memory and {free / 1e9:.1f} GB are free" in failure(run)
    assert record(run)["steps"] == []


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nmore"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
    ids=["cuda", "cpu"],
)
def test_memory_that_runs_out_names_what_to_lower(new_run, monkeypatch, error):
    def too_much(model, batch):
        raise error

    monkeypatch.setattr(worker, "next_token_loss", too_much)
    run = new_run(batch_size=6)
    train_run(run, Ranks())
    assert "The memory ran out" in failure(run) and "Lower batch_size from 6 to 3, or block_size from 16" in failure(run)
    assert "\n" not in failure(run)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("x"), ZeroDivisionError("{0} {name}")], ids=repr)
def test_the_unforeseen_is_told_and_its_traceback_kept(new_run, monkeypatch, error):
    def broken(model, batch):
        raise error

    monkeypatch.setattr(worker, "next_token_loss", broken)
    run = new_run()
    train_run(run, Ranks())
    assert f"Something unforeseen happened: {type(error).__name__}: {error}" in failure(run)
    log = (run.folder / "log.txt").read_text()
    assert "Traceback (most recent call last)" in log and "in broken" in log


def test_failed_run_can_be_resumed_once_mended(new_run, again, monkeypatch, trained, record):
    loss = worker.next_token_loss
    count = iter(range(100))

    def failing(model, batch):
        if next(count) == 25:
            raise RuntimeError("a bad day")
        return loss(model, batch)

    monkeypatch.setattr(worker, "next_token_loss", failing)
    run = new_run()
    train_run(run, Ranks())
    failure(run)
    monkeypatch.setattr(worker, "next_token_loss", loss)
    again(run)
    assert run.status().state == "finished" and run.status().error is None
    assert record(run) == record(trained())


def test_full_disk_at_a_checkpoint_fails_and_loses_nothing(new_run, again, monkeypatch, trained, record):
    fsync = os.fsync
    writing = []

    def full(fd):
        if "step-000000030" in os.readlink(f"/proc/self/fd/{fd}"):
            writing.append(fd)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fsync(fd)

    monkeypatch.setattr(os, "fsync", full)
    run = new_run()
    train_run(run, Ranks())
    assert "The checkpoint of step 30 could not be written: No space left on device" in failure(run) and writing
    assert [c.step for c in checkpoints(run)] == timeline(30, 4)[:-1]
    monkeypatch.setattr(os, "fsync", fsync)
    again(run)
    assert run.status().state == "finished" and record(run) == record(trained())


def test_disk_too_full_for_the_reason_ends_the_worker(new_run, monkeypatch):
    run = new_run()

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):  # this process's end is what tells the reader
        train_run(run, Ranks())
    assert run.status().state == "queued"


def test_status_names_the_process_that_trains(new_run, monkeypatch):
    run, seen = new_run(), []
    loss = worker.next_token_loss
    monkeypatch.setattr(worker, "next_token_loss", lambda model, batch: (seen.append(run.status()), loss(model, batch))[1])
    train_run(run, Ranks())
    assert seen[0].state == "starting" and seen[-1].state == "running"
    assert {(s.pid, s.process_start_s) for s in seen} == {(os.getpid(), start_s(psutil.Process()))}


def test_albert_style_and_gpt1_runs_train_too(trained):
    for changes in (dict(norm_position="post", residual_init_scaling=False), dict(embedding_rank=4, shared_attention_groups=1)):
        model = ModelConfig(vocab_size=30, block_size=16, n_layer=2, n_head=2, n_embd=16, **changes)
        assert trained(model, n_steps=6, optimizer="muon").status().state == "finished"
