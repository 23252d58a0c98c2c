"""A person's own labelled table as a task: columns are picked, rows checked, classes counted, splits drawn."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, isfinite

import numpy as np

from gptlab.data.corpus import content_id
from gptlab.data.files import Table
from gptlab.errors import DataError
from gptlab.evaluation.task import SPLITS, Example, Task

FEWEST_ROWS = 10
"""Below this, no split has an example of every class."""

MOST_CLASSES = 200
"""Chosen here: a table of results with more rows is not read any more, and a column with so many values is rarely one of labels."""

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}

SPLITTING = 2
"""Counts the ways in which splits were drawn: a run that was begun with other splits must not be held against these."""


@dataclass(frozen=True)
class Labelled:
    """A task made of a table, and what was found in it.

    Args:
        counts: how many examples of each class each split has: split -> class -> number.
        n_missing: rows left out because a text or the label is missing.
        n_duplicates: rows left out because their texts occur before; the same text never stands in two splits.
        n_conflicting: of these, the rows whose label differs from the one that was kept.
        are_numbers: every label is a number, so it may be meant as a quantity.
    """

    task: Task
    counts: dict[str, dict[str, int]]
    n_missing: int
    n_duplicates: int
    n_conflicting: int
    are_numbers: bool

    def absent(self) -> dict[str, list[str]]:
        """Split -> classes of which it has no example; only splits where one is missing."""
        gaps = {split: [name for name in self.task.labels if not counts.get(name)] for split, counts in self.counts.items()}
        return {split: names for split, names in gaps.items() if names}


def labelled_task(
    title: str, table: Table, text: str, label: str, text_2: str | None = None, form: str | None = None, seed: int = 1,
    as_numbers: bool = False,
) -> Labelled:  # fmt: skip
    """A task from the columns of a table: 80 % to learn from, a tenth each to choose settings and to test, every class spread alike.

    Args:
        text, text_2: columns of the texts; two for pairs.
        form: "classification", "entailment" (pairs in their order) or "similarity" (in either order); by default what the columns suggest.
        seed: of the splits.
        as_numbers: the labels are quantities that are to be predicted, not classes.

    Raises:
        DataError: no such column, one that is text and label at once, half of a surrogate pair, too few rows, one class only, or too many.
    """
    if label in (text, text_2):
        raise DataError("The column {label!r} of {title} is text and label at once. Choose another label.", label=label, title=title)
    columns = [text, *([text_2] if text_2 else []), label]
    if unknown := [name for name in columns if name not in table]:
        raise DataError("{title} has no column {names}; it has {known}.", title=title, names=", ".join(unknown), known=", ".join(table))
    rows = list(zip(*(table[name] for name in columns), strict=True))
    _check_writable(title, rows)
    whole = [tuple(cell.strip() for cell in row) for row in rows if all(cell.strip() for cell in row)]
    form = form or ("entailment" if text_2 else "classification")
    kept: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {}  # what makes rows the same -> texts, label
    conflicting = 0
    for *texts, name in whole:
        same = tuple(sorted(texts) if form == "similarity" else texts)
        conflicting += kept.setdefault(same, (tuple(texts), name))[1] != name
    read, said = [texts for texts, _name in kept.values()], [name for _texts, name in kept.values()]
    key = content_id("\n".join(f"{texts}{name}" for texts, name in kept.values()).encode("utf-8"))
    version = f"{key}-{seed}-{SPLITTING}"
    left_out = (len(rows) - len(whole), len(whole) - len(kept), conflicting)
    if as_numbers:
        values = _quantities(title, label, said)
        chosen = _split(title, [Example(texts, value=value) for texts, value in zip(read, values, strict=True)], [0] * len(kept), seed)
        return Labelled(Task(title, "", form, "", "pearson", (), version, partial(_of, chosen)), {}, *left_out, are_numbers=True)
    names = _classes(title, label, said)
    classes = [names.index(name) for name in said]
    chosen = _split(title, [Example(texts, label=c) for texts, c in zip(read, classes, strict=True)], classes, seed)
    task = Task(title, "", form, "", "accuracy", tuple(names), version, partial(_of, chosen))
    counts = {split: dict(Counter(names[example.label] for example in examples)) for split, examples in chosen.items()}
    return Labelled(task, counts, *left_out, are_numbers=all(map(_is_number, names)))


def _check_writable(title: str, rows: list[tuple[str, ...]]) -> None:
    """
    Raises:
        DataError: a row has half an emoji, as JSON can write it.
    """
    for number, row in enumerate(rows, start=1):
        try:
            "".join(row).encode("utf-8")
        except UnicodeEncodeError:
            raise DataError(
                "Row {number} of {title} holds half of a surrogate pair, which no file can keep: remove it.", number=number, title=title
            ) from None


def _quantities(title: str, label: str, values: list[str]) -> list[float]:
    """Labels as numbers.

    Raises:
        DataError: too few, one that is none, or all the same.
    """
    if len(values) < FEWEST_ROWS:
        raise _too_few(title, len(values))
    if odd := next((value for value in values if not _is_number(value)), None):
        raise DataError(
            "The column {label!r} of {title} has the value {value!r}, which is no number. Choose classes instead of quantities.",
            label=label, title=title, value=odd,
        )  # fmt: skip
    numbers = [float(value) for value in values]
    if min(numbers) == max(numbers):
        raise _one_label(title, label, values[0])
    return numbers


def _of(splits: dict[str, tuple[Example, ...]], split: str) -> tuple[Example, ...]:
    if split not in splits:
        raise DataError("There is no split {given!r}; there are {known}.", given=split, known=", ".join(SPLITS))
    return splits[split]


def _classes(title: str, label: str, values: list[str]) -> list[str]:
    """Names of the classes, numbers by size."""
    if len(values) < FEWEST_ROWS:
        raise _too_few(title, len(values))
    names = sorted(set(values))
    if len(names) == 1:
        raise _one_label(title, label, names[0])
    if len(names) > MOST_CLASSES:
        raise DataError(
            "The column {label!r} of {title} has {n} different values; at most {most} classes can be learned. Is it the right column?",
            label=label, title=title, n=len(names), most=MOST_CLASSES,
        )  # fmt: skip
    order: Callable[[str], float | str] = float if all(map(_is_number, names)) else str
    return sorted(names, key=order)


def _too_few(title: str, n: int) -> DataError:
    return DataError("{title} has {n} different labelled rows; at least {fewest} are needed.", title=title, n=n, fewest=FEWEST_ROWS)


def _one_label(title: str, label: str, name: str) -> DataError:
    return DataError(
        "Every row of {title} has the label {name!r} in {label!r}: there is nothing to tell apart.", title=title, name=name, label=label
    )


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _split(title: str, examples: list[Example], classes: list[int], seed: int) -> dict[str, tuple[Example, ...]]:
    """Every class is cut by itself; its first example goes to the training split, whatever its size. What is too little for an example
    of its own is due from the next class, so that small classes together give their share. No split stays empty: where that gave
    nothing, the largest class gives an example away.

    Raises:
        DataError: every class has one example, or nearly.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, list[Example]] = {split: [] for split in SPLITS}
    by_class: dict[int, list[Example]] = {}
    for example, c in zip(examples, classes, strict=True):
        by_class.setdefault(c, []).append(example)
    learned: list[list[Example]] = []  # of each class
    due = {"validation": 0.0, "test": 0.0}
    for _c, members in sorted(by_class.items()):
        left = [members[i] for i in rng.permutation(len(members))]
        for split in ("test", "validation"):
            share = SHARES[split] * len(members)
            due[split] += share
            n = min(round(due[split]), ceil(share), len(left) - 1)
            due[split] -= n
            found[split] += left[len(left) - n :]
            del left[len(left) - n :]
        learned.append(left)
    for split in ("test", "validation"):
        if not found[split]:
            largest = max(learned, key=len)
            if len(largest) < 2:
                raise DataError(
                    "{title} has {n} rows of {m} classes: too few to learn from and to test on. Give a class three rows or more.",
                    title=title, n=len(examples), m=len(by_class),
                )  # fmt: skip
            found[split].append(largest.pop())
    found["train"] = [example for members in learned for example in members]
    return {split: tuple(members[i] for i in rng.permutation(len(members))) for split, members in found.items()}
