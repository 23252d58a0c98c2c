import json
import os
import struct
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gptlab.config import LSTMConfig, ModelConfig
from gptlab.errors import ConfigError, ModelError
from gptlab.model.build import build_model
from gptlab.model.gpt import GPT
from gptlab.model.interop import from_transformers, read_directory, to_transformers, write_directory

SIZES = [dict(n_layer=1, n_head=1, n_embd=8), dict(n_layer=3, n_head=2, n_embd=32), dict(n_layer=4, n_head=4, n_embd=128)]
EXACTNESS = [(torch.float32, 1e-4), (torch.float64, 1e-10)]
"""Largest difference of logits (they reach 2 to 9). At these weights the erf form of GELU makes 1.3e-4 to 2.4e-3 (measured)."""


@pytest.fixture(scope="module")
def transformers() -> ModuleType:
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.utils.logging.disable_progress_bar()
    return transformers


@pytest.fixture
def theirs(transformers, enlarged):
    """A model of transformers with random weights: `theirs("gpt2", n_layer=2)`."""

    def build(model_type: str, **changes: object) -> nn.Module:
        shape = dict(vocab_size=65, n_positions=16, n_layer=2, n_head=2, n_embd=32, initializer_range=0.2) | changes
        config, model = {
            "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel),
            "openai-gpt": (transformers.OpenAIGPTConfig, transformers.OpenAIGPTLMHeadModel),
        }[model_type]
        built = model(config(**shape, bos_token_id=64, eos_token_id=64)).eval()
        enlarged(built)
        return built

    return build


def difference(ours: GPT, theirs: nn.Module, ids: torch.Tensor) -> float:
    with torch.no_grad():
        return (ours(ids) - theirs(ids).logits).abs().max().item()


@pytest.mark.parametrize("model_type", ["gpt2", "openai-gpt"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype, tolerance", EXACTNESS, ids=str)
def test_their_model_read_by_us_computes_the_same(theirs, tmp_path, ids, model_type, size, dtype, tolerance):
    model = theirs(model_type, **size).to(dtype)
    assert difference(from_transformers(model.config.to_dict(), model.state_dict()), model, ids) < tolerance
    model.save_pretrained(tmp_path)
    assert difference(read_directory(tmp_path), model, ids) < tolerance


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype, tolerance", EXACTNESS, ids=str)
def test_our_model_opened_by_them_computes_the_same(transformers, enlarged, tmp_path, ids, norm_position, size, dtype, tolerance):
    model = build_model(ModelConfig(vocab_size=65, block_size=16, norm_position=norm_position, **size), seed=1).to(dtype).eval()
    enlarged(model)
    write_directory(model, tmp_path, bos_token_id=64, eos_token_id=64)
    assert difference(model, transformers.AutoModelForCausalLM.from_pretrained(tmp_path), ids) < tolerance


def test_every_family_opens_there(transformers, model, tmp_path, ids):
    """Shared groups are repeated and a factorised embedding is multiplied out."""
    model.double()
    write_directory(model, tmp_path)
    there = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert there.config.bos_token_id is None and there.config.eos_token_id is None
    assert difference(model, there, ids) < 1e-10
    assert difference(read_directory(tmp_path), there, ids) < 1e-10


def test_a_model_read_back_is_the_same(config, tmp_path, ids):
    model = build_model(config(dropout=0.1), seed=1).eval()
    write_directory(model, tmp_path)
    back = read_directory(tmp_path)
    assert back.config == model.config
    assert not back.training
    assert torch.equal(back(ids), model(ids))
    assert all(parameter.requires_grad for parameter in back.parameters())


def test_it_generates_there_and_here_alike(transformers, gpt2, tmp_path, ids):
    write_directory(gpt2, tmp_path)
    there = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    prompt = ids[:1, :4]
    generated = there.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False)
    greedy = prompt
    for _ in range(8):
        greedy = torch.cat([greedy, gpt2(greedy)[:, -1:].argmax(-1)], dim=1)
    assert generated.tolist() == greedy.tolist()


# Teeth: what the comparison would say about a wrong model.


def test_a_gelu_of_the_erf_form_would_be_noticed(theirs, ids):
    for model_type in ("gpt2", "openai-gpt"):
        model = theirs(model_type)
        ours = from_transformers(model.config.to_dict(), model.state_dict())
        for block in model.transformer.h:
            block.mlp.act = nn.GELU()
        assert difference(ours, model, ids) > 5e-4


@pytest.mark.parametrize("model_type, part", [("gpt2", "h.0.ln_1"), ("openai-gpt", "h.1.ln_2")])
def test_another_epsilon_would_be_noticed_in_float64(theirs, ids, model_type, part):
    model = theirs(model_type).double()
    ours = from_transformers(model.config.to_dict(), model.state_dict())
    model.transformer.get_submodule(part).eps = 1e-6
    assert difference(ours, model, ids) > 1e-7


def test_a_norm_in_another_place_would_be_noticed(theirs, ids):
    """The blocks of both kinds hold the same tensors; only their order of work differs."""
    model = theirs("openai-gpt")
    ours = from_transformers(model.config.to_dict(), model.state_dict())
    for sublayer in (*ours.attentions, *ours.mlps):
        sublayer.norm_first = True
    assert difference(ours, model, ids) > 0.1


def test_a_lost_bias_would_be_noticed(theirs, ids):
    model = theirs("gpt2")
    for name in [name for name in model.state_dict() if name.endswith("bias")]:
        ours = from_transformers(model.config.to_dict(), model.state_dict() | {name: torch.zeros_like(model.state_dict()[name])})
        assert difference(ours, model, ids) > 1e-3, name


# What released checkpoints look like.


@pytest.mark.parametrize("model_type", ["gpt2", "openai-gpt"])
def test_names_may_lack_the_prefix_and_old_buffers_are_passed_over(theirs, ids, model_type):
    model = theirs(model_type)
    bare = model.transformer.state_dict()
    for layer in range(2):
        bare |= {f"h.{layer}.attn.bias": torch.ones(1, 1, 16, 16).tril(), f"h.{layer}.attn.masked_bias": torch.tensor(-1e4)}
    bare |= {"position_ids": torch.arange(16), "lm_head.weight": model.lm_head.weight}
    assert difference(from_transformers(model.config.to_dict(), bare), model, ids) < 1e-4


def test_config_of_the_released_gpt2_is_understood(theirs, ids):
    """The config.json of 2019: n_ctx beside n_positions, and most settings absent."""
    model = theirs("gpt2")
    old = dict(
        activation_function="gelu_new", architectures=["GPT2LMHeadModel"], attn_pdrop=0.1, bos_token_id=50256, embd_pdrop=0.1,
        eos_token_id=50256, initializer_range=0.02, layer_norm_epsilon=1e-05, model_type="gpt2", n_ctx=16, n_embd=32, n_head=2,
        n_layer=2, resid_pdrop=0.1, summary_activation=None, task_specific_params={}, vocab_size=65,
    )  # fmt: skip
    for config in (old | {"n_positions": 16}, old):
        assert difference(from_transformers(config, model.state_dict()), model, ids) < 1e-4


def test_n_inner_of_the_usual_width_is_the_usual_width(theirs, ids):
    model = theirs("gpt2", n_inner=128)
    assert difference(from_transformers(model.config.to_dict(), model.state_dict()), model, ids) < 1e-4


def test_half_precision_is_widened(theirs, ids):
    model = theirs("gpt2").bfloat16()
    read = from_transformers(model.config.to_dict(), model.state_dict())
    assert {p.dtype for p in read.parameters()} == {torch.float32}
    assert difference(read, model.float(), ids) < 1e-4


def test_weights_in_several_files_are_read(theirs, tmp_path, ids):
    model = theirs("gpt2")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert not (tmp_path / "model.safetensors").exists()
    assert difference(read_directory(tmp_path), model, ids) < 1e-4


def test_reading_takes_a_copy(theirs):
    model = theirs("gpt2")
    read = from_transformers(model.config.to_dict(), model.state_dict())
    model.transformer.wte.weight.data.zero_()
    model.transformer.ln_f.bias.data.zero_()
    assert read.token_embedding.weight.any() and read.final_norm.bias.any()


def test_reading_leaves_the_global_random_state_alone(gpt2):
    exported = to_transformers(gpt2)
    before = torch.get_rng_state()
    from_transformers(*exported)
    assert torch.equal(torch.get_rng_state(), before)


# What is refused.


@pytest.mark.parametrize(
    "change, sentence",
    [
        (dict(model_type="llama"), "'llama'; this lab opens openai-gpt, gpt2"),
        (dict(activation_function="relu"), 'activation_function = "relu"; this lab can only compute with "gelu_new"'),
        (dict(activation_function="gelu"), 'activation_function = "gelu"'),
        (dict(layer_norm_epsilon=1e-12), "layer_norm_epsilon = 1e-12; this lab can only compute with 1e-05"),
        (dict(n_inner=100), "n_inner = 100; this lab can only compute with null / 128"),
        (dict(tie_word_embeddings=False), "tie_word_embeddings = false"),
        (dict(scale_attn_by_inverse_layer_idx=True), "scale_attn_by_inverse_layer_idx = true"),
        (dict(scale_attn_weights=False), "scale_attn_weights = false"),
        (dict(add_cross_attention=True), "add_cross_attention = true"),
        (dict(quantization_config={"bits": 4}), "quantization_config"),
        (dict(n_layer=None), "n_layer = null; it has to be a whole number"),
        (dict(n_embd="wide"), 'n_embd = "wide"'),
        (dict(vocab_size=66), r"wte.weight has shape \(65, 32\) and type float32; expected is shape \(66, 32\)"),
        (dict(n_layer=5), r"lack the tensor h.4.ln_1.weight; expected is one of shape \(32,\)"),
        (dict(n_layer=3), "hold 12 tensors that a gpt2 language model does not have, the first is h.3.attn.c_attn.bias"),
    ],
    ids=str,
)
def test_another_computation_is_refused(gpt2, change, sentence):
    config, tensors = to_transformers(gpt2)
    with pytest.raises(ModelError, match=sentence):
        from_transformers(config | change, tensors)


def test_the_gelu_of_gpt1_has_one_name(config):
    """In openai-gpt "gelu" is the tanh form, and the name "gelu_new" does not exist."""
    values, tensors = to_transformers(GPT(config(norm_position="post")))
    assert values["afn"] == "gelu"
    for other in ("gelu_new", "relu", "swish"):
        with pytest.raises(ModelError, match="afn"):
            from_transformers(values | {"afn": other}, tensors)


def test_a_size_out_of_range_is_refused_before_memory_is_taken(gpt2):
    config, tensors = to_transformers(gpt2)
    with pytest.raises(ConfigError, match="n_layer is 9999"):
        from_transformers(config | {"n_layer": 9999}, tensors)
    huge = dict(n_embd=12288, n_head=96, n_layer=96, vocab_size=200_000)
    with pytest.raises(ModelError, match="wte.weight"):
        from_transformers(config | huge, tensors)


def test_a_transposed_tensor_is_named(gpt2):
    config, tensors = to_transformers(gpt2)
    tensors["transformer.h.2.mlp.c_fc.weight"] = tensors["transformer.h.2.mlp.c_fc.weight"].t()
    with pytest.raises(ModelError, match=r"h.2.mlp.c_fc.weight has shape \(128, 32\) .* expected is shape \(32, 128\)"):
        from_transformers(config, tensors)


def test_whole_numbers_are_no_weights(gpt2):
    config, tensors = to_transformers(gpt2)
    tensors["transformer.ln_f.bias"] = tensors["transformer.ln_f.bias"].to(torch.int8)
    with pytest.raises(ModelError, match="ln_f.bias has shape .* and type int8"):
        from_transformers(config, tensors)


def test_an_output_matrix_of_its_own_is_refused(gpt2):
    config, tensors = to_transformers(gpt2)
    with pytest.raises(ModelError, match="output matrix"):
        from_transformers(config, tensors | {"lm_head.weight": torch.zeros(65, 32)})


def test_an_lstm_has_no_such_form(tmp_path):
    with pytest.raises(ModelError, match="LSTM"):
        write_directory(build_model(LSTMConfig(vocab_size=65), seed=1), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_pickle_is_never_opened(gpt2, tmp_path):
    write_directory(gpt2, tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pytorch_model.bin. That is a Python pickle"):
        read_directory(tmp_path)


def test_missing_files_are_named(gpt2, tmp_path):
    with pytest.raises(ModelError, match="holds no config.json"):
        read_directory(tmp_path / "nowhere")
    write_directory(gpt2, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no model.safetensors"):
        read_directory(tmp_path)


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_cut_off_file_is_a_sentence(gpt2, tmp_path, length):
    write_directory(gpt2, tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelError, match="model.safetensors cannot be read as safetensors .* download it again"):
        read_directory(tmp_path)


def test_a_header_that_lies_about_its_length_is_a_sentence(gpt2, tmp_path):
    write_directory(gpt2, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        read_directory(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"gpt2"', b"\xff\xfe"])
def test_a_broken_config_is_a_sentence(gpt2, tmp_path, text):
    write_directory(gpt2, tmp_path)
    (tmp_path / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError, match="config.json"):
        read_directory(tmp_path)


@pytest.mark.parametrize("name", ["../outside/model.safetensors", "/etc/passwd", "absent.safetensors", "..", "", {}, 3])
def test_an_index_leads_nowhere_else(gpt2, tmp_path, name):
    directory = tmp_path / "inside"
    write_directory(gpt2, directory)
    (tmp_path / "outside").mkdir()
    (directory / "model.safetensors").rename(tmp_path / "outside" / "model.safetensors")
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"wte.weight": name}}))
    with pytest.raises(ModelError, match="which is not in"):
        read_directory(directory)


def test_the_written_files_are_plain(gpt2, tmp_path):
    tmp_path = tmp_path / "written"
    write_directory(gpt2, tmp_path, bos_token_id=1, eos_token_id=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["architectures"] == ["GPT2LMHeadModel"] and (written["bos_token_id"], written["eos_token_id"]) == (1, 2)
    tensors = load_file(tmp_path / "model.safetensors")
    assert tensors["transformer.h.0.attn.c_attn.weight"].shape == (32, 96)
    save_file(tensors, tmp_path / "again.safetensors")  # no two tensors share memory
