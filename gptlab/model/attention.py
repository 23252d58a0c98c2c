"""Masked multi-head self-attention, computed one way.

Source: Vaswani et al. 2017, section 3.2; GPT-1, section 3.1.

    Attention(Q, K, V) = softmax(Q K^T / sqrt(D)) V, each token looking only at itself and to its left
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import ModelConfig
from gptlab.model.trace import Intervention, KeyValueCache, Trace, replaced_output


class Attention(nn.Module):
    """H heads side by side; together they are as wide as the residual stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_head, self.block_size, self.dropout = config.n_head, config.block_size, config.dropout
        self.query_key_value = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.projection = nn.Linear(config.n_embd, config.n_embd)

    def forward(
        self,
        x: Tensor,
        layer: int,
        trace: Trace | None = None,
        intervention: Intervention | None = None,
        cache: KeyValueCache | None = None,
        visible: Tensor | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:  # (B, T, C) -> (B, T, C); only the wanted places, (B, W) -> (B, W, C)
        if wanted is not None:
            return self._at(wanted, x, visible)
        B, T, C = x.shape
        together = as_attended(self.query_key_value(x))  # (B, T, 3 C)
        q, k, v = together.view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        dropout_p = self.dropout if self.training else 0.0
        past = 0
        if cache is not None:
            past = cache.length
            k, v = cache.extend(layer, k, v, self.block_size)  # (B, H, S, D), S = past + T
        if visible is not None:  # (B, T, T) among the new tokens; what came before is seen by all
            mask = (torch.cat([visible.new_ones(B, T, past), visible], dim=2) if past else visible)[:, None]  # (B, 1, T, S)
            y = attend(q, k, v, attn_mask=mask, dropout_p=dropout_p)
        elif past and T > 1:
            mask = causal_mask(T, past, x.device)
            y = attend(q, k, v, attn_mask=mask)
        else:  # a single new token may look at everything before it
            y = attend(q, k, v, is_causal=T > 1, dropout_p=dropout_p)
        if trace is not None and trace.wants(layer):
            trace.queries[layer], trace.keys[layer], trace.values[layer] = q.detach(), k.detach(), v.detach()
            trace.patterns[layer] = attention_pattern(q, k).detach()
        if intervention is not None:
            y = intervention.replace_heads(layer, y)
        if trace is not None and trace.wants(layer):
            trace.heads[layer] = y.detach()
        y = self.projection(y.transpose(1, 2).reshape(B, T, C))
        if intervention is not None:
            y = replaced_output(intervention.attentions, layer, y)
        if trace is not None and trace.wants(layer):
            trace.attention[layer] = y.detach()
        return F.dropout(y, self.dropout, self.training)

    def _at(self, wanted: Tensor, x: Tensor, visible: Tensor | None) -> Tensor:  # (B, W), (B, T, C) -> (B, W, C)
        """The same for a few places: all are looked at, those alone look."""
        B, T, C = x.shape
        D = C // self.n_head
        weight, bias = self.query_key_value.weight, self.query_key_value.bias
        looks, seen = F.linear(at(wanted, x), weight[:C], bias[:C]), F.linear(x, weight[C:], bias[C:])  # (B, W, C), (B, T, 2 C)
        q = as_attended(looks).view(B, -1, self.n_head, D).transpose(1, 2)  # (B, H, W, D)
        k, v = as_attended(seen).view(B, T, 2, self.n_head, D).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        mask = torch.arange(T, device=x.device) <= wanted[..., None] if visible is None else at(wanted, visible)  # (B, W, T)
        y = attend(q, k, v, attn_mask=mask[:, None], dropout_p=self.dropout if self.training else 0.0)
        return F.dropout(self.projection(y.transpose(1, 2).reshape(B, -1, C)), self.dropout, self.training)


def at(places: Tensor, x: Tensor) -> Tensor:  # (B, W), (B, T, C) -> (B, W, C)
    """What stands at some places of each row."""
    return x[torch.arange(len(x), device=x.device)[:, None], places]


def as_attended(x: Tensor) -> Tensor:
    """Queries, keys and values in the format in which `attend` takes them: on a CPU fp32, for its backward pass in bf16 takes three times
    as long."""
    return x.float() if x.device.type == "cpu" and x.dtype == torch.bfloat16 else x


def attend(q: Tensor, k: Tensor, v: Tensor, **how: Any) -> Tensor:  # (B, H, T, D), (B, H, S, D) twice -> (B, H, T, D)
    """`scaled_dot_product_attention`, on a CPU in the format of what it is given."""
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(q, k, v, **how)


def causal_mask(n_queries: int, past: int, device: torch.device) -> Tensor:
    """(T, S), True where query t may look at key s, when `past` tokens came before the queries."""
    return torch.ones(n_queries, past + n_queries, dtype=torch.bool, device=device).tril(past)


def attention_pattern(q: Tensor, k: Tensor) -> Tensor:
    """The softmax weights that `scaled_dot_product_attention` uses but does not return: (B, H, T, D), (B, H, S, D) -> (B, H, T, S)."""
    T, S = q.shape[2], k.shape[2]
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
    return scores.masked_fill(~causal_mask(T, S - T, q.device), -math.inf).softmax(-1)
