import numpy as np

from gptlab.experiment import FineTuning, Study, TransferConfig
from gptlab.figures.transfer import layers_figure
from gptlab.training.events import Point
from gptlab.ui.study import VARIANTS, depth_series, variant_of

ARMS = [FineTuning(model="m", task="closed-en", transfer=TransferConfig(n_labels=64, n_layers_taken=n)) for n in (-1, 0, 1)]


def test_intervals_end_where_the_metric_ends():
    """Three seeds far apart would reach below 0 and above 1; one seed has no interval, none no point."""
    scores = {0: [0.1, 0.9, 0.95], 1: [0.7]}
    points = [Point(arm, seed, 1.0, 0.5, score, 1.0) for arm, values in scores.items() for seed, score in enumerate(values)]
    series = depth_series(Study(kind="layers", arms=ARMS, n_seeds=3), points, 64)
    assert series.n_layers.tolist() == [-1, 0] and series.n_seeds.tolist() == [3, 1]
    assert (series.low[0], series.high[0]) == (0.0, 1.0) and np.isnan(series.low[1])
    bars = layers_figure([series], 1, [], "accuracy").data[0].error_y
    assert np.allclose(np.array(bars.array), [1 - 0.65, 0]) and np.allclose(np.array(bars.arrayminus), [0.65, 0])
    assert len(depth_series(Study(kind="layers", arms=ARMS, n_seeds=3), points, 128).n_layers) == 0


def test_what_was_tried_is_known_from_the_settings():
    for name, changes in VARIANTS.items():
        assert variant_of(ARMS[0].with_(transfer=ARMS[0].transfer.with_(**changes))) == name
