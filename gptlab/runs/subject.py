"""What a fine-tuning starts from: a model, its tokenizer, a task; and the run that it becomes."""

from gptlab.config import LSTMConfig, ModelConfig, RunConfig
from gptlab.errors import RunError
from gptlab.evaluation.own import keep
from gptlab.evaluation.task import Task
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, Study
from gptlab.model.gpt import GPT
from gptlab.model.lstm import LSTM
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run
from gptlab.tokenizer import Tokenizer
from gptlab.transfer.classifier import require_blocks
from gptlab.transfer.inputs import N_SPECIAL, require_words


def opened(plan: FineTuning) -> tuple[GPT | LSTM, Tokenizer, Task]:
    """
    Raises:
        RunError, DataError: no such model, checkpoint or task.
    """
    run = open_run(plan.model)
    return load_model(run, plan.step), run.tokenizer(), task_named(plan.task)


def fine_tuning_config(plan: FineTuning, device: str, title: str) -> tuple[RunConfig, Tokenizer]:
    """The run that a fine-tuning becomes; its model has three tokens more than the one it starts from. A person's table is kept for it.

    Raises:
        RunError: no such model.
        DataError, ModelError: as `_check`.
    """
    _check(plan)
    base = open_run(plan.model)
    if not base.checkpoint_steps():
        raise RunError("The run {run_id} has no checkpoint yet. Wait until it has trained a step.", run_id=base.id)
    config = base.config()
    keep(plan.task)
    return RunConfig(
        title=title, device=device, model=_with_special_tokens(config.model), tokenizer=config.tokenizer, fine_tuning=_fixed(plan)
    ), base.tokenizer()


def study_config(study: Study, device: str, title: str) -> tuple[RunConfig, Tokenizer]:
    """The run that a study becomes; it has the shape of its first arm's model. A person's table is kept for it.

    Raises:
        RunError: no such model.
        DataError, ModelError: as `_check`.
    """
    for arm in study.arms:
        _check(arm)
    base = open_run(study.arms[0].model)
    config = base.config()
    for arm in study.arms:
        keep(arm.task)
    fixed = study.with_(arms=[_fixed(arm) for arm in study.arms])
    return RunConfig(title=title, device=device, model=config.model, tokenizer=config.tokenizer, study=fixed), base.tokenizer()


def _check(plan: FineTuning) -> None:
    """
    Raises:
        DataError: words are to answer a task that has none, or no such task.
        ModelError: last blocks are to learn in a model that has none of its own.
    """
    if plan.transfer.updated == "top":
        require_blocks(open_run(plan.model).config().model)
    if plan.transfer.answer_by == "words":
        require_words(task_named(plan.task))


def _fixed(plan: FineTuning) -> FineTuning:
    """With the checkpoint that is the newest now: a run of one's own may learn on while this one waits, or is paused."""
    base = open_run(plan.model)
    return plan if base.is_shipped or plan.step is not None else plan.with_(step=max(base.checkpoint_steps(), default=None))


def _with_special_tokens(model: ModelConfig | LSTMConfig) -> ModelConfig | LSTMConfig:
    return model.with_(vocab_size=model.vocab_size + N_SPECIAL)
