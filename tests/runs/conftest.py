"""A run that trains in a fraction of a second, here or in a worker."""

import json
import random
import time
from dataclasses import asdict

import pytest
import torch

from gptlab.config import DataConfig, LSTMConfig, ModelConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.data import pasted, save
from gptlab.paths import home
from gptlab.runs import worker
from gptlab.runs.curve import Curve
from gptlab.runs.distributed import Ranks
from gptlab.runs.store import create_run
from gptlab.runs.worker import train_run
from gptlab.tokenizer import CharacterTokenizer

torch.set_num_threads(1)

WORDS = "the cat sat on a mat and saw the dog run home 고양이 개 집".split()


def text(n_words=600):
    random_words = random.Random(1)
    return " ".join(random_words.choice(WORDS) + random_words.choice(["", "", ".\n"]) for _ in range(n_words))


def run_config(model=None, content=None, begins_from="", windows="anywhere", **training):
    """Settings and tokenizer of a tiny training; its text is in the library."""
    corpus = pasted(content if content is not None else text(), "words")
    tokenizer = CharacterTokenizer.train(corpus.text)
    shape = dict(vocab_size=tokenizer.vocab_size, block_size=16, n_embd=16)
    models = {None: ModelConfig(**shape, n_layer=1, n_head=2, dropout=0.1), "lstm": LSTMConfig(**shape, n_hidden=16)}
    values = dict(
        n_steps=30, batch_size=4, warmup_steps=5, evaluate_every=10, evaluation_tokens=64, n_checkpoints=4, sample_tokens=8,
        learning_rate=1e-2,
    )  # fmt: skip
    config = RunConfig(
        title="tiny",
        device="cpu",
        model=models.get(model, model),
        tokenizer=TokenizerConfig(),
        data=DataConfig(corpus=save(corpus, home()), windows=windows),
        training=TrainingConfig(**values | training),
        begins_from=begins_from,
    )
    return config, tokenizer


@pytest.fixture
def planned():
    """`planned(n_steps=...)` -> settings and tokenizer."""
    return run_config


@pytest.fixture
def new_run():
    """`new_run(n_steps=...)` -> a queued run."""
    return lambda *args, **changes: create_run(*run_config(*args, **changes))


@pytest.fixture
def trained(new_run):
    """`trained(n_steps=...)` -> a run that was trained here."""

    def build(*args, **changes):
        run = new_run(*args, **changes)
        train_run(run, Ranks())
        return run

    return build


@pytest.fixture
def wish_at(monkeypatch):
    """`wish_at(7, "pause")`: the person wishes it before step 7."""

    def at(step, what):
        def wished(run):
            caller = sessions[-1]
            return what if caller.trainer.step == step else None

        monkeypatch.setattr(worker, "wished", wished)

    sessions = []
    listen = worker.Session.listen
    monkeypatch.setattr(worker.Session, "listen", lambda self: (sessions.append(self), listen(self))[1])
    return at


@pytest.fixture
def record():
    """All losses of a run as its files tell them: steps, evaluations, samples."""

    def read(run):
        curve = Curve(run.folder)
        curve.read()
        return {name: [asdict(r) for r in getattr(curve, name)] for name in ("steps", "evaluations", "samples")}

    return read


@pytest.fixture
def until():
    """`until(lambda: ..., 20)` waits for something to become true."""

    def wait(condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)
        return value

    return wait


@pytest.fixture
def write_json():
    return lambda path, values: path.write_text(json.dumps(values), encoding="utf-8")
