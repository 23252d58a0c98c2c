"""What all tests share: no network, a home of their own, few threads, and no worker left behind."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"  # two tests run side by side

import psutil  # noqa: E402
import pytest  # noqa: E402

from gptlab.evaluation.task import N_EXAMPLES  # noqa: E402
from gptlab.runs import store  # noqa: E402
from gptlab.runs.store import is_alive  # noqa: E402

N_EXAMPLES.update(train=96, validation=24, test=48)  # as many as tests look at; making thousands takes seconds a task


@pytest.fixture(autouse=True)
def lab_home(tmp_path, monkeypatch):
    """An empty home for every test; a worker that the test started there ends with it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("GPTLAB_HOME", str(home))
    monkeypatch.delenv("GPTLAB_DEVICE", raising=False)
    monkeypatch.setattr(store, "MODELS", tmp_path / "models")  # no test depends on what ships
    monkeypatch.setattr(store, "STUDIES", tmp_path / "studies")
    yield home
    for file in (home / "devices").glob("*.json"):
        named = json.loads(file.read_text())
        try:
            process = psutil.Process(named["pid"]) if "pid" in named else None
            if process and process.pid != os.getpid() and is_alive(process.pid, named["process_start_s"]):
                process.kill()
                process.wait(10)
        except psutil.NoSuchProcess:
            pass
