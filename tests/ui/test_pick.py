"""Which model a page opens with, and how many labels it proposes."""

from types import SimpleNamespace

import pytest

from gptlab.config import ModelConfig
from gptlab.ui import cached_transfer, pick, tuning


def model(n_layer: int, n_embd: int, n_checkpoints: int = 1) -> SimpleNamespace:
    shape = ModelConfig(vocab_size=100, block_size=16, n_layer=n_layer, n_head=2, n_embd=n_embd)
    return SimpleNamespace(config=lambda: SimpleNamespace(model=shape), checkpoint_steps=lambda: list(range(n_checkpoints)))


def test_fine_tunings_start_from_the_deepest_model_that_is_narrow():
    shallow, deep, wide = model(2, 8), model(4, 8), model(4, 16)
    assert sorted([wide, shallow, deep], key=pick.deep_and_quick) == [deep, wide, shallow]


def test_questions_go_to_the_largest_model():
    deep, wide = model(4, 8), model(2, 64)
    assert sorted([deep, wide], key=pick.largest_first) == [wide, deep]


def test_looking_inside_begins_with_the_longest_film():
    still, film = model(4, 64), model(2, 8, n_checkpoints=12)
    assert sorted([still, film], key=pick.longest_film_first) == [film, still]


@pytest.mark.parametrize(("n_examples", "n_characters", "proposed"), [
    (4096, tuning.QUICK, None), (4096, tuning.QUICK + 1, 1024), (900, tuning.QUICK + 1, None),
])  # fmt: skip
def test_long_texts_are_tried_with_fewer_labels(monkeypatch, n_examples, n_characters, proposed):
    monkeypatch.setattr(cached_transfer, "n_examples", lambda name, home: n_examples)
    monkeypatch.setattr(cached_transfer, "n_characters", lambda name, home: n_characters)
    monkeypatch.setattr(tuning.link, "segments", lambda label, options, default, *rest: default)
    assert tuning.labels("choice-en") == proposed


def test_models_that_ship_stand_in_the_order_that_a_page_wants(monkeypatch):
    still, film = model(4, 8), model(2, 8, n_checkpoints=12)
    monkeypatch.setattr(pick, "shipped_runs", lambda: [film, still])
    monkeypatch.setattr(pick, "readable_runs", lambda: [model(1, 8, n_checkpoints=0)])
    for order, expected in ((pick.deep_and_quick, [still, film]), (pick.longest_film_first, [film, still])):
        assert pick.with_weights(lambda run: True, order) == expected, "who has no weights yet is not among them"
