"""Several processes as one training, under `torchrun`: PyTorch's own DistributedDataParallel.

Every process takes its rows of the same global batch, so the losses are those of one process, as far as nothing is dropped out and all
tokens count alike.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Ranks:
    """This process among all of one training."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """The one that writes."""
        return self.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model whose gradients are averaged over processes."""
        return DistributedDataParallel(model) if self.world_size > 1 else model

    def mean(self, number: Tensor) -> Tensor:
        """The mean over processes."""
        if self.world_size > 1:
            number = number.clone()
            dist.all_reduce(number)
            number /= self.world_size
        return number

    def agreed(self, text: str | None) -> str | None:
        """What the first process says; a training stops in all processes at the same step, or hangs."""
        if self.world_size == 1:
            return text
        box = [text]
        dist.broadcast_object_list(box, src=0)
        return box[0]


def is_torchrun() -> bool:
    """Whether `torchrun` started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Meet the other processes, and take leave of them: nccl on CUDA, gloo elsewhere.

    A process that ends without taking leave is now and then aborted by its own threads.
    """
    # the others wait while the first one waits for the device, however long it trains something else
    dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=timedelta(days=7))
    try:
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        gc.collect()  # the wrapped model lies in a circle of references and holds the group's threads
        dist.destroy_process_group()
