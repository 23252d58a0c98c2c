import errno
import os
from pathlib import Path

import platformdirs
import pytest

from gptlab.paths import home, replaced


def test_home_is_the_named_folder_and_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTLAB_HOME", str(tmp_path / "a" / "집"))
    assert home() == tmp_path / "a" / "집" and home().is_dir()


def test_home_understands_the_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GPTLAB_HOME", "~/lab")
    assert home() == tmp_path / "lab"


@pytest.mark.parametrize("value", [None, ""])
def test_home_is_else_the_platforms_folder(tmp_path, monkeypatch, value):
    monkeypatch.delenv("GPTLAB_HOME") if value is None else monkeypatch.setenv("GPTLAB_HOME", value)
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    assert home() == tmp_path / "gptlab"


def test_replaced_writes_the_file_only_once_it_is_complete(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replaced(path) as file:
        file.write("새 글")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text(encoding="utf-8") == "새 글" and list(tmp_path.glob(".*")) == []


def test_replaced_writes_bytes(tmp_path):
    with replaced(tmp_path / "a.bin", "wb") as file:
        file.write(b"\0\xff")
    assert (tmp_path / "a.bin").read_bytes() == b"\0\xff"


@pytest.mark.parametrize("error", [ValueError("half"), KeyboardInterrupt()])
def test_replaced_keeps_the_old_file_on_an_error(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replaced(path) as file:
        file.write("half")
        raise error
    assert path.read_text() == "old" and [f.name for f in tmp_path.iterdir() if f.name != "home"] == ["a.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_replaced_keeps_the_old_file_on_a_full_disk(tmp_path, monkeypatch, call):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"), replaced(path) as file:
        file.write("new")
    assert path.read_text() == "old" and [f.name for f in tmp_path.iterdir() if f.name != "home"] == ["a.txt"]


def test_replaced_is_on_the_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    with replaced(Path(tmp_path / "a")) as file:
        file.write("x")
    assert calls == ["fsync", "replace"]
