import pytest

from gptlab.data.files import read_table
from gptlab.errors import DataError
from gptlab.evaluation.labelled import labelled_task

ROWS = [(f"text {i}", ("cat", "dog", "bird")[i % 3]) for i in range(90)]


def table(rows=ROWS, names=("text", "label")):
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def test_every_class_is_spread_over_the_splits():
    made = labelled_task("pets.csv", table(), "text", "label")
    assert made.task.labels == ("bird", "cat", "dog") and made.task.form == "classification" and not made.absent()
    assert [len(made.task.examples(split)) for split in ("train", "validation", "test")] == [72, 9, 9]
    assert all(set(counts.values()) == {len(made.task.examples(split)) // 3} for split, counts in made.counts.items())
    texts = [example.texts for split in made.counts for example in made.task.examples(split)]
    assert len(texts) == len(set(texts)) == 90


def test_the_seed_draws_the_splits_and_the_version_names_both():
    one, again, other = (labelled_task("a", table(), "text", "label", seed=seed).task for seed in (1, 1, 2))
    assert one.examples("test") == again.examples("test") != other.examples("test")
    assert one.version == again.version != other.version


def test_what_is_missing_or_twice_is_left_out_and_counted():
    rows = [*ROWS, ("", "cat"), ("more", " "), ("text 0", "cat"), (" text 1 ", "bird")]
    made = labelled_task("a", table(rows), "text", "label")
    assert (made.n_missing, made.n_duplicates, made.n_conflicting) == (2, 2, 1)


def test_a_rare_class_is_learned_and_its_absence_told():
    made = labelled_task("a", table([*ROWS, ("only one", "fish")]), "text", "label")
    assert made.counts["train"]["fish"] == 1 and made.absent() == {"validation": ["fish"], "test": ["fish"]}


@pytest.mark.parametrize(("sizes", "n_held_out"), [((5, 5), 1), ((4,) * 100, 40), ((4,) * 150, 60), ((2,) * 50, 10), ((3, *(1,) * 9), 1)])
def test_small_classes_together_give_their_share(sizes, n_held_out):
    rows = [(f"text {c} {i}", f"class {c:03}") for c, size in enumerate(sizes) for i in range(size)]
    made = labelled_task("a", table(rows), "text", "label")
    found = {split: made.task.examples(split) for split in ("train", "validation", "test")}
    assert len(found["validation"]) == len(found["test"]) == n_held_out
    assert len({example.texts for part in found.values() for example in part}) == len(rows)
    assert {example.label for example in found["train"]} == set(range(len(sizes)))
    assert {split: sum(counts.values()) for split, counts in made.counts.items()} == {split: len(part) for split, part in found.items()}


def test_classes_of_one_row_take_nothing_from_the_large_ones():
    rows = [(f"text {i}", f"rare {i:03}") for i in range(100)] + [(f"more {i}", "xy"[i % 2]) for i in range(40)]
    made = labelled_task("a", table(rows), "text", "label")
    assert made.counts["test"] == made.counts["validation"] == {"x": 2, "y": 2}


def test_pairs_in_either_order_are_the_same_pair_where_order_does_not_matter():
    rows = [(f"a {i}", f"b {i}", "xy"[i % 2]) for i in range(20)]
    turned = [(b, a, "y") for a, b, _label in rows]
    names = ("one", "two", "label")
    made = labelled_task("a", table([*rows, *turned], names), "one", "label", "two", form="similarity")
    assert (made.n_duplicates, made.n_conflicting) == (20, 10)
    assert {example.texts for split in made.counts for example in made.task.examples(split)} == {row[:2] for row in rows}
    assert labelled_task("a", table([*rows, *turned], names), "one", "label", "two").n_duplicates == 0, "entailment goes one way"


def test_numbers_are_ordered_by_size_and_noticed():
    rows = [(f"t{i}", str(i % 12)) for i in range(120)]
    made = labelled_task("a", table(rows), "text", "label")
    assert made.task.labels == tuple(map(str, range(12))) and made.are_numbers
    assert not labelled_task("a", table(), "text", "label").are_numbers


def test_two_columns_make_pairs():
    rows = [(f"a{i}", f"b{i}", ("yes", "no")[i % 2]) for i in range(40)]
    made = labelled_task("a", table(rows, ("one", "two", "label")), "one", "label", text_2="two")
    assert made.task.form == "entailment" and all(len(example.texts) == 2 for example in made.task.examples("train"))
    assert labelled_task("a", table(rows, ("one", "two", "label")), "one", "label", "two", form="similarity").task.form == "similarity"


@pytest.mark.parametrize(
    ("rows", "message"),
    [([("a", "x")] * 50, "1 different"), ([(f"t{i}", "x") for i in range(50)], "nothing to tell apart"),
     ([(f"t{i}", f"l{i}") for i in range(5_000)], "5000 different values"), ([], "0 different"),
     ([(f"t{i}", f"l{i}") for i in range(20)], "20 rows of 20 classes: too few")],
    ids=["one row", "one class", "5,000 classes", "empty", "as many classes as rows"],
)  # fmt: skip
def test_tables_that_cannot_be_learned_are_told(rows, message):
    with pytest.raises(DataError, match=message):
        labelled_task("a.csv", table(rows) if rows else {"text": [], "label": []}, "text", "label")


def test_columns_have_to_be_there():
    with pytest.raises(DataError, match="no column wrong; it has text, label"):
        labelled_task("a.csv", table(), "wrong", "label")
    with pytest.raises(DataError, match="'label' of a.csv is text and label at once"):
        labelled_task("a.csv", table(), "text", "label", text_2="label")
    with pytest.raises(DataError, match="train, validation, test"):
        labelled_task("a.csv", table(), "text", "label").task.examples("dev")


def test_half_an_emoji_is_told_with_its_row():
    content = "".join(f'{{"text": "text {i}", "label": "{"xy"[i % 2]}", "note": "\\ud83d"}}\n' for i in range(20))
    labelled_task("a.jsonl", read_table("a.jsonl", content.encode()), "text", "label")
    for broken in (content.replace("text 4", "\\ud83d"), content.replace('"x"', '"\\ude00"', 3).replace('"\\ude00"', '"x"', 2)):
        with pytest.raises(DataError, match="Row 5 of a.jsonl holds half of a surrogate pair"):
            labelled_task("a.jsonl", read_table("a.jsonl", broken.encode()), "text", "label")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "text,label\nnice,1\nbad,0\n"), ("a.tsv", "text\tlabel\nnice\t1\nbad\t0\n"),
     ("a.jsonl", '{"text": "nice", "label": 1}\n{"text": "bad", "label": 0}\n'),
     ("a.json", '[{"text": "nice", "label": 1}, {"text": "bad", "label": 0}]')],
)  # fmt: skip
def test_a_table_keeps_its_numbers(name, content):
    assert read_table(name, content.encode()) == {"text": ["nice", "bad"], "label": ["1", "0"]}


def test_a_missing_value_leaves_its_place():
    assert read_table("a.jsonl", b'{"a": "x"}\n{"b": "y"}\n{"a": "z", "b": null}\n') == {"a": ["x", "", "z"], "b": ["", "y", ""]}
    with pytest.raises(DataError, match="no table"):
        read_table("a.txt", b"text")


@pytest.mark.parametrize(("name", "content"), [("a.json", b"[]"), ("a.jsonl", b"\n\n"), ("a.csv", b"text,label\n")])
def test_a_table_without_a_row_is_told(name, content):
    with pytest.raises(DataError, match="no rows"):
        read_table(name, content)
