"""Tokenization beside the libraries it rests on: training, encoding, and the time until a long text is coloured.

    python tests/benchmarks/tokenization.py --text FILE [--megabytes 10] [--rounds 3]

The text is repeated to the wanted size, a number put before each copy. Training is set against `tokenizers` alone with the same trainer and
the same cut into words; encoding against a bare `tiktoken.Encoding` of the same ranks. The sides take turns. The coloured text is 10,000
characters under GPT-2, and as characters, in a Chromium without a GPU; the time goes from leaving the text field to the frame
that shows the first 1,200 tokens, and to the one that shows all.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

import tiktoken  # noqa: E402
from conftest import CHROMIUM, FLAGS, Server  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from tiktoken_ext.openai_public import r50k_pat_str  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402

from gptlab.tokenizer import BPETokenizer  # noqa: E402


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def bare_training(text: str, vocab_size: int) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator([text], trainer)


WAIT = """([first, whole]) => { const begin = performance.now(); window.waited = new Promise(resolve => { const look = () => {
    const boxes = [...document.querySelectorAll('.lab-coloured')];
    boxes.length === 1 && boxes[0].textContent.slice(0, 40).replaceAll(/[\\s\\u200b]/g, '').startsWith(first)
            && (!whole || boxes[0].childElementCount == boxes[0].dataset.tokens)
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin))) : setTimeout(look, 4); }; look(); }); }"""


def coloured(text: str, rounds: int, vocabulary: str, whole: bool) -> list[float]:
    """Seconds until a text of 10,000 characters begins to be painted, or is there as a whole; each time another text."""
    server = Server(Path(tempfile.mkdtemp(prefix="gptlab-tokens-")))
    server.start()
    times = []
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS).new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{server.url}/tokenization?vocabularies={vocabulary}")
        page.wait_for_selector(".lab-coloured")
        for i in range(rounds):
            part = f"{i:04d} " + text[i * 10_000 : i * 10_000 + 9_995]
            page.get_by_label("Text", exact=True).fill(part)
            page.evaluate(WAIT, [f"{i:04d}", whole])
            page.keyboard.press("Control+Enter")
            times.append(page.evaluate("window.waited") / 1000)
        page.context.browser.close()
    server.stop()
    return times


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--text", type=Path, required=True)
    ask.add_argument("--megabytes", type=float, default=10)
    ask.add_argument("--rounds", type=int, default=3)
    args = ask.parse_args()
    once = args.text.read_text(encoding="utf-8")
    copies = int(args.megabytes * 1e6 / len(once.encode())) + 1
    text = "".join(f"{i} {once}" for i in range(copies))[: int(args.megabytes * 1e6)]
    ours, bare = [], []
    for _ in range(args.rounds):
        ours.append(seconds(lambda: BPETokenizer.train(text, 8192)))
        bare.append(seconds(lambda: bare_training(text, 8191)))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    print(f"training 8,192      {statistics.median(ours):6.2f} s, tokenizers alone {statistics.median(bare):6.2f} s, ratio {ratio:.2f}")
    tokenizer = BPETokenizer.train(once, 8192)
    encoding = tiktoken.Encoding("bare", pat_str=r50k_pat_str, mergeable_ranks=dict(tokenizer.ranks), special_tokens={})
    ours, bare = [], []
    for _ in range(args.rounds):
        ours.append(seconds(lambda: tokenizer.encode(text)))
        bare.append(seconds(lambda: encoding.encode_to_numpy(text)))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    speed = len(text.encode()) / 1e6 / statistics.median(ours)
    print(f"encoding            {speed:6.1f} MB/s, time over tiktoken alone {ratio:.2f}")
    for vocabulary in ("gpt2", "characters"):
        for whole, what in ((False, "first tokens"), (True, "whole")):
            times = coloured(once, 3 * args.rounds, vocabulary, whole)
            longest = f"longest {1000 * max(times):.0f} ms, n = {len(times)}"
            print(f"10,000 characters   {1000 * statistics.median(times):6.0f} ms until the {what} under {vocabulary}, {longest}")


if __name__ == "__main__":
    main()
