"""Studies: the fine-tunings that one figure compares."""

from collections.abc import Sequence
from typing import Any

from gptlab.experiment import FineTuning, Study, TransferConfig


def depths(n_layer: int) -> list[int]:
    """All numbers of layers that can be handed over, the most telling first: none, all, the embeddings, then halves between.

    >>> depths(4)
    [-1, 4, 0, 2, 1, 3]
    """
    found = [-1, n_layer, 0]
    gaps = [(0, n_layer)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if middle not in found:
            found.append(middle)
            gaps += [(low, middle), (middle, high)]
    return found


def layer_study(plans: Sequence[FineTuning], n_layer: int, n_seeds: int) -> Study:
    """How much of the pretrained model has to be handed over. From each number of layers, from nothing over the embeddings to all, a model
    starts with so much of the pretrained weights, is fine-tuned as a whole, and is tested. Source: GPT-1, Figure 2 (left).

    Args:
        plans: one for every curve.
    """
    arms = [plan.with_(transfer=plan.transfer.with_(n_layers_taken=n)) for plan in plans for n in depths(n_layer)]
    return Study(kind="layers", arms=arms, n_seeds=n_seeds)


VARIANTS: dict[str, dict[str, Any]] = {
    "words": dict(answer_by="words", auxiliary=0.0, learning_rate=1e-3, batch_size=8, n_epochs=2), "paper": {},
    "no_auxiliary": dict(auxiliary=0.0), "top": dict(taken_from="top"), "frozen": dict(freeze_taken=True),
}  # fmt: skip
"""What is tried about layers -> what is changed. With words the settings were chosen for few labels and updates, on the validation split of
`closed-en` with three seeds (nothing, embeddings, all; 512 labels): .31, .64, .95. With batches of 16 and 1,024 labels .32, .83, .98 in
nearly twice the time; with lambda 0.5 (and rate 1.5e-3) .46, .77, .99 in two and a half times: L2 judges the answer's words already."""

ABLATIONS: dict[str, dict] = {"full": {}, "scratch": dict(n_layers_taken=-1), "no_auxiliary": dict(auxiliary=0.0)}
"""Row of GPT-1's Table 5 -> what is changed; the fourth row is another model."""


def ablation_study(plans: Sequence[FineTuning], lstm: str | None, n_seeds: int) -> Study:
    """What matters: pretraining, the auxiliary loss, the architecture; on each task with the same labels and updates. Source: GPT-1,
    Table 5.

    Args:
        plans: one for every task, each the first row.
        lstm: the model of the fourth row, if there is one.
    """
    arms = []
    for plan in plans:
        arms += [plan.with_(transfer=plan.transfer.with_(**changes)) for changes in ABLATIONS.values()]
        arms += [plan.with_(model=lstm)] if lstm else []
    return Study(kind="ablations", arms=arms, n_seeds=n_seeds)


LABEL_COUNTS = (16, 64, 256, 1024)
"""Labels that are tried, as far as a task has them."""

LEARNING_LESS: dict[str, dict] = {
    "head": dict(learning_rate=1e-2, n_epochs=9), "prompt": dict(learning_rate=3e-2, n_epochs=9),
}  # fmt: skip
"""What else than everything learns, from the most labels, with its own settings. Few weights bear higher rates, and need more."""


def label_study(model: str, task: str, transfer: TransferConfig, n_seeds: int, most: int) -> Study:
    """Everything learned from more and more labels, with and without pretraining; less learned from the most of them.

    Args:
        most: labelled examples that there are.
    """
    counts = [n for n in LABEL_COUNTS if n <= most]
    plans = []
    for n in counts:
        n_epochs = 3 * round((counts[-1] / n) ** 0.5)  # few labels make few updates
        plans += [transfer.with_(n_labels=n, n_epochs=n_epochs, n_layers_taken=taken) for taken in (None, -1)]
    plans += [transfer.with_(n_labels=counts[-1], updated=what, **settings) for what, settings in LEARNING_LESS.items()]
    return Study(kind="few_shot", arms=[FineTuning(model=model, task=task, transfer=plan) for plan in plans], n_seeds=n_seeds)
