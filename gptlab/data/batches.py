"""Windows of tokens for training and for evaluation."""

import re
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from gptlab.errors import DataError


class Batches:
    """Random windows as a pure function of seed and step: a resumed training sees the very same data.

    Args:
        tokens: (n,), any integer type, n > block_size; may be mapped from the disk.
        block_size: T, tokens that the model sees at once.
        batch_size: B, windows in one update, over all processes.
        seed: 0 or greater.
        starts: places where a window may begin, ascending; None for everywhere.
    """

    def __init__(
        self, tokens: np.ndarray, block_size: int, batch_size: int, seed: int, starts: np.ndarray | None = None
    ) -> None:
        assert len(tokens) > block_size
        self.starts = None if starts is None else starts[starts < len(tokens) - block_size]
        assert self.starts is None or len(self.starts)
        self.tokens = np.asarray(tokens)  # a plain view of a mapped file: indexing a memmap costs three times as much
        self.block_size, self.batch_size, self.seed = block_size, batch_size, seed
        self._rows = slice(0, batch_size)
        self._offsets = np.arange(block_size + 1)

    def batch(self, step: int) -> Tensor:
        """Windows of a step, (B, T + 1), int64: the first T columns are the input, the last T the targets."""
        # Philox counts up from here while it draws; the step stands in a higher word, so no two steps overlap.
        random = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, step, 0, 0]))
        n = len(self.tokens) - self.block_size if self.starts is None else len(self.starts)
        starts = random.integers(0, n, self.batch_size)[self._rows]
        if self.starts is not None:
            starts = self.starts[starts]
        return torch.from_numpy(self.tokens[starts[:, None] + self._offsets].astype(np.int64))

    def shard(self, rank: int, world_size: int) -> Self:
        """One process's rows of the same batches, (B / world_size, T + 1).

        Raises:
            DataError: the batch cannot be shared out evenly.
        """
        if self.batch_size % world_size:
            raise DataError(
                "batch_size is {batch_size} and there are {world_size} processes; it has to be a multiple of their number.",
                batch_size=self.batch_size, world_size=world_size,
            )  # fmt: skip
        shard = type(self)(self.tokens, self.block_size, self.batch_size, self.seed, self.starts)
        n_rows = self.batch_size // world_size
        shard._rows = slice(rank * n_rows, (rank + 1) * n_rows)
        return shard


def blank_lines(tokens: np.ndarray, token_bytes: Sequence[bytes]) -> np.ndarray:
    """Where documents begin: the first place, and that of each token with which a blank line begins, ascending, (n,).

    Args:
        tokens: (N,)
        token_bytes: of each token of the vocabulary.
    """
    ends = np.array([len(piece) for piece in token_bytes])[tokens].cumsum()  # in bytes
    text = b"".join(token_bytes[token] for token in tokens)
    places = [match.start() for match in re.finditer(rb"\n\n+", text)]
    return np.unique(np.concatenate([[0], np.searchsorted(ends, places, side="right")]))


def evaluation_batches(tokens: np.ndarray, block_size: int, batch_size: int, n_tokens: int) -> Iterator[Tensor]:
    """Windows spread evenly over the tokens, the same ones every time, each at most (batch_size, T + 1), int64.

    Two windows share at most one token, the last target of the one and the first input of the other, so no token is
    predicted twice.

    Args:
        tokens: (n,), any integer type, n > block_size.
        n_tokens: predictions wanted in all, rounded down to whole windows; at least one window, at most all there are.
    """
    assert len(tokens) > block_size
    n_there = (len(tokens) - 1) // block_size
    n_windows = min(max(n_tokens // block_size, 1), n_there)
    starts = np.arange(n_windows) * n_there // n_windows * block_size
    windows = np.asarray(tokens)
    for first in range(0, n_windows, batch_size):
        rows = starts[first : first + batch_size, None] + np.arange(block_size + 1)
        yield torch.from_numpy(windows[rows].astype(np.int64))
