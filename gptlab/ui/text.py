"""Choosing a text: Python's own, pasted, uploaded, a folder, or one that the library has."""

from collections.abc import Callable

import streamlit as st

from gptlab.errors import DataError
from gptlab.paths import home, typed
from gptlab.ui import cached, link
from gptlab.words import _, told


def choose() -> str | None:
    """Id of the chosen text in the library; None, with a hint, while there is none."""
    from gptlab.data import library

    kept = {about.id: f"{about.title} · {about.id[:4]}" for about in library.corpora(home())}  # labels have to differ
    new: dict[str, Callable[[], str | None]] = {
        "documentation": lambda: _python("python_documentation"),
        "sources": lambda: _python("python_sources"),
        "village": _village,
        "paste": _paste,
        "upload": _upload,
        "folder": _folder,
    }
    names = {
        "documentation": _("Python's own documentation"),
        "sources": _("Python's own sources"),
        "village": _("The village: stories made here"),
        "paste": _("Paste a text ..."),
        "upload": _("Upload files ..."),
        "folder": _("A folder on this computer ..."),
    }
    chosen = link.select(
        _("Text"), [*new, *kept], "documentation", lambda id: names.get(id) or kept[id], "text",
        help=_("What the model learns to continue."),
    )  # fmt: skip
    return new[chosen]() if chosen in new else chosen


def facts(corpus_id: str, prepared: cached.Prepared) -> None:
    """Size, split and tokens of a text."""
    text = cached.preview(corpus_id)
    st.caption(
        _(
            "{characters} characters, {size} MB, {parts} part(s). As tokens: {train} to train on, {validation} kept for validation; "
            "vocabulary {vocab}."
        ).format(
            characters=f"{text.n_characters:,}", size=f"{text.n_bytes / 1e6:.2f}", parts=f"{text.n_documents:,}",
            train=f"{prepared.n_train:,}", validation=f"{prepared.n_validation:,}", vocab=f"{prepared.tokenizer.vocab_size:,}",
        )
    )  # fmt: skip


def beginning(corpus_id: str) -> None:
    """How a text begins."""
    st.text(cached.preview(corpus_id).beginning)


def _python(which: str) -> str:
    with st.spinner(_("Gathering Python's own text ...")):
        return cached.python_text(which)


def _village() -> str:
    """Two megabytes, enough for a small model; the Village page makes others."""
    from gptlab.data.village.documents import Village
    from gptlab.ui import cached_village

    with st.spinner(_("Telling stories ...")):
        return cached_village.kept(Village(), 2.0)


def _paste() -> str | None:
    from gptlab.data import library, sources

    content = st.text_area(_("Your text"), height=180, key="pasted", placeholder=_("A few thousand characters at least."))
    if not content:
        st.info(_("Paste a text to go on: a few pages make a model that repeats them, a megabyte makes one that writes."))
        return None
    return library.save(sources.pasted(content, _("Pasted text")), home())


def _upload() -> str | None:
    from gptlab.data import files, library, sources

    left, right = st.columns([4, 1])
    with right:
        encoding = st.selectbox(_("Encoding"), files.ENCODINGS, key="encoding", accept_new_options=True)
    with left:
        uploads = st.file_uploader(
            _("Files: .txt .md .csv .tsv .json .jsonl .parquet, up to {limit} MB each").format(limit=files.MAX_FILE_BYTES // 2**20),
            accept_multiple_files=True, key="uploads", max_upload_size=files.MAX_FILE_BYTES // 2**20,
        )  # fmt: skip
    if not uploads:
        st.info(_("Choose one or more files. They stay on this computer."))
        return None
    content = [(u.name, u.getvalue()) for u in uploads]
    column = _column(content, encoding)
    return library.save(sources.uploads(content, encoding, column), home())


def _column(content: list[tuple[str, bytes]], encoding: str) -> str | None:
    """Which column of a table; asked for only where there is a choice."""
    from gptlab.data import files

    if len(content) != 1:
        return None
    columns = files.text_columns(*content[0], encoding)
    return st.selectbox(_("Column with the text"), columns, key="column") if len(columns) > 1 else None


def _folder() -> str | None:
    from gptlab.data import files, library, sources

    left, right = st.columns([4, 1])
    with right:
        encoding = st.selectbox(_("Encoding"), files.ENCODINGS, key="encoding", accept_new_options=True)
    with left:
        path = st.text_input(_("Folder"), key="folder", placeholder="~/texts")
    if not path:
        st.info(_("Name a folder; all its text files are read, those in folders below it too."))
        return None
    problems: list[DataError] = []
    corpus, n_skipped = sources.folder(typed(path), encoding, problems.append)
    if n_skipped:
        first = [_("The first: {reason}").format(reason=told(problem)) for problem in problems[:1]]
        st.warning(" ".join([_("{n} files could not be read and are left out.").format(n=f"{n_skipped:,}"), *first]))
    return library.save(corpus, home())
