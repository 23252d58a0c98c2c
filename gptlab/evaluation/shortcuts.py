"""What a task gives away to something that cannot read: chance, the commonest class, bags of words."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from gptlab.errors import DataError
from gptlab.evaluation.metrics import Score, judge_labels
from gptlab.evaluation.task import Example, Task
from gptlab.paths import ASSETS, replaced

RECORD = ASSETS / "village" / "shortcuts.json"
"""What was measured for the village's tasks: `python -m gptlab tasks --measure` writes it anew."""


@dataclass(frozen=True)
class Shortcuts:
    """Accuracy on the test split of those that do not read.

    Args:
        random: guessing with equal chances.
        majority: always the commonest class of the training split.
        words: logistic regression on the counts of all words.
        second_only: the same on the second text alone (hypothesis-only; Gururangan et al. 2018); None for tasks of one text.
    """

    random: float
    majority: float
    words: Score
    second_only: Score | None


def shortcuts(task: Task) -> Shortcuts:
    """Trained on the training split, measured on the test split.

    Raises:
        DataError: a task of free answers.
    """
    train, test = task.examples("train"), task.examples("test")
    if task.form == "free":
        raise DataError("{task} is answered in free words; there is no shortcut to measure.", task=task.name)
    labels = [example.label for example in train]
    common = max(set(labels), key=labels.count)
    two = len(test[0].texts) == 2
    return Shortcuts(
        random=1 / task.n_choices,
        majority=sum(example.label == common for example in test) / len(test),
        words=_bag(task, train, test, first=0),
        second_only=_bag(task, train, test, first=1) if two or task.form == "choice" else None,
    )


def guessing(task: Task) -> float:
    """What guessing with equal chances reaches by the task's metric; 0 where an answer is written or correlations are measured."""
    return 0.0 if task.metric != "accuracy" or task.form == "free" else 1 / task.n_choices


def recorded(task: Task) -> Shortcuts | None:
    """What was measured for this version of a task; None when nothing was."""
    entry = json.loads(RECORD.read_text(encoding="utf-8")).get(task.name) if RECORD.exists() else None
    if entry is None or entry["version"] != task.version:
        return None
    words, second = (Score(**entry[name]) if entry[name] else None for name in ("words", "second_only"))
    assert words is not None
    return Shortcuts(entry["random"], entry["majority"], words, second)


def record(task: Task, found: Shortcuts) -> None:
    """Keep what was measured beside the village's words."""
    entries: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    entries[task.name] = {"version": task.version} | asdict(found)
    with replaced(RECORD) as file:
        json.dump(entries, file, indent=1)


def _bag(task: Task, train: tuple[Example, ...], test: tuple[Example, ...], first: int) -> Score:
    """A bag of words over the texts from `first` on; choices are judged one by one and the best one taken."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if task.form == "choice":
        rows = [(_marked((*e.texts, choice), first), int(i == e.label)) for e in train for i, choice in enumerate(e.choices)]
    else:
        rows = [(_marked(e.texts, first), e.label) for e in train]
    # words as they are, one letter ones too; each text has its own counts, so that "Mina" asked for differs from "Mina" told of
    n_texts = Counter(word for text, _label in rows for word in set(text.split()))
    model = make_pipeline(
        CountVectorizer(token_pattern=r"(?u)\S+", min_df=min(2, max(n_texts.values())), lowercase=False),
        LogisticRegression(max_iter=300, solver="liblinear" if task.n_choices == 2 or task.form == "choice" else "lbfgs"),
    )
    model.fit([text for text, _label in rows], [label for _text, label in rows])
    if task.form != "choice":
        predicted = model.predict([_marked(e.texts, first) for e in test])
        return judge_labels("accuracy", list(predicted), [e.label for e in test])
    best = []
    for e in test:
        chances = model.predict_proba([_marked((*e.texts, choice), first) for choice in e.choices])[:, 1]
        best.append(int(chances.argmax()))
    return judge_labels("accuracy", best, [e.label for e in test])


def _marked(texts: tuple[str, ...], first: int) -> str:
    return " ".join(f"{i}:{word}" for i, text in enumerate(texts) if i >= first for word in text.replace(".", " .").split())
