from random import Random

import pytest

from gptlab.errors import DataError
from gptlab.evaluation import shortcuts as module
from gptlab.evaluation.shortcuts import record, recorded, shortcuts
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks import task_named


def made(two: bool, leak: str) -> Task:
    """A task that gives its label away in the first text, in the second, or nowhere."""
    def examples(split: str) -> tuple[Example, ...]:
        rng = Random(split)
        found = []
        for i in range(200):
            label = i % 2
            first = f"word{rng.randrange(20)} " + ("yes no"[4 * label :][:3] if leak == "first" else "maybe")
            second = f"word{rng.randrange(20)} " + ("yes no"[4 * label :][:3] if leak == "second" else "maybe")
            found.append(Example((first, second) if two else (first,), label=label))
        return tuple(found)

    return Task("made", "en", "entailment" if two else "classification", "", "accuracy", ("yes", "no"), "1", examples)


@pytest.mark.parametrize(("leak", "words", "second"), [("first", 1.0, 0.5), ("second", 1.0, 1.0), ("nowhere", 0.5, 0.5)])
def test_a_leak_is_found_where_it_is(leak, words, second):
    found = shortcuts(made(True, leak))
    assert found.second_only is not None and found.random == 0.5 and found.majority == 0.5
    assert abs(found.words.value - words) < 0.12 and abs(found.second_only.value - second) < 0.12


def test_one_text_has_no_second():
    assert shortcuts(made(False, "first")).second_only is None


def test_choices_are_judged_one_by_one():
    def examples(split: str) -> tuple[Example, ...]:
        rng = Random(split)
        return tuple(
            Example(("which?",), choices=tuple(rng.sample(["right", "wrong", "bad", "false"], 4)), label=0) for _ in range(50)
        )

    def labelled(split: str) -> tuple[Example, ...]:
        return tuple(Example(e.texts, choices=e.choices, label=e.choices.index("right")) for e in examples(split))

    assert shortcuts(Task("made", "en", "choice", "", "accuracy", (), "1", labelled)).words.value == 1.0


def test_words_that_never_come_twice_tell_nothing():
    """A person's own table of single words."""
    def examples(split: str) -> tuple[Example, ...]:
        return tuple(Example((f"{split}{i}",), label=int(i % 4 == 0)) for i in range(12))

    found = shortcuts(Task("made", "", "classification", "", "accuracy", ("a", "b"), "1", examples))
    assert found.words.value == found.majority == 0.75


def test_free_answers_have_none():
    with pytest.raises(DataError, match="reading-en"):
        shortcuts(task_named("reading-en"))


def test_a_record_is_of_one_version(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RECORD", tmp_path / "shortcuts.json")
    task = made(True, "first")
    assert recorded(task) is None
    record(task, shortcuts(task))
    assert recorded(task) == shortcuts(task)
    newer = Task(task.name, "en", task.form, "", "accuracy", task.labels, "2", task.examples)
    assert recorded(newer) is None
