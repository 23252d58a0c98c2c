"""The birth of induction heads as a run: two layers of attention learn random tokens that are said twice.

Source: Olsson et al. 2022, "In-context Learning and Induction Heads". The MLPs are set to zero and stay there, so the model is attention
alone, also when another page opens it.
"""

import time

import torch
import torch.nn.functional as F
from torch import Tensor

from gptlab.config import ModelConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.experiment import Induction
from gptlab.interpret.heads import head_scores
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.runs import checkpoint as saving
from gptlab.runs.curve import end_torn_line
from gptlab.runs.desk import Desk
from gptlab.runs.distributed import Ranks
from gptlab.runs.job import forget_wishes, wished
from gptlab.runs.store import Run
from gptlab.tokenizer import CharacterTokenizer, Tokenizer
from gptlab.training.events import Induced
from gptlab.training.optimizer import build_optimizers

SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
"""The 64 tokens."""

LOOKS = 150
"""Looks at the model, and SEEN sequences that it is looked at with."""

SEEN = 64

N_CHECKPOINTS = 12


def induction_config(lesson: Induction, device: str, title: str) -> tuple[RunConfig, Tokenizer]:
    """Two layers, two heads: the smallest model that can do it."""
    tokenizer = CharacterTokenizer.train(SYMBOLS)
    model = ModelConfig(vocab_size=tokenizer.vocab_size, block_size=64, n_layer=2, n_head=4, n_embd=64)
    return RunConfig(title=title, device=device, model=model, tokenizer=TokenizerConfig(), induction=lesson), tokenizer


def said_twice(lesson: Induction, step: int, shape: ModelConfig, n: int) -> tuple[Tensor, Tensor]:
    """Sequences of random tokens, begun again after a number of tokens that is different in each: attention to a fixed place cannot help.

    Returns:
        (n, T + 1) ids, and (n, T) whether the next token was said before.
    """
    random = torch.Generator().manual_seed(lesson.seed * 1_000_003 + step)
    T = shape.block_size
    once = torch.randint(shape.vocab_size, (n, T + 1), generator=random)
    period = torch.randint(T // 4, 3 * T // 4, (n, 1), generator=random)
    places = torch.arange(T + 1)[None, :]
    return once.gather(1, places % period), places[:, 1:] >= period


def run_induction(run: Run, ranks: Ranks, desk: Desk) -> str:
    """Returns the state in which the run ends."""
    config = run.config()
    lesson, shape = config.induction, config.model
    assert lesson is not None and isinstance(shape, ModelConfig)
    model = attention_only(shape, lesson.seed).to(config.device)
    optimizers = build_optimizers(model, training_of(lesson))
    step = 0
    if (last := saving.newest_intact(run)) is not None:
        saving.load_weights(model, last)
        state = saving.load_trainer_state(last)
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        step = state["step"]
    end_torn_line(run.folder / "metrics.jsonl")
    keep = saving.timeline(lesson.n_steps, N_CHECKPOINTS)
    begin_step, begin_s, before_s = step, time.monotonic(), desk.now.elapsed_s
    desk.status(n_steps=lesson.n_steps)

    def save(resumable: bool) -> None:
        state = {"tokens": 0, "optimizers": [optimizer.state_dict() for optimizer in optimizers]} if resumable else None
        saving.save_checkpoint(run, model, state, step)

    while True:
        if step % max(1, lesson.n_steps // LOOKS) == 0 or step == lesson.n_steps:
            desk.append("metrics.jsonl", looked_at(model, lesson, step))
        if step in keep:
            save(resumable=False)
        if step == lesson.n_steps:
            forget_wishes(run)
            desk.status(step=step, elapsed_s=before_s + time.monotonic() - begin_s)
            return "finished"
        if desk.sign_is_due:
            elapsed = time.monotonic() - begin_s
            left = (lesson.n_steps - step) * elapsed / max(1, step - begin_step)
            desk.status(state="running", phase="", step=step, elapsed_s=before_s + elapsed, seconds_left=left)
            if wish := wished(run):
                save(resumable=True)
                forget_wishes(run)
                return {"pause": "paused", "stop": "stopped"}[wish]
        loss = losses(model, *said_twice(lesson, step, shape, lesson.batch_size), device=config.device)[0]
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1


def training_of(lesson: Induction) -> TrainingConfig:
    """Muon at a constant rate. Chosen here: with AdamW (1e-3 to 1e-2) no induction head came within 1,500 steps, with Muon within 300."""
    return TrainingConfig(
        optimizer="muon", learning_rate=lesson.learning_rate / 10, muon_learning_rate=lesson.learning_rate, n_steps=lesson.n_steps,
        warmup_steps=0, seed=lesson.seed,
    )  # fmt: skip


def attention_only(shape: ModelConfig, seed: int) -> GPT:
    """A fresh model whose MLPs say nothing and learn nothing."""
    model = build_model(shape, seed)
    assert isinstance(model, GPT)
    for name, weight in model.mlps.named_parameters():
        weight.requires_grad_(False)
        if name.endswith("part.projection.weight"):
            torch.nn.init.zeros_(weight)
    return model


def losses(model: GPT, ids: Tensor, again: Tensor, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Mean loss of all tokens, of those said for the first time, and of those said again."""
    ids, again = ids.to(device), again.to(device)
    nats = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(again.shape)
    return nats.mean(), nats[~again].mean(), nats[again].mean()


@torch.no_grad()
def looked_at(model: GPT, lesson: Induction, step: int) -> Induced:
    """On sequences that it never learns from."""
    device = str(model.token_embedding.weight.device)
    _all, first, second = losses(model, *said_twice(lesson, -1, model.config, SEEN), device=device)
    return Induced(step, first.item(), second.item(), float(head_scores(model).induction.max()))
