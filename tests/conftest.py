"""What all tests share: no network, a home of their own, few threads."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def lab_home(tmp_path_factory, monkeypatch):
    """An empty home for every test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GPTLAB_HOME", str(home))
    monkeypatch.delenv("GPTLAB_DEVICE", raising=False)
    return home
