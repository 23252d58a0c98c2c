"""A task: examples in three splits, and how an answer is judged."""

from collections.abc import Callable
from dataclasses import dataclass

SPLITS = ("train", "validation", "test")

N_EXAMPLES = {"train": 4096, "validation": 512, "test": 1024}
"""Chosen here: as many labels as the smaller sets of GPT-1's Table 1 have, and a test split whose 95 % interval is 3 points at most."""

WEIGHED = ("sum", "after", "threshold")
"""Rules by which given answers are weighed; by the others the model writes."""

BY_WORDS = ("sum", "after")
"""Those of them by which an answer is words behind the prompt."""


@dataclass(frozen=True)
class Example:
    """One example.

    Args:
        texts: what a model reads to classify it: one text, or two (premise and claim, story and question).
        prompt: what a language model continues, word for word.
        choices: the continuations to choose from, each with its leading space; empty for free answers.
        label: index of the right choice; 0 for free answers.
        answer: the reference of a free answer.
        also: other references that are as good.
        value: the quantity, where labels are numbers that are to be predicted (as in STS-B); None where they are classes.
        sort: what is asked for, as in "finds.p"; results are shown for each.
    """

    texts: tuple[str, ...]
    prompt: str = ""
    choices: tuple[str, ...] = ()
    label: int = 0
    answer: str = ""
    also: tuple[str, ...] = ()
    sort: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Task:
    """Examples and their metric.

    Args:
        name: "entailment-en".
        form: which input transformation of GPT-1 it takes: classification (one text), entailment (two texts in order), similarity (two
            texts in either order), choice (a text and the example's own choices); "free" for answers that are written.
        rule: how a language model chooses without training: "sum" of the log-probabilities of a choice, "after" for the sum over
            what stands behind the word in which the choices differ, "threshold" on the mean over the text itself, "next" for the next
            word, "write" for free answers, "" where it has no way.
        metric: "accuracy", "mcc", "pearson" for quantities, "f1", "rouge", "bleu".
        labels: names of the classes; empty where each example has choices of its own.
        version: changes with the examples.
        examples: split -> examples, the same each time.
    """

    name: str
    language: str
    form: str
    rule: str
    metric: str
    labels: tuple[str, ...]
    version: str
    examples: Callable[[str], tuple[Example, ...]]

    @property
    def is_regression(self) -> bool:
        """Whether a quantity is to be predicted."""
        return self.metric == "pearson"

    @property
    def has_words(self) -> bool:
        """Whether its answers are words that a language model can weigh."""
        return self.rule in BY_WORDS

    @property
    def n_choices(self) -> int:
        """Of one example; 0 for free answers."""
        return len(self.labels) or len(self.examples("validation")[0].choices)
