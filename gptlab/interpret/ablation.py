"""What happens without a part: heads and MLPs are switched off, and what the model says is compared.

Zero takes a part's output away; mean puts its average over the text in its place, which takes away only what it says about this token.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gptlab.model.gpt import GPT
from gptlab.model.trace import Intervention, Trace

Head = tuple[int, int]
"""Layer and head."""


@torch.inference_mode()
def switched_off(model: GPT, ids: Tensor, heads: Collection[Head], mlps: Collection[int], how: str) -> Intervention:
    """The intervention that takes these parts away.

    Args:
        ids: (B, T), over which means are taken.
        how: "zero" or "mean".
    """
    if how == "zero":
        return Intervention(heads={head: 0.0 for head in heads}, mlps={layer: 0.0 for layer in mlps})
    trace = Trace()
    model.hidden(ids, trace)
    return Intervention(
        heads={(layer, head): trace.heads[layer][:, head].mean((0, 1)) for layer, head in heads},
        mlps={layer: trace.mlp[layer].mean((0, 1)) for layer in mlps},
    )


@torch.inference_mode()
def loss_nats(model: GPT, ids: Tensor, intervention: Intervention | None = None) -> np.ndarray:
    """Mean nats per token of every window, (B, T) -> (B,)."""
    return _nats(model, model.hidden(ids[:, :-1], intervention=intervention), ids)


def _nats(model: GPT, hidden: Tensor, ids: Tensor) -> np.ndarray:
    """Of what leaves the last block (and the final norm), (B, T, C)."""
    nats = F.cross_entropy(model.logits(hidden).flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
    return nats.view(len(ids), -1).mean(1).cpu().numpy()


@dataclass(frozen=True)
class AblationMap:
    """How much the loss rises without one part at a time.

    Args:
        whole_nats: mean loss of the whole model.
        heads: (L, H) increase in nats per token.
        heads_error: (L, H) standard error of that increase over the windows.
        mlps: (L,)
    """

    whole_nats: float
    heads: np.ndarray
    heads_error: np.ndarray
    mlps: np.ndarray


@torch.inference_mode()
def ablation_map(model: GPT, ids: Tensor, how: str) -> AblationMap:
    """Every head alone, and every MLP alone. `ids` is (B, T + 1). What comes before the part is read once."""
    L, H = model.config.n_layer, model.config.n_head
    trace = Trace()
    whole = _nats(model, model.hidden(ids[:, :-1], trace), ids)

    def rise(layer: int, change: Intervention) -> np.ndarray:  # (B,)
        x = trace.residual[layer]
        for later in range(layer, L):
            x = model.block(x, later, intervention=change)
        return _nats(model, model.final_norm(x), ids) - whole

    everything = switched_off(model, ids[:, :-1], [(layer, head) for layer in range(L) for head in range(H)], range(L), how)
    heads, errors, mlps = np.zeros((L, H)), np.zeros((L, H)), np.zeros(L)
    for layer in range(L):
        for head in range(H):
            added = rise(layer, Intervention(heads={(layer, head): everything.heads[layer, head]}))
            heads[layer, head], errors[layer, head] = added.mean(), added.std(ddof=1) / len(added) ** 0.5 if len(added) > 1 else np.nan
        mlps[layer] = rise(layer, Intervention(mlps={layer: everything.mlps[layer]})).mean()
    return AblationMap(float(whole.mean()), heads, errors, mlps)


@torch.inference_mode()
def next_token(model: GPT, ids: Tensor, intervention: Intervention | None = None) -> np.ndarray:
    """Probabilities of the next token after one text, (1, T) -> (V,)."""
    return model(ids, intervention=intervention)[0, -1].float().softmax(-1).cpu().numpy()
