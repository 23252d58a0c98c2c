import torch

from gptlab.config import ModelConfig
from gptlab.model.branches import SideBySide, tokens_of
from gptlab.model.build import build_model

GROUPS = [[[5, 6, 7, 8], [5, 6, 9], [5, 6, 7, 1, 2]], [[3, 4]]]
SHARED = [2, 2]


def test_lines_are_laid_behind_what_they_share():
    laid = SideBySide.of(GROUPS, SHARED)
    assert laid.ids.tolist() == [[5, 6, 7, 8, 9, 7, 1, 2], [3, 4, 0, 0, 0, 0, 0, 0]]
    assert laid.branches.positions[0].tolist() == [0, 1, 2, 3, 2, 2, 3, 4]
    for row, places, line in zip(laid.rows, laid.places, sum(GROUPS, []), strict=True):
        assert laid.ids[row, places].tolist()[: len(line)] == line
    assert tokens_of(GROUPS[0], 2) == 8
    assert laid.branches.visible.diagonal(dim1=1, dim2=2).all()
    assert laid.branches.visible[0, 4].tolist() == [True, True, False, False, True, False, False, False]  # the second line's own token


def test_a_model_makes_of_them_what_it_makes_of_each_line():
    model = build_model(ModelConfig(vocab_size=12, block_size=8, n_layer=2, n_head=2, n_embd=16), seed=1).eval()
    laid = SideBySide.of(GROUPS, SHARED)
    found = laid.in_lines(model.hidden(laid.ids, branches=laid.branches))
    for line, hidden in zip(sum(GROUPS, []), found, strict=True):
        assert torch.allclose(hidden[: len(line)], model.hidden(torch.tensor([line]))[0], atol=1e-5)


def test_behind_a_soft_prompt_they_stay_in_place():
    branches = SideBySide.of(GROUPS, SHARED).branches.behind(3)
    assert branches.positions[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 5, 5, 6, 7]
    assert branches.visible[0, 7].tolist() == [True] * 5 + [False, False, True, False, False, False]
    assert branches.visible[0, 1].tolist() == [True, True, *[False] * 9]
