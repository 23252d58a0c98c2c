"""A loss in which answers count more than the rest of a text.

In a text with questions, one token in fifteen is an answer; the others are as easy as before, and their loss hides what an answer teaches.
Measured on two hundred updates of lessons in reading: questions answered word for word went from .945 / .926 (English / Korean) to
.941 / .918 with all tokens alike, to .953 / .934 with a weight of 6, to .959 / .934 with 20 (512 questions of the validation split each).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gptlab.tokenizer import Tokenizer


class AnswersCountMore:
    """Mean cross-entropy of every next token, in nats, in which a token of an answer counts `weight` times.

    Args:
        tokenizer: the model's.
        labels: what stands before an answer at the beginning of a line, like "Answer:".
        weight: 1 or more.
    """

    def __init__(self, tokenizer: Tokenizer, labels: Sequence[str], weight: float) -> None:
        self.weight = weight
        self.ends_line = torch.tensor([b"\n" in tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size)])
        self.openings = [torch.from_numpy(tokenizer.encode("\n" + label)) for label in labels]

    def __call__(self, model: nn.Module, batch: Tensor) -> Tensor:  # (B, T + 1) -> scalar
        weights = 1 + (self.weight - 1) * self.answers(batch)[:, 1:].float()  # (B, T)
        loss: Tensor = model(batch[:, :-1], targets=batch[:, 1:], weights=weights / weights.sum())
        return loss

    def answers(self, ids: Tensor) -> Tensor:  # (B, T) -> (B, T), bool
        """Which tokens belong to an answer, the end of its line included."""
        opens = torch.zeros_like(ids, dtype=torch.bool)  # at the last token of what stands before an answer
        for opening in self.openings:
            n = len(opening)
            if n <= ids.shape[1]:
                opens[:, n - 1 :] |= (ids.unfold(1, n, 1) == opening.to(ids.device)).all(-1)
        places = torch.arange(1, ids.shape[1] + 1, device=ids.device)
        opened, ended = ((places * there).cummax(1).values for there in (opens, self.ends_line.to(ids.device)[ids]))  # last one so far
        inside = opened > ended
        return torch.cat([torch.zeros_like(inside[:, :1]), inside[:, :-1]], dim=1)
