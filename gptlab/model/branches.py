"""Lines that begin alike, read as one row: the beginning once, then the rests side by side, blind to each other.

    a question  its first answer       a question | its first answer | its second answer
    a question  its second answer  ->  0 1        | 2   3     4      | 2   3      4        positions

What a causal model makes of every token is the same in both forms, and the beginning is computed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Branches:
    """Which tokens of a row stand in one line.

    Args:
        positions: (B, S), place of each token in its own line.
        visible: (B, S, S), whether query s may look at key t; True on the diagonal.
    """

    positions: Tensor
    visible: Tensor

    def behind(self, n: int) -> "Branches":
        """The same behind n places that all lines begin with, like those of a soft prompt."""
        B, S = self.positions.shape
        first = torch.arange(n, device=self.positions.device).expand(B, n)
        visible = self.visible.new_ones(B, n + S, n + S).tril()
        visible[:, n:, n:] = self.visible
        return Branches(torch.cat([first, n + self.positions], dim=1), visible)


@dataclass(frozen=True)
class SideBySide:
    """Groups of lines, each group a row.

    Args:
        ids: (B, S), int64; padding is the id 0.
        branches: of the rows.
        rows: (N,), the row of each of all lines.
        places: (N, T), where in its row each token of a line stands; 0 behind a line's end.
    """

    ids: Tensor
    branches: Branches
    rows: Tensor
    places: Tensor

    @classmethod
    def of(cls, groups: Sequence[Sequence[Sequence[int]]], shared: Sequence[int]) -> Self:
        """
        Args:
            groups: the lines of each row, as token ids.
            shared: how many tokens the lines of a group begin with in common, at most the shortest one's.
        """
        width = max(tokens_of(lines, n) for lines, n in zip(groups, shared, strict=True))
        longest = max(len(line) for lines in groups for line in lines)
        ids, positions = np.zeros((2, len(groups), width), dtype=np.int64)
        branch = np.full((len(groups), width), -1)  # 0 is the beginning
        rows = np.repeat(np.arange(len(groups)), [len(lines) for lines in groups])
        places = np.zeros((len(rows), longest), dtype=np.int64)
        lines_before = 0
        for b, (lines, n) in enumerate(zip(groups, shared, strict=True)):
            ids[b, :n], positions[b, :n], branch[b, :n] = lines[0][:n], np.arange(n), 0
            begin = n
            for i, line in enumerate(lines):
                end = begin + len(line) - n
                ids[b, begin:end], positions[b, begin:end], branch[b, begin:end] = line[n:], np.arange(n, len(line)), i + 1
                places[lines_before + i, : len(line)] = [*range(n), *range(begin, end)]
                begin = end
            lines_before += len(lines)
        same = (branch[:, None] == branch[:, :, None]) | (branch[:, None] == 0)
        visible = same & (positions[:, None] <= positions[:, :, None])
        branches = Branches(torch.from_numpy(positions), torch.from_numpy(visible))
        return cls(torch.from_numpy(ids), branches, torch.from_numpy(rows), torch.from_numpy(places))

    def to(self, device: torch.device | str) -> "SideBySide":
        branches = Branches(self.branches.positions.to(device), self.branches.visible.to(device))
        return SideBySide(self.ids.to(device), branches, self.rows.to(device), self.places.to(device))

    def in_lines(self, found: Tensor) -> Tensor:  # (B, S, C) -> (N, T, C)
        """What was found for the tokens of the rows, line by line."""
        return found[self.rows[:, None], self.places]


def tokens_of(lines: Sequence[Sequence[int]], shared: int) -> int:
    """Tokens of a row."""
    return shared + sum(len(line) - shared for line in lines)
