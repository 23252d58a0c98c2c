"""What a person does, in a real browser."""

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gptlab.data import library, sources

ROOT = Path(__file__).resolve().parents[2]
STEMS = sorted(p.stem for p in (ROOT / "pages").rglob("*.py"))
TEXT = "The cat sat on the mat. The dog sat on the log. A bird sang, and the cat ran home.\n" * 120
SLOW = 60_000
LIGHT = {"few_shot": "model=gpt2-12x64", "pretraining": "zero_tasks=acceptability-en"}
"""Pages that compute when they open: a link to less of it."""


@pytest.fixture(scope="module")
def text_id(server) -> str:
    return library.save(sources.pasted(TEXT, "Cats and dogs"), server.home)


def settled(page: Page) -> None:
    """Wait until no script runs and nothing is about to be drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=SLOW)
    page.wait_for_function("!document.querySelector('[data-testid=\"stSkeleton\"], [data-testid=\"stSpinner\"]')", timeout=SLOW)


def opened(page: Page, server, link: str) -> None:
    page.goto(f"{server.url}/{link}")
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def set_number(page: Page, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def train(page: Page, server, text_id: str, n_steps: int) -> str:
    """Press Train with the mini size; returns the run's id, which is in the link."""
    opened(page, server, f"train?text={text_id}&size=mini")
    page.get_by_text("More settings").click()
    set_number(page, "n_steps (steps)", n_steps)
    before = page.url
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("before => location.href !== before && location.href.includes('run=')", arg=before, timeout=SLOW)
    return re.search(r"run=([0-9a-f-]+)", page.url).group(1)


def test_a_deep_link_on_a_fresh_server_has_its_frame(page, server):
    """The very first visit: Streamlit's old multi-page mode would show the page without the frame."""
    opened(page, server, "generate?lang=ko")
    expect(page.get_by_test_id("stSidebarNav")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(14)
    assert "lang=ko" in page.url
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_train_watch_and_generate(page, server, text_id):
    run_id = train(page, server, text_id, n_steps=100)
    expect(page.get_by_text(re.compile("finished · step|finished.*100 of 100")).first).to_be_visible(timeout=SLOW)
    settled(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert page.locator(".lab-sample").count() > 3
    assert float(page.locator(".lab-numbers .value").first.inner_text()) < 3.0

    opened(page, server, f"generate?run={run_id}")
    expect(page.locator(".lab-tokens .last")).to_have_count(1)
    before = page.locator(".lab-tokens").inner_text()
    page.get_by_role("button", name="Next token").click()
    expect(page.get_by_label("Tokens written")).to_have_value("13")
    settled(page)
    assert page.locator(".lab-tokens").inner_text() != before
    page.get_by_role("button", name="Stream it").click()
    settled(page)
    link = page.url
    page.goto(link)  # the link restores the view
    settled(page)
    expect(page.get_by_label("Tokens written")).to_have_value("13")


def test_a_label_follows_what_it_depends_on(page, server, text_id):
    """The drop-down goes on showing the label that was chosen, unless it is told of the new one."""
    opened(page, server, f"train?text={text_id}&size=medium")
    dial = page.get_by_role("combobox", name="Size")
    before = dial.input_value()
    page.get_by_role("radio", name="fast").click()
    expect(dial).not_to_have_value(before)
    assert dial.input_value().startswith("medium · ") and "size=medium" in page.url
    page.get_by_role("radio", name="한국어").click()
    expect(page.get_by_role("combobox", name="크기", exact=True)).to_have_value(re.compile("^중형 · "))


def test_a_run_outlives_browser_and_server_is_paused_resumed_and_stopped(page, server, text_id):
    run_id = train(page, server, text_id, n_steps=20_000)
    page.goto("about:blank")
    server.stop()
    path = server.home / "runs" / run_id / "status.json"
    step = json.loads(path.read_text())["step"]
    for _ in range(100):
        if json.loads(path.read_text())["step"] > step:
            break
        time.sleep(0.1)
    assert json.loads(path.read_text())["step"] > step
    server.start()
    opened(page, server, f"train?run={run_id}")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SLOW)
    assert json.loads(path.read_text())["state"] == "paused"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize("link", [
    *(f"{stem}?{LIGHT.get(stem, '')}" for stem in STEMS),
    "tokenization?view=merges", "tokenization?view=edges&lang=ko",
])  # fmt: skip
def test_no_text_is_smaller_than_14_px(page, server, link):
    """Readable from the back of a room. Plotly's bar of buttons and the equations' indices are drawn, not written."""
    opened(page, server, link)
    small = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.querySelector('[data-testid="stApp"]'), NodeFilter.SHOW_TEXT);
            const found = [];
            while (walker.nextNode()) {
                const text = walker.currentNode.textContent.trim(), parent = walker.currentNode.parentElement;
                if (!text || parent.closest('.katex, .modebar, style, script, canvas, table') || !parent.getClientRects().length) continue;
                const size = parseFloat(getComputedStyle(parent).fontSize);
                if (size < 14) found.push(`${size}: ${text.slice(0, 40)}`);
            }
            return found;
        }"""
    )
    assert not small


def test_the_server_listens_on_this_machine_only(server):
    import psutil

    port = int(server.url.rsplit(":", 1)[1])
    process = psutil.Process(server.process.pid)
    addresses = {c.laddr.ip for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN and c.laddr.port == port}
    assert addresses == {"127.0.0.1"}


def test_tokens_are_coloured_explained_and_merged(page, server):
    opened(page, server, "tokenization?tokens_text=hello%20%3Cb%3E%ec%95%88%20world&vocabularies=gpt2")
    tokens = page.locator(".lab-coloured span")
    labels = tokens.all_inner_texts()
    assert labels[0] == "hello" and "안[1/3]" in labels and "␣<" in labels  # no markup, no byte without its character
    tokens.first.hover()
    about = "element => getComputedStyle(element, '::after').content"
    assert "id 31373" in tokens.first.evaluate(about) and "hell + o" in tokens.first.evaluate(about)

    opened(page, server, "tokenization?vocabularies=bytes")
    page.get_by_label("Text", exact=True).fill("<b>hello</b>\n" + "x" * 5_000)  # more than is drawn in one go
    page.keyboard.press("Control+Enter")
    expect(tokens).to_have_count(5_013)
    assert tokens.nth(12).inner_text() == "⏎\n" and tokens.nth(12).locator("br").count() == 1

    opened(page, server, "tokenization?view=merges&merge=0&merge_text=aaabdaaabac&merge_speed=5")
    expect(page.locator(".lab-coloured span")).to_have_count(11)
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".lab-coloured span")).to_have_count(9)
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".lab-coloured span")).to_have_count(5, timeout=SLOW)
    settled(page)
    expect(page.get_by_role("button", name="Play")).to_be_disabled()
    assert "merge=3" in page.url


def frame_lines(page: Page) -> int:
    """Lines that BertViz drew in its frame."""
    frame = next(f for f in page.frames if f != page.main_frame and f.locator("#vis").count())
    frame.wait_for_selector("#vis svg line", state="attached", timeout=SLOW)
    return frame.locator("#vis svg line").count()


def test_bertviz_draws_without_a_network(page, server):
    """The three views, a token that could end a script, Korean; the page fixture sees any request that leaves the machine."""
    text = "Minho%20gave%20%3C%2Fscript%3E%20to%20%EC%86%8C%ED%9D%AC"
    for view in ("head", "model", "neuron"):
        opened(page, server, f"attention?attention_view=bertviz&bertviz={view}&inside_en={text}")
        page.wait_for_selector("iframe", timeout=SLOW)
        assert frame_lines(page) > 20
    frame = next(f for f in page.frames if f != page.main_frame and f.locator("#vis").count())
    words = "".join(frame.locator("#vis svg text").all_text_contents())
    assert "희" in words and "<" in words and "script" in words


def test_a_matrix_follows_text_and_layer(page, server):
    opened(page, server, "attention?inside_en=Minho%20had%20a%20kite.&layer=0")
    matrix = page.locator(".js-plotly-plot").first
    expect(matrix).to_contain_text("kite")
    page.get_by_label("Text", exact=True).fill("Sohui saw a goose.")
    page.keyboard.press("Control+Enter")
    expect(matrix).to_contain_text("goose", timeout=SLOW)
    settled(page)
    assert "goose" in page.url and "layer=0" in page.url


def test_memory_settles_while_somebody_walks_about(page, server):
    """All three pages that look inside, twenty times; caches fill at first and must not grow for ever."""
    import psutil

    opened(page, server, "attention")
    process = psutil.Process(server.process.pid)
    used = []
    for _ in range(20):
        for name in ("Heads", "Lens", "Attention"):
            page.get_by_test_id("stSidebarNavLink").filter(has_text=name).first.click()
            page.wait_for_url(re.compile(name.lower()))
            settled(page)
        used.append(process.memory_info().rss / 2**20)
    assert used[-1] - used[9] < 60, f"MB after each round: {[round(mb) for mb in used]}"


def test_fine_tune_on_an_own_table(page, server, tmp_path):
    rows = "".join(f"the {('cat', 'dog')[i % 2]} number {i},{('meow', 'woof')[i % 2]}\n" for i in range(120))
    (tmp_path / "pets.csv").write_text("what,says\n" + rows)
    opened(page, server, "fine_tuning?task=upload")
    page.locator("input[type=file]").set_input_files(tmp_path / "pets.csv")
    expect(page.get_by_text("96 rows to learn from")).to_be_visible(timeout=SLOW)
    expect(page.locator(".lab-sequences .extract").first).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Fine-tune", exact=True).click()
    expect(page.get_by_text("On the test split")).to_be_visible(timeout=2 * SLOW)
    settled(page)
    assert "tuning=" in page.url
    expect(page.locator(".lab-bars .name").first).to_have_text(re.compile("meow|woof"))
