"""What a training will need, before it starts: time from a short measurement on this device, memory from the shapes."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from gptlab.config import LSTMConfig, ModelConfig, TrainingConfig
from gptlab.errors import TrainingError
from gptlab.model.counting import count_lstm_parameters, count_parameters, flops_per_token
from gptlab.paths import replaced
from gptlab.presets import model_config
from gptlab.runs.job import devices_folder

PROBES = ("mini", "small", "medium")
"""Sizes that are measured; larger ones are extrapolated from the last. Chosen here: together they take a second."""

TUNED = "tuned"
"""What is measured beside them: a step of fine-tuning, a small batch of short texts under a vocabulary of thousands. Of some hundred
tokens, changing number formats costs more than the products gain: 41 ms in fp32, 68 in bf16, where a large batch takes 2.5 s and 1.5."""

PRECISIONS = ("fp32", "bf16")

PROBE_S, LEAST_ROUNDS = 0.25, 3
"""Time given to each size, and turns that it takes at least."""

FIXED_BYTES = 20_000_000
"""What any training takes once, for the kernels of its first steps. Measured in tests/benchmarks/memory.py: 13 to 30 MB."""


@dataclass(frozen=True)
class Speed:
    """Training speed of a device, as measured."""

    device_name: str
    flops_per_s: dict[str, dict[str, float]]
    """precision -> size -> floating point operations of training, a second."""

    @property
    def precision(self) -> str:
        """bf16 where it is clearly faster on every size that was measured, else fp32."""
        fp32, bf16 = self.flops_per_s["fp32"], self.flops_per_s["bf16"]
        return "bf16" if all(bf16[size] > 1.1 * fp32[size] for size in PROBES[1:]) else "fp32"

    @property
    def tuning_precision(self) -> str:
        """The same for fine-tuning."""
        return "bf16" if self.flops_per_s["bf16"][TUNED] > 1.1 * self.flops_per_s["fp32"][TUNED] else "fp32"

    def seconds(self, model: ModelConfig | LSTMConfig, training: TrainingConfig) -> float:
        """Expected time of a training with its evaluations and samples: operations, at the rate of the measured size nearest in width.

        Reading a token takes a third of training on it; a sample's token about 0.3 ms a layer (tests/benchmarks/generation_speed.py).
        """
        rates = self.flops_per_s[training.precision]
        nearest = min(PROBES, key=lambda size: abs(model_config(size, "gpt2", 2).n_embd - model.n_embd))
        n_evaluations = training.n_steps // training.evaluate_every + 1
        tokens = training.n_steps * training.batch_size * model.block_size + n_evaluations * 2 * training.evaluation_tokens / 3
        return flops_per_token(model) * tokens / rates[nearest] + n_evaluations * training.sample_tokens * model.n_layer * 0.3e-3


def measured_speed(device: str) -> Speed:
    """The speed of a device: from this home's record if the hardware is the same, else measured now (about a second)."""
    from gptlab.device import device_name

    path, name = devices_folder() / f"{device}-speed.json", device_name(device)
    if (speed := _recorded(path)) is not None and speed.device_name == name:
        return speed
    rates = {size: _probe(device, size) for size in (*PROBES, TUNED)}
    speed = Speed(name, {precision: {size: rate[precision] for size, rate in rates.items()} for precision in PRECISIONS})
    with replaced(path) as file:
        json.dump(asdict(speed), file)
    return speed


def memory_needed(model: ModelConfig | LSTMConfig, training: TrainingConfig, device: str = "cpu") -> int:
    """Bytes that training takes beyond an idle process, roughly (within a third on CPU; see tests/benchmarks/memory.py).

    Weights, gradients and two moments in fp32 are 16 bytes a parameter. Of each block the backward pass keeps about 17 numbers
    a channel and token; of the head there are three a vocabulary entry for each token of a block: logits, their softmax, their gradient.
    """
    from gptlab.model.loss import rows_of_block

    if isinstance(model, LSTMConfig):
        parameters, kept = count_lstm_parameters(model), 12 * model.n_layer * model.n_hidden
    else:
        parameters, kept = count_parameters(model).total, 17 * model.n_layer * model.n_embd
    tokens = training.batch_size * model.block_size
    head = 3 * min(tokens, rows_of_block(model.vocab_size, model.n_embd, device)) * model.vocab_size
    return FIXED_BYTES + 16 * parameters + 4 * (tokens * kept + head)


def check_memory(
    model: ModelConfig | LSTMConfig, training: TrainingConfig, free_bytes: int, device: str = "cpu", n_processes: int = 1
) -> None:
    """
    Args:
        free_bytes: of the device; processes on GPUs have one each, others share it.
        n_processes: that share a batch.

    Raises:
        TrainingError: more is needed than is free; says how far to lower the batch size.
    """
    if device != "cuda":
        free_bytes //= n_processes

    def needed_for(batch_size: int) -> int:
        return memory_needed(model, training.with_(batch_size=max(1, batch_size // n_processes)), device)

    needed = needed_for(training.batch_size)
    if needed <= free_bytes:
        return
    fits = next((size for size in range(training.batch_size - 1, 0, -1) if needed_for(size) <= free_bytes), 0)
    if fits:
        raise TrainingError(
            "This training needs about {needed} GB of memory and {free} GB are free. Lower batch_size from {batch_size} to {fits}, "
            "or choose a smaller size.",
            needed=f"{needed / 1e9:.1f}", free=f"{free_bytes / 1e9:.1f}", batch_size=training.batch_size, fits=fits,
        )  # fmt: skip
    raise TrainingError(
        "This training needs about {needed} GB of memory even with one sequence at a time, and {free} GB are free. Choose a smaller size.",
        needed=f"{needed_for(1) / 1e9:.1f}", free=f"{free_bytes / 1e9:.1f}",
    )  # fmt: skip


def _recorded(path: Path) -> Speed | None:
    try:
        speed = Speed(**json.loads(path.read_text(encoding="utf-8")))
        whole = all(speed.flops_per_s[precision][size] > 0 for precision in PRECISIONS for size in (*PROBES, TUNED))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return speed if whole else None


def _probe(device: str, size: str) -> dict[str, float]:
    """Operations a second in each precision, from the fastest of some training steps on random tokens.

    The precisions take turns and the fastest step counts: whatever else the machine does at that moment falls on both alike, where a
    mean chose fp32 although bf16 is 1.4 times as fast.
    """
    import torch

    from gptlab.model.build import build_model
    from gptlab.presets import training_config
    from gptlab.training.loop import Trainer, next_token_loss

    tuned = size == TUNED
    config = model_config("small", "gpt2", vocab_size=8192, block_size=16) if tuned else model_config(size, "gpt2", vocab_size=256)
    training = {p: training_config("small" if tuned else size, "papers", precision=p) for p in PRECISIONS}
    n_tokens = training["fp32"].batch_size * config.block_size
    batch = torch.randint(config.vocab_size, (training["fp32"].batch_size, config.block_size + 1))

    class Repeated:
        def batch(self, step: int) -> torch.Tensor:
            return batch

    model = build_model(config, seed=0).to(device)
    trainers = {p: Trainer(model, next_token_loss, Repeated(), lambda: (0.0, 0.0, None), training[p], device) for p in PRECISIONS}

    def step_s(trainer: Trainer) -> float:
        begin = time.perf_counter()
        loss, _, _ = trainer.forward_backward()
        trainer.update()
        float(loss)  # waits for the device
        return time.perf_counter() - begin

    fastest = {p: step_s(trainers[p]) for p in PRECISIONS}
    begin, rounds = time.perf_counter(), 0
    while rounds < LEAST_ROUNDS or time.perf_counter() - begin < PROBE_S:
        fastest = {p: min(fastest[p], step_s(trainers[p])) for p in PRECISIONS}
        rounds += 1
    return {p: flops_per_token(config) * n_tokens / fastest[p] for p in PRECISIONS}
