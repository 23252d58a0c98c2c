"""Choosing a task to learn: one of the village, or a person's own labelled file."""

import streamlit as st

from gptlab.evaluation.own import own, own_titles
from gptlab.evaluation.tasks import VILLAGE
from gptlab.ui import link, show
from gptlab.words import _

UPLOAD = "upload"

MOST_SHOWN_CLASSES = 12


def choose(default: str = "kind-en") -> str | None:
    """Name of the chosen task; None, with a hint, while an own file is not chosen yet."""
    titles = own_titles()
    names = {name: village_title(name) for name in learnable()} | {name: f"{title} · {name[-4:]}" for name, title in titles.items()}
    names[UPLOAD] = _("Your own labelled file ...")
    return link.select(_("Task"), list(names), default, names.__getitem__, "task", help=_("What the model is to learn from labels."))


def learnable() -> list[str]:
    """The village's tasks that labels can teach; rules are told by examples in the prompt alone."""
    return [name for name, task in VILLAGE.items() if task.form != "free" and not name.startswith("rules")]


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


def upload() -> str | None:
    """A file and its columns; returns the name under which the table is kept.

    Raises:
        DataError: a file or columns that cannot be used.
    """
    from gptlab.data.files import ENCODINGS, MAX_FILE_BYTES, read_table
    from gptlab.evaluation.own import Columns, keep

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
    table = read_table(file.name, file.getvalue(), encoding)
    columns = list(table)
    a, b, c, d = st.columns(4, vertical_alignment="bottom")
    none = _("none")
    with a:
        text = st.selectbox(_("Column with the text"), columns, key="table_text")
    with b:
        text_2 = st.selectbox(_("Second text (for pairs)"), [none, *columns], key="table_text_2")
    with c:
        label = st.selectbox(_("Column with the label"), columns, index=len(columns) - 1, key="table_label")
    second = None if text_2 == none else text_2
    with d:
        either = st.checkbox(_("Order does not matter (similarity)"), key="table_similarity", disabled=second is None)
        numbers = st.checkbox(_("Labels are quantities"), key="table_numbers", help=_("Predict the number itself, as for STS-B."))
    name = keep(file.name, table, Columns(text, label, second, "similarity" if either and second else None, as_numbers=numbers))
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
