"""The settings of everything: model, tokenizer, data, training, writing, and a whole run.

`settings` says what a setting is; here are those there are.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from gptlab.errors import ConfigError
from gptlab.experiment import FineTuning, Induction, Study
from gptlab.settings import Config, setting

SCHEMA_VERSION = 2
"""Version of what a run folder holds; a folder with a higher one is refused with a sentence."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Config):
    """One Transformer decoder for the four families.

    GPT-1 is `norm_position="post"`; GPT-2 and GPT-3 are "pre" with scaled residual projections; an ALBERT-style decoder
    adds `embedding_rank` and fewer groups than layers. GPT-3's alternating sparse attention is not built: at the
    contexts of this lab (at most a thousand tokens) its local band would cover nearly everything.
    """

    family: ClassVar[str] = "gpt"

    vocab_size: int = setting(help="How many different tokens there are.", unit="tokens", low=2, high=200_000)
    block_size: int = setting(64, help="Context: how many tokens the model sees at once.", unit="tokens", low=2, high=4096)
    n_layer: int = setting(4, help="Blocks on top of each other.", unit="layers", low=1, high=96)
    n_head: int = setting(4, help="Attention heads a layer; they share the width between them.", unit="heads", low=1, high=128)
    n_embd: int = setting(128, help="Width of the residual stream.", unit="channels", low=2, high=12288)
    dropout: float = setting(
        0.0, help="Share of activations set to zero while training.", low=0.0, high=0.9, source="GPT-1, section 4.1: 0.1"
    )
    norm_position: str = setting(
        "pre",
        help="LayerNorm after each residual sum (post, GPT-1) or on what enters each sublayer (pre, GPT-2).",
        choices=("pre", "post"),
        source="GPT-1, Figure 1; GPT-2, section 2.3",
    )
    residual_init_scaling: bool = setting(
        True,
        help="Start the projections back into the residual stream smaller, by one over the square root of their number.",
        source="GPT-2, section 2.3",
    )
    embedding_rank: int | None = setting(
        None,
        help="Width of a factorised token embedding (ALBERT's E); empty for the width of the model.",
        unit="channels",
        low=1,
        high=12288,
        source="ALBERT, section 3.1",
    )
    shared_attention_groups: int | None = setting(
        None,
        help="Layers in one group share their attention weights; empty for one group a layer, 1 for all shared.",
        unit="groups",
        low=1,
        high=96,
        source="ALBERT, section 3.1 and Table 4",
    )
    shared_mlp_groups: int | None = setting(
        None,
        help="Layers in one group share their MLP weights; empty for one group a layer, 1 for all shared.",
        unit="groups",
        low=1,
        high=96,
        source="ALBERT, section 3.1 and Table 4",
    )

    def check(self) -> None:
        if self.n_embd % self.n_head:
            raise ConfigError(
                "n_embd is {n_embd} and n_head is {n_head}; the width must be a multiple of the number of heads.",
                n_embd=self.n_embd, n_head=self.n_head,
            )  # fmt: skip
        for name in ("shared_attention_groups", "shared_mlp_groups"):
            if (getattr(self, name) or 1) > self.n_layer:
                raise ConfigError(
                    "{name} is {value}; there cannot be more groups than the {n_layer} layers.",
                    name=name, value=getattr(self, name), n_layer=self.n_layer,
                )  # fmt: skip

    @property
    def attention_groups(self) -> int:
        return self.shared_attention_groups or self.n_layer

    @property
    def mlp_groups(self) -> int:
        return self.shared_mlp_groups or self.n_layer

    @property
    def shares_layers(self) -> bool:
        return self.attention_groups < self.n_layer or self.mlp_groups < self.n_layer

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(Config):
    """The recurrent baseline of GPT-1's Table 5 (one layer of 2,048 units there)."""

    family: ClassVar[str] = "lstm"

    vocab_size: int = setting(help="How many different tokens there are.", unit="tokens", low=2, high=200_000)
    block_size: int = setting(64, help="How many tokens back the gradient reaches.", unit="tokens", low=2, high=4096)
    n_layer: int = setting(1, help="LSTM layers on top of each other.", unit="layers", low=1, high=16)
    n_embd: int = setting(128, help="Width of the token embedding.", unit="channels", low=2, high=12288)
    n_hidden: int = setting(256, help="Units of the LSTM.", unit="units", low=2, high=12288, source="GPT-1, section 5: 2048")
    dropout: float = setting(0.0, help="Share of activations set to zero while training.", low=0.0, high=0.9)


MODEL_FAMILIES: dict[str, type[ModelConfig] | type[LSTMConfig]] = {"gpt": ModelConfig, "lstm": LSTMConfig}


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig(Config):
    """How text becomes tokens."""

    kind: str = setting(
        "characters",
        help="One token a character, or byte-level byte pair encoding as in GPT-2.",
        choices=("characters", "bpe"),
    )
    vocab_size: int = setting(
        1024, help="Size of the BPE vocabulary: 256 bytes, the merges, one end-of-text token.", unit="tokens", low=258, high=200_000
    )


@dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """Which text, and which part of it is kept back."""

    corpus: str = setting(help="Id of the text in the library: the hash of its content.")
    validation_fraction: float = setting(
        0.1,
        help="Share of the characters, at the end of the text, kept for validation and never trained on.",
        low=0.01,
        high=0.5,
        source="chosen here: the split of the nanoGPT recipes",
    )
    windows: str = setting(
        "anywhere",
        help="Where the windows of a batch may begin: anywhere in the text, or at a blank line, so that documents are seen from their "
        "beginning.",
        choices=("anywhere", "blank line"),
    )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Config):
    """How the model learns."""

    n_steps: int = setting(2000, help="Optimizer updates in all.", unit="steps", low=1, high=10_000_000)
    batch_size: int = setting(12, help="Sequences in one update.", unit="sequences", low=1, high=4096)
    optimizer: str = setting(
        "adamw",
        help="AdamW for everything (the papers), or Muon for the matrices and AdamW for the rest.",
        choices=("adamw", "muon"),
        source="GPT-1, section 4.1: Adam with decoupled weight decay",
    )
    learning_rate: float = setting(1e-3, help="Highest learning rate of AdamW.", low=0.0, high=1.0)
    muon_learning_rate: float = setting(0.02, help="Highest learning rate of Muon; not used by AdamW.", low=0.0, high=1.0)
    weight_decay: float = setting(
        0.01, help="Decoupled decay of matrices; biases and gains are left alone.", low=0.0, high=1.0, source="GPT-1, section 4.1"
    )
    beta1: float = setting(0.9, help="AdamW: memory of the mean gradient.", low=0.0, high=0.9999)
    beta2: float = setting(0.999, help="AdamW: memory of the squared gradient.", low=0.0, high=0.99999)
    warmup_steps: int = setting(
        100, help="Steps over which the learning rate rises from zero.", unit="steps", low=0, high=1_000_000, source="GPT-1: 2,000"
    )
    schedule: str = setting(
        "cosine",
        help="How the learning rate falls after the warm-up.",
        choices=("cosine", "linear", "constant"),
        source="GPT-1, section 4.1: cosine to 0",
    )
    clip_norm: float = setting(
        1.0,
        help="Longest allowed gradient; a longer one is scaled down. 0 turns it off.",
        low=0.0,
        high=1000.0,
        source="GPT-1's code; GPT-3, appendix B",
    )
    answer_weight: float = setting(
        1.0,
        help="How often a token of an answer counts in the loss: what follows Answer:, A:, 대답: or 답: at the beginning of a line. "
        "1 counts all tokens alike.",
        low=1.0,
        high=1000.0,
    )
    evaluate_every: int = setting(
        100, help="Steps between two evaluations; each also writes a sample.", unit="steps", low=1, high=1_000_000
    )
    evaluation_tokens: int = setting(
        16_384, help="Tokens of each split that an evaluation reads, the same ones every time.", unit="tokens", low=1, high=100_000_000
    )
    n_checkpoints: int = setting(
        12, help="Checkpoints kept, spread evenly over log time, for looking back.", unit="checkpoints", low=2, high=200
    )
    sample_prompt: str = setting("", help="Each sample starts with this; empty for a line break.")
    sample_tokens: int = setting(120, help="Length of each sample.", unit="tokens", low=1, high=2000)
    precision: str = setting(
        "fp32", help="Number format of the large matrix products.", choices=("fp32", "bf16")
    )
    seed: int = setting(1, help="The same seed gives the same losses on the same machine.", low=0, high=2**31 - 1)

    def check(self) -> None:
        if self.warmup_steps > self.n_steps:
            raise ConfigError(
                "warmup_steps is {warmup_steps} and n_steps is {n_steps}; the warm-up has to end before the training does.",
                warmup_steps=self.warmup_steps, n_steps=self.n_steps,
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SamplingConfig(Config):
    """How the next token is drawn."""

    temperature: float = setting(
        0.8, help="Below 1 the likely becomes likelier; 0 always takes the likeliest.", low=0.0, high=5.0, source="GPT-2's sampling code: 1"
    )
    top_k: int | None = setting(None, help="Only the k likeliest tokens may be drawn; empty for all.", unit="tokens", low=1, high=200_000)
    top_p: float = setting(
        0.9,
        help="Only the likeliest tokens that together reach this probability may be drawn.",
        low=0.01,
        high=1.0,
        source="Holtzman et al. 2020; 0.9 chosen here: of the shipped models' stories twice as many hold together as with 1",
    )
    seed: int = setting(1, help="The same seed and prompt give the same text.", low=0, high=2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class RunConfig(Config):
    """Everything that decides what a run does; `config.json` in its folder. A model from elsewhere has no data and no training; a
    fine-tuning and a study start from other runs instead.
    """

    schema_version: int = SCHEMA_VERSION
    title: str = setting(help="Name shown for the run.")
    device: str = setting(help="Where it trains.", choices=("cpu", "cuda", "mps"))
    model: ModelConfig | LSTMConfig
    tokenizer: TokenizerConfig
    data: DataConfig | None = None
    training: TrainingConfig | None = None
    begins_from: str = setting(
        "", help="Whose newest weights the training begins with: a model that ships, or the id of a run; empty for random weights."
    )
    fine_tuning: FineTuning | None = None
    study: Study | None = None
    induction: Induction | None = None

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        return values | {"model": {"family": self.model.family} | values["model"]}

    @property
    def has_work(self) -> bool:
        """Whether there is something to do; a model from elsewhere is only kept."""
        return any((self.training, self.fine_tuning, self.study, self.induction))

    def to_train(self) -> tuple[DataConfig, TrainingConfig]:
        """Data and training of a run that trains.

        Raises:
            ConfigError: a model from elsewhere has neither.
        """
        if self.data is None or self.training is None:
            raise ConfigError("{title} is a model from elsewhere: it has no text to train on here.", title=self.title)
        return self.data, self.training

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """As `Config.from_json`; refuses a higher schema version and an unknown model family."""
        version = values.get("schema_version")
        if not isinstance(version, int):
            raise ConfigError("{config} needs the setting {names}.", config=cls.__name__, names="schema_version")
        if version > SCHEMA_VERSION:
            raise ConfigError(
                "This run was written by a newer GPT Lab (schema version {given}; this one reads up to {known}). "
                "Update GPT Lab to open it.",
                given=version, known=SCHEMA_VERSION,
            )  # fmt: skip
        model = dict(given) if isinstance(given := values.get("model"), dict) else {}
        family = model.pop("family", None)
        if not isinstance(family, str) or family not in MODEL_FAMILIES:
            raise ConfigError(
                "The model family is {given!r}; this GPT Lab knows {known}.", given=family, known=", ".join(MODEL_FAMILIES)
            )
        return super().from_json(
            values
            | {
                "model": MODEL_FAMILIES[family].from_json(model),
                "tokenizer": TokenizerConfig.from_json(values.get("tokenizer", {})),
                "data": DataConfig.from_json(values["data"]) if values.get("data") else None,
                "training": TrainingConfig.from_json(values["training"]) if values.get("training") else None,
                "fine_tuning": FineTuning.from_json(values["fine_tuning"]) if values.get("fine_tuning") else None,
                "study": Study.from_json(values["study"]) if values.get("study") else None,
                "induction": Induction.from_json(values["induction"]) if values.get("induction") else None,
            }
        )


def differences(configs: list[RunConfig]) -> dict[str, list[Any]]:
    """Settings that are not the same in all configs: dotted name -> one value a config."""

    def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in values.items():
            found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        return found

    tables = [flat(config.to_json()) for config in configs]
    names = list(dict.fromkeys(name for table in tables for name in table))
    rows = {name: [table.get(name) for table in tables] for name in names if name not in ("title", "schema_version")}
    return {name: values for name, values in rows.items() if any(v != values[0] for v in values)}
