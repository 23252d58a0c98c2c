import json
import resource

import pytest
import torch

from gptlab.config import ModelConfig, TokenizerConfig
from gptlab.data import pasted
from gptlab.errors import LabError, ModelError, RunError
from gptlab.runs import exchange
from gptlab.runs.checkpoint import load_model
from gptlab.runs.exchange import export_run, import_directory
from gptlab.runs.store import create_run, list_runs
from gptlab.tokenizer import train_tokenizer

TEXT = "the cat sat on a mat 고양이가 앉았다 and saw the dog run home. " * 40


@pytest.fixture
def saved(planned):
    """`saved("bpe")`: a run with random weights ten times larger than fresh ones."""

    def build(kind="characters", **changes):
        from gptlab.model.build import build_model
        from gptlab.runs.checkpoint import save_checkpoint

        config, _ = planned()
        tokenizer_config = TokenizerConfig(kind=kind, vocab_size=300)
        tokenizer = train_tokenizer(tokenizer_config, pasted(TEXT, "x").text)
        model_config = ModelConfig(**dict(vocab_size=tokenizer.vocab_size, block_size=16, n_layer=2, n_head=2, n_embd=16) | changes)
        run = create_run(config.with_(model=model_config, tokenizer=tokenizer_config), tokenizer)
        model = build_model(model_config, seed=1)
        for step in (3, 5):
            for parameter in model.parameters():
                parameter.data.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(step)))
            save_checkpoint(run, model, None, step)
        return run

    return build


@torch.no_grad()
def logits(model, ids):
    out = model(ids)
    return out if isinstance(out, torch.Tensor) else out.logits


@pytest.mark.parametrize(
    "kind, changes",
    [("characters", {}), ("bpe", {}), ("bpe", dict(norm_position="post", residual_init_scaling=False))],
    ids=["gpt2 characters", "gpt2 bpe", "gpt1 bpe"],
)
def test_exported_run_computes_the_same_in_transformers_and_comes_back(saved, tmp_path, kind, changes):
    import transformers

    run = saved(kind, **changes)
    directory = tmp_path / "out" / "모델"
    export_run(run, None, directory)
    model = load_model(run)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(directory).eval()
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    assert theirs.config.eos_token_id == run.tokenizer().end_of_text and json.loads((directory / "gptlab.json").read_text())["step"] == 5
    text = "the cat saw 고양이 home"
    ids = [int(i) for i in run.tokenizer().encode(text)]
    assert their_tokenizer.encode(text, add_special_tokens=False) == ids and their_tokenizer.decode(ids) == text
    window = torch.tensor([ids[:16]])
    assert (logits(model, window) - logits(theirs, window)).abs().max() < 1e-4

    back = import_directory(directory, "다시")
    assert (back.status().state, back.config().title, back.config().training) == ("finished", "다시", None)
    assert torch.equal(logits(load_model(back), window), logits(model, window))
    assert [int(i) for i in back.tokenizer().encode(text)] == ids


def test_export_takes_the_checkpoint_asked_for_and_tells_about_the_run(saved, tmp_path):
    run = saved()
    export_run(run, 3, tmp_path / "early")
    export_run(run, 5, tmp_path / "late")
    window = torch.arange(10)[None]
    early, late = (load_model(import_directory(tmp_path / name)) for name in ("early", "late"))
    assert torch.equal(logits(early, window), logits(load_model(run, 3), window))
    assert not torch.equal(logits(early, window), logits(late, window))
    about = json.loads((tmp_path / "early" / "gptlab.json").read_text())
    assert (about["run"], about["step"], about["settings"]["model"]["n_layer"]) == (run.id, 3, 2)


def test_import_is_titled_by_its_folder(saved, tmp_path, monkeypatch):
    export_run(saved(), None, tmp_path / "my model")
    monkeypatch.chdir(tmp_path / "my model")
    from pathlib import Path

    assert import_directory(Path(".")).config().title == "my model"


def test_folder_with_files_is_left_alone(saved, tmp_path):
    run, folder = saved(), tmp_path / "full"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="The folder .*full is not empty. Name a new one."):
        export_run(run, None, folder)
    assert [f.name for f in folder.iterdir()] == ["mine.txt"]
    with pytest.raises(RunError, match="mine.txt is not empty"):
        export_run(run, None, folder / "mine.txt")


def test_empty_folder_is_used(saved, tmp_path):
    (tmp_path / "new").mkdir()
    export_run(saved(), None, tmp_path / "new")
    assert (tmp_path / "new" / "model.safetensors").exists()


def test_lstm_cannot_be_exported(trained, tmp_path):
    with pytest.raises(ModelError, match="An LSTM cannot be exported"):
        export_run(trained("lstm", n_steps=2, warmup_steps=0), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_run_without_a_checkpoint_cannot_be_exported(new_run, tmp_path):
    with pytest.raises(RunError, match="has no checkpoint yet"):
        export_run(new_run(), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_import_of_an_incomplete_folder_makes_no_run(saved, tmp_path, name):
    export_run(saved(), None, tmp_path / "out")
    before = list_runs()
    for damage in (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), lambda path: path.unlink()):
        damage(tmp_path / "out" / name)
        with pytest.raises(LabError):
            import_directory(tmp_path / "out")
    assert list_runs() == before


def test_import_of_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    for name in ("nothing", "file"):
        with pytest.raises(ModelError, match=f"There is no folder .*{name}"):
            import_directory(tmp_path / name)


def test_import_that_cannot_be_saved_leaves_no_run(saved, tmp_path, monkeypatch):
    export_run(saved(), None, tmp_path / "out")
    before = list_runs()

    def full(*_, **__):
        raise RunError("The disk is full, so {what}.", what="no")

    monkeypatch.setattr(exchange, "save_checkpoint", full)
    with pytest.raises(RunError, match="The disk is full"):
        import_directory(tmp_path / "out")
    assert list_runs() == before


def test_tokenizer_larger_than_the_model_is_refused(saved, tmp_path):
    export_run(saved(), None, tmp_path / "small")
    export_run(saved("bpe"), None, tmp_path / "large")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "small" / name).write_bytes((tmp_path / "large" / name).read_bytes())
    with pytest.raises(ModelError, match="they do not belong together"):
        import_directory(tmp_path / "small")


@pytest.mark.parametrize("name", ["file/model", "a" * 300, "nul\0"])
def test_a_folder_that_cannot_be_made_is_told(saved, tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot be written.*Name another one"):
        export_run(saved(), None, tmp_path / name)


def test_a_full_disk_leaves_no_half_of_an_export(saved, tmp_path):
    """A real limit of the system in place of a full disk."""
    run, limits = saved(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(RunError, match="cannot be written"):
            export_run(run, None, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "out").exists()
