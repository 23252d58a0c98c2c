import pytest

from gptlab.config import TransferConfig
from gptlab.evaluation.tasks import task_named
from gptlab.transfer.layer_transfer import Splits, depths, grid


@pytest.mark.parametrize("n_layer", [1, 3, 6, 12])
def test_every_depth_comes_once_the_ends_first(n_layer):
    found = depths(n_layer)
    assert sorted(found) == list(range(-1, n_layer + 1)) and found[:3] == [-1, n_layer, 0]


def test_a_grid_has_a_point_for_each_depth_and_seed(pretrained, tokenizer):
    task = task_named("acceptability-en")
    splits = Splits.of(task, pretrained, tokenizer)
    config = TransferConfig(n_labels=16, n_epochs=1, batch_size=8)
    points = list(grid(pretrained, splits, task, config, [-1, 3], [1, 2], "cpu"))
    assert [(p.n_layers, p.seed) for p in points] == [(-1, 1), (3, 1), (-1, 2), (3, 2)]
    assert points[0] == next(grid(pretrained, splits, task, config, [-1], [1], "cpu")), "the same seed gives the same point"
