"""The settings of learning a task: one fine-tuning, and a study of many that are compared."""

from dataclasses import dataclass
from typing import Any, Self

from gptlab.settings import Config, setting

UPDATED = ("all", "top", "head", "prompt")
"""What may learn while a model is fine-tuned, from everything to a few vectors."""

ANSWERS = ("head", "words")
"""What gives a fine-tuned model's answer."""


@dataclass(frozen=True, kw_only=True)
class TransferConfig(Config):
    """How a pretrained model learns a task. Defaults for models of some million weights; the papers' are named."""

    n_labels: int | None = setting(None, help="Labelled examples to learn from; empty for all.", unit="examples", low=2, high=1_000_000)
    n_epochs: int = setting(3, help="Times that every example is seen.", low=1, high=1000, source="GPT-1, section 4.1: 3")
    batch_size: int = setting(
        16, help="Examples in one update. GPT-1 takes 32; a few thousand labels make too few updates of that size for blocks that start at "
        "random.", unit="examples", low=1, high=1024,
    )  # fmt: skip
    learning_rate: float = setting(
        1e-3, help="Highest learning rate of AdamW. Small models bear more than GPT-1's 6.25e-5.", low=0.0, high=1.0,
    )  # fmt: skip
    warmup_fraction: float = setting(
        0.1, help="Share of the updates in which the learning rate rises; then it falls to zero along a line. GPT-1 has many more updates "
        "and takes 0.002 of them.", low=0.0, high=1.0,
    )  # fmt: skip
    weight_decay: float = setting(0.01, help="Pull of the weights towards zero.", low=0.0, high=1.0, source="GPT-1's code")
    auxiliary: float = setting(
        0.5, help="Lambda: weight of the language-modelling loss on the labelled text itself (equation 5).", low=0.0, high=10.0,
        source="GPT-1, section 4.1: 0.5",
    )  # fmt: skip
    dropout: float = setting(0.1, help="Share of the read-out set to zero while training.", low=0.0, high=0.9, source="GPT-1's code")
    n_layers_taken: int | None = setting(
        None, help="Layers that start from the pretrained weights: -1 none, 0 the embeddings, empty for all.", low=-1, high=96
    )
    taken_from: str = setting(
        "bottom", help="Whether those layers are the first ones (as in GPT-1) or the last ones.", choices=("bottom", "top")
    )
    answer_by: str = setting(
        "head", help="What gives the answer: a new linear head at the Extract token (GPT-1), or the model's own probability of each "
        "answer's words behind the prompt, which needs no new weights.", choices=ANSWERS, source="words: Schick and Schuetze 2021",
    )  # fmt: skip
    updated: str = setting(
        "all", help="What learns: everything, the last blocks and the head, the head on frozen features, or soft prompt vectors and head.",
        choices=UPDATED,
    )  # fmt: skip
    n_updated: int = setting(1, help="How many last blocks learn, where only those do.", unit="layers", low=1, high=96)
    n_prompt: int = setting(
        16, help="Soft prompt vectors before the text, where only those learn.", unit="vectors", low=1, high=256,
        source="Lester et al. 2021: 20 to 100 for large models",
    )  # fmt: skip
    freeze_taken: bool = setting(
        False, help="Keep the blocks that were handed over as they are; the rest and the embeddings, which hold new tokens, learn."
    )
    precision: str = setting("fp32", help="Number format of the large matrix products.", choices=("fp32", "bf16"))
    seed: int = setting(1, help="Decides the examples, their order, and the random weights.", low=0, high=2**31 - 1)

    def reading(self) -> "TransferConfig":
        """What decides how examples are read, and nothing else."""
        found = TransferConfig(answer_by=self.answer_by)
        return found.with_(updated="prompt", n_prompt=self.n_prompt) if self.updated == "prompt" else found


@dataclass(frozen=True, kw_only=True)
class FineTuning(Config):
    """One model that learns one task."""

    model: str = setting(help="What it starts from: a model that ships, or the id of a run.")
    step: int | None = setting(None, help="Checkpoint of that run; empty for the newest.", unit="steps", low=0, high=10_000_000)
    task: str = setting(help="Name of the task.")
    scratch: bool = setting(False, help="Train the same model from random weights beside it, to compare with.")
    transfer: TransferConfig

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return super().from_json(values | {"transfer": TransferConfig.from_json(values.get("transfer", {}))})


@dataclass(frozen=True, kw_only=True)
class Study(Config):
    """Many fine-tunings, to be compared: every arm with every seed."""

    kind: str = setting(help="Which page shows it.", choices=("layers", "ablations", "few_shot", "ceilings"))
    arms: list = setting(help="The fine-tunings, without their seeds.")
    n_seeds: int = setting(3, help="Repetitions with other examples, order and random weights.", low=1, high=100)

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"arms": [arm.to_json() for arm in self.arms]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        return super().from_json(values | {"arms": [FineTuning.from_json(arm) for arm in values.get("arms", [])]})

    def points(self) -> list[tuple[int, int]]:
        """(arm, seed) in the order in which they are computed: every arm once, then every arm with the next seed."""
        return [(arm, seed) for seed in range(1, self.n_seeds + 1) for arm in range(len(self.arms))]


@dataclass(frozen=True, kw_only=True)
class Induction(Config):
    """A small model of attention alone that learns random tokens said twice."""

    n_steps: int = setting(900, help="Optimizer updates.", unit="steps", low=1, high=100_000)
    batch_size: int = setting(32, help="Sequences in one update.", unit="sequences", low=1, high=1024)
    learning_rate: float = setting(0.01, help="Learning rate of Muon; a tenth of it is AdamW's.", low=0.0, high=1.0)
    seed: int = setting(1, help="Decides weights and sequences.", low=0, high=2**31 - 1)
