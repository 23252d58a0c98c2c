"""A real server and a real browser. Every test fails on a request that leaves the machine and on any page error."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from gptlab.runs.store import is_alive

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip


@dataclass
class Server:
    """The app on a free port of the loopback interface."""

    home: Path
    process: subprocess.Popen | None = None
    url: str = ""

    def start(self) -> None:
        if not self.url:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.url = f"http://127.0.0.1:{s.getsockname()[1]}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", self.url.rsplit(":", 1)[1]],
            cwd=ROOT,
            env=os.environ | {"GPTLAB_HOME": str(self.home), "GPTLAB_DEVICE": "cpu"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(240):
            try:
                if urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).status == 200:
                    return
            except OSError:
                time.sleep(0.25)
        raise TimeoutError("the server did not come up within a minute")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


def end_workers(home: Path) -> None:
    for path in (home / "devices").glob("*.json"):
        worker = json.loads(path.read_text())
        if "pid" in worker and is_alive(worker["pid"], worker["process_start_s"]):
            os.kill(worker["pid"], signal.SIGKILL)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("browser-home"))
    found.start()
    yield found
    found.stop()
    end_workers(found.home)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("No Chromium on this machine: install Debian's chromium, or Google Chrome.")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A fresh page that watches for errors and for requests that leave the machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    found = context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda e: wrong.append(f"page error: {e}"))
    found.on("request", lambda r: wrong.append(f"left the machine: {r.url}") if not local(r.url) else None)
    yield found
    context.close()
    assert not wrong


def local(url: str) -> bool:
    return not url.startswith(("http", "ws")) or "//127.0.0.1:" in url
