"""Examples per second of fine-tuning: our FineTuner beside the Trainer of `transformers`, same weights, examples, batch size and steps.

The peer is `GPT2ForSequenceClassification`, which reads the last token that is no padding: our Extract. It has no auxiliary loss, so
ours is off (lambda 0). Both learn with AdamW, a warm-up and a rate that falls along a line. The Trainer pads each batch to its longest
text, as its documentation advises; once more it draws batches of similar length ("by length"). The sides take turns, each from the same
weights; a round is one whole training, and the ratio is the median over rounds.

The Trainer needs accelerate, which the project does not: give the folder of an install (pip install --target FOLDER --no-deps accelerate).

    python tests/benchmarks/tuning_speed.py --accelerate FOLDER [--model gpt2-6x96] [--tasks acceptability-en,entailment-en]
"""

import os
import statistics
import sys
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable
from pathlib import Path

import torch
from peer import arguments, median_ratio, report, surroundings
from torch import Tensor

from gptlab.device import keep_memory
from gptlab.evaluation.task import Task
from gptlab.evaluation.tasks import task_named
from gptlab.experiment import TransferConfig
from gptlab.model.gpt import GPT
from gptlab.model.interop import write_directory
from gptlab.model.lstm import LSTM
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run
from gptlab.transfer.classifier import with_special_tokens
from gptlab.transfer.inputs import Encoded
from gptlab.transfer.trial import Splits, tuner_for


class Rows(torch.utils.data.Dataset):
    """Our sequences, as the Trainer takes them."""

    def __init__(self, examples: list[Encoded]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, i: int) -> dict[str, object]:
        return {"input_ids": list(self.examples[i].rows[0]), "labels": self.examples[i].label}


def padded(rows: list[dict]) -> dict[str, Tensor]:
    """A batch padded to its longest text; the padding is a token that no text contains."""
    longest = max(len(row["input_ids"]) for row in rows)
    ids = torch.tensor([row["input_ids"] + [padding(rows)] * (longest - len(row["input_ids"])) for row in rows])
    inside = torch.tensor([[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows])
    return {"input_ids": ids, "attention_mask": inside, "labels": torch.tensor([row["labels"] for row in rows])}


def padding(rows: list[dict]) -> int:
    """The Delimiter, which stands before Extract in our vocabulary: never the last token of a text."""
    return rows[0]["input_ids"][-1] - 1


def trainer_side(folder: Path, examples: list[Encoded], n_classes: int, config: TransferConfig, **options: object) -> Callable[[], float]:
    """A function that fine-tunes once with the Trainer and tells the seconds of it, without those of loading the model."""
    from transformers import GPT2ForSequenceClassification, Trainer, TrainingArguments

    pad = padding([{"input_ids": list(examples[0].rows[0])}])

    def train() -> float:
        model = GPT2ForSequenceClassification.from_pretrained(
            folder, num_labels=n_classes, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0, pad_token_id=pad,
        )  # fmt: skip
        arguments = TrainingArguments(
            output_dir=str(folder / "out"), per_device_train_batch_size=config.batch_size, num_train_epochs=config.n_epochs,
            learning_rate=config.learning_rate, weight_decay=config.weight_decay, warmup_steps=0.1, lr_scheduler_type="linear",
            use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            seed=config.seed, **options,
        )  # fmt: skip
        trainer = Trainer(model=model, args=arguments, train_dataset=Rows(examples), data_collator=padded)
        return seconds_of(trainer.train)

    return train


def our_side(pretrained: GPT | LSTM, task: Task, splits: Splits, config: TransferConfig) -> Callable[[], float]:
    """The same with our FineTuner."""

    def train() -> float:
        tuner = tuner_for(pretrained, task, splits, config, "cpu", watched=False)
        return seconds_of(lambda: deque(tuner.events(), maxlen=0))

    return train


def seconds_of(does: Callable[[], object]) -> float:
    begin = time.perf_counter()
    does()
    return time.perf_counter() - begin


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--accelerate", type=Path, required=True, help="a folder with accelerate, for the Trainer")
    parser.add_argument("--model", default="gpt2-6x96")
    parser.add_argument("--tasks", default="acceptability-en,entailment-en")
    parser.add_argument("--labels", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    sys.path.append(str(given.accelerate))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.filterwarnings("ignore")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(given.threads)
    keep_memory()
    run = open_run(given.model)
    pretrained, tokenizer = load_model(run), run.tokenizer()
    rows = []
    for name in given.tasks.split(","):
        task = task_named(name)
        splits = Splits.of(task, pretrained, tokenizer, TransferConfig())
        config = TransferConfig(n_labels=given.labels, n_epochs=1, auxiliary=0.0, dropout=0.0, seed=given.seed)
        with tempfile.TemporaryDirectory() as folder:
            write_directory(with_special_tokens(pretrained, config), Path(folder))
            examples = tuner_for(pretrained, task, splits, config, "cpu", watched=False).examples
            sides = {
                "Trainer fp32": trainer_side(Path(folder), examples, len(task.labels), config),
                "Trainer fp32, by length": trainer_side(
                    Path(folder), examples, len(task.labels), config, train_sampling_strategy="group_by_length"
                ),
                "Trainer bf16": trainer_side(Path(folder), examples, len(task.labels), config, bf16=True),
                "GPT Lab fp32": our_side(pretrained, task, splits, config),
                "GPT Lab bf16": our_side(pretrained, task, splits, config.with_(precision="bf16")),
            }  # fmt: skip
            times: dict[str, list[float]] = {side: [] for side in sides}
            for round_ in range(given.rounds + 1):
                for side, train in sides.items():
                    seconds = train()
                    if round_:  # the first one warms up
                        times[side].append(seconds)
        for side, seconds in times.items():
            rows.append({
                "task": name, "side": side, "tokens an example": statistics.mean(len(e.rows[0]) for e in examples),
                "examples/s": given.labels / statistics.median(seconds),
                "of Trainer fp32": median_ratio(times["Trainer fp32"], seconds),
                "of Trainer by length": median_ratio(times["Trainer fp32, by length"], seconds),
                "of Trainer bf16": median_ratio(times["Trainer bf16"], seconds),
            })  # fmt: skip
    about = surroundings(threads=given.threads, model=given.model, labels=given.labels)
    report("Fine-tuning against the Trainer of transformers", about, rows, given.json)


if __name__ == "__main__":
    main()
