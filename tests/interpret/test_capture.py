import numpy as np
import pytest
import torch

from gptlab.errors import ModelError
from gptlab.interpret.capture import capture, entropy_bits
from gptlab.model.trace import Trace

IDS = [3, 1, 4, 1, 5, 9, 2, 6]


def test_patterns_times_values_are_what_the_heads_say(model):
    """The captured weights are the ones that the model used."""
    found, trace = capture(model, IDS), Trace()
    model.hidden(torch.tensor([IDS]), trace)
    for layer in range(3):
        said = torch.from_numpy(found.patterns[layer]) @ trace.values[layer][0]
        assert torch.allclose(said, trace.heads[layer][0], atol=1e-6)


def test_a_row_is_a_choice_among_what_came_before(model):
    found = capture(model, IDS)
    assert found.patterns.shape == (3, 2, 8, 8) and found.queries.shape == found.keys.shape == (3, 2, 8, 8)
    assert np.allclose(found.patterns.sum(-1), 1, atol=1e-5) and not np.triu(found.patterns, 1).any()


def test_too_long_a_text_is_told(model):
    with pytest.raises(ModelError, match="48"):
        capture(model, [1] * 49)


def test_entropy_goes_from_one_token_to_all_alike():
    assert np.allclose(entropy_bits(np.array([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])), [0, 2, 1], atol=1e-6)
