"""A language model with a task on top: GPT-1's W_y, one linear layer that reads the model at the Extract token."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.errors import ModelError
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.transfer.inputs import N_SPECIAL, Packed

HEAD_STD = 0.02
"""Of W_y's beginning. Source: GPT-1's code."""


class Classifier(nn.Module):
    """h at Extract -> W_y -> classes (equation 3).

    Args:
        language_model: with the three special tokens behind its vocabulary.
        form: of the task, as in `inputs`.
        n_classes: K; a task with choices has one number an answer instead.
        dropout: on h before W_y. Source: GPT-1's code, 0.1.
    """

    def __init__(self, language_model: GPT | LSTM, form: str, n_classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.language_model, self.form, self.dropout = language_model, form, dropout
        self.head = nn.Linear(width_of(language_model.config), 1 if form == "choice" else n_classes)
        nn.init.normal_(self.head.weight, std=HEAD_STD)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: Packed) -> tuple[Tensor, Tensor]:
        """Logits of the classes, (B, K), and the hidden states that the auxiliary loss reads, (B * R, T, C)."""
        hidden = self.language_model.hidden(batch.ids)  # (B * R, T, C)
        read = hidden[torch.arange(len(hidden), device=hidden.device), batch.lengths - 1]  # (B * R, C), at Extract
        read = F.dropout(read, self.dropout, self.training)
        if self.form == "choice":
            return self.head(read).view(len(batch.labels), -1), hidden  # one number an answer
        if self.form == "similarity":
            read = read.view(len(batch.labels), 2, -1).sum(1)  # both orders, added
        return self.head(read), hidden

    def auxiliary_loss(self, batch: Packed, hidden: Tensor) -> Tensor:
        """L1 on the labelled text itself, the special tokens among it: mean nats a token, scalar."""
        inside = torch.arange(batch.ids.shape[1] - 1, device=hidden.device) < (batch.lengths - 1)[:, None]  # (B * R, T - 1)
        logits = self.language_model.logits(hidden[:, :-1][inside])  # (N, V)
        return F.cross_entropy(logits.float(), batch.ids[:, 1:][inside])


def width_of(config: ModelConfig | LSTMConfig) -> int:
    """Of what the model gives out at a position."""
    return config.n_embd


def with_special_tokens(pretrained: GPT | LSTM, n_layers: int | None, seed: int) -> GPT | LSTM:
    """A model of the same shape with three more tokens, which takes over weights from the pretrained one and has the rest at random.

    Args:
        n_layers: -1 takes nothing, 0 the embeddings, n also the first n blocks, all of them also the final norm; None takes everything.
            This is GPT-1's "layers transferred": whatever is taken or not, all of it is trained afterwards.
        seed: of the random weights.

    Raises:
        ModelError: more layers than the model has, or some of an LSTM's or of shared ones.
    """
    config = pretrained.config
    model = build_model(config.with_(vocab_size=config.vocab_size + N_SPECIAL), seed)
    taken = dict(pretrained.state_dict())
    if n_layers is not None:
        taken = {name: tensor for name, tensor in taken.items() if _is_taken(name, pretrained, n_layers)}
    fresh = model.state_dict()
    if "token_embedding.weight" in taken:
        rows = fresh["token_embedding.weight"].clone()
        rows[: config.vocab_size] = taken["token_embedding.weight"]
        rows[config.vocab_size :] *= taken["token_embedding.weight"].std() / rows[config.vocab_size :].std()
        taken["token_embedding.weight"] = rows
    model.load_state_dict(fresh | taken)
    return model


def _is_taken(name: str, pretrained: Any, n_layers: int) -> bool:
    if not isinstance(pretrained, GPT) or pretrained.config.attention_groups != pretrained.config.n_layer:
        raise ModelError("Only a GPT with layers of its own can hand over some of them; hand over all.")
    if not -1 <= n_layers <= pretrained.config.n_layer:
        raise ModelError("The model has {most} layers; hand over -1 (nothing) to {most}.", most=pretrained.config.n_layer)
    if n_layers < 0:
        return False
    if "embedding" in name:
        return True
    if name.startswith("final_norm"):
        return n_layers == pretrained.config.n_layer
    return int(name.split(".")[1]) < n_layers
