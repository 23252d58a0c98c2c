"""The worker: takes runs from a device's queue and trains them, one after the other.

`work` is the process's life, `train_run` one run from its last checkpoint to its end, pause, stop or failure.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import numpy as np
import psutil
import torch
from torch import Tensor, nn

from gptlab.config import DataConfig, RunConfig, SamplingConfig, TrainingConfig
from gptlab.data import check_length, encoded, expectations, open_corpus
from gptlab.data.batches import Batches, blank_lines, evaluation_batches
from gptlab.data.village.demonstrations import REPLIES
from gptlab.device import device_name, give_back_memory, memory_bytes
from gptlab.errors import DataError, LabError, TrainingError
from gptlab.generation import generate
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.paths import home
from gptlab.runs import checkpoint as saving
from gptlab.runs.curve import Sample, Start, end_torn_line
from gptlab.runs.desk import SAFETY_CHECKPOINT_S, Desk
from gptlab.runs.distributed import Ranks
from gptlab.runs.estimate import check_memory
from gptlab.runs.inducing import run_induction
from gptlab.runs.job import at_work, devices_folder, forget_wishes, last_ring, queue, wished, write_identity
from gptlab.runs.store import Run, open_run
from gptlab.runs.studying import run_study
from gptlab.runs.tuning import run_fine_tuning
from gptlab.tokenizer import Tokenizer, shown_text
from gptlab.training.answers import AnswersCountMore
from gptlab.training.events import Evaluation, Step
from gptlab.training.loop import Trainer, mean_loss, next_token_loss, reported_every

MOST_LOGITS = 2**23
"""Held at once while a training is evaluated. Chosen here: with their softmax less than a tenth of a gigabyte."""

NICENESS = 15
"""Lets the page go first; training alone loses no measurable speed by it."""


def work(device: str, idle_s: float) -> None:
    """Train what is queued for a device until nothing came for `idle_s` seconds. Returns at once if it has a worker."""
    lock = filelock.FileLock(devices_folder() / f"{device}.lock")
    try:
        lock.acquire(timeout=0.5)
    except filelock.Timeout:
        return
    with lock:
        me = psutil.Process()
        give_way(me)
        warm_up(device)
        write_identity(me, at_work(device))  # not before: who fails on the way is told of, and is not started again at once
        idle_since, heard = time.monotonic(), 0
        wanted(device).unlink(missing_ok=True)  # of somebody who is gone
        while time.monotonic() - idle_since < idle_s:
            if (rung := last_ring(device)) == heard:
                if wanted(device).exists():
                    return
                time.sleep(0.03)
                continue
            heard = rung
            while waiting := queue(device):
                train_run(waiting[0], Ranks())
                give_back_memory()
                idle_since = time.monotonic()


def give_way(me: psutil.Process) -> None:
    """Let pages and everything else go first.

    Linux shares the processor between sessions before it looks at niceness (`sched_autogroup`), and the worker leads a session of its own:
    only as a nice session does it give way. Measured: beside a worker that is merely nice, a page's work takes 1.9 times as long.
    """
    me.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if psutil.WINDOWS else NICENESS)
    group = Path("/proc/self/autogroup")
    if group.exists() and os.getsid(0) == me.pid:
        with suppress(OSError):  # a system that does not allow it
            group.write_text(str(NICENESS))


@contextmanager
def alone_on_device(device: str, ranks: Ranks) -> Iterator[None]:
    """Wait for the device's worker to end its queue, and keep others off meanwhile; the first process does it for all."""
    if not ranks.is_first:
        yield
        return
    lock = filelock.FileLock(devices_folder() / f"{device}.lock")
    while not lock.is_locked:
        wanted(device).touch()  # an idle worker waits for work, and holds the lock until it is asked to go; one that starts forgets it
        with suppress(filelock.Timeout):
            lock.acquire(timeout=1)
    try:
        wanted(device).unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def wanted(device: str) -> Path:
    """The file by which somebody who wants the device for himself asks its idle worker to go."""
    return devices_folder() / f"{device}.wanted"


def warm_up(device: str) -> None:
    """Make the first step of the first run as quick as the later ones: load what is loaded on first use."""
    weights = torch.ones(8, 8, device=device, requires_grad=True)
    (weights @ weights).sum().backward()
    torch.optim.AdamW([weights], fused=True).step()


def train_run(run: Run, ranks: Ranks) -> None:
    """Train one run; whatever happens ends up in its status."""
    log = open(run.folder / "log.txt", "a", encoding="utf-8") if ranks.is_first else open(os.devnull, "w")
    with log:
        desk = Desk(run, ranks, log)
        try:
            if ranks.is_first:
                saving.clear_up(run)
            state = _part(run.config())(run, ranks, desk)
            desk.status(state=state, phase="", seconds_left=0.0)
        except LabError as error:
            desk.fail(error)
        except torch.OutOfMemoryError as error:
            desk.fail(out_of_memory(run.config(), error))
        except RuntimeError as error:
            desk.fail(out_of_memory(run.config(), error) if "allocate memory" in str(error) else unexpected(error))
        except Exception as error:
            desk.fail(unexpected(error))


def _part(config: RunConfig) -> Callable[[Run, Ranks, Desk], str]:
    """What a run is: a pretraining, a fine-tuning, a study of many, or a lesson in induction."""
    parts = ((config.study, run_study), (config.fine_tuning, run_fine_tuning), (config.induction, run_induction))
    return next((part for settings, part in parts if settings is not None), _train)


def _train(run: Run, ranks: Ranks, desk: Desk) -> str:
    """Returns the state in which the run ends."""
    desk.status(phase="reading the text")
    config, tokenizer = run.config(), run.tokenizer()
    data, training = config.to_train()
    desk.status(device_name=device_name(config.device), n_steps=training.n_steps)
    if ranks.is_first:
        check_memory(config.model, training, memory_bytes(config.device)[0], config.device, ranks.world_size)
    train, validation = encoded(data.corpus, tokenizer, data.validation_fraction, home())
    check_length(len(train), len(validation), config.model.block_size)
    loss = _loss(data, training, tokenizer)
    desk.status(phase="building the model")
    model = build_model(config.model, training.seed)
    model.train().to(config.device)
    block_size = config.model.block_size

    rows = min(training.batch_size, max(1, MOST_LOGITS // (block_size * config.model.vocab_size)))

    def read(tokens: np.ndarray) -> tuple[float, float | None]:
        windows = evaluation_batches(tokens, block_size, rows, training.evaluation_tokens)
        return mean_loss(model, windows, config.device, training.precision)

    starts = blank_lines(train, [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)]) if data.windows == "blank line" else None
    batches = Batches(train, block_size, training.batch_size, training.seed, starts)
    trainer = Trainer(
        ranks.wrapped(model),
        loss,
        batches.shard(ranks.rank, ranks.world_size),
        lambda: (read(train)[0], *read(validation)),
        training,
        config.device,
        ranks.mean,
    )
    if (last := saving.newest_intact(run)) is not None:
        desk.status(phase="opening the checkpoint")
        saving.load_weights(model, last)
        trainer.restore(saving.load_trainer_state(last))
        desk.note(f"resumed from step {last.step}")
    elif config.begins_from:
        model.load_state_dict(saving.load_model(open_run(config.begins_from)).state_dict())
    if ranks.is_first:
        saving.drop_after(run, trainer.step if last is not None else -1)
        for name in ("metrics.jsonl", "samples.jsonl"):
            end_torn_line(run.folder / name)
    expected = expectations(train, validation, tokenizer.vocab_size)
    factor = bits_per_byte(data, len(validation))
    desk.append(
        "metrics.jsonl",
        Start(
            trainer.step,
            training.n_steps,
            time.time(),
            expected.uniform_nats,
            expected.unigram_nats,
            expected.bigram_nats,
            factor,
        ),
    )
    return Session(run, desk, ranks, trainer, model, tokenizer).run_to_end()


def _loss(data: DataConfig, training: TrainingConfig, tokenizer: Tokenizer) -> Callable[[nn.Module, Tensor], Tensor]:
    """
    Raises:
        DataError: answers are to count more, and the text has none.
    """
    if training.answer_weight == 1:
        return next_token_loss
    text = open_corpus(data.corpus, home()).text
    labels = [label for label in REPLIES if f"\n{label}" in text]  # a vocabulary of characters may not know the others
    if not labels:
        raise DataError(
            "answer_weight is {weight:g}, but no line of this text begins with {labels}, so nothing would count more. Leave it at 1.",
            weight=training.answer_weight, labels=" ".join(REPLIES),
        )  # fmt: skip
    return AnswersCountMore(tokenizer, labels, training.answer_weight)


def kept_steps(training: TrainingConfig) -> set[int]:
    """The steps to keep for looking back, each at or before its moment of the timeline: a long training tells of every second step, or
    third, and can be saved only then.
    """
    every = reported_every(training.n_steps)
    moments = saving.timeline(training.n_steps, training.n_checkpoints)
    return {step if step == training.n_steps else step // every * every for step in moments}


class Session:
    """One start of a run: listens to the loop, keeps the books, grants wishes."""

    def __init__(
        self, run: Run, desk: Desk, ranks: Ranks, trainer: Trainer, model: GPT | LSTM, tokenizer: Tokenizer
    ) -> None:
        self.run, self.desk, self.ranks, self.trainer = run, desk, ranks, trainer
        self.model, self.tokenizer, self.training = model, tokenizer, trainer.config
        self.keep = kept_steps(self.training)
        self.kept = {c.step for c in saving.checkpoints(run)}
        self.elapsed_before_s = desk.now.elapsed_s
        self.begin_s = self.saved_s = time.monotonic()
        self.begin_step, self.begin_tokens = trainer.step, trainer.tokens
        self.unwritten: list[Step | Evaluation] = []

    def run_to_end(self) -> str:
        try:
            return self.listen()
        except TrainingError:
            self.give_sign()  # the last steps before it broke tell most
            raise

    def listen(self) -> str:
        state = "finished"
        for event in self.trainer.events():
            self.unwritten.append(event)
            if isinstance(event, Evaluation):
                self.write_sample(event)
            self.save_if_due()
            if isinstance(event, Evaluation) or self.desk.sign_is_due:
                self.give_sign()
            wish = self.ranks.agreed(wished(self.run) if self.ranks.is_first else None)
            if wish and self.trainer.step < self.training.n_steps:
                state = {"pause": "paused", "stop": "stopped"}[wish]
                break
        self.save(resumable=True)
        self.give_sign()
        if self.ranks.is_first:
            forget_wishes(self.run)
        return state

    def write_sample(self, event: Evaluation) -> None:
        if not self.ranks.is_first:
            return
        self.model.eval()
        text = sampled_text(self.model, self.tokenizer, self.training)
        self.model.train()
        self.desk.append("samples.jsonl", Sample(event.step, event.validation_nats, text))

    def save_if_due(self) -> None:
        if self.trainer.step in self.keep - self.kept:
            self.save(resumable=self.due())
        elif self.due():
            self.save(resumable=True)

    def due(self) -> bool:
        return time.monotonic() - self.saved_s > SAFETY_CHECKPOINT_S

    def save(self, resumable: bool) -> None:
        if self.ranks.is_first:
            saving.save_checkpoint(self.run, self.model, self.trainer.state() if resumable else None, self.trainer.step)
            saving.drop_superseded(self.run, self.keep)
        self.kept.add(self.trainer.step)
        if resumable:
            self.saved_s = time.monotonic()

    def give_sign(self) -> None:
        """Write the events since the last sign, and the status."""
        self.desk.append("metrics.jsonl", *self.unwritten)
        self.unwritten.clear()
        elapsed = time.monotonic() - self.begin_s
        done = self.trainer.step - self.begin_step
        self.desk.status(
            state="running",
            phase="",
            step=self.trainer.step,
            tokens_per_s=(self.trainer.tokens - self.begin_tokens) / elapsed,
            elapsed_s=self.elapsed_before_s + elapsed,
            seconds_left=(self.training.n_steps - self.trainer.step) * elapsed / done if done else 0.0,
            memory_bytes=used_memory(self.trainer.device, self.desk.process),
        )


def bits_per_byte(data: DataConfig, n_validation_tokens: int) -> float:
    """Factor from nats per token to bits per byte: tokens over bytes, over ln 2. It makes vocabularies comparable."""
    _, validation = open_corpus(data.corpus, home()).split(data.validation_fraction)
    return n_validation_tokens / len(validation.encode("utf-8")) / math.log(2)


def sampled_text(model: GPT | LSTM, tokenizer: Tokenizer, training: TrainingConfig) -> str:
    """What the model writes now: the same prompt and the same random numbers at every evaluation."""
    prompt = training.sample_prompt
    ids = [int(i) for i in tokenizer.encode(prompt)] if prompt else first_ids(tokenizer)
    sampling = SamplingConfig(seed=training.seed)
    written = [t.id for t in generate(model, ids, sampling, training.sample_tokens, tokenizer.end_of_text)]
    return prompt + shown_text(tokenizer, written)


def first_ids(tokenizer: Tokenizer) -> list[int]:
    """Something to begin with: a line break, which stands between documents too, or else the first token."""
    try:
        return [int(i) for i in tokenizer.encode("\n")]
    except LabError:
        return [0]


def used_memory(device: str, process: psutil.Process) -> int:
    """Bytes that the training holds."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else process.memory_info().rss


def out_of_memory(config: RunConfig, error: Exception) -> TrainingError:
    plan = config.study.arms[0] if config.study else config.fine_tuning
    batch_size = config.training.batch_size if config.training else plan.transfer.batch_size if plan else 1
    return TrainingError(
        "The memory ran out ({reason}). Lower batch_size from {batch_size} to {half}, or block_size from {block_size}, "
        "or choose a smaller size.",
        reason=str(error).splitlines()[0][:200], batch_size=batch_size, half=max(1, batch_size // 2), block_size=config.model.block_size,
    )  # fmt: skip


def unexpected(error: Exception) -> LabError:
    return TrainingError(
        "Something unforeseen happened: {kind}: {reason}. The file log.txt of the run says more; the last checkpoint can be resumed.",
        kind=type(error).__name__, reason=str(error)[:300],
    )  # fmt: skip

