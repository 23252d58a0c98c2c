"""The recurrent baseline: an LSTM language model with the interface of the GPT.

Source: GPT-1, section 5 and Table 5 (one layer of 2,048 units in place of the Transformer); Hochreiter & Schmidhuber 1997.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import LSTMConfig
from gptlab.errors import ModelError
from gptlab.model.gpt import INIT_STD
from gptlab.model.trace import Intervention, Trace
from gptlab.model.vocabulary import TokenEmbedding


class RecurrentCache:
    """The LSTM's state after the tokens seen so far; it plays the part of `KeyValueCache`."""

    def __init__(self) -> None:
        self.length = 0
        self.state: tuple[Tensor, Tensor] | None = None


class LSTM(nn.Module):
    """Token ids in, logits out; the state of a sequence starts at zero."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = TokenEmbedding(config.vocab_size, config.n_embd)
        self.recurrence = nn.LSTM(
            config.n_embd, config.n_hidden, config.n_layer, batch_first=True, dropout=config.dropout if config.n_layer > 1 else 0.0
        )
        self.projection = nn.Linear(config.n_hidden, config.n_embd, bias=False)
        nn.init.normal_(self.token_embedding.weight, std=INIT_STD)

    def forward(
        self,
        ids: Tensor,
        trace: Trace | None = None,
        intervention: Intervention | None = None,
        cache: RecurrentCache | None = None,
        targets: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Logits of the next token, (B, T) -> (B, T, V); tied to the embedding like the GPT's. With the right tokens, (B, T), their mean
        cross-entropy in nats, or its sum by weights, (B, T), scalar.

        Raises:
            ModelError: a trace or an intervention was given; an LSTM has no heads or blocks to look at.
        """
        if trace is not None or intervention is not None:
            raise ModelError("An LSTM has no attention heads or blocks to look at or to change. Choose a GPT.")
        hidden = self.hidden(ids, cache)
        if targets is None:
            return self.logits(hidden)
        return self.nats(hidden.flatten(0, 1), targets.flatten(), None if weights is None else weights.flatten())

    def hidden(self, ids: Tensor, cache: RecurrentCache | None = None) -> Tensor:  # (B, T) -> (B, T, E)
        x = F.dropout(self.token_embedding(ids), self.config.dropout, self.training)
        x, state = self.recurrence(x, cache.state if cache is not None else None)
        if cache is not None:
            cache.state, cache.length = state, cache.length + ids.shape[1]
        return self.projection(F.dropout(x, self.config.dropout, self.training))

    def new_cache(self) -> RecurrentCache:
        """An empty cache to generate with."""
        return RecurrentCache()

    def logits(self, hidden: Tensor) -> Tensor:  # (B, T, E) -> (B, T, V)
        return self.token_embedding.logits(hidden)

    def nats(self, hidden: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:  # (N, E), (N,), (N,) -> scalar
        """Mean cross-entropy of the right tokens, or its sum by weights."""
        return self.token_embedding.nats(hidden, targets, weights)
