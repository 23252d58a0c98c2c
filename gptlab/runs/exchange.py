"""Runs leave as `transformers` directories, and GPT-1 or GPT-2 directories come in as runs."""

import json
import shutil
from pathlib import Path

from safetensors import SafetensorError

from gptlab.config import RunConfig, TokenizerConfig
from gptlab.errors import ModelError, RunError
from gptlab.model.gpt import GPT
from gptlab.model.interop import read_directory, write_directory
from gptlab.runs.checkpoint import load_model, save_checkpoint
from gptlab.runs.store import Run, create_run, delete_run
from gptlab.tokenizer.interop import read_tokenizer, write_tokenizer


def export_run(run: Run, step: int | None, directory: Path) -> None:
    """Write model and tokenizer so that `AutoModelForCausalLM` and `AutoTokenizer` open them, with `gptlab.json` about the run.

    Raises:
        ModelError: an LSTM, for which `transformers` has no form.
        RunError: the directory has files already or cannot be written, or there is no such checkpoint.
    """
    model = load_model(run, step)
    if not isinstance(model, GPT):
        raise ModelError("An LSTM cannot be exported: transformers has no model of this form. Choose a GPT.")
    try:
        is_new = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
        if is_new:
            directory.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritable(directory, error) from error
    if not is_new:
        raise RunError("The folder {folder} is not empty. Name a new one.", folder=str(directory))
    tokenizer = run.tokenizer()
    step = run.checkpoint_steps()[-1] if step is None else step
    about = {"run": run.id, "step": step, "settings": run.config().to_json(), "environment": run.environment()}
    try:
        write_directory(model, directory, tokenizer.end_of_text, tokenizer.end_of_text)
        write_tokenizer(tokenizer, directory)
        (directory / "gptlab.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise _unwritable(directory, error) from error


def _unwritable(directory: Path, error: Exception) -> RunError:
    return RunError(
        "The folder {folder} cannot be written: {reason}. Name another one, or make room.", folder=str(directory), reason=str(error)
    )


def import_directory(directory: Path, title: str = "") -> Run:
    """A run that holds a model from elsewhere; it is finished, and its one checkpoint is step 0.

    Raises:
        ModelError, TokenizerError: what is missing or does not fit.
    """
    if not directory.is_dir():
        raise ModelError("There is no folder {folder}. Name one that transformers' save_pretrained wrote.", folder=str(directory))
    model, tokenizer = read_directory(directory), read_tokenizer(directory)
    if tokenizer.vocab_size > model.config.vocab_size:
        raise ModelError(
            "The tokenizer in {folder} has {tokens} tokens and the model {rows}; they do not belong together.",
            folder=str(directory), tokens=tokenizer.vocab_size, rows=model.config.vocab_size,
        )  # fmt: skip
    config = RunConfig(
        title=title or directory.resolve().name,
        device="cpu",
        model=model.config,
        tokenizer=TokenizerConfig(kind=tokenizer.kind, vocab_size=max(258, tokenizer.vocab_size)),
    )
    run = create_run(config, tokenizer)
    try:
        save_checkpoint(run, model, None, step=0)
    except BaseException:
        delete_run(run)
        raise
    return run
