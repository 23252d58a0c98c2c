"""Does pretraining help on real text? What a person could have on a laptop: a few megabytes to read, and a labelled set.

    python tests/benchmarks/real_text.py DATA trec|nsmc [--steps 2000] [--labels 200,1000,all] [--seeds 3]

TREC (six kinds of English questions): reads stories, an encyclopedia and novels. NSMC (Korean film reviews, liked or not): reads
everyday chat and the reviews of the training split without their labels. The same model from scratch learns the same labels with as many
updates. A tenth of the training split chooses between learning rates and numbers of epochs, for each arm and number of labels on its own;
the test split is the set's own, and is read once for every seed. DATA is a folder with the files that `READS` names.
"""

import argparse
import csv
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gptlab.device import calm_threads, keep_memory  # noqa: E402

calm_threads()
keep_memory()

import torch  # noqa: E402

from gptlab.config import DataConfig, TokenizerConfig  # noqa: E402
from gptlab.data import library  # noqa: E402
from gptlab.data.corpus import Corpus, Document  # noqa: E402
from gptlab.device import device_name  # noqa: E402
from gptlab.evaluation.shortcuts import shortcuts  # noqa: E402
from gptlab.evaluation.task import Example, Task  # noqa: E402
from gptlab.experiment import TransferConfig  # noqa: E402
from gptlab.paths import home  # noqa: E402
from gptlab.runs.checkpoint import load_model  # noqa: E402
from gptlab.runs.distributed import Ranks  # noqa: E402
from gptlab.runs.plan import plan, tokenizer_for  # noqa: E402
from gptlab.runs.reached import half_interval  # noqa: E402
from gptlab.runs.store import create_run, open_run  # noqa: E402
from gptlab.runs.worker import train_run  # noqa: E402
from gptlab.transfer.trial import Splits, trial  # noqa: E402

READS = {
    "trec": ("tinystories-1000.json", "wikitext2-test.raw", "lambada-test.jsonl"),
    "nsmc": ("korean-chatbot.csv", "nsmc-train.tsv"),
}
LABELS = {"trec": tuple("012345"), "nsmc": ("0", "1")}
TRIED = [dict(learning_rate=rate, n_epochs=epochs) for rate in (5e-4, 1e-3, 2e-3) for epochs in (3, 6)]
"""Settings that the validation split chooses from; where there are many labels, fewer epochs are enough and only the rates are tried."""
MANY = 5000


def lines_to_read(data: Path, name: str) -> Iterator[str]:
    """Texts of a file, without labels."""
    text = (data / name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        for row in json.loads(text):
            yield row if isinstance(row, str) else row.get("text") or row["story"]
    elif name.endswith(".jsonl"):
        yield from (json.loads(line)["text"] for line in text.splitlines())
    elif name.endswith(".csv"):
        yield from (f"{row['Q']}\n{row['A']}" for row in csv.DictReader(text.splitlines()))
    elif name.endswith(".tsv"):
        yield from (row["document"] for row in table(data / name) if row["document"])
    else:
        yield text


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def labelled(data: Path, name: str, split: str) -> list[Example]:
    """Examples of a split of the files; "validation" is a tenth of the training file."""
    file = "test" if split == "test" else "train"
    if name == "trec":
        rows = [tuple(line.split(" ", 1)) for line in (data / f"trec-{file}.txt").read_text(encoding="latin-1").splitlines()]
    else:
        rows = [(row["label"], row["document"]) for row in table(data / f"nsmc-{file}.tsv") if row["document"]]
    examples = [Example((text,), label=LABELS[name].index(label)) for label, text in rows]
    if split == "test":
        return examples
    return [example for i, example in enumerate(examples) if (i % 10 == 0) == (split == "validation")]


def task_of(data: Path, name: str) -> Task:
    return Task(name, "", "classification", "", "accuracy", LABELS[name], "1", partial(_examples, data, name))


@cache
def _examples(data: Path, name: str, split: str) -> tuple[Example, ...]:
    return tuple(labelled(data, name, split))


def pretrained(data: Path, name: str, n_steps: int) -> str:
    """Id of a run that read the texts."""
    text = Corpus(name, tuple(Document(file, "\n\n".join(lines_to_read(data, file))) for file in READS[name]))
    config = DataConfig(corpus=library.save(text, home()))
    vocabulary = TokenizerConfig(kind="bpe", vocab_size=4096)
    tokenizer = tokenizer_for(text, vocabulary, config.validation_fraction)
    settings = plan(
        title=name, data=config, tokenizer_config=vocabulary, tokenizer=tokenizer, size="small", architecture="gpt2", recipe="fast",
        device="cpu", changes=dict(block_size=128, batch_size=32, n_steps=n_steps, precision="bf16"),
    )  # fmt: skip
    run = create_run(settings, tokenizer)
    train_run(run, Ranks())
    return run.id


def point(run_id: str, data: Path, name: str, config: TransferConfig) -> tuple[float, float]:
    """Validation and test accuracy."""
    model, splits = _prepared(run_id, data, name)
    *_, found = trial(model, task_of(data, name), splits, config, "cpu")
    return found.validation, found.test


@cache
def _prepared(run_id: str, data: Path, name: str) -> tuple[Any, Splits]:
    run = open_run(run_id)
    model = load_model(run)
    return model, Splits.of(task_of(data, name), model, run.tokenizer(), TransferConfig())


def alone() -> None:
    torch.set_num_threads(1)
    keep_memory()


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("data", type=Path)
    ask.add_argument("name", choices=list(READS))
    ask.add_argument("--steps", type=int, default=2000)
    ask.add_argument("--labels", default="200,1000,all")
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--run", help="one that was pretrained before")
    args = ask.parse_args()
    begin = time.monotonic()
    run_id = args.run or pretrained(args.data, args.name, args.steps)
    print(f"{run_id}: pretrained in {time.monotonic() - begin:.0f} s, {device_name('cpu')}", flush=True)
    known = shortcuts(task_of(args.data, args.name))
    print(f"majority {known.majority:.3f}  bag of words, all labels {known.words.value:.3f}")
    counts = [None if text == "all" else int(text) for text in args.labels.split(",")]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), initializer=alone) as pool:
        for n in counts:
            n_train = n or len(_examples(args.data, args.name, "train"))
            tried = [setting | dict(n_epochs=3) for setting in TRIED[::2]] if n_train > MANY else TRIED
            for arm, taken in (("pretrained", None), ("from scratch", -1)):
                base = TransferConfig(n_labels=n, n_layers_taken=taken, precision="bf16")
                chosen = list(pool.map(point, *_each(run_id, args, [base.with_(**setting) for setting in tried])))
                best = max(range(len(tried)), key=lambda i: chosen[i][0])
                seeds = [base.with_(**tried[best], seed=seed) for seed in range(2, args.seeds + 1)]
                tests = [chosen[best][1], *(test for _validation, test in pool.map(point, *_each(run_id, args, seeds)))]
                interval = half_interval(tests) if len(tests) > 1 else float("nan")
                print(f"{n_train:6} labels  {arm:12}  test {statistics.mean(tests):.3f} +- {interval:.3f}  {tried[best]}  "
                      f"{time.monotonic() - begin:.0f} s", flush=True)  # fmt: skip


def _each(run_id: str, args: argparse.Namespace, configs: list[TransferConfig]) -> list[list]:
    return [[run_id] * len(configs), [args.data] * len(configs), [args.name] * len(configs), configs]


if __name__ == "__main__":
    main()
