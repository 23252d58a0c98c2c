"""How long the room waits for the layer-transfer figure: from the click to the first point on screen, and to the last.

    python tests/benchmarks/layer_grid.py [--models gpt2-12x64 gpt2-6x96] [--seeds 3]

A server with an empty home and a Chromium without a GPU on this machine; the page is open for five seconds before the click, as it is when
a person chooses. Everything else as the page proposes it.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser"), str(ROOT / "tests" / "benchmarks")]

from conftest import CHROMIUM, FLAGS, Server, end_workers  # noqa: E402
from latency import settled, timed  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

FIRST_POINT = r"""/step [1-9]\d* of \d+/.test(document.body.innerText) && [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
    (plot.data || []).some(trace => trace.x && (trace.x.length || (trace.x._inputArray || []).length)))"""
"""The recorded study, which the page shows before, has no such line of progress."""


def grid(page: Page, server: Server, model: str, n_seeds: int) -> tuple[float, float]:
    page.goto(f"{server.url}/layer_transfer?model={model}&n_seeds={n_seeds}")
    settled(page)
    page.wait_for_timeout(5000)
    began = time.perf_counter()
    first = timed(page, page.locator(".st-key-begin button"), FIRST_POINT)
    page.wait_for_function("document.body.innerText.includes('finished')", timeout=900_000)
    return first, time.perf_counter() - began


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--models", nargs="+", default=["gpt2-12x64", "gpt2-6x96"])
    ask.add_argument("--seeds", type=int, default=3)
    args = ask.parse_args()
    found = {}
    with sync_playwright() as play:
        for model in args.models:
            server = Server(Path(tempfile.mkdtemp(prefix="gptlab-grid-")))
            server.start()
            browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            found[model] = grid(browser.new_page(viewport={"width": 1440, "height": 1000}), server, model, args.seeds)
            browser.close()
            server.stop()
            end_workers(server.home)
            print(f"{model:16s} first point {found[model][0]:5.1f} s   all {found[model][1]:6.1f} s")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
