import pytest
import torch

from gptlab.errors import DataError
from gptlab.evaluation.task import Example
from gptlab.transfer.inputs import Packed, Transformation

TEXTS = ("Mina gave Jun the kite.", "Jun has it.")


@pytest.fixture
def transformed(tokenizer):
    """`transformed(form, example)` -> Encoded, with the vocabulary's size as the model's."""
    return lambda form, example, block_size=64: Transformation(form, tokenizer, tokenizer.vocab_size, block_size)(example)


def test_each_form_is_the_papers(transformed, tokenizer):
    v = tokenizer.vocab_size
    start, delimiter, extract = v, v + 1, v + 2
    a, b = (tokenizer.encode(text).tolist() for text in TEXTS)
    assert transformed("classification", Example(TEXTS[:1])).rows == ((start, *a, extract),)
    assert transformed("entailment", Example(TEXTS)).rows == ((start, *a, delimiter, *b, extract),)
    assert transformed("similarity", Example(TEXTS)).rows == ((start, *a, delimiter, *b, extract), (start, *b, delimiter, *a, extract))
    both = tokenizer.encode("\n".join(TEXTS)).tolist()
    answers = [tokenizer.encode(answer).tolist() for answer in ("Jun", "Mina")]
    chosen = transformed("choice", Example(TEXTS, choices=(" Jun", " Mina"), label=1))
    assert chosen.rows == tuple((start, *both, delimiter, *answer, extract) for answer in answers) and chosen.label == 1


def test_long_texts_are_cut_at_their_end_and_counted(transformed, tokenizer):
    encoded = transformed("entailment", Example((TEXTS[0] * 20, TEXTS[1])), block_size=32)
    whole = len(tokenizer.encode(TEXTS[0] * 20)) + len(tokenizer.encode(TEXTS[1])) + 3
    assert len(encoded.rows[0]) == 32 and encoded.n_cut == whole - 32
    assert encoded.rows[0][-len(tokenizer.encode(TEXTS[1])) - 1 : -1] == tuple(tokenizer.encode(TEXTS[1]).tolist())
    assert transformed("entailment", Example(TEXTS)).n_cut == 0


@pytest.mark.parametrize(("form", "n_texts"), [("entailment", 1), ("classification", 2), ("choice", 2), ("free", 2)])
def test_what_does_not_fit_the_form_is_told(transformed, form, n_texts):
    with pytest.raises(DataError):
        transformed(form, Example(TEXTS[:n_texts]))


def test_a_batch_is_padded_at_the_end(transformed):
    examples = [transformed("similarity", Example((text, TEXTS[1]), label=i)) for i, text in enumerate(TEXTS)]
    batch = Packed.of(examples)
    assert batch.ids.shape[0] == 4 and batch.labels.tolist() == [0, 1]
    for row, length, ids in zip((row for example in examples for row in example.rows), batch.lengths, batch.ids, strict=True):
        assert tuple(ids[:length].tolist()) == row and not torch.any(ids[length:])
