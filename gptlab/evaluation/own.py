"""Labelled tables that a person brought, kept in the home so that runs find their task again.

    home/tasks/<name>.json           what a run learns from
    home/tasks/drafts/<name>.json    what somebody looks at: other columns make another task, and most of them are never learned
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from gptlab.data.corpus import content_id
from gptlab.data.files import Table
from gptlab.errors import DataError
from gptlab.evaluation.labelled import Labelled, labelled_task
from gptlab.paths import home, replaced

PREFIX = "own-"

DRAFT_S = 24 * 3600
"""Time that a table is kept which nothing learns from. Chosen here: a seminar and the evening after it."""


@dataclass(frozen=True)
class Columns:
    """How a table is read as a task; as `labelled_task`."""

    text: str
    label: str
    text_2: str | None = None
    form: str | None = None
    seed: int = 1
    as_numbers: bool = False


def draft(title: str, table: Table, columns: Columns) -> str:
    """Put the columns that a task needs aside; returns its name, the same for the same content.

    Raises:
        DataError: as `labelled_task`.
    """
    labelled_task(title, table, **asdict(columns))
    needed = [name for name in (columns.text, columns.text_2, columns.label) if name]
    content = {"title": title, "columns": asdict(columns), "table": {name: table[name] for name in needed}}
    written = json.dumps(content, ensure_ascii=False)
    name = PREFIX + content_id(written.encode("utf-8"))
    place = home() / "tasks" / "drafts"
    place.mkdir(parents=True, exist_ok=True)
    for old in place.iterdir():
        with suppress(FileNotFoundError):  # another page was faster
            if old.stat().st_mtime < time.time() - DRAFT_S:
                old.unlink()
    with replaced(place / f"{name}.json") as file:
        file.write(written)
    return name


def keep(name: str) -> None:
    """Keep a person's table for good: a run needs it. Other tasks are nobody's to keep.

    Raises:
        DataError: no such table.
    """
    if not name.startswith(PREFIX) or _kept(name).exists():
        return
    try:
        _draft(name).replace(_kept(name))
    except FileNotFoundError as error:
        raise _gone(name) from error


def _kept(name: str) -> Path:
    return home() / "tasks" / f"{name}.json"


def _draft(name: str) -> Path:
    return home() / "tasks" / "drafts" / f"{name}.json"


def _gone(name: str) -> DataError:
    return DataError("The labelled table {name} is not here any more, or damaged. Choose its file again.", name=name)


def own(name: str) -> Labelled:
    """A table as a task whose name is its own.

    Raises:
        DataError: no such table, or a damaged file.
    """
    return _opened(name, str(home()))


@lru_cache(maxsize=4)
def _opened(name: str, _home: str) -> Labelled:
    try:
        file = _kept(name) if _kept(name).exists() else _draft(name)
        content = json.loads(file.read_text(encoding="utf-8"))
        return labelled_task(content["title"], content["table"], **content["columns"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _gone(name) from error


def own_titles() -> dict[str, str]:
    """Name -> title of every table that was kept, without those that are damaged."""
    titles = {file.stem: _title(file) for file in sorted((home() / "tasks").glob(f"{PREFIX}*.json"))}
    return {name: title for name, title in titles.items() if title is not None}


@lru_cache(maxsize=256)
def _title(file: Path) -> str | None:
    """A name is its content's, so a title is read once: a table may have a hundred megabytes."""
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
