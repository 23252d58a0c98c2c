"""Models as directories of the `transformers` library: `config.json` beside `model.safetensors`, in both directions.

A model with its norms after the sums is an "openai-gpt" (GPT-1) there, one with its norms before a "gpt2". The linear
layers there keep their weights as (in, out), so matrices are turned over on the way.

What that form cannot say is written out: groups of layers that share weights become separate layers with equal weights,
and a factorised embedding is multiplied out. The logits stay the same; read back, the model has more parameters.

Source: huggingface/transformers, models/openai/modeling_openai.py and models/gpt2/modeling_gpt2.py, version 5.23.0.
Unlike `from_pretrained`: reads local safetensors only, never a pickle, and refuses every setting it would have to ignore.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gptlab.config import ModelConfig
from gptlab.errors import ModelError
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.paths import replaced

CONFIG_FILE, WEIGHTS_FILE, INDEX_FILE = "config.json", "model.safetensors", "model.safetensors.index.json"

_TYPES = {"openai-gpt": "post", "gpt2": "pre"}
"""model_type -> where this lab calls its norms."""

_ACTIVATIONS = {"openai-gpt": ("afn", ("gelu",)), "gpt2": ("activation_function", ("gelu_new", "gelu_pytorch_tanh", "gelu_fast"))}
"""The names of the tanh form of GELU. In modeling_openai.py the name "gelu" stands for it; everywhere else for the erf form."""

_ONLY: dict[str, Any] = {
    "layer_norm_epsilon": 1e-5,
    "tie_word_embeddings": True,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "quantization_config": None,
}
"""Settings that would change the computation, and the one value (also the default there) that ours has."""

_UNUSED = (".attn.bias", ".attn.masked_bias", "position_ids")
"""Endings of names that hold no weights: the causal mask and the positions, saved as tensors by older versions."""


def to_transformers(
    model: GPT | LSTM, bos_token_id: int | None = None, eos_token_id: int | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The model as `transformers` knows it.

    Args:
        model: the GPT to write.
        bos_token_id, eos_token_id: the tokens that begin and end a text, if the vocabulary has them.

    Returns:
        What stands in config.json, and the tensors by their names there (copies, on the CPU).

    Raises:
        ModelError: an LSTM, which has no form there.
    """
    if isinstance(model, LSTM):
        raise ModelError("An LSTM cannot be written as a directory of transformers, which has no such model. Choose a GPT.")
    config = model.config
    model_type = "gpt2" if config.norm_position == "pre" else "openai-gpt"
    activation, (name, *_) = _ACTIVATIONS[model_type]
    values = {
        "architectures": ["GPT2LMHeadModel" if model_type == "gpt2" else "OpenAIGPTLMHeadModel"],
        "model_type": model_type,
        "vocab_size": config.vocab_size,
        "n_positions": config.block_size,
        "n_embd": config.n_embd,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        activation: name,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "layer_norm_epsilon": _ONLY["layer_norm_epsilon"],
        "tie_word_embeddings": True,
        "bos_token_id": bos_token_id,
        "eos_token_id": eos_token_id,
    }
    tensors = {}
    state = _without_factors(model)
    for ours, theirs, is_matrix in _names(model, model_type):
        tensor = state[ours].t() if is_matrix else state[ours]
        tensors["transformer." + theirs] = tensor.cpu().clone(memory_format=torch.contiguous_format)
    return values, tensors


def from_transformers(config: dict[str, Any], tensors: dict[str, Tensor]) -> GPT:
    """The model that config.json and its tensors describe, in evaluation mode.

    The names may come with or without "transformer." in front. Half precision is widened to fp32; float64 stays.

    Raises:
        ModelError: another kind of model, a setting that this lab does not build, or a tensor that is missing, left over
            or of another shape.
        ConfigError: a size outside of what `ModelConfig` allows.
    """
    sizes = _read_config(config)
    given = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    head = given.pop("lm_head.weight", None)
    with torch.device("meta"):  # shapes without memory: a wrong size is found before anything is allocated
        model = GPT(sizes)
    expected = model.state_dict()
    state = {}
    for ours, theirs, is_matrix in _names(model, config["model_type"]):
        tensor = given.pop(theirs, None)
        shape = tuple(expected[ours].t().shape if is_matrix else expected[ours].shape)
        if tensor is None:
            raise ModelError("The weights lack the tensor {name}; expected is one of shape {expected}.", name=theirs, expected=shape)
        if tuple(tensor.shape) != shape or not tensor.is_floating_point():
            raise ModelError(
                "The tensor {name} has shape {given} and type {type}; expected is shape {expected} of floating point numbers.",
                name=theirs, given=tuple(tensor.shape), type=str(tensor.dtype).removeprefix("torch."), expected=shape,
            )  # fmt: skip
        dtype = torch.float64 if tensor.dtype == torch.float64 else torch.float32
        tensor = tensor.detach().t() if is_matrix else tensor.detach()
        state[ours] = tensor.to(dtype, copy=True, memory_format=torch.contiguous_format)
    if left_over := sorted(name for name in given if not name.endswith(_UNUSED)):
        raise ModelError(
            "The weights hold {n} tensors that a {type} language model does not have, the first is {name}. "
            "Only plain language models can be opened, without added heads, adapters or layers.",
            n=len(left_over), type=config["model_type"], name=left_over[0],
        )  # fmt: skip
    tokens = state["token_embedding.weight"]
    if head is not None and not torch.equal(head.to(tokens.dtype), tokens):
        raise ModelError(
            "The weights have an output matrix (lm_head.weight) of their own. This lab opens models that use the token embedding for it."
        )
    model.load_state_dict(state, assign=True)
    return model.eval()


def write_directory(model: GPT | LSTM, directory: Path, bos_token_id: int | None = None, eos_token_id: int | None = None) -> None:
    """Write a directory that `AutoModelForCausalLM.from_pretrained` opens; created when missing.

    Raises:
        ModelError: as `to_transformers`.
    """
    config, tensors = to_transformers(model, bos_token_id, eos_token_id)
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, directory / WEIGHTS_FILE, metadata={"format": "pt"})
    with replaced(directory / CONFIG_FILE) as file:
        json.dump(config, file, indent=2)


def read_directory(directory: Path) -> GPT:
    """The model in a directory with config.json and safetensors, in one file or in several with an index.

    Raises:
        ModelError: a file is missing, damaged or a pickle; or as `from_transformers`.
    """
    config = _read_json(directory / CONFIG_FILE)
    tensors: dict[str, Tensor] = {}
    for path in _weight_files(directory):
        try:
            tensors |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(
                "{file} cannot be read as safetensors ({reason}). It may have been cut off: copy or download it again.",
                file=path.name, reason=error,
            ) from error  # fmt: skip
    return from_transformers(config, tensors)


def _names(model: GPT, model_type: str) -> list[tuple[str, str, bool]]:
    """For each tensor there: our name, the name there, and whether it is a matrix that has to be turned over."""
    tokens, positions = ("wte", "wpe") if model_type == "gpt2" else ("tokens_embed", "positions_embed")
    names = [
        ("token_embedding.weight", f"{tokens}.weight", False),
        ("position_embedding.weight", f"{positions}.weight", False),
    ]
    for layer in range(model.config.n_layer):
        attention = f"attentions.{model._group(layer, model.config.attention_groups)}"
        mlp = f"mlps.{model._group(layer, model.config.mlp_groups)}"
        for ours, theirs, is_linear in (
            (f"{attention}.norm", "ln_1", False),
            (f"{attention}.part.query_key_value", "attn.c_attn", True),
            (f"{attention}.part.projection", "attn.c_proj", True),
            (f"{mlp}.norm", "ln_2", False),
            (f"{mlp}.part.expansion", "mlp.c_fc", True),
            (f"{mlp}.part.projection", "mlp.c_proj", True),
        ):
            names += [
                (f"{ours}.weight", f"h.{layer}.{theirs}.weight", is_linear),
                (f"{ours}.bias", f"h.{layer}.{theirs}.bias", False),
            ]
    if model_type == "gpt2":
        names += [("final_norm.weight", "ln_f.weight", False), ("final_norm.bias", "ln_f.bias", False)]
    return names


def _without_factors(model: GPT) -> dict[str, Tensor]:
    """The state of the model, with a factorised embedding multiplied out: W_e = U P^T leads in, and W_e^T = P U^T leads out."""
    state = dict(model.state_dict())
    if model.config.embedding_rank:
        projection = state.pop("embedding_projection.weight")  # (C, E)
        for name in ("token_embedding.weight", "position_embedding.weight"):
            state[name] = state[name] @ projection.t()
    return state


def _read_config(values: dict[str, Any]) -> ModelConfig:
    """Our config for theirs.

    Raises:
        ModelError: a setting that this lab does not build, or a missing size.
        ConfigError: a size outside of what `ModelConfig` allows.
    """
    model_type = values.get("model_type")
    if model_type not in _TYPES:
        raise ModelError("config.json names the model type {given!r}; this lab opens {known}.", given=model_type, known=", ".join(_TYPES))
    activation, names = _ACTIVATIONS[model_type]
    allowed = {name: (value,) for name, value in _ONLY.items()} | {activation: names, "n_inner": (None, 4 * _size(values, "n_embd"))}
    for name, choices in allowed.items():
        if (given := values.get(name, choices[0])) not in choices:
            raise ModelError(
                "config.json says {name} = {given}; this lab can only compute with {allowed}.",
                name=name, given=json.dumps(given), allowed=" / ".join(json.dumps(choice) for choice in choices),
            )  # fmt: skip
    return ModelConfig(
        vocab_size=_size(values, "vocab_size"),
        block_size=_size(values, "n_positions" if "n_positions" in values else "n_ctx"),  # early files only have n_ctx
        n_layer=_size(values, "n_layer"),
        n_head=_size(values, "n_head"),
        n_embd=_size(values, "n_embd"),
        dropout=values.get("resid_pdrop", 0.1),
        norm_position=_TYPES[model_type],
        residual_init_scaling=model_type == "gpt2",
    )


def _size(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelError("config.json says {name} = {given}; it has to be a whole number.", name=name, given=json.dumps(value))
    return value


def _weight_files(directory: Path) -> list[Path]:
    """The safetensors of a directory, existing ones."""
    if (directory / WEIGHTS_FILE).is_file():
        return [directory / WEIGHTS_FILE]
    if not (directory / INDEX_FILE).is_file():
        if pickles := sorted(path.name for path in directory.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt")):
            raise ModelError(
                "{directory} holds its weights only as {file}. That is a Python pickle, which can run any program when opened, so "
                "it is never read. Ask for the same model as model.safetensors.",
                directory=directory, file=pickles[0],
            )  # fmt: skip
        raise ModelError("{directory} holds no model.safetensors.", directory=directory)
    weight_map = _read_json(directory / INDEX_FILE).get("weight_map")
    names = list(weight_map.values()) if isinstance(weight_map, dict) else []
    for name in names:
        # the names come from a stranger's file: a path that leads out of the directory is not followed
        if not isinstance(name, str) or Path(name).name != name or not (directory / name).is_file():
            raise ModelError("The index names the file {file}, which is not in {directory}.", file=name, directory=directory)
    return [directory / name for name in sorted(set(names))]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError("{directory} holds no {file}.", directory=path.parent, file=path.name) from error
    except (ValueError, OSError) as error:
        raise ModelError("{file} cannot be read as JSON ({reason}).", file=path.name, reason=error) from error
    if not isinstance(values, dict):
        raise ModelError("{file} has to hold a JSON object.", file=path.name)
    return values
