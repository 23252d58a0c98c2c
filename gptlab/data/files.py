"""One file to one document: plain text as it is, tables by their column of text.

Only text, JSON and Parquet are read; nothing is unpickled, and only the last part of a file's name is ever used.
Pandas and PyArrow are imported inside the functions: a page that lists texts must not wait for them.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

from gptlab.data.corpus import MAX_CORPUS_BYTES, Document, too_large
from gptlab.errors import DataError

MAX_FILE_BYTES = 100 * 2**20
"""Largest file. Chosen here: it is read as a whole, and a table takes several times its size in memory."""

ENCODINGS = ("utf-8", "utf-16", "cp949", "euc-kr", "latin-1")
"""Ways to write characters as bytes that a person can choose; in the order in which they are suggested."""

PLAIN_SUFFIXES = (
    ".txt", ".md", ".rst", ".tex", ".log", ".srt", ".py", ".js", ".ts", ".java", ".c", ".h", ".cpp", ".rs", ".go", ".html", ".css",
    ".xml", ".toml", ".yaml", ".yml",
)  # fmt: skip

Table = dict[str, list[str]]
"""Columns: name -> values as text, in the order of the file; "" where a value is missing."""


@dataclass(frozen=True)
class Columns:
    """A table that was read, and which of its columns hold text rather than numbers."""

    table: Table
    texts: tuple[str, ...]


def read_file(name: str, content: bytes, encoding: str = "utf-8", column: str | None = None) -> Document:
    """The text of a file. Rows of a table become lines; a byte order mark is dropped, CRLF becomes LF.

    A TSV file is read without quoting (a bare `"` is ordinary there), a CSV file with it.

    Args:
        name: file name; its suffix decides how the file is read.
        content: the bytes of the file.
        encoding: one of `ENCODINGS`; not used for Parquet.
        column: column of a table; None takes the only column of text, or the one with the most characters.

    Raises:
        DataError: unknown suffix, empty, too large, binary, wrong encoding, broken table, no such column, or no text.
    """
    name = last_part(name)
    if columns_of := _reader(name, content):
        text = "\n".join(value for value in _chosen(name, _texts(name, columns_of(name, content, encoding)), column) if value)
    else:
        text = _decoded(name, content, encoding)
    if not text or text.isspace():
        raise DataError("{name} holds no text. Choose another file.", name=name)
    return Document(name, plain(text))


def text_columns(name: str, content: bytes, encoding: str = "utf-8") -> list[str]:
    """Names of a table's columns of text; none for plain text.

    Raises:
        DataError: as `read_file`.
    """
    name = last_part(name)
    columns_of = _reader(name, content)
    return list(_texts(name, columns_of(name, content, encoding))) if columns_of else []


def read_table(name: str, content: bytes, encoding: str = "utf-8") -> Table:
    """All columns of a table, numbers too, as text.

    Raises:
        DataError: as `read_file`, plain text, or a table without a row.
    """
    name = last_part(name)
    columns_of = _reader(name, content)
    if columns_of is None:
        raise DataError("{name} is no table. Allowed are {suffixes}.", name=name, suffixes=" ".join(TABLE_READERS))
    table = columns_of(name, content, encoding).table
    if not any(table.values()):
        raise DataError("{name} has no rows with text or numbers. Choose another file.", name=name)
    return table


def last_part(name: str) -> str:
    """File name without its folders, written with either slash: `../../a.txt` is `a.txt`."""
    return PureWindowsPath(name).name.encode("utf-8", errors="replace").decode("utf-8")


def plain(text: str) -> str:
    """`text` without a byte order mark, its line ends as LF."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def check_encoding(encoding: str) -> None:
    """
    Raises:
        DataError: none of `ENCODINGS`.
    """
    if encoding not in ENCODINGS:
        raise DataError("The encoding {encoding!r} is not known; allowed are {known}.", encoding=encoding, known=", ".join(ENCODINGS))


def _reader(name: str, content: bytes) -> Callable[[str, bytes, str], Columns] | None:
    suffix = PureWindowsPath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError("{name}: files of this kind cannot be read. Allowed are {suffixes}.", name=name, suffixes=" ".join(SUFFIXES))
    if not content:
        raise DataError("{name} is empty. Choose another file.", name=name)
    if len(content) > MAX_FILE_BYTES:
        raise DataError(
            "{name} has {size} MB; at most {most} MB are allowed. Split the file or use a part of it.",
            name=name, size=-(-len(content) // 2**20), most=MAX_FILE_BYTES // 2**20,
        )  # fmt: skip
    return TABLE_READERS.get(suffix)


def _decoded(name: str, content: bytes, encoding: str) -> str:
    check_encoding(encoding)
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in content and encoding != "utf-16" and not marked:
        raise DataError(
            "{name} is not a text: it holds the byte 0 at position {position}. Choose a text file.", name=name, position=content.index(0)
        )
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        # Nearly any two bytes are UTF-16, so it is suggested only where its mark stands at the start.
        others = [other for other in ENCODINGS if other != encoding and (other != "utf-16" or marked)]
        raise DataError(
            "{name} is not {encoding}: the byte {byte} at position {position} does not belong there. It can be read as: {fitting}.",
            name=name, encoding=encoding, byte=f"0x{content[error.start]:02X}" if error.start < len(content) else "?",
            position=error.start, fitting=", ".join(other for other in others if _decodes(content, other)),
        ) from None  # fmt: skip


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _chosen(name: str, table: Table, column: str | None) -> list[str]:
    if column is None:
        return max(table.values(), key=lambda values: sum(map(len, values)))
    if column not in table:
        raise DataError(
            "{name} has no column of text called {column!r}; it has {known}.", name=name, column=column, known=", ".join(table)
        )
    return table[column]


def _texts(name: str, columns: Columns) -> Table:
    if not columns.texts:
        raise DataError("{name} has no column of text, only numbers. Choose another file.", name=name)
    return {key: columns.table[key] for key in columns.texts}


def _separated(name: str, content: bytes, encoding: str, separator: str, quoting: int) -> Columns:
    import pandas as pd

    text = plain(_decoded(name, content, encoding))
    try:
        # Everything is read as text: guessed types would turn "007" into 7.
        frame = pd.read_csv(io.StringIO(text), sep=separator, quoting=quoting, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            "{name} is not a table: {reason}. Every row needs as many fields as the first one.", name=name, reason=str(error).strip()
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError("{name} is not a table: its rows have more fields than the first row has names.", name=name)
    frame = frame.fillna("")  # a short row ends in missing values
    # A column is text unless every value written in it is a number.
    numbers = {key for key in frame if pd.to_numeric(frame[key][frame[key] != ""], errors="coerce").notna().all()}
    return Columns({str(key): frame[key].tolist() for key in frame}, tuple(str(key) for key in frame if key not in numbers))


def _csv(name: str, content: bytes, encoding: str) -> Columns:
    return _separated(name, content, encoding, ",", csv.QUOTE_MINIMAL)


def _tsv(name: str, content: bytes, encoding: str) -> Columns:
    return _separated(name, content, encoding, "\t", csv.QUOTE_NONE)


def _json_lines(name: str, content: bytes, encoding: str) -> Columns:
    rows = []
    # Not splitlines: JSON strings may hold line separators other than LF.
    for number, line in enumerate(plain(_decoded(name, content, encoding)).split("\n"), start=1):
        if line and not line.isspace():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DataError(
                    "{name}: line {number} is not JSON: {reason}. Every line has to be one string or one object.",
                    name=name, number=number, reason=error,
                ) from error  # fmt: skip
    return _records(rows)


def _json(name: str, content: bytes, encoding: str) -> Columns:
    try:
        rows = json.loads(plain(_decoded(name, content, encoding)))
    except (ValueError, RecursionError) as error:
        raise DataError("{name} is not JSON: {reason}.", name=name, reason=error) from error
    if not isinstance(rows, list):
        raise DataError("{name} has to be a JSON array of strings or of objects.", name=name)
    return _records(rows)


def _records(rows: list[Any]) -> Columns:
    """One row each; what is no text, number or truth value counts as missing."""
    table: Table = {}
    texts: dict[str, None] = {}
    for i, row in enumerate(rows):
        for key, value in row.items() if isinstance(row, dict) else [("text", row)]:
            column = table.setdefault(key, [])
            column += [""] * (i - len(column))
            if isinstance(value, str):
                texts[key] = None
            known = isinstance(value, str | int | float)
            column.append((value if isinstance(value, str) else json.dumps(value)) if known else "")
    return Columns({key: column + [""] * (len(rows) - len(column)) for key, column in table.items()}, tuple(texts))


def _parquet(name: str, content: bytes, encoding: str) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        wanted = list(dict.fromkeys(f.name for f in file.schema_arrow if _holds_text(f.type) or _is_number(f.type)))
        fields = [field for field in file.schema_arrow if field.name in wanted]  # a name may stand for several columns
        kinds = dict(zip(_numbered([field.name for field in fields]), (field.type for field in fields), strict=True))
        texts = tuple(key for key, kind in kinds.items() if _holds_text(kind))
        keys = [key for key, kind in kinds.items() if key in texts or _is_number(kind)]
        classes = _class_names(file.schema_arrow.metadata or {})
        table: Table = {key: [] for key in keys}
        n_bytes = 0
        # In small portions: a small compressed file can hold a text that fills the memory.
        for batch in file.iter_batches(batch_size=128, columns=wanted):
            batch = batch.rename_columns(_numbered(batch.schema.names))
            n_bytes += sum(_n_bytes(batch.column(key)) for key in keys)
            if n_bytes > MAX_CORPUS_BYTES:
                raise too_large(name, n_bytes)
            for key in keys:
                names = classes.get(key, {})
                table[key] += ["" if value is None else names.get(value, str(value)) for value in batch.column(key).to_pylist()]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError("{name} is not a readable Parquet file: {reason}.", name=name, reason=error) from error
    return Columns(table, texts)


def _numbered(names: list[str]) -> list[str]:
    """Names of columns of which no two are the same; a repeated one is numbered as in a CSV file: t, t.1, t.2."""
    numbered: dict[str, None] = {}
    for name in names:
        others = (f"{name}.{i}" for i in itertools.count(1))
        key = next(other for other in others if other not in names and other not in numbered) if name in numbered else name
        numbered[key] = None
    return list(numbered)


def _n_bytes(column: Any) -> int:
    """Bytes of the values of a column. A dictionary keeps a text once, in however many rows it stands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, dict[int, str]]:
    """Column -> number -> name, where the `datasets` library has written down what the numbers of a column of classes mean."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        return {key: dict(enumerate(map(str, about["names"]))) for key, about in features.items() if about.get("_type") == "ClassLabel"}
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _holds_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


TABLE_READERS: dict[str, Callable[[str, bytes, str], Columns]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}

SUFFIXES = (*PLAIN_SUFFIXES, *TABLE_READERS)
"""File names that can be read end in one of these."""
