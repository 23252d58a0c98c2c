"""A fine-tuning as a run: `train_run`'s part for runs that start from another run's weights.

    metrics.jsonl     tuned and judged events of the model, and of its twin from random weights
    results.json      what the finished model says of every test example

The twin runs in step with the model, so that their curves can be compared while they grow. It is not kept.
"""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from gptlab.device import device_name
from gptlab.evaluation.metrics import spearman
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.paths import replaced
from gptlab.runs import checkpoint as saving
from gptlab.runs.curve import Record, end_torn_line
from gptlab.runs.desk import SAFETY_CHECKPOINT_S, Desk
from gptlab.runs.distributed import Ranks
from gptlab.runs.job import forget_wishes, wished
from gptlab.runs.store import Run
from gptlab.runs.subject import opened
from gptlab.runs.versions import note_versions
from gptlab.training.events import PRETRAINED, SCRATCH, Judged, Tuned
from gptlab.transfer.classifier import Classifier
from gptlab.transfer.finetune import FineTuner
from gptlab.transfer.trial import Splits, classifier_for, tuner_for


def run_fine_tuning(run: Run, ranks: Ranks, desk: Desk) -> str:
    """Returns the state in which the run ends."""
    config = run.config()
    plan = config.fine_tuning
    assert plan is not None
    desk.status(phase="reading the text", device_name=device_name(config.device))
    note_versions(run)
    model, tokenizer, task = opened(plan)
    transfer = plan.transfer
    splits = Splits.of(task, model, tokenizer, transfer)
    desk.status(phase="building the model")
    tuners = {PRETRAINED: tuner_for(model, task, splits, transfer, config.device, watched=True)}
    if plan.scratch:
        tuners[SCRATCH] = tuner_for(model, task, splits, from_scratch(transfer), config.device, watched=True)
    modules = nn.ModuleDict({arm: tuner.classifier for arm, tuner in tuners.items()})
    if (last := saving.newest_intact(run)) is not None:
        saving.load_weights(modules, last)
        state = saving.load_trainer_state(last)
        for tuner, optimizer in zip(tuners.values(), state["optimizers"], strict=True):
            tuner.restore({"step": state["step"], "optimizers": [optimizer]})
        desk.note(f"resumed from step {last.step}")
    end_torn_line(run.folder / "metrics.jsonl")
    desk.status(n_steps=tuners[PRETRAINED].n_steps)
    session = _Session(run, desk, tuners, modules)
    ended = session.run_to_end()
    if ended == "finished":
        desk.status(phase="testing")
        _keep_results(run, plan, tuners, splits)
        session.tidy_up()
    return ended


def from_scratch(transfer: TransferConfig) -> TransferConfig:
    """The same training from random weights. Then everything has to learn, whatever learns in the pretrained model: where that is but a
    head or a soft prompt, at the rate that everything bears, and without the auxiliary loss, which the other one has not either.
    """
    few = transfer.updated in ("head", "prompt")
    changes = dict(learning_rate=TransferConfig().learning_rate, auxiliary=0.0) if few else {}
    return transfer.with_(n_layers_taken=-1, updated="all", freeze_taken=False, **changes)


@dataclass
class _Session:
    """One start of a fine-tuning: listens to all models in turn, keeps the books, grants wishes."""

    run: Run
    desk: Desk
    tuners: dict[str, FineTuner]
    modules: nn.ModuleDict

    def __post_init__(self) -> None:
        self.first = self.tuners[PRETRAINED]
        self.begin_step, self.begin_s = self.first.step, time.monotonic()
        self.saved_s, self.elapsed_before_s = self.begin_s, self.desk.now.elapsed_s
        self.unwritten: list[Record] = []

    def run_to_end(self) -> str:
        for event in in_turns(self.tuners):
            self.unwritten.append(event)
            if not self.in_step():
                continue
            if isinstance(event, Judged) or self.desk.sign_is_due:
                self.give_sign()
            if self.first.step == self.first.n_steps:  # saved below, when its last look is written
                continue
            if wish := wished(self.run):
                self.save()
                self.give_sign()
                forget_wishes(self.run)
                return {"pause": "paused", "stop": "stopped"}[wish]
            if time.monotonic() - self.saved_s > SAFETY_CHECKPOINT_S:
                self.save()
        self.give_sign()
        forget_wishes(self.run)
        self.save()  # whoever is killed while testing has nothing to learn again
        return "finished"

    def tidy_up(self) -> None:
        """Keep of the last checkpoint what others open: the model, without its twin and the optimizers."""
        kept = nn.ModuleDict({PRETRAINED: self.first.classifier})
        saving.save_checkpoint(self.run, kept, None, self.first.step)
        for older in saving.checkpoints(self.run)[:-1]:
            shutil.rmtree(older.folder, ignore_errors=True)

    def in_step(self) -> bool:
        """Whether all models have done equally many updates: only then can they be saved together."""
        return len({tuner.step for tuner in self.tuners.values()}) == 1

    def save(self) -> None:
        state: dict[str, Any] = {"tokens": 0, "optimizers": [tuner.optimizer.state_dict() for tuner in self.tuners.values()]}
        saving.save_checkpoint(self.run, self.modules, state, self.first.step)
        saving.drop_superseded(self.run, ())
        self.saved_s = time.monotonic()

    def give_sign(self) -> None:
        self.desk.append("metrics.jsonl", *self.unwritten)
        self.unwritten.clear()
        elapsed = time.monotonic() - self.begin_s
        done, left = self.first.step - self.begin_step, self.first.n_steps - self.first.step
        self.desk.status(
            state="running", phase="", step=self.first.step, elapsed_s=self.elapsed_before_s + elapsed,
            seconds_left=left * elapsed / done if done else 0.0, memory_bytes=self.desk.process.memory_info().rss,
        )  # fmt: skip


def in_turns(tuners: dict[str, FineTuner]) -> Iterator[Tuned | Judged]:
    """The events of all models, one of each in turn, marked with the model's name."""
    streams = {arm: tuner.events() for arm, tuner in tuners.items()}
    while streams:
        for arm, stream in list(streams.items()):
            if (event := next(stream, None)) is None:
                del streams[arm]
            else:
                yield type(event)(**{**asdict(event), "arm": arm})


def _keep_results(run: Run, plan: FineTuning, tuners: dict[str, FineTuner], splits: Splits) -> None:
    """`results.json`: scores of all models on the test split, and every answer of the one that is kept."""
    scores = {}
    for arm, tuner in tuners.items():
        found = tuner.predict(splits.test)
        scores[arm] = asdict(found.score)
        if arm == PRETRAINED:
            says = found.probabilities
    right = [example.label for example in splits.test]
    results: dict[str, Any] = {
        "task": plan.task, "scores": scores, "n_cut": splits.n_cut, "right": right,
        "says": [[round(float(p), 5) for p in row] for row in says],
    }  # fmt: skip
    if scores[PRETRAINED]["metric"] == "pearson":
        import numpy as np

        results["spearman"] = spearman(says[:, 0], np.asarray(right))
    with replaced(run.folder / "results.json") as file:
        json.dump(results, file)


def load_classifier(run: Run) -> Classifier:
    """The finished classifier of a fine-tuning, in `eval()`, without gradients.

    Raises:
        RunError: no checkpoint yet, or a damaged one.
        DataError: its task is gone.
    """
    plan = run.config().fine_tuning
    assert plan is not None
    found = classifier_for(saving.load_model(run), task_named(plan.task), plan.transfer)
    saving.load_weights(found, saving.checkpoints(run)[-1], within=f"{PRETRAINED}.")
    return found.eval().requires_grad_(False)
