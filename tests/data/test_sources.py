import ast
import os
import sys

import pytest

from gptlab.data import folder, pasted, python_documentation, python_sources, sources, uploads
from gptlab.errors import DataError


def test_pasted_makes_one_document():
    corpus = pasted("a\r\nb", "My text")
    assert corpus.title == corpus.documents[0].name == "My text" and corpus.text == "a\nb"
    with pytest.raises(DataError, match="'My text' holds no text"):
        pasted("  ", "My text")


def test_uploads_keep_their_order():
    corpus = uploads([("b.txt", b"one"), ("../a.csv", b"t,u\nx,yy\n")], column="t")
    assert [(d.name, d.text) for d in corpus.documents] == [("b.txt", "one"), ("a.csv", "x")]
    assert corpus.title == "b.txt"


def test_uploads_refuse_no_file_and_a_broken_one():
    with pytest.raises(DataError, match="No file was given"):
        uploads([])
    with pytest.raises(DataError, match="b.txt is empty"):
        uploads([("a.txt", b"x"), ("b.txt", b"")])


def test_uploads_read_the_encoding_asked_for():
    assert uploads([("a.txt", "안녕".encode("cp949"))], encoding="cp949").text == "안녕"


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "texts"
    (root / "sub").mkdir(parents=True)
    (root / ".git").mkdir()
    for name, content in {
        "b.txt": b"second", "a.md": b"first", "sub/c.csv": b"t\nthird\n", ".hidden.txt": b"no", ".git/d.txt": b"no",
        "image.png": b"\x89PNG", "binary.txt": b"a\0b", "empty.txt": b"",
    }.items():  # fmt: skip
        (root / name).write_bytes(content)
    return root


def test_folder_reads_sorted_and_counts_what_it_skips(tree):
    corpus, n_skipped = folder(tree)
    assert [(d.name, d.text) for d in corpus.documents] == [("a.md", "first"), ("b.txt", "second"), ("c.csv", "third")]
    assert (corpus.title, n_skipped) == ("texts", 2)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need a POSIX system")
def test_folder_survives_links_and_pipes(tree):
    (tree / "sub" / "loop").symlink_to(tree)
    (tree / "gone.txt").symlink_to(tree / "nowhere")
    (tree / "self.txt").symlink_to(tree / "self.txt")
    os.mkfifo(tree / "pipe.txt")
    corpus, n_skipped = folder(tree)
    assert (len(corpus.documents), n_skipped) == (3, 5)


def test_folder_says_what_is_wrong(tree, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="There is no folder"):
        folder(tmp_path / "none")
    with pytest.raises(DataError, match="is not a folder"):
        folder(tree / "b.txt")
    with pytest.raises(DataError, match="There is no folder"):
        folder(tmp_path / ("a whole text " * 500))
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "binary.txt").write_bytes(b"\0")
    with pytest.raises(DataError, match=r"holds no file that can be read \(1 skipped\)"):
        folder(tmp_path / "bare")
    monkeypatch.setattr(sources, "MAX_CORPUS_BYTES", 10)
    with pytest.raises(DataError, match="at most"):
        folder(tree)


def test_folder_tells_why_files_were_skipped(tree, tmp_path, monkeypatch):
    heard = []
    folder(tree, tell=heard.append)
    assert [str(problem)[:10] for problem in heard] == ["binary.txt", "empty.txt "]
    (tmp_path / "old").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "old" / name).write_bytes("안녕하세요".encode("cp949"))
    with pytest.raises(DataError, match=r"\(2 skipped\). The first: a.txt is not utf-8: .* It can be read as: cp949"):
        folder(tmp_path / "old")
    assert folder(tmp_path / "old", "cp949")[0].documents[1].text == "안녕하세요"
    monkeypatch.setattr(sources, "_files_below", None)
    with pytest.raises(DataError, match="The encoding 'cp9499' is not known; allowed are"):
        folder(tmp_path / "old", "cp9499")


@pytest.fixture
def standard_library(tmp_path, monkeypatch):
    (tmp_path / "pack" / "test").mkdir(parents=True)
    (tmp_path / "zmod.py").write_text(
        '"""Module."""\nraise SystemExit("was run")\n'
        'class A:\n    """Class\n      more."""\n    async def f(self):\n        """Method."""\n'
    )
    (tmp_path / "pack" / "silent.py").write_bytes(b"x = 1\r\n")
    (tmp_path / "pack" / "empty.py").write_text("")
    (tmp_path / "pack" / "test" / "test_a.py").write_text('"""Left out."""')
    monkeypatch.setattr(sources.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})


def test_python_sources_are_the_modules(standard_library):
    assert [(d.name, d.text[:6]) for d in python_sources().documents] == [("pack.silent", "x = 1\n"), ("zmod", '"""Mod')]


def test_python_documentation_is_topics_and_docstrings(standard_library):
    documents = python_documentation().documents
    assert (documents[-1].name, documents[-1].text) == ("zmod", "zmod\nModule.\n\nzmod.A\nClass\nmore.\n\nzmod.A.f\nMethod.")
    assert [d.name for d in documents[:-1]] == sorted(d.name for d in documents[:-1])
    assert any(d.name == "integers" and "Integer literals" in d.text for d in documents)


def test_python_sources_of_this_machine_are_megabytes():
    corpus = python_sources()
    assert corpus.n_bytes > 3 * 2**20 and corpus.id == python_sources().id
    ast.parse(next(d.text for d in corpus.documents if d.name == "json.decoder"))
    assert not any("site-packages" in d.name or ".test" in d.name for d in corpus.documents)


def test_python_documentation_of_this_machine_is_prose():
    text = python_documentation().text
    assert len(text) > 2**20 and "Serialize ``obj`` to a JSON formatted ``str``." in text
