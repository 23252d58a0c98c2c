"""Data sets of the Hugging Face hub, by name: `rotten_tomatoes`, or `nyu-mll/glue:cola` where a set has several parts.

The hub keeps every public data set as Parquet files too and lists them at /api/datasets/<name>/parquet: part -> split -> addresses.
A file is fetched once, only because a person asked for it, and kept in the home: `home/hub/<name>--<part>--<split>.parquet`.
"""

import json
import os
import re
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from gptlab.data.files import MAX_FILE_BYTES, Table, read_table
from gptlab.errors import DataError
from gptlab.paths import home, replaced

TIMEOUT_S = 30

NAME = re.compile(r"(?P<name>[\w.-]+(/[\w.-]+)?)(:(?P<part>[\w.-]+))?", re.ASCII)


def fetch(asked: str) -> str:
    """Fetch the training split of a data set (its first file, where it has several); returns the name under which it is kept.

    Raises:
        DataError: no such name, part or network, or a file that is too large.
    """
    if (given := NAME.fullmatch(asked.strip())) is None or ".." in asked:
        raise DataError("{given!r} is no name of a data set. Names look like rotten_tomatoes or nyu-mll/glue:cola.", given=asked)
    name, part = given["name"], given["part"]
    listing = _answer(asked, f"{_endpoint()}/api/datasets/{name}/parquet", 2**20)
    try:
        parts = json.loads(listing)
    except (ValueError, RecursionError) as error:  # something on the way answers in place of the hub
        raise _unreachable(asked, error) from error
    if not isinstance(parts, dict) or not parts:
        raise _no_tables(asked)
    if part is not None and part not in parts:
        raise DataError("{given} has no part {part!r}; it has {known}.", given=name, part=part, known=", ".join(parts))
    if part is None and len(parts) > 1 and "default" not in parts:
        raise DataError("{given} has several parts: {known}. Name one, as in {example}.", given=name, known=", ".join(parts),
                        example=f"{name}:{next(iter(parts))}")  # fmt: skip
    part = part or ("default" if "default" in parts else next(iter(parts)))
    splits = parts[part]
    try:
        split = "train" if "train" in splits else next(iter(splits))
        address = splits[split][0]
    except (LookupError, StopIteration, TypeError) as error:
        raise _no_tables(asked) from error
    content = _answer(asked, address, MAX_FILE_BYTES)
    kept = f"{name.replace('/', '--')}--{part}--{split}"
    read_table(f"{kept}.parquet", content)
    _folder().mkdir(exist_ok=True)
    with replaced(_folder() / f"{kept}.parquet", "wb") as file:
        file.write(content)
    return kept


def fetched() -> list[str]:
    """Names of what is kept."""
    return sorted(file.stem for file in _folder().glob("*.parquet"))


def fetched_at(kept: str) -> str:
    """When a data set was fetched; another time after it was fetched again."""
    return str((_folder() / f"{kept}.parquet").stat().st_mtime_ns)


def hub_table(kept: str) -> Table:
    """A kept data set; classes have their names.

    Raises:
        DataError: it is not there, or damaged.
    """
    try:
        content = (_folder() / f"{kept}.parquet").read_bytes()
    except OSError as error:
        raise DataError("The data set {name} is not on this computer. Fetch it again.", name=kept) from error
    return read_table(f"{kept}.parquet", content)


def _folder() -> Path:
    return home() / "hub"


def _endpoint() -> str:
    """The hub, or the mirror that its own tools would ask."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _answer(asked: str, url: Any, most: int) -> bytes:
    try:
        if not str(url).startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no address")
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(most + 1)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            raise DataError("The hub has no public data set {given}. Look its name up on its page.", given=asked) from error
        raise _unreachable(asked, error) from error
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(asked, error) from error
    if len(content) > most:
        raise DataError("{given} is larger than {most} MB. Choose a smaller part of it.", given=asked, most=most // 2**20)
    return content


def _no_tables(asked: str) -> DataError:
    return DataError("The hub has no tables of {given}. Choose another data set.", given=asked)


def _unreachable(asked: str, error: Exception) -> DataError:
    return DataError(
        "{given} could not be fetched: {reason}. Everything else works without it; try again with a network.",
        given=asked, reason=str(error),
    )  # fmt: skip
