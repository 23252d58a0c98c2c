"""W_e: the vector of each token, which leads into the model and, transposed, out of it again."""

import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.model.loss import weighed_nats


class TokenEmbedding(nn.Embedding):
    """Ids in, vectors out; and back to the logits of all tokens (GPT-1, equation 2)."""

    def logits(self, hidden: Tensor) -> Tensor:  # (..., C) -> (..., V)
        return F.linear(hidden, self.weight)

    def nats(self, hidden: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:  # (N, C), (N,), (N,) -> scalar
        """Mean cross-entropy of the right tokens, or its sum by weights; the logits are never held together."""
        return weighed_nats(hidden, self.weight, targets, weights)
