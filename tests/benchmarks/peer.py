"""What the benchmarks share: nanoGPT as the peer, its CPU recipe, the same text for both, measuring in turns, and tables.

Nothing of nanoGPT is kept here. Its model and the few functions of its `train.py` that make a batch and choose the learning
rate are taken out of a checkout whose path is an argument of the scripts.
"""

import argparse
import ast
import contextlib
import importlib.util
import io
import json
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from gptlab.data.batches import evaluation_batches  # noqa: E402
from gptlab.device import device_name  # noqa: E402
from gptlab.tokenizer.characters import CharacterTokenizer  # noqa: E402

CPU_RECIPE: dict[str, Any] = dict(
    n_layer=4, n_head=4, n_embd=128, block_size=64, batch_size=12, max_iters=2000, lr_decay_iters=2000, dropout=0.0
)  # fmt: skip
"""nanoGPT's README, "I only have a macbook"."""

SHAKESPEARE: dict[str, Any] = dict(
    learning_rate=1e-3, min_lr=1e-4, warmup_iters=100, beta1=0.9, beta2=0.99, weight_decay=0.1, grad_clip=1.0, bias=False
)  # fmt: skip
"""nanoGPT's config/train_shakespeare_char.py, and train.py for what it does not name."""


class Text:
    """A text as characters: the first nine tenths to train on, the rest for validation, as nanoGPT prepares it."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        tokenizer = CharacterTokenizer.train(text)
        ids = tokenizer.encode(text).astype(np.uint16)
        begin = int(len(text) * 0.9)
        self.train, self.validation, self.vocab_size = ids[:begin], ids[begin:], tokenizer.vocab_size


class NanoGPT:
    """nanoGPT's training with its CPU recipe: `step()` is one iteration of its loop, without logging.

    Args:
        checkout: folder with nanoGPT's `model.py` and `train.py`.
        text: what to train on.
        seed: of weights and batches.
        changes: to the recipe.
    """

    def __init__(self, checkout: Path, text: Text, seed: int, **changes: Any) -> None:
        self.recipe = CPU_RECIPE | SHAKESPEARE | changes
        self.data = tempfile.TemporaryDirectory(prefix="nanogpt-data-")
        text.train.tofile(Path(self.data.name) / "train.bin")
        settings = self.recipe | dict(data_dir=self.data.name, device_type="cpu", device="cpu")
        self.functions = functions_of(checkout / "train.py", ["get_batch", "get_lr"], settings)
        torch.manual_seed(seed)
        self.model = nano_model(checkout, text.vocab_size, **self.recipe)
        with contextlib.redirect_stdout(io.StringIO()):
            self.optimizer = self.model.configure_optimizers(
                self.recipe["weight_decay"], self.recipe["learning_rate"], (self.recipe["beta1"], self.recipe["beta2"]), "cpu"
            )
        self.batch = self.functions["get_batch"]("train")
        self.n_done = 0

    def step(self) -> float:
        rate = self.functions["get_lr"](self.n_done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        _, loss = self.model(*self.batch)
        self.batch = self.functions["get_batch"]("train")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe["grad_clip"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n_done += 1
        return loss.item()

    def loss(self, windows: Iterator[Tensor]) -> float:
        return whole_loss(self.model, lambda model, batch: model(batch[:, :-1], batch[:, 1:].contiguous())[1], windows)


def nano_model(checkout: Path, vocab_size: int, **shape: Any) -> nn.Module:
    """nanoGPT's model, freshly initialised."""
    model = imported(checkout / "model.py")
    names = ("n_layer", "n_head", "n_embd", "block_size", "dropout", "bias")
    with contextlib.redirect_stdout(io.StringIO()):
        return model.GPT(model.GPTConfig(vocab_size=vocab_size, **{name: shape[name] for name in names}))


def imported(path: Path) -> ModuleType:
    """A module from a file anywhere."""
    if not path.is_file():
        raise SystemExit(f"{path} is not there. Give the path of a checkout of github.com/karpathy/nanoGPT.")
    spec = importlib.util.spec_from_file_location(f"nanogpt_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def functions_of(script: Path, names: list[str], settings: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Functions of a script that cannot be imported, with its global settings given."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    scope: dict[str, Any] = settings | dict(np=np, torch=torch, os=os, math=math)
    exec(compile(tree, str(script), "exec"), scope)
    return {name: scope[name] for name in names}


@torch.no_grad()
def whole_loss(model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor], windows: Iterator[Tensor]) -> float:
    """Mean nats per token in fp32."""
    model.eval()
    total, n = 0.0, 0
    for batch in windows:
        total += float(loss(model, batch)) * len(batch)
        n += len(batch)
    model.train()
    return total / n


def all_windows(ids: np.ndarray, block_size: int) -> Iterator[Tensor]:
    """Every token of a split predicted once, in windows that do not overlap."""
    return evaluation_batches(ids, block_size, 128, len(ids))


def milliseconds_in_turns(sides: dict[str, Callable[[], Any]], rounds: int, calls: int, warm_up: int = 5) -> dict[str, list[float]]:
    """Time of one call on each side, a number a round: A A A B B B, A A A B B B ... with `calls` calls each.

    A round is short, so that whatever else the machine does falls on all sides alike.
    """
    for side in sides.values():
        for _ in range(warm_up):
            side()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            begin = time.perf_counter()
            for _ in range(calls):
                side()
            times[name].append((time.perf_counter() - begin) / calls * 1e3)
    return times


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """How many times faster: the median over rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def surroundings(**more: Any) -> dict[str, Any]:
    """What a number was measured on."""
    return (
        dict(
            hardware=device_name("cpu"),
            cores=os.cpu_count(),
            load_before=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            torch=torch.__version__,
            python=platform.python_version(),
            wait_policy=os.environ.get("OMP_WAIT_POLICY", "torch's default"),
        )
        | more
    )


def arguments(about: str, *, nanogpt: bool = False, text: bool = False) -> argparse.ArgumentParser:
    """The arguments that the scripts share."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    if nanogpt:
        parser.add_argument("--nanogpt", type=Path, required=True, help="a checkout of github.com/karpathy/nanoGPT")
    if text:
        parser.add_argument("--text", type=Path, required=True, help="a text file, for example Tiny Shakespeare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    return parser


def report(title: str, about: dict[str, Any], rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print a table, or the same as JSON."""
    if as_json:
        print(json.dumps(dict(benchmark=title, **about, rows=rows)))
        return
    print(title)
    print("  " + " · ".join(f"{name} {value}" for name, value in about.items()))
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names] + [[_written(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        print("  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))))


def _written(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1e4 else f"{value:,.0f}" if isinstance(value, float) else str(value)
