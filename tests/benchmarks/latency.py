"""How long a person waits: from the click on Train to the first point, and for a widget or another page while a run trains.

    python tests/benchmarks/latency.py --text FILE [--runs 5]

A server with an empty home and a Chromium without a GPU on this machine; the text is put into the library first, and the Train page is
open for five seconds before the click, as it is when a person chooses. The first point is there when the figure's own data hold one.
A widget's time ends when another one shows what follows from it, a figure's when it is drawn anew with the other axis title, a page's
when its heading is on the screen.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from conftest import CHROMIUM, FLAGS, Server, end_workers  # noqa: E402
from playwright.sync_api import Locator, Page, sync_playwright  # noqa: E402

from gptlab.data import library, sources  # noqa: E402

FIRST_POINT = """location.href.includes('run=') && [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
    (plot.data || []).some(trace => trace.x && (trace.x.length || (trace.x._inputArray || []).length)))"""


def timed(page: Page, click: Locator, condition: str) -> float:
    """Seconds from the press of the mouse to the condition, both taken by the page itself: the driver's own time does not count."""
    page.evaluate(
        """condition => {
            let pressed = null;
            document.addEventListener('pointerdown', () => { pressed = performance.now(); }, {capture: true, once: true});
            const holds = new Function('return ' + condition);
            window.waited = new Promise(resolve => {
                const look = () => pressed !== null && holds() ? resolve(performance.now() - pressed) : setTimeout(look, 4);
                look();
            });
        }""",
        condition,
    )
    click.click(no_wait_after=True)
    return page.evaluate("window.waited") / 1000


def settled(page: Page) -> None:
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000)
    page.wait_for_timeout(500)


def first_point(page: Page, server: Server, text_id: str) -> float:
    page.goto(f"{server.url}/train?text={text_id}&size=small")
    settled(page)
    page.wait_for_timeout(5000)
    return timed(page, page.get_by_role("button", name="Train", exact=True), FIRST_POINT)


def switch(page: Page, name: str, heading: str) -> float:
    link = page.locator('[data-testid="stSidebarNavLink"]', has_text=name)
    return timed(page, link, f"(document.querySelector('h1') || {{}}).innerText === {json.dumps(heading)}")


def widget(page: Page, label: str, axis: str) -> float:
    title = "(document.querySelector('.js-plotly-plot .ytitle') || {}).textContent || ''"
    seconds = timed(page, page.get_by_role("radio", name=label), f"({title}).includes({json.dumps(axis)})")
    settled(page)
    return seconds


def plain_widget(page: Page, label: str) -> float:
    """A widget outside of the live part: the whole page is drawn anew, and the sizes' labels tell other minutes."""
    dial = "(box => box.innerText + box.querySelector('input').value)(document.querySelector('.st-key-size'))"
    before = page.evaluate(dial)
    seconds = timed(page, page.get_by_role("radio", name=label), f"{dial} !== {json.dumps(before)}")
    settled(page)
    return seconds


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--text", type=Path, required=True)
    ask.add_argument("--runs", type=int, default=5)
    args = ask.parse_args()
    server = Server(Path(tempfile.mkdtemp(prefix="gptlab-latency-")))
    server.start()
    corpus = library.save(sources.uploads([(args.text.name, args.text.read_bytes())]), server.home)
    clicks, plain, widgets, pages = [], [], [], []
    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS).new_page(viewport={"width": 1440, "height": 1000})
        for _ in range(args.runs):
            clicks.append(first_point(page, server, corpus))
            page.wait_for_timeout(2000)
            for _ in range(6):
                widgets += [widget(page, "bits/byte", "bits per byte"), widget(page, "nats/token", "nats per token")]
            for _ in range(3):
                plain += [plain_widget(page, "fast"), plain_widget(page, "as in the papers")]
            for _ in range(4):
                pages.append(switch(page, "Runs", "Runs"))
                settled(page)
                pages.append(switch(page, "Train", "Train a GPT on your own text"))
                settled(page)
            page.get_by_role("button", name="Stop").click()
            page.wait_for_timeout(3000)
            for run in (server.home / "runs").iterdir():  # the next first point is not to be taken for one of this run
                shutil.rmtree(run)
        page.context.browser.close()
    server.stop()
    end_workers(server.home)
    for name, times in (("click to first point", clicks), ("widget, while training", plain), ("figure, while training", widgets),
                        ("page, while training", pages)):  # fmt: skip
        print(f"{name:24s} median {1000 * statistics.median(times):6.0f} ms   longest {1000 * max(times):6.0f} ms   n = {len(times)}")
    print(json.dumps({"clicks_s": clicks, "widgets_s": plain, "figures_s": widgets, "pages_s": pages}))


if __name__ == "__main__":
    main()
