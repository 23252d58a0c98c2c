"""Labelled tables that a person brought, kept in the home so that runs find their task again: `home/tasks/<name>.json`."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from gptlab.data.corpus import content_id
from gptlab.data.files import Table
from gptlab.errors import DataError
from gptlab.evaluation.labelled import Labelled, labelled_task
from gptlab.paths import home, replaced

PREFIX = "own-"


@dataclass(frozen=True)
class Columns:
    """How a table is read as a task; as `labelled_task`."""

    text: str
    label: str
    text_2: str | None = None
    form: str | None = None
    seed: int = 1
    as_numbers: bool = False


def keep(title: str, table: Table, columns: Columns) -> str:
    """Keep the columns that a task needs; returns its name, the same for the same content.

    Raises:
        DataError: as `labelled_task`.
    """
    labelled_task(title, table, **asdict(columns))
    needed = [name for name in (columns.text, columns.text_2, columns.label) if name]
    content = {"title": title, "columns": asdict(columns), "table": {name: table[name] for name in needed}}
    written = json.dumps(content, ensure_ascii=False)
    name = PREFIX + content_id(written.encode("utf-8"))
    place = home() / "tasks"
    place.mkdir(exist_ok=True)
    with replaced(place / f"{name}.json") as file:
        file.write(written)
    return name


def own(name: str) -> Labelled:
    """A kept table as a task whose name is its own.

    Raises:
        DataError: no such table, or a damaged file.
    """
    return _opened(name, str(home()))


@lru_cache(maxsize=4)
def _opened(name: str, _home: str) -> Labelled:
    try:
        content = json.loads((home() / "tasks" / f"{name}.json").read_text(encoding="utf-8"))
        return labelled_task(content["title"], content["table"], **content["columns"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("The labelled table {name} is not here any more, or damaged. Choose its file again.", name=name) from error


def own_titles() -> dict[str, str]:
    """Name -> title of every table that was kept."""
    found = {}
    for file in sorted((home() / "tasks").glob(f"{PREFIX}*.json")):
        try:
            found[file.stem] = str(json.loads(file.read_text(encoding="utf-8"))["title"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
