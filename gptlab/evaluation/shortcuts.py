"""What a task gives away to something that cannot read: chance, the commonest class, bags of words."""

from dataclasses import dataclass

from gptlab.errors import DataError
from gptlab.evaluation.metrics import Score, judge_labels
from gptlab.evaluation.task import Example, Task


@dataclass(frozen=True)
class Shortcuts:
    """Accuracy on the test split of those that do not read.

    Args:
        random: guessing with equal chances.
        majority: always the commonest class of the training split.
        words: logistic regression on the counts of all words and pairs of words.
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


def _bag(task: Task, train: tuple[Example, ...], test: tuple[Example, ...], first: int) -> Score:
    """A bag of words and pairs over the texts from `first` on; choices are judged one by one and the best one taken."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # words as they are, one letter ones too; each text has its own counts, so that "Mina" asked for differs from "Mina" told of
    model = make_pipeline(
        CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\S+", min_df=2, lowercase=False),
        LogisticRegression(max_iter=300, solver="liblinear" if task.n_choices == 2 or task.form == "choice" else "lbfgs"),
    )
    if task.form != "choice":
        model.fit([_marked(e.texts, first) for e in train], [e.label for e in train])
        predicted = model.predict([_marked(e.texts, first) for e in test])
        return judge_labels("accuracy", list(predicted), [e.label for e in test])
    rows = [(_marked((*e.texts, choice), first), i == e.label) for e in train for i, choice in enumerate(e.choices)]
    model.fit([text for text, _right in rows], [right for _text, right in rows])
    best = []
    for e in test:
        chances = model.predict_proba([_marked((*e.texts, choice), first) for choice in e.choices])[:, 1]
        best.append(int(chances.argmax()))
    return judge_labels("accuracy", best, [e.label for e in test])


def _marked(texts: tuple[str, ...], first: int) -> str:
    return " ".join(f"{i}:{word}" for i, text in enumerate(texts) if i >= first for word in text.replace(".", " .").split())
