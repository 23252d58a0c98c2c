"""A language model with a task on top: GPT-1's W_y, one linear layer that reads the model at the Extract token."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.errors import ModelError
from gptlab.experiment import TransferConfig
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.transfer.inputs import N_SPECIAL, Packed

HEAD_STD = 0.02
"""Of W_y's beginning. Source: GPT-1's code."""


class Classifier(nn.Module):
    """h at Extract -> W_y -> classes (equation 3); or, by words, the model's own log-probability of each answer.

    Args:
        language_model: with the three special tokens behind its vocabulary.
        form: of the task, as in `inputs`; "words" where no head answers.
        n_classes: K; a task with choices has one number an answer instead, and a quantity is one number.
        dropout: on h before W_y. Source: GPT-1's code, 0.1.
        n_prompt: soft prompt vectors before every sequence. They begin as embeddings of tokens by chance. Source: Lester et al. 2021.

    Raises:
        ModelError: a soft prompt for an LSTM.
    """

    head: nn.Linear | None
    centre: Tensor
    spread: Tensor

    def __init__(self, language_model: GPT | LSTM, form: str, n_classes: int, dropout: float = 0.1, n_prompt: int = 0) -> None:
        super().__init__()
        if n_prompt and not isinstance(language_model, GPT):
            raise ModelError("Soft prompts are for Transformers; an LSTM has none here. Choose what else may learn.")
        self.language_model, self.form, self.dropout = language_model, form, dropout
        self.head = None
        if form != "words":
            self.head = nn.Linear(width_of(language_model.config), 1 if form == "choice" else n_classes)
            nn.init.normal_(self.head.weight, std=HEAD_STD)
            nn.init.zeros_(self.head.bias)
        self.register_buffer("centre", torch.zeros(()))  # quantities are learned as z = (value - centre) / spread
        self.register_buffer("spread", torch.ones(()))
        embedding = language_model.token_embedding.weight.detach()
        self.soft_prompt = None
        if n_prompt:  # where there are fewer tokens than vectors, some begin as the same one
            chosen = torch.randperm(len(embedding))[torch.arange(n_prompt) % len(embedding)]
            self.soft_prompt = nn.Parameter(embedding[chosen].clone())

    def forward(self, batch: Packed, auxiliary: bool = False) -> tuple[Tensor, Tensor | None]:
        """Logits of the classes, (B, K), and the hidden states that the auxiliary loss reads, (B * R, T, C), if there is to be one: what
        answers looks at few tokens, and a GPT's last block computes no others then.
        """
        few = isinstance(self.language_model, GPT) and not auxiliary
        hidden = None if few else self.hidden(batch)  # (B * R, T, C)
        if self.head is None:
            return self.by_words(batch, hidden).view(len(batch.labels), -1), hidden
        at_extract = torch.arange(len(batch.ids), device=batch.ids.device), batch.lengths - 1
        read = self.at_tokens(batch, batch.tokens[at_extract]) if hidden is None else hidden[at_extract]  # (B * R, C)
        read = F.dropout(read, self.dropout, self.training)
        if self.form == "choice":
            return self.head(read).view(len(batch.labels), -1), hidden  # one number an answer
        if self.form == "similarity":
            read = read.view(len(batch.labels), 2, -1).sum(1)  # both orders, added
        return self.head(read), hidden

    def by_words(self, batch: Packed, hidden: Tensor | None) -> Tensor:
        """Sum of the log-probabilities of each answer's tokens, (B * R,). The special tokens are no words. What answers share, like the
        prompt's last token, meets the vocabulary once.
        """
        places = torch.arange(batch.ids.shape[1] - 1, device=batch.ids.device)  # of the token before the one that counts
        counts = (places < (batch.lengths - 1)[:, None]) & (places >= (batch.lengths - 1 - batch.judged)[:, None])  # (B * R, T - 1)
        apart, which = torch.unique(batch.tokens[:, :-1][counts], return_inverse=True)  # (M,), (N,)
        if hidden is None:
            read = self.at_tokens(batch, apart)  # (M, C)
        else:
            one_of_each = which.new_empty(len(apart)).scatter_(0, which, torch.arange(len(which), device=which.device))
            read = hidden[:, :-1][counts][one_of_each]
        nats = self._words(read).log_softmax(-1)[which, batch.ids[:, 1:][counts]]  # (N,)
        return nats.new_zeros(len(batch.ids)).index_add(0, counts.nonzero()[:, 0], nats)

    def _words(self, hidden: Tensor) -> Tensor:  # (N, C) -> (N, V)
        return self.language_model.logits(hidden).float()[:, :-N_SPECIAL]

    def hidden(self, batch: Packed) -> Tensor:  # (B * R, T, C)
        """What the language model makes of the tokens. A GPT reads what the sequences of an example share once for all of them; a soft
        prompt is read before them.
        """
        if not isinstance(self.language_model, GPT):
            return self.language_model.hidden(batch.ids)
        hidden = self._read(self.language_model, batch)[:, self.n_prompt :]
        return hidden if batch.together is None else batch.together.in_lines(hidden)

    def at_tokens(self, batch: Packed, tokens: Tensor) -> Tensor:  # (M,) -> (M, C)
        """The same at a few tokens, of a GPT whose last block computes no others.

        Args:
            tokens: of `batch.tokens`, in rising order, some of every row that is computed.
        """
        assert isinstance(self.language_model, GPT)
        n_rows, width = (batch.ids if batch.together is None else batch.together.ids).shape
        rows, places = tokens // width, tokens % width
        column = torch.arange(len(rows), device=rows.device) - torch.searchsorted(rows, rows)  # which of its row's few
        wanted = rows.new_zeros(n_rows, int(column.max()) + 1).index_put((rows, column), places)  # (n_rows, W)
        return self._read(self.language_model, batch, self.n_prompt + wanted)[rows, column]

    def _read(self, model: GPT, batch: Packed, wanted: Tensor | None = None) -> Tensor:
        """The batch as it is computed: the sequences of an example side by side, if that is less."""
        if batch.together is None:
            return model.hidden(batch.ids, soft_prompt=self.soft_prompt, wanted=wanted)
        branches = batch.together.branches.behind(self.n_prompt) if self.n_prompt else batch.together.branches
        return model.hidden(batch.together.ids, soft_prompt=self.soft_prompt, branches=branches, wanted=wanted)

    @property
    def n_prompt(self) -> int:
        return 0 if self.soft_prompt is None else len(self.soft_prompt)

    def auxiliary_loss(self, batch: Packed, hidden: Tensor) -> Tensor:
        """L1 on the labelled text itself, the special tokens among it: mean nats a token, scalar. By words: on the right answer's."""
        B, T = len(batch.labels), batch.ids.shape[1] - 1
        places = torch.arange(T, device=hidden.device)
        times = (places < (batch.lengths - 1)[:, None]).float().view(B, -1, T)  # (B, R, T): how often a token counts
        if self.head is None:
            times = times * F.one_hot(batch.labels, times.shape[1])[:, :, None]
        else:  # what the sequences share is computed once and counts for all
            alike = places < (batch.shared - 1)[:, None]  # (B, T)
            times[:, 1:] *= ~alike[:, None]
            times[:, 0] += (times.shape[1] - 1) * alike
        counted = times.view(-1, T) > 0
        weights = times.view(-1, T)[counted] / times.sum()  # (N,)
        return self.language_model.nats(hidden[:, :-1][counted], batch.ids[:, 1:][counted], weights)


def width_of(config: ModelConfig | LSTMConfig) -> int:
    """Of what the model gives out at a position."""
    return config.n_embd


def with_special_tokens(pretrained: GPT | LSTM, config: TransferConfig) -> GPT | LSTM:
    """A model of the same shape with three more tokens, which takes over weights from the pretrained one and has the rest at random.

    Args:
        config: `n_layers_taken`: -1 takes nothing, 0 the embeddings, n also n blocks, all of them also the final norm; None takes
            everything. `taken_from` says whether the n blocks are the first or the last; the embeddings come along. This is GPT-1's
            "layers transferred": whatever is taken or not, all of it is trained afterwards. `seed` is that of the random weights.

    Raises:
        ModelError: more layers than the model has, or some of an LSTM's or of shared ones.
    """
    shape = pretrained.config
    model = build_model(shape.with_(vocab_size=shape.vocab_size + N_SPECIAL), config.seed)
    taken = {name: tensor for name, tensor in pretrained.state_dict().items() if is_taken(name, shape, config)}
    fresh = model.state_dict()
    if "token_embedding.weight" in taken:
        rows = fresh["token_embedding.weight"].clone()
        rows[: shape.vocab_size] = taken["token_embedding.weight"]
        rows[shape.vocab_size :] *= taken["token_embedding.weight"].std() / rows[shape.vocab_size :].std()
        taken["token_embedding.weight"] = rows
    model.load_state_dict(fresh | taken)
    return model


def require_blocks(shape: ModelConfig | LSTMConfig) -> None:
    """
    Raises:
        ModelError: an LSTM, or a GPT whose layers share weights: it has no last blocks that could learn alone.
    """
    if not has_blocks(shape):
        raise ModelError("Only a GPT with layers of its own has last blocks that learn alone. Choose what else is to learn.")


def has_blocks(shape: ModelConfig | LSTMConfig) -> bool:
    """Whether a model is a GPT whose layers are its own."""
    return isinstance(shape, ModelConfig) and not shape.shares_layers


def is_taken(name: str, shape: Any, config: TransferConfig) -> bool:
    """Whether a weight of the pretrained model is handed over.

    Raises:
        ModelError: as `with_special_tokens`.
    """
    n = config.n_layers_taken
    if n is None:
        return True
    if isinstance(shape, LSTMConfig):
        if n >= 0:
            raise ModelError("Only a GPT with layers of its own can hand over some of them; hand over all, or nothing (-1).")
        return False
    if n < 0:
        return False
    if not has_blocks(shape):
        raise ModelError("Only a GPT with layers of its own can hand over some of them; hand over all, or nothing (-1).")
    if n > shape.n_layer:
        raise ModelError("The model has {most} layers; hand over -1 (nothing) to {most}.", most=shape.n_layer)
    if "embedding" in name:
        return True
    if name.startswith("final_norm"):
        return n == shape.n_layer or config.taken_from == "top"
    layer = int(name.split(".")[1])
    return layer < n if config.taken_from == "bottom" else layer >= shape.n_layer - n
