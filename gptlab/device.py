"""Which device computes: CUDA, then Apple's MPS, then the CPU, or the one that `GPTLAB_DEVICE` names.

Torch is imported inside the functions: the first page must not wait for it.
"""

import ctypes
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

from gptlab.errors import DeviceError

DEVICES = ("cuda", "mps", "cpu")


def calm_threads() -> None:
    """Let idle threads of torch spin for a moment only, then sleep. To be called before torch is loaded.

    A page, a worker and a browser share few cores. Measured on two, a training step of the small size: 30 ms alone and 72 beside a busy
    core; with endless spinning, torch's default, 30 and 4,100; with none at all 45 and 60. Heard by libgomp, the Linux build's.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def keep_memory() -> None:
    """Let this process keep what its tensors give back, for the next ones. Heard by glibc; for processes that compute and end.

    By default a large block goes back to the system and comes anew, page by page and filled with zeros, at every step. Measured with one
    thread: 2.5 s instead of 3.7 for a training step of 12 layers, 128 wide, 8,192 tokens and as many words.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_TOP_PAD, 2**26)


def give_back_memory() -> None:
    """Return what is kept and not used to the system: for a process that waits now."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Names of glibc's settings. Source: malloc.h."""


def available_devices() -> list[str]:
    """The devices of this machine, best first."""
    import torch

    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name in DEVICES if found[name]]


def choose_device(wanted: str | None = None) -> str:
    """The device to compute on: `wanted`, else `GPTLAB_DEVICE`, else the best there is.

    Raises:
        DeviceError: the named device is not on this machine.
    """
    there = available_devices()
    name = wanted or os.environ.get("GPTLAB_DEVICE") or there[0]
    if name not in there:
        raise DeviceError("The device {name!r} is not on this machine; there is {there}.", name=name, there=", ".join(there))
    return name


def likely_device() -> str:
    """The device that `choose_device` will name, told without torch: by driver, system and build. For the frame of the first page.

    Raises:
        DeviceError: as `choose_device`, as far as a name alone tells.
    """
    wanted = os.environ.get("GPTLAB_DEVICE")
    if "torch" in sys.modules or wanted not in (None, "", "cuda", "mps", "cpu"):
        return choose_device()
    if wanted:
        return wanted
    if Path("/proc/driver/nvidia/version").exists() and not version("torch").endswith("+cpu"):
        return "cuda"
    return "mps" if (platform.system(), platform.machine()) == ("Darwin", "arm64") else "cpu"


def device_name(device: str) -> str:
    """What the hardware calls itself."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    if device == "mps":
        return f"Apple {platform.machine()}"
    n = torch.get_num_threads()
    return f"{_cpu_model()}, {n} thread{'s' if n > 1 else ''}"


def memory_bytes(device: str) -> tuple[int, int]:
    """Free and total memory of the device, in bytes; for CPU and MPS, and for CUDA before torch is loaded, that of the machine."""
    if device == "cuda" and "torch" in sys.modules:
        import torch

        return torch.cuda.mem_get_info()
    memory = psutil.virtual_memory()
    return memory.available, memory.total


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "mallopt") else None


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
