"""How long a person waits to look inside a model of GPT-2's smallest shape: 12 layers, 12 heads, 768 wide, with random weights.

    python tests/benchmarks/inside.py [--repeat 7]

The model comes from a directory of `transformers`, as a person would bring it. A server with an empty home and a Chromium without a GPU.
A matrix is there when the figure shows a word of the new text; the head view, when its frame holds lines. Capturing and the ablation map
are timed in this process.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from gptlab.device import calm_threads  # noqa: E402

calm_threads()

import torch  # noqa: E402
from conftest import CHROMIUM, FLAGS, Server  # noqa: E402
from latency import settled  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from gptlab.__main__ import main as command  # noqa: E402
from gptlab.config import ModelConfig, TokenizerConfig  # noqa: E402
from gptlab.data.village.documents import Village  # noqa: E402
from gptlab.device import device_name  # noqa: E402
from gptlab.interpret.ablation import ablation_map  # noqa: E402
from gptlab.interpret.capture import capture  # noqa: E402
from gptlab.model.build import build_model  # noqa: E402
from gptlab.runs.store import list_runs  # noqa: E402
from gptlab.tokenizer import train_tokenizer  # noqa: E402
from gptlab.tokenizer.interop import write_tokenizer  # noqa: E402

N_TOKENS = 64
ABLATED_TOKENS = 2000


def directory(folder: Path) -> tuple[str, list[str]]:
    """A GPT-2 of random weights, written by `transformers`, with a vocabulary of 4,096.

    Returns:
        A text that fills all but the last of the tokens, and words that are one token each, to end it with: every second token has a
        label in the figure, the last one among them.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    text = Village(("en",)).text(0.5).text
    tokenizer = train_tokenizer(TokenizerConfig(kind="bpe", vocab_size=4096), text)
    torch.manual_seed(1)
    GPT2LMHeadModel(GPT2Config(vocab_size=tokenizer.vocab_size)).save_pretrained(folder)
    write_tokenizer(tokenizer, folder)
    words = sorted({word for word in text.split() if word.isalpha() and len(word) > 5 and len(tokenizer.encode(" " + word)) == 1})
    beginning = tokenizer.decode([int(i) for i in tokenizer.encode(text)[: N_TOKENS - 2]])
    return beginning, words


def times(does: Callable[[], object], repeat: int) -> list[float]:
    found = []
    for _ in range(repeat + 1):
        begin = time.perf_counter()
        does()
        found.append(time.perf_counter() - begin)
    return found[1:]  # the first one warms up


def matrix(page: Page, text: str, word: str) -> float:
    """Seconds from the key that hands in a text to the matrix that shows its last word."""
    page.get_by_label("Text", exact=True).fill(f"{text} {word}")
    begin = time.perf_counter()
    page.keyboard.press("Control+Enter")
    shown = "word => [...document.querySelectorAll('.js-plotly-plot text')].some(t => t.textContent.includes(word))"
    page.wait_for_function(shown, arg=word)
    seconds = time.perf_counter() - begin
    settled(page)
    return seconds


def head_view(page: Page) -> float:
    """Seconds from the click on BertViz to lines in its frame."""
    begin = time.perf_counter()
    page.get_by_text("BertViz", exact=True).first.click()
    page.wait_for_selector("iframe")
    while not any(frame.locator("svg line, svg path").count() > 20 for frame in page.frames if frame != page.main_frame):
        page.wait_for_timeout(10)
    seconds = time.perf_counter() - begin
    page.get_by_text("Matrix", exact=True).first.click()
    settled(page)
    return seconds


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--repeat", type=int, default=7)
    repeat = ask.parse_args().repeat
    found: dict[str, list[float]] = {}
    model = build_model(ModelConfig(vocab_size=4096, block_size=1024, n_layer=12, n_head=12, n_embd=768), 1).eval()
    with torch.inference_mode():
        found[f"capture of {N_TOKENS} tokens"] = times(lambda: capture(model, range(N_TOKENS)), repeat)
        small = build_model(ModelConfig(vocab_size=4096, block_size=256, n_layer=6, n_head=6, n_embd=192), 1).eval()
        ids = torch.randint(0, 4096, (ABLATED_TOKENS // 250, 250), generator=torch.Generator().manual_seed(1))
        found[f"ablation map, 6 x 6 heads, {ABLATED_TOKENS} tokens"] = times(lambda: ablation_map(small, ids, "zero"), 3)
    folder = Path(tempfile.mkdtemp(prefix="gptlab-inside-"))
    text, words = directory(folder / "gpt2")
    server = Server(folder / "home")
    (folder / "home").mkdir()
    os.environ["GPTLAB_HOME"] = str(server.home)
    command(["import", str(folder / "gpt2"), "--title", "random"])
    server.start()
    run = list_runs()[0].id
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS).new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{server.url}/attention?model={run}&layer=0")
        settled(page)
        found["new text to its matrix"] = [matrix(page, text, words[i]) for i in range(repeat + 1)][1:]
        found["click to the head view"] = [head_view(page) for _ in range(repeat + 1)][1:]
        page.context.browser.close()
    server.stop()
    print(f"12 layers, 12 heads, 768 wide; {device_name('cpu')}")
    for name, seconds in found.items():
        print(f"{name:45s} median {statistics.median(seconds):6.2f} s   longest {max(seconds):6.2f} s   n = {len(seconds)}")


if __name__ == "__main__":
    main()
