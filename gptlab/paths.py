"""Where things lie: the home of runs and texts, and the assets that ship with the app."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import platformdirs

from gptlab.errors import LabError

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
"""A disk that is full, or a folder that may not be written."""

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def disk_error(problem: OSError) -> LabError:
    """What to tell a person whose disk cannot be written."""
    return LabError(
        "{folder} cannot be written: {reason}. Make room on the disk, or set GPTLAB_HOME to a folder that can be written.",
        folder=problem.filename or "GPTLAB_HOME", reason=problem.strerror,
    )  # fmt: skip


@contextmanager
def mistakes_told(tell: Callable[[LabError], object]) -> Iterator[None]:
    """A mistake of a person inside is told, and so is a disk that cannot be written; all else goes on its way."""
    try:
        yield
    except LabError as problem:
        tell(problem)
    except OSError as problem:
        if problem.errno not in DISK_ERRORS:
            raise
        tell(disk_error(problem))


def typed(path: str) -> Path:
    """A path as somebody typed it; the home of a person who is none stays as it is, and is not there."""
    return Path(os.path.expanduser(path))


def home() -> Path:
    """The folder that keeps all runs and texts: `GPTLAB_HOME`, or else the platform's folder for user data.

    Created when missing.
    """
    chosen = os.environ.get("GPTLAB_HOME")
    folder = Path(chosen).expanduser() if chosen else platformdirs.user_data_path("gptlab")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def replaced(path: Path, mode: str = "w") -> Iterator[IO]:
    """Open a file beside `path` for writing; it takes the place of `path` only once it is complete and on the disk.

    A reader sees the old file or the new one, never a half. On any error the old file stays and the new one is removed.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
