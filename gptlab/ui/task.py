"""Choosing a task to learn: one of the village, or a person's own labelled file."""

from collections.abc import Callable

import streamlit as st

from gptlab.data.files import Table
from gptlab.evaluation.own import Columns, own, own_titles
from gptlab.evaluation.tasks import VILLAGE
from gptlab.paths import home
from gptlab.ui import cached_transfer, link, show, state
from gptlab.words import _

UPLOAD, HUB = "upload", "hub"

MOST_SHOWN_CLASSES = 12

SEEN_ROWS = 200
"""First rows by which the column with the longest texts is proposed."""


def choose(default: str = "acceptability-en") -> str | None:
    """Name of the chosen task; None, with a hint, while an own file is not chosen yet."""
    titles = own_titles()
    names = {name: village_title(name) for name in learnable()} | {name: f"{title} · {name[-4:]}" for name, title in titles.items()}
    names |= {UPLOAD: _("Your own labelled file ..."), HUB: _("A data set of the Hugging Face hub ...")}
    return link.select(_("Task"), list(names), default, names.__getitem__, "task", help=_("What the model is to learn from labels."))


def learnable() -> list[str]:
    """The village's tasks that labels can teach; rules are told by examples in the prompt alone."""
    return [name for name, task in VILLAGE.items() if task.form != "free" and not name.startswith("rules")]


def has_words(choice: str | None) -> bool:
    """Whether the answers of a task are words that a language model can weigh; a class of a person's own table is a name and no answer."""
    return choice in VILLAGE and VILLAGE[choice].has_words


def village_title(name: str) -> str:
    """A task in words, with its language."""
    kind, language = name.rsplit("-", 1)
    words = {
        "sentiment": _("how somebody feels"), "kind": _("what kind of thing somebody has"), "entailment": _("does the claim follow?"),
        "similarity": _("the same story?"), "choice": _("question with four answers"), "acceptability": _("is the sentence well formed?"),
        "pronoun": _("whom the pronoun means"), "cloze": _("the missing word"), "closed": _("kinds of things, without a story"),
        "rules": _("a rule shown by pairs"), "last-word": _("the last word"),
    }  # fmt: skip
    return f"{words[kind]} · {language}"


def brought(choice: str | None) -> str | None:
    """The chosen task's name; for a table that is still to be brought, the name that it has then.

    Raises:
        DataError: a file, a data set or columns that cannot be used.
    """
    return upload() if choice == UPLOAD else from_hub() if choice == HUB else choice


def upload() -> str | None:
    """A file of the person's."""
    from gptlab.data.files import ENCODINGS, MAX_FILE_BYTES, read_table

    left, right = st.columns([4, 1])
    with right:
        encoding = st.selectbox(_("Encoding"), ENCODINGS, key="table_encoding", accept_new_options=True)
    with left:
        file = st.file_uploader(
            _("A table with a label column: .csv .tsv .jsonl .json .parquet, up to {limit} MB").format(limit=MAX_FILE_BYTES // 2**20),
            key="table_file", max_upload_size=MAX_FILE_BYTES // 2**20,
        )  # fmt: skip
    if file is None:
        st.info(_("Choose a file whose rows have a text (or two) and a label. It stays on this computer."))
        return None
    return columns_of(file.name, lambda: read_table(file.name, file.getvalue(), encoding), file.file_id, encoding)


def from_hub() -> str | None:
    """A data set that the hub has, or one that was fetched before."""
    from gptlab.data.hub import fetched, fetched_at, hub_table

    left, middle, right = st.columns([4, 2, 4], vertical_alignment="bottom")
    with left:
        asked = st.text_input(_("Name on the hub"), placeholder="rotten_tomatoes, nyu-mll/glue:cola", key="hub_name")
    with middle:
        st.button(_("Fetch"), icon=":material/download:", key="hub_fetch", disabled=not asked, on_click=_fetch, args=(asked,))
    here = fetched()
    if not here:
        st.info(_("Its training split is fetched once, with a network, and kept on this computer."))
        return None
    with right:
        chosen = link.select(_("Data sets that were fetched"), here, here[0], str, "hub_table")
    return columns_of(chosen, lambda: hub_table(chosen), fetched_at(chosen))


def _fetch(asked: str) -> None:
    from gptlab.data.hub import fetch

    state.attempt(lambda: state.change("hub_table", fetch(asked)))


def columns_of(title: str, read: Callable[[], Table], *key: str) -> str:
    """The columns of a table; returns the name that they have as a task.

    Args:
        key: changes with the table, if its title does not.
    """
    key = (title, *key, str(home()))
    table = cached_transfer.table(read, *key)
    columns = list(table)
    a, b, c, d = st.columns(4, vertical_alignment="bottom")
    none = _("none")
    longest = max(columns[:-1] or columns, key=lambda name: sum(map(len, table[name][:SEEN_ROWS])))
    with a:
        text = st.selectbox(_("Column with the text"), columns, index=columns.index(longest), key="table_text")
    with b:
        text_2 = st.selectbox(_("Second text (for pairs)"), [none, *columns], key="table_text_2")
    with c:
        label = st.selectbox(_("Column with the label"), columns, index=len(columns) - 1, key="table_label")
    second = None if text_2 == none else text_2
    with d:
        either = st.checkbox(_("Order does not matter (similarity)"), key="table_similarity", disabled=second is None)
        numbers = st.checkbox(_("Labels are quantities"), key="table_numbers", help=_("Predict the number itself, as for STS-B."))
    chosen = Columns(text, label, second, "similarity" if either and second else None, as_numbers=numbers)
    name = cached_transfer.drafted(table, title, chosen, *key)
    checked(name)
    return name


def checked(name: str) -> None:
    """What was found in a person's table."""
    found = own(name)
    task = found.task
    sizes = {split: len(task.examples(split)) for split in ("train", "validation", "test")}
    counted = {split: f"{n:,}" for split, n in sizes.items()}
    lines = [_("{train} rows to learn from, {validation} to choose settings, {test} to test.").format(**counted)]
    if found.n_missing:
        lines.append(_("{n} rows are left out because a text or the label is missing.").format(n=f"{found.n_missing:,}"))
    if found.n_duplicates:
        lines.append(
            _("{n} rows are left out because their text occurs before ({m} of them with another label).").format(
                n=f"{found.n_duplicates:,}", m=f"{found.n_conflicting:,}"
            )
        )
    if found.are_numbers and not task.is_regression:
        lines.append(_("All labels are numbers. If they are quantities, not names of classes, say so above."))
    for split, names in found.absent().items():
        lines.append(_("The {split} split has no example of: {names}.").format(split=split, names=", ".join(names[:MOST_SHOWN_CLASSES])))
    st.caption(" ".join(lines))
    if not task.is_regression:
        totals = {label: sum(counts.get(label, 0) for counts in found.counts.values()) for label in task.labels}
        most = sorted(totals, key=totals.__getitem__, reverse=True)[:MOST_SHOWN_CLASSES]
        share = sum(totals.values())
        show.table([_("Class"), _("rows"), _("share")], [(label, f"{totals[label]:,}", f"{totals[label] / share:.1%}") for label in most])
