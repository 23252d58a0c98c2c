import subprocess
import sys

import pytest
import torch

from gptlab import device
from gptlab.errors import DeviceError


@pytest.fixture
def machine(monkeypatch):
    """A machine with these accelerators."""

    def build(cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    build()
    return build


def test_best_device_comes_first(machine):
    assert device.available_devices() == ["cpu"] and device.choose_device() == "cpu"
    machine(mps=True)
    assert device.available_devices() == ["mps", "cpu"] and device.choose_device() == "mps"
    machine(cuda=True, mps=True)
    assert device.choose_device() == "cuda" and device.likely_device() == "cuda"


def test_named_device_wins_over_the_variable_and_the_variable_over_the_best(machine, monkeypatch):
    machine(cuda=True, mps=True)
    monkeypatch.setenv("GPTLAB_DEVICE", "mps")
    assert device.choose_device() == "mps" and device.choose_device("cpu") == "cpu"
    monkeypatch.setenv("GPTLAB_DEVICE", "")
    assert device.choose_device() == "cuda"


@pytest.mark.parametrize("name", ["cuda", "tpu", "../cpu"])
def test_device_that_is_not_there_is_refused(machine, monkeypatch, name):
    with pytest.raises(DeviceError, match=f"The device '{name}' is not on this machine; there is cpu."):
        device.choose_device(name)
    monkeypatch.setenv("GPTLAB_DEVICE", name)
    with pytest.raises(DeviceError):
        device.choose_device()


def test_likely_device_does_without_torch():
    script = (
        "import sys, os; from gptlab.device import likely_device, memory_bytes; print(likely_device(), memory_bytes('cpu')[1]);"
        "os.environ['GPTLAB_DEVICE'] = 'mps'; print(likely_device()); assert 'torch' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] in device.DEVICES and int(said[1]) > 2**28 and said[2] == "mps"


def test_cpu_has_a_name_and_memory():
    assert f"{torch.get_num_threads()} thread" in device.device_name("cpu")
    free, total = device.memory_bytes("cpu")
    assert 0 < free <= total


def test_cpu_without_a_name_still_has_one(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    assert device._cpu_model()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's settings")
def test_kept_memory_is_given_back_when_asked():
    script = (
        "import torch, psutil; from gptlab.device import give_back_memory, keep_memory\n"
        "def grown(): x = torch.ones(50_000_000); del x; return (psutil.Process().memory_info().rss - before) / 2e8\n"
        "before = psutil.Process().memory_info().rss; print(grown()); keep_memory(); print(grown()); give_back_memory()\n"
        "print((psutil.Process().memory_info().rss - before) / 2e8)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    by_default, kept, given_back = map(float, said)
    assert by_default < 0.2 and kept > 0.8 and given_back < 0.2
