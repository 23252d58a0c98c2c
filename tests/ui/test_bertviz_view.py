"""What is relied on in BertViz's HTML; a new version that changes it is noticed here."""

import json
import re

import numpy as np
import pytest

from gptlab.errors import LabError
from gptlab.ui import bertviz_view

TOKENS = ["␣안녕", "</script><script>alert(1)", "b", 'c"d', "<b>", "\\u0041"]


@pytest.fixture
def patterns():
    random = np.tril(np.random.default_rng(1).random((2, 3, 6, 6))).astype(np.float32)
    return random / random.sum(-1, keepdims=True)


@pytest.fixture
def views(patterns):
    queries = np.random.default_rng(2).normal(size=(2, 3, 6, 4)).astype(np.float32)
    return {
        "head": bertviz_view.head_view(patterns, TOKENS, 0, dark=False),
        "model": bertviz_view.model_view(patterns, TOKENS, dark=True),
        "neuron": bertviz_view.neuron_view(patterns, queries, queries, TOKENS, 0, 1, dark=False),
    }


def parameters(html: str) -> dict:
    """The numbers and tokens that the view draws."""
    line = next(line for line in html.split("\n") if "const params = {" in line or "window.bertviz_params = {" in line)
    return json.loads(re.search(r"(\{.*\})", line)[1])


def test_no_script_comes_from_elsewhere_and_no_token_ends_one(views, patterns):
    harmless = bertviz_view.head_view(patterns, ["a"] * 6, 0, dark=False).count("</script>")
    for name, html in views.items():
        assert "<script src" not in html and html.count("PYTHON_PARAMS") == 0
        assert html.count("</script>") == harmless + (name == "neuron"), "a token closed a script"
        assert "alert(1)" in html and "<script>alert(1)" not in html


def test_numbers_are_sent_once_with_three_digits(views, patterns):
    sent = parameters(views["head"])["attention"][0]["attn"]
    assert np.allclose(np.array(sent), patterns, atol=6e-4) and all(len(str(value)) <= 5 for row in sent[0][0] for value in row)
    for html in views.values():
        assert html.count('"attn"') == 1 if "bertviz_params" not in html else html.count('"attn"') >= 1
    neuron = parameters(views["neuron"])["attention"]["all"]
    assert neuron["left_text"] == TOKENS and len(neuron["queries"]) == 2


def test_too_large_a_view_says_what_fits(patterns):
    long = np.zeros((12, 12, 65, 65), dtype=np.float32)
    tokens = ["x"] * 65
    with pytest.raises(LabError, match="64 tokens"):
        bertviz_view.head_view(long, tokens, 0, dark=False)
    with pytest.raises(LabError, match="308,880 lines.*may have 52 tokens"):
        bertviz_view.model_view(long, tokens, dark=False)
    with pytest.raises(LabError, match="64 tokens"):
        bertviz_view.neuron_view(long, long, long, tokens, 0, 0, dark=False)
