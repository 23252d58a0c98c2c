import pytest

from gptlab.errors import LabError
from gptlab.runs.store import create_run
from gptlab.runs.vocabularies import BUILT_IN, trained_vocabularies, vocabulary
from gptlab.tokenizer import BPETokenizer, gpt2


def test_built_in_vocabularies_by_name():
    assert vocabulary("characters", "abca").encode("abca").tolist() == [0, 1, 2, 0]
    assert [vocabulary("bytes", "").token_bytes(int(i)) for i in vocabulary("bytes", "").encode("é")] == [b"\xc3", b"\xa9"]
    assert vocabulary("gpt2", "") is gpt2()
    assert set(BUILT_IN) == {"characters", "bytes", "gpt2", "cl100k_base", "o200k_base"}


def test_a_run_lends_its_vocabulary(new_run):
    run = new_run()
    assert vocabulary(run.id, "").id == run.tokenizer().id


@pytest.mark.parametrize("name", ["GPT-2", "", "20260101-000000-abcd", "../x"])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(LabError, match="known are characters, bytes, gpt2, cl100k_base, o200k_base and the ids of runs"):
        vocabulary(name, "text")


def test_own_vocabularies_are_listed_once_and_only_bpe(planned, new_run):
    assert trained_vocabularies() == []
    new_run()  # characters
    config, _characters = planned()
    first, second = (create_run(config, BPETokenizer([(b"a", b"b")])) for _ in range(2))
    other = create_run(config, BPETokenizer([(b"a", b"c")]))
    assert trained_vocabularies() == [other.id, second.id]


def test_a_damaged_vocabulary_hides_no_other(planned):
    config, _characters = planned()
    whole, damaged = (create_run(config, BPETokenizer([(b"a", right)])) for right in (b"b", b"c"))
    (damaged.folder / "tokenizer.json").write_text("{")
    assert trained_vocabularies() == [whole.id]
