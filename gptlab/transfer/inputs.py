"""GPT-1's input transformations (section 3.3, Figure 1 right): every task becomes one or more sequences that a language model can read.

    classification   Start text Extract
    entailment       Start premise Delimiter hypothesis Extract
    similarity       both orders of the two texts; what the model makes of them is added
    choice           Start story-and-question Delimiter answer Extract, once for each answer

Start, Delimiter and Extract are three new tokens behind the vocabulary; their embeddings begin at random and are learned
with the task where the model is; beside a frozen one they stay random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from gptlab.errors import DataError
from gptlab.evaluation.scoring import pieces_of
from gptlab.evaluation.task import Example, Task
from gptlab.experiment import TransferConfig
from gptlab.model.branches import SideBySide, tokens_of
from gptlab.tokenizer import Tokenizer

N_SPECIAL = 3
START, DELIMITER, EXTRACT = range(N_SPECIAL)
"""Place of each special token behind the vocabulary."""

LEAST_TEXT = 16
"""Tokens that a soft prompt has to leave. Chosen here: the special tokens, and a short sentence."""

FORMS = ("classification", "entailment", "similarity", "choice")


@dataclass(frozen=True)
class Encoded:
    """An example as sequences of token ids.

    Args:
        rows: one sequence; two for similarity; one an answer for choice.
        label: index of the class, or of the right answer; a quantity is a float.
        n_cut: tokens that did not fit into the context.
        judged: for answers by words, how many tokens at the end of each sequence are the answer.
    """

    rows: tuple[tuple[int, ...], ...]
    label: int | float
    n_cut: int = 0
    judged: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return max(map(len, self.rows))


class Transformation:
    """Turns examples into sequences for one form of task.

    Args:
        form: of `FORMS`.
        tokenizer: the model's; ids from its `vocab_size` on are the special tokens.
        vocab_size: of the pretrained model, which may have more rows than its tokenizer has tokens.
        block_size: longest sequence.
        n_prompt: places of it that a soft prompt takes.

    Raises:
        DataError: another form.
    """

    def __init__(self, form: str, tokenizer: Tokenizer, vocab_size: int, block_size: int, n_prompt: int = 0) -> None:
        if form not in FORMS:
            raise DataError("A task of the form {given!r} cannot be fine-tuned; there are {known}.", given=form, known=", ".join(FORMS))
        self.form, self.tokenizer, self.block_size = form, tokenizer, block_size - n_prompt
        self.start, self.delimiter, self.extract = (vocab_size + special for special in (START, DELIMITER, EXTRACT))

    def __call__(self, example: Example) -> Encoded:
        """
        Raises:
            DataError: texts or choices that do not fit the form.
        """
        rows, cut = zip(*(self._row(parts) for parts in self.parts(example)), strict=True)
        return Encoded(rows, example.label if example.value is None else example.value, sum(cut))

    def parts(self, example: Example) -> list[tuple[str, ...]]:
        """The texts of each sequence, between which a delimiter stands."""
        texts = example.texts
        wanted = {"classification": 1, "choice": len(texts)}.get(self.form, 2)
        if len(texts) != wanted or not texts:
            raise DataError(
                "A task of the form {form} takes {n} text(s) an example; one has {given}.", form=self.form, n=wanted, given=len(texts)
            )
        if self.form == "similarity":
            return [(texts[0], texts[1]), (texts[1], texts[0])]
        if self.form == "choice":
            if not example.choices:
                raise DataError("An example has no answers to choose from.")
            return [("\n".join(texts), choice.strip()) for choice in example.choices]
        return [texts]

    def _row(self, parts: tuple[str, ...]) -> tuple[tuple[int, ...], int]:
        """A sequence and how many tokens were cut: from the end of the longest text, so that no text is lost whole."""
        ids = [self.tokenizer.encode(part).tolist() for part in parts]
        cut = max(0, sum(map(len, ids)) + len(ids) + 1 - self.block_size)
        for _ in range(cut):
            max(ids, key=len).pop()
        row = [self.start]
        for i, part in enumerate(ids):
            row += [self.delimiter, *part] if i else part
        return (*row, self.extract), cut


class Prompted:
    """Turns examples into prompts, each of its answers behind one: what a language model is asked without training.

    Args:
        task: whose answers are words to choose from.

    Raises:
        DataError: another task.
    """

    def __init__(self, task: Task, tokenizer: Tokenizer, block_size: int, n_prompt: int = 0) -> None:
        require_words(task)
        self.task, self.tokenizer, self.block_size = task, tokenizer, block_size - n_prompt

    def __call__(self, example: Example) -> Encoded:
        """
        Raises:
            DataError: an answer that is empty, or longer than the context.
        """
        pieces = pieces_of(self.task, example, self.tokenizer, self.block_size)
        rows = tuple(tuple(piece.ids) for piece in pieces)
        return Encoded(rows, example.label, sum(p.n_cut for p in pieces), tuple(p.judged for p in pieces))


def require_words(task: Task) -> None:
    """
    Raises:
        DataError: a task whose answers are no words to choose from.
    """
    if not task.has_words:
        raise DataError("{task} has no words for its answers; let the head answer.", task=task.name)


def reader(task: Task, config: TransferConfig, tokenizer: Tokenizer, vocab_size: int, block_size: int) -> Transformation | Prompted:
    """What turns a task's examples into sequences for a fine-tuning; `vocab_size` is the pretrained model's.

    Raises:
        DataError: a task that cannot be learned so, or a soft prompt that leaves no room for the text.
    """
    n_prompt = config.n_prompt if config.updated == "prompt" else 0
    if n_prompt and block_size - n_prompt < LEAST_TEXT:
        raise DataError(
            "A soft prompt of {n} vectors leaves {left} tokens of a context of {block_size} for the text. Take {most} vectors at most.",
            n=n_prompt, left=max(0, block_size - n_prompt), block_size=block_size, most=max(0, block_size - LEAST_TEXT),
        )  # fmt: skip
    if config.answer_by == "words":
        return Prompted(task, tokenizer, block_size, n_prompt)
    return Transformation(task.form, tokenizer, vocab_size, block_size, n_prompt)


@dataclass(frozen=True)
class Packed:
    """A batch of B examples with R sequences each, padded to T at the end, where causal attention does not see it.

    Args:
        ids: (B * R, T), int64; padding is the id 0.
        lengths: (B * R,), int64.
        labels: (B,), int64; float32 for quantities.
        judged: (B * R,), int64, tokens at the end that are the answer; empty where a head answers.
        shared: (B,), int64, tokens that all sequences of an example begin with.
        together: the sequences of an example side by side behind what they share; None where that would be no less to compute.
    """

    ids: Tensor
    lengths: Tensor
    labels: Tensor
    judged: Tensor
    shared: Tensor
    together: SideBySide | None

    @classmethod
    def of(cls, examples: Sequence[Encoded]) -> Self:
        rows = [row for example in examples for row in example.rows]
        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        lengths, labels = torch.tensor([len(row) for row in rows]), torch.tensor([example.label for example in examples])
        judged = torch.tensor([n for example in examples for n in example.judged], dtype=torch.long)
        groups = [example.rows for example in examples]
        shared = [_begin_alike(group) for group in groups]
        widest = max(map(tokens_of, groups, shared))
        pays = len(examples) * _work(widest) < len(rows) * _work(width)
        together = SideBySide.of(groups, shared) if pays else None
        return cls(ids, lengths, labels, judged, torch.tensor(shared), together)

    @property
    def tokens(self) -> Tensor:
        """Which token that is computed stands in which place of a sequence, (B * R, T): the same number, the same token."""
        if self.together is None:
            return torch.arange(self.ids.numel(), device=self.ids.device).view_as(self.ids)
        return self.together.rows[:, None] * self.together.ids.shape[1] + self.together.places

    def to(self, device: str) -> "Packed":
        ids, lengths, labels, judged, shared = (t.to(device) for t in (self.ids, self.lengths, self.labels, self.judged, self.shared))
        return Packed(ids, lengths, labels, judged, shared, self.together.to(device) if self.together else None)


def _work(n_tokens: int) -> int:
    """What a sequence costs, in pairs of tokens that attention compares (4 C operations each): a token's way through the matrices of a
    block (24 C^2) is as much as 6 C pairs. Chosen here: C = 64; for wider models reading together pays even more.
    """
    return n_tokens * (6 * 64 + n_tokens)


def _begin_alike(rows: Sequence[Sequence[int]]) -> int:
    """Tokens that all rows begin with."""
    return next((i for i, tokens in enumerate(zip(*rows, strict=False)) if len(set(tokens)) > 1), min(map(len, rows)))
