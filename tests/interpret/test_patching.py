from itertools import product

import numpy as np
import pytest
import torch

from gptlab.errors import DataError
from gptlab.interpret.patching import patch
from gptlab.model.trace import Intervention, Trace

CLEAN, CORRUPTED = [3, 1, 4, 1, 5], [3, 7, 4, 1, 5]


def test_what_is_patched_before_the_difference_changes_nothing(model):
    """Place 0 is the same token in both prompts, and nothing before it differs."""
    found = patch(model, CLEAN, CORRUPTED, 9, 11)
    assert np.allclose(found.restored[:, 0], 0, atol=1e-5) and found.restored.shape == (3, 5)


def test_the_embedding_of_the_changed_token_brings_everything_back(model):
    assert np.isclose(patch(model, CLEAN, CORRUPTED, 9, 11).restored[0, 1], 1, atol=1e-4)


def test_each_place_is_patched_alone(model):
    """By hand: one layer, one place, one run."""
    found = patch(model, CLEAN, CORRUPTED, 9, 11)
    kept = Trace()
    model(torch.tensor([CLEAN]), kept)
    for layer, place in product(range(3), range(5)):
        logits = model(torch.tensor([CORRUPTED]), intervention=Intervention(residuals={(layer, place): kept.residual[layer][:, place]}))
        difference = (logits[0, -1, 9] - logits[0, -1, 11]).item()
        assert np.isclose(found.restored[layer, place], (difference - found.corrupted) / (found.clean - found.corrupted), atol=1e-4)


def test_only_the_last_place_meets_the_vocabulary(model, monkeypatch):
    """Logits of 128 places in 128 rows take 3 GB where the vocabulary is GPT-2's."""
    sizes, plain = [], model.logits
    monkeypatch.setattr(model, "logits", lambda hidden: sizes.append(hidden.numel() // 16) or plain(hidden))
    patch(model, CLEAN, CORRUPTED, 9, 11)
    assert sizes == [1, 1, 5, 5, 5]


def test_prompts_that_do_not_fit_are_told(model):
    with pytest.raises(DataError, match="equally many"):
        patch(model, CLEAN, CORRUPTED[:-1], 9, 11)
    with pytest.raises(DataError, match="nothing to restore"):  # clean into clean
        patch(model, CLEAN, CLEAN, 9, 11)
