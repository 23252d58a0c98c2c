"""The decoder of GPT-1, GPT-2, GPT-3 and an ALBERT-style variant.

Source: GPT-1 (Radford et al. 2018), section 3.1, equation 2:

    h_0 = U W_e + W_p                       embed
    h_l = block(h_{l-1}), l = 1 ... n       blocks
    P(u) = softmax(h_n W_e^T)               head: the token embedding again, transposed

GPT-2, section 2.3 moves the LayerNorm and adds a final one; ALBERT, section 3.1 factorises W_e and shares blocks.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import ModelConfig
from gptlab.errors import ModelError
from gptlab.model.attention import Attention, at
from gptlab.model.branches import Branches
from gptlab.model.trace import Intervention, KeyValueCache, Trace, replaced_output
from gptlab.model.vocabulary import TokenEmbedding

INIT_STD = 0.02
"""Standard deviation of fresh weights. GPT-1, section 4.1."""


class MLP(nn.Module):
    """Four times as wide inside; GELU in the tanh form of the papers' code."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.expansion = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.projection = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x: Tensor, layer: int, trace: Trace | None = None, intervention: Intervention | None = None) -> Tensor:
        y = self.projection(F.gelu(self.expansion(x), approximate="tanh"))  # (B, T, C) -> (B, T, F) -> (B, T, C)
        if intervention is not None:
            y = replaced_output(intervention.mlps, layer, y)
        if trace is not None and trace.wants(layer):
            trace.mlp[layer] = y.detach()
        return F.dropout(y, self.dropout, self.training)


class Sublayer(nn.Module):
    """A part (attention or MLP) with its LayerNorm and its way around: the only place where GPT-1 and GPT-2 differ in order."""

    def __init__(self, part: Attention | MLP, config: ModelConfig) -> None:
        super().__init__()
        self.norm_first = config.norm_position == "pre"
        self.norm = nn.LayerNorm(config.n_embd)
        self.part = part

    def forward(self, x: Tensor, layer: int, *watch: Any, wanted: Tensor | None = None) -> Tensor:  # (B, T, C) -> (B, T, C)
        few = {} if wanted is None else {"wanted": wanted}
        around = x if wanted is None else at(wanted, x)
        if self.norm_first:  # GPT-2: normalise what enters the part
            return around + self.part(self.norm(x), layer, *watch, **few)
        return self.norm(around + self.part(x, layer, *watch, **few))  # GPT-1: normalise what leaves the sum


class GPT(nn.Module):
    """Token ids in, logits for the next token out.

    Sharing is an index: with one attention group all layers run the same weights, and they exist (and are saved) once.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        rank = config.embedding_rank or config.n_embd
        self.token_embedding = TokenEmbedding(config.vocab_size, rank)
        self.position_embedding = nn.Embedding(config.block_size, rank)
        self.embedding_projection = nn.Linear(rank, config.n_embd, bias=False) if config.embedding_rank else None
        self.attentions = nn.ModuleList(Sublayer(Attention(config), config) for _ in range(config.attention_groups))
        self.mlps = nn.ModuleList(Sublayer(MLP(config), config) for _ in range(config.mlp_groups))
        self.final_norm = nn.LayerNorm(config.n_embd) if config.norm_position == "pre" else nn.Identity()
        self.initialise_weights()

    def forward(
        self,
        ids: Tensor,
        trace: Trace | None = None,
        intervention: Intervention | None = None,
        cache: KeyValueCache | None = None,
        targets: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Logits of the next token at every position, or how far they are from the right ones.

        Args:
            ids: token ids, (B, T), int64; with a cache, only the tokens that are new.
            trace: is filled on the way; the logits are bit-equal with and without it.
            intervention: replacements to make on the way.
            cache: keys and values of the tokens before `ids`; is extended by `ids`.
            targets: the right next tokens, (B, T).
            weights: how much each of them counts, (B, T); all alike when None.

        Returns:
            (B, T, V); with targets their mean cross-entropy in nats (GPT-1, equation 1), or its sum by weights, scalar, for which the
            logits are never held.

        Raises:
            ModelError: more tokens than `block_size`.
        """
        hidden = self.hidden(ids, trace, intervention, cache)
        if targets is None:
            return self.logits(hidden)
        return self.nats(hidden.flatten(0, 1), targets.flatten(), None if weights is None else weights.flatten())

    def hidden(
        self,
        ids: Tensor,
        trace: Trace | None = None,
        intervention: Intervention | None = None,
        cache: KeyValueCache | None = None,
        soft_prompt: Tensor | None = None,
        branches: Branches | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:  # (B, T) -> (B, T, C)
        """What leaves the last block (and the final norm): the h_n of equation 2. A soft prompt, (P, C), stands before the tokens as P
        vectors that are no tokens, and what leaves its places comes first: (B, P + T, C). Branches say that the tokens (and the vectors
        before them) are no single line. Where few places are wanted, (B, W), the last block computes no others: (B, W, C).
        """
        assert wanted is None or (trace, intervention, cache) == (None, None, None)
        x = self.embed(ids, cache, soft_prompt, branches)  # (B, T, C)
        last = self.config.n_layer - 1
        for layer in range(last + 1):
            x = self.block(x, layer, trace, intervention, cache, branches, wanted if layer == last else None)
        if trace is not None:
            trace.residual[self.config.n_layer] = x.detach()
        if cache is not None:
            cache.length += ids.shape[1]
        return self.final_norm(x)

    def embed(
        self, ids: Tensor, cache: KeyValueCache | None = None, soft_prompt: Tensor | None = None, branches: Branches | None = None
    ) -> Tensor:  # (B, T) -> (B, T, C)
        """h_0: token plus position."""
        begin = cache.length if cache is not None else 0
        end = begin + ids.shape[1] + (0 if soft_prompt is None else len(soft_prompt))
        if branches is not None:
            end = begin + int(branches.positions.max()) + 1
        if end > self.config.block_size:
            raise ModelError(
                "The model was given {n} tokens; its context holds {block_size}. Shorten the text.",
                n=end, block_size=self.config.block_size,
            )  # fmt: skip
        x = self.token_embedding(ids)
        if soft_prompt is not None:
            x = torch.cat([soft_prompt.expand(len(ids), -1, -1), x], dim=1)
        places = slice(begin, end) if branches is None else begin + branches.positions  # (T,) or (B, T)
        x = x + self.position_embedding.weight[places]
        if self.embedding_projection is not None:
            x = self.embedding_projection(x)
        return F.dropout(x, self.config.dropout, self.training)

    def block(
        self,
        x: Tensor,
        layer: int,
        trace: Trace | None = None,
        intervention: Intervention | None = None,
        cache: KeyValueCache | None = None,
        branches: Branches | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:  # (B, T, C) -> (B, T, C)
        """h_{l-1} -> h_l: attention, then the MLP; of the wanted places alone, if any are named."""
        if intervention is not None:
            x = intervention.replace_residual(layer, x)
        if trace is not None and trace.wants(layer):
            trace.residual[layer] = x.detach()
        x = self.attentions[self._group(layer, self.config.attention_groups)](
            x, layer, trace, intervention, cache, branches.visible if branches is not None else None, wanted=wanted
        )
        return self.mlps[self._group(layer, self.config.mlp_groups)](x, layer, trace, intervention)

    def logits(self, hidden: Tensor) -> Tensor:  # (B, T, C) -> (B, T, V)
        """h_n W_e^T; a factorised W_e leads out through the same two matrices that led in."""
        return self.token_embedding.logits(self._as_embedding(hidden))

    def nats(self, hidden: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:  # (N, C), (N,), (N,) -> scalar
        """Mean cross-entropy of the right tokens, or its sum by weights."""
        return self.token_embedding.nats(self._as_embedding(hidden), targets, weights)

    def _as_embedding(self, hidden: Tensor) -> Tensor:
        return hidden if self.embedding_projection is None else hidden @ self.embedding_projection.weight

    def new_cache(self) -> KeyValueCache:
        """An empty cache to generate with."""
        return KeyValueCache()

    @torch.no_grad()
    def initialise_weights(self) -> None:
        """Fresh weights.

        | tensor | distribution | source |
        |---|---|---|
        | embeddings, linear weights | N(0, 0.02) | GPT-1, section 4.1 |
        | linear biases | 0 | GPT-1's code |
        | LayerNorm gain, bias | 1, 0 | GPT-1's code |
        | projections into the residual stream | N(0, 0.02 / sqrt(2 L)) | GPT-2, section 2.3; N = 2 L as nanoGPT and transformers read it |
        | embedding projection (E x C) | N(0, 1 / sqrt(E)) | chosen here: keeps the variance of the embedding |
        """
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INIT_STD)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        if self.embedding_projection is not None:
            nn.init.normal_(self.embedding_projection.weight, std=self.embedding_projection.in_features**-0.5)
        if self.config.residual_init_scaling:
            for name, weight in self.named_parameters():
                if name.endswith("part.projection.weight"):
                    nn.init.normal_(weight, std=INIT_STD / math.sqrt(2 * self.config.n_layer))

    def _group(self, layer: int, n_groups: int) -> int:
        """Which group's weights a layer uses. ALBERT's code: floor(layer * groups / layers)."""
        return layer * n_groups // self.config.n_layer
