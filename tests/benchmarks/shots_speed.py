"""Questions with answers to choose from, scored: ours beside `transformers`' GPT-2 with the same weights, in turns.

Ours reads what stands before a question once, and a question once for all its answers. The peer reads everything anew for every answer:
once a sequence at a time, once in batches of 32 that are padded to their longest. Both must choose the same answers. A second table has
the seconds of the page's whole chart: 0, 1, 2, 4, 8 demonstrations, as many as fit, with three choices of them.

    python tests/benchmarks/shots_speed.py [--model gpt2-6x96] [--tasks rules-en,choice-en] [--questions 64]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from peer import arguments, median_ratio, report, surroundings

from gptlab.evaluation.scoring import BEGIN
from gptlab.evaluation.shots import Prompting, answer, most_that_fit, prompt_of
from gptlab.evaluation.tasks import task_named
from gptlab.model.interop import write_directory
from gptlab.runs.checkpoint import load_model
from gptlab.runs.store import open_run


@torch.inference_mode()
def chosen_by_peer(peer: torch.nn.Module, sequences: list[list[tuple[list[int], int]]], batch_size: int) -> list[int]:
    """Index of the likeliest answer of each question: every sequence is read whole. A sequence is its ids and the answer's length."""
    flat = [(ids, n, question) for question, row in enumerate(sequences) for ids, n in row]
    nats: list[list[float]] = [[] for _ in sequences]
    for begin in range(0, len(flat), batch_size):
        part = flat[begin : begin + batch_size]
        longest = max(len(ids) for ids, _n, _question in part)
        ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _n, _question in part])
        logits = peer(ids).logits.log_softmax(-1)
        for i, (row, n, question) in enumerate(part):
            places = range(len(row) - n, len(row))
            nats[question].append(sum(float(logits[i, place - 1, row[place]]) for place in places))
    return [max(range(len(row)), key=row.__getitem__) for row in nats]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", default="gpt2-6x96")
    parser.add_argument("--tasks", default="rules-en,choice-en")
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    from transformers import GPT2LMHeadModel

    run = open_run(given.model)
    model, tokenizer = load_model(run), run.tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        write_directory(model, Path(folder))
        peer = GPT2LMHeadModel.from_pretrained(folder).eval()
    rows, charts = [], []
    for name in given.tasks.split(","):
        task = task_named(name)
        examples = task.examples("test")[: given.questions]
        fits = min(most_that_fit(model, tokenizer, task, examples, Prompting(seed=seed)) for seed in (1, 2, 3))
        for k in [k for k in (0, 4) if k <= fits]:
            how = Prompting(k=k)
            sequences = []
            for example in examples:
                before, question = prompt_of(task, example, how)
                ids = [int(i) for text in (BEGIN + before, question) if before or text is question
                       for i in tokenizer.encode(text if before else BEGIN + text)]  # fmt: skip
                answers = [[int(i) for i in tokenizer.encode(choice)] for choice in example.choices]
                sequences.append([(ids + one, len(one)) for one in answers])
            sides = {
                "transformers, one by one": lambda s=sequences: chosen_by_peer(peer, s, 1),
                "transformers, by 32": lambda s=sequences: chosen_by_peer(peer, s, 32),
                "GPT Lab": lambda t=task, e=examples, h=how: list(answer(model, tokenizer, t, e, h).chosen),
            }
            times: dict[str, list[float]] = {side: [] for side in sides}
            for _round in range(given.rounds):
                said = {}
                for side, does in sides.items():
                    begin = time.perf_counter()
                    said[side] = does()
                    times[side].append(time.perf_counter() - begin)
                if not said["GPT Lab"] == said["transformers, one by one"]:
                    sys.exit(f"{name}, {k} demonstrations: the answers differ")
            rows += [{
                "task": name, "demonstrations": k, "side": side, "questions/s": given.questions / statistics.median(seconds),
                "of one by one": median_ratio(times["transformers, one by one"], seconds),
                "of by 32": median_ratio(times["transformers, by 32"], seconds),
            } for side, seconds in times.items()]  # fmt: skip
        begin, tests = time.perf_counter(), task.examples("test")[:500]
        for k in [k for k in (0, 1, 2, 4, 8) if k <= fits]:
            for seed in range(1, 2 if k == 0 else 4):
                answer(model, tokenizer, task, tests, Prompting(k=k, seed=seed))
        charts.append({"task": name, "questions": len(tests), "most demonstrations": min(fits, 8), "seconds": time.perf_counter() - begin})
    about = surroundings(threads=given.threads, model=given.model, questions=given.questions)
    report("Scoring answers against transformers", about, rows, given.json)
    report("The whole chart", {}, charts, given.json)


if __name__ == "__main__":
    main()
