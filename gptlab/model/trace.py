"""What can be seen and changed on the way through a model: arguments of `forward`, never attributes of a module.

`Trace` records beside the computation and cannot change it. `Intervention` changes it and says exactly where.
`KeyValueCache` keeps the keys and values of earlier tokens, so that generating costs one token a step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Trace:
    """A notebook that `forward` fills. Every entry is keyed by the layer's index.

    A full trace of 12 layers, 12 heads and 1,024 tokens holds 604 MB of patterns in fp32: choose `layers`.
    """

    layers: frozenset[int] | None = None
    """Layers to record; None for all."""
    queries: dict[int, Tensor] = field(default_factory=dict)
    """(B, H, T, D)"""
    keys: dict[int, Tensor] = field(default_factory=dict)
    """(B, H, S, D)"""
    values: dict[int, Tensor] = field(default_factory=dict)
    """(B, H, S, D)"""
    patterns: dict[int, Tensor] = field(default_factory=dict)
    """(B, H, T, S): softmax weights before dropout; each row sums to 1."""
    heads: dict[int, Tensor] = field(default_factory=dict)
    """(B, H, T, D): what each head adds up, before the output projection mixes the heads."""
    attention: dict[int, Tensor] = field(default_factory=dict)
    """(B, T, C): output of the attention, before it meets the residual stream."""
    mlp: dict[int, Tensor] = field(default_factory=dict)
    """(B, T, C): output of the MLP, before it meets the residual stream."""
    residual: dict[int, Tensor] = field(default_factory=dict)
    """(B, T, C): residual stream that enters the layer; the entry at n_layer is what leaves the last block."""

    def wants(self, layer: int) -> bool:
        return self.layers is None or layer in self.layers


@dataclass(frozen=True)
class Intervention:
    """Replacements to make on the way; each value is a number or a tensor that broadcasts to the place's shape.

    Zero-ablation of head 3 in layer 1 is `Intervention(heads={(1, 3): 0.0})`; mean-ablation gives the mean instead.
    Patching gives the residual stream of another prompt at some positions.
    """

    heads: Mapping[tuple[int, int], Tensor | float] = field(default_factory=dict)
    """(layer, head) -> replaces that head's output, (B, T, D)."""
    mlps: Mapping[int, Tensor | float] = field(default_factory=dict)
    """layer -> replaces the MLP's output, (B, T, C)."""
    attentions: Mapping[int, Tensor | float] = field(default_factory=dict)
    """layer -> replaces the attention's output, (B, T, C)."""
    residuals: Mapping[tuple[int, int], Tensor] = field(default_factory=dict)
    """(layer, position) -> replaces the residual stream that enters the layer at that position, (B, C)."""

    def replace_heads(self, layer: int, output: Tensor) -> Tensor:  # (B, H, T, D) -> (B, H, T, D)
        chosen = {head: value for (at, head), value in self.heads.items() if at == layer}
        if not chosen:
            return output
        output = output.clone()
        for head, value in chosen.items():
            output[:, head] = value
        return output

    def replace_residual(self, layer: int, x: Tensor) -> Tensor:  # (B, T, C) -> (B, T, C)
        chosen = {position: value for (at, position), value in self.residuals.items() if at == layer}
        if not chosen:
            return x
        x = x.clone()
        for position, value in chosen.items():
            x[:, position] = value
        return x


def replaced_output(replacements: Mapping[int, Tensor | float], layer: int, output: Tensor) -> Tensor:
    """`output`, or what the intervention puts in its place."""
    if layer not in replacements:
        return output
    return torch.as_tensor(replacements[layer], dtype=output.dtype, device=output.device).expand_as(output)


class KeyValueCache:
    """Keys and values of the tokens seen so far, for each layer.

    Memory is taken once, for `block_size` tokens: growing by concatenation would copy everything at every token.
    """

    def __init__(self) -> None:
        self.length = 0
        """Tokens seen so far; the position of the next one."""
        self._keys: dict[int, Tensor] = {}
        self._values: dict[int, Tensor] = {}

    def extend(self, layer: int, k: Tensor, v: Tensor, block_size: int) -> tuple[Tensor, Tensor]:
        """Append keys and values of new tokens, (B, H, T, D) each; returns all of them so far, (B, H, S, D)."""
        if layer not in self._keys:
            shape = (*k.shape[:2], block_size, k.shape[3])
            self._keys[layer], self._values[layer] = k.new_empty(shape), v.new_empty(shape)
        end = self.length + k.shape[2]
        self._keys[layer][:, :, self.length : end] = k
        self._values[layer][:, :, self.length : end] = v
        return self._keys[layer][:, :, :end], self._values[layer][:, :, :end]

    def repeated(self, n: int, room: int) -> "KeyValueCache":
        """The same past for n rows, of which this cache has one, with room for so many new tokens (branches need more than a line does)."""
        found = KeyValueCache()
        found.length = self.length

        def copied(past: Tensor) -> Tensor:  # (1, H, S, D) -> (n, H, length + room, D)
            rows = past.new_empty(n, past.shape[1], self.length + room, past.shape[3])
            rows[:, :, : self.length] = past[:, :, : self.length]
            return rows

        found._keys = {layer: copied(k) for layer, k in self._keys.items()}
        found._values = {layer: copied(v) for layer, v in self._values.items()}
        return found
