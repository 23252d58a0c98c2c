"""Where texts come from: the clipboard, uploaded files, a folder, and what Python itself brings along."""

import ast
import os
import sysconfig
from collections.abc import Callable, Iterator
from inspect import cleandoc
from pathlib import Path
from pydoc_data.topics import topics

from gptlab.data.corpus import MAX_CORPUS_BYTES, Corpus, Document, too_large
from gptlab.data.files import MAX_FILE_BYTES, SUFFIXES, check_encoding, last_part, plain, read_file
from gptlab.errors import DataError
from gptlab.words import told

LEFT_OUT = {
    "__pycache__", "dist-packages", "encodings", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests",
    "turtledemo",
}  # fmt: skip
"""Folders of the standard library that are not read: tests, tables of numbers, and what others installed there."""


def pasted(text: str, title: str) -> Corpus:
    """A text that was typed or pasted.

    Raises:
        DataError: as `Corpus`.
    """
    return Corpus(title, (Document(title, plain(text)),))


def uploads(files: list[tuple[str, bytes]], encoding: str = "utf-8", column: str | None = None) -> Corpus:
    """Uploaded files in the order given, titled by the first.

    Args:
        files: name and content of each.
        encoding, column: as `read_file`.

    Raises:
        DataError: no files, a file that cannot be read, or as `Corpus`.
    """
    if not files:
        raise DataError("No file was given. Choose at least one.")
    documents = tuple(read_file(name, content, encoding, column) for name, content in files)
    return Corpus(documents[0].name, documents)


def _there(path: Path) -> bool:
    """Whether a path that somebody typed is there and may be looked at; a whole text pasted in its place is too long a name."""
    try:
        return path.exists()
    except OSError:
        return False


def folder(path: Path, encoding: str = "utf-8", tell: Callable[[DataError], object] = lambda problem: None) -> tuple[Corpus, int]:
    """All readable files below a folder, sorted by path; hidden ones and linked folders are not entered.

    Args:
        tell: hears why a file with an allowed suffix was skipped.

    Returns:
        The corpus, and how many files with an allowed suffix were skipped because they are empty, binary, too large or
        otherwise not readable.

    Raises:
        DataError: an unknown encoding, or the folder is not there, is not a folder, holds nothing readable or too much.
    """
    if not _there(path):
        raise DataError("There is no folder {path}. Check the spelling.", path=path)
    if not path.is_dir():
        raise DataError("{path} is not a folder. Give the folder that holds the files.", path=path)
    check_encoding(encoding)
    documents, n_bytes, n_skipped, first = [], 0, 0, None
    for file in _files_below(path):
        try:
            # Only regular files of an allowed size are opened: reading a named pipe would wait for ever.
            content = file.read_bytes() if file.is_file() and file.stat().st_size <= MAX_FILE_BYTES else b""
            documents.append(read_file(file.name, content, encoding))
        except OSError:
            n_skipped += 1
            continue
        except DataError as problem:
            n_skipped += 1
            first = first or problem
            tell(problem)
            continue
        n_bytes += len(content)
        if n_bytes > MAX_CORPUS_BYTES:
            raise too_large(str(path), n_bytes)
    if not documents and first:
        raise DataError(
            "{path} holds no file that can be read ({n_skipped} skipped). The first: {reason}",
            path=path, n_skipped=n_skipped, reason=told(first),
        )  # fmt: skip
    if not documents:
        raise DataError(
            "{path} holds no file that can be read ({n_skipped} skipped). Allowed are {suffixes}.",
            path=path, n_skipped=n_skipped, suffixes=" ".join(SUFFIXES),
        )  # fmt: skip
    return Corpus(last_part(str(path.resolve())) or str(path), tuple(documents)), n_skipped


def python_documentation() -> Corpus:
    """Python's own documentation: the language reference in `pydoc_data`, and the docstrings of the standard library.

    The sources are parsed, never run. About 2 MB of English in Python 3.11.
    """
    documents = [Document(name, text.strip()) for name, text in sorted(topics.items())]
    for name, source in _standard_library():
        if text := "\n\n".join(_docstrings(name, ast.parse(source))):
            documents.append(Document(name, text))
    return Corpus("Python documentation", tuple(documents))


def python_sources() -> Corpus:
    """The source code of the standard library, one document a module; about 9 MB in Python 3.11."""
    return Corpus("Python standard library", tuple(Document(name, source) for name, source in _standard_library() if source.strip()))


def _files_below(root: Path) -> Iterator[Path]:
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES]
    return iter(sorted(found))


def _standard_library() -> Iterator[tuple[str, str]]:
    """Dotted name and source of every module, sorted by path."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found += [Path(parent, name) for name in names if name.endswith(".py")]
    for path in sorted(found):
        yield ".".join(path.relative_to(root).with_suffix("").parts), plain(path.read_bytes().decode("utf-8", errors="replace"))


def _docstrings(name: str, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Each docstring below `node`, headed by its dotted name."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        yield f"{name}\n{cleandoc(first.value.value)}"
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings(f"{name}.{child.name}", child)
