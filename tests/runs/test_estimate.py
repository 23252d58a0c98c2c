import json

import pytest

from gptlab.config import LSTMConfig, ModelConfig, TrainingConfig
from gptlab.errors import TrainingError
from gptlab.presets import SIZES, model_config, training_config
from gptlab.runs import estimate
from gptlab.runs.estimate import PROBES, TUNED, Speed, check_memory, measured_speed, memory_needed
from gptlab.runs.job import devices_folder

MODEL = ModelConfig(vocab_size=65, n_layer=2, n_head=2, n_embd=64, block_size=32)
TRAINING = TrainingConfig(batch_size=16)
SPEED = Speed("a machine", {"fp32": {"mini": 1e9, "small": 2e9, "medium": 4e9, "tuned": 1e9},
                           "bf16": {"mini": 1e9, "small": 3e9, "medium": 6e9, "tuned": 1e9}})  # fmt: skip


@pytest.fixture
def probes(monkeypatch):
    """Measurements that were made, in place of a second of work."""
    made = []
    monkeypatch.setattr(estimate, "_probe", lambda device, size: (made.append(size), {"fp32": 1e9, "bf16": 1e9})[1])
    return made


def test_speed_is_measured_once_and_kept(probes):
    first = measured_speed("cpu")
    assert probes == [*PROBES, TUNED]
    probes.clear()
    assert measured_speed("cpu") == first and probes == []


def test_speed_of_other_hardware_is_measured_anew(probes, monkeypatch):
    measured_speed("cpu")
    probes.clear()
    monkeypatch.setattr("gptlab.device.device_name", lambda device: "another machine")
    assert measured_speed("cpu").device_name == "another machine" and len(probes) == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"device_name": "x"}', '{"device_name": "HERE", "flops_per_s": {}}', "\0"])
def test_broken_record_is_measured_anew(probes, content):
    name = measured_speed("cpu").device_name
    probes.clear()
    (devices_folder() / "cpu-speed.json").write_text(content.replace("HERE", name))
    assert measured_speed("cpu").precision == "fp32" and len(probes) == 4
    assert json.loads((devices_folder() / "cpu-speed.json").read_text())["flops_per_s"]["bf16"]["medium"] == 1e9


@pytest.mark.parametrize("size", ["mini", TUNED])
def test_probe_measures_something_real(monkeypatch, size):
    monkeypatch.setattr(estimate, "PROBE_S", 0.01)
    assert all(1e6 < rate < 1e15 for rate in estimate._probe("cpu", size).values())


@pytest.mark.parametrize("tuned, expected", [(1.2, "bf16"), (1.05, "fp32"), (0.6, "fp32")])
def test_fine_tuning_has_a_precision_of_its_own(tuned, expected):
    rates = {"mini": 1.0, "small": 1.0, "medium": 1.0, "tuned": 1.0}
    speed = Speed("x", {"fp32": rates, "bf16": {size: 2.0 for size in rates} | {"tuned": tuned}})
    assert speed.precision == "bf16" and speed.tuning_precision == expected


@pytest.mark.parametrize("small, medium, expected", [(1.2, 1.2, "bf16"), (1.2, 1.05, "fp32"), (1.05, 1.2, "fp32"), (0.5, 0.5, "fp32")])
def test_precision_is_bf16_only_where_it_is_clearly_faster(small, medium, expected):
    speed = Speed("x", {"fp32": {"mini": 1.0, "small": 1.0, "medium": 1.0}, "bf16": {"mini": 0.9, "small": small, "medium": medium}})
    assert speed.precision == expected


def test_seconds_are_operations_over_the_rate_of_the_nearest_width():
    n_evaluations = 2000 // TRAINING.evaluate_every + 1
    tokens = 2000 * 16 * 32 + n_evaluations * 2 * TRAINING.evaluation_tokens / 3
    samples = n_evaluations * TRAINING.sample_tokens * 2 * 0.3e-3
    flops = 6 * (12 * 2 * 64 * 64 + 65 * 64) + 12 * 2 * 32 * 64
    assert SPEED.seconds(MODEL, TRAINING) == pytest.approx(tokens * flops / 1e9 + samples)
    assert SPEED.seconds(MODEL.with_(n_embd=128), TRAINING.with_(precision="bf16")) == pytest.approx(
        tokens * (6 * (12 * 2 * 128 * 128 + 65 * 128) + 12 * 2 * 32 * 128) / 3e9 + samples
    )


@pytest.mark.parametrize("measure", [SPEED.seconds, memory_needed], ids=["seconds", "memory"])
def test_more_of_anything_needs_more(measure):
    less = measure(MODEL, TRAINING)
    for model in (dict(n_layer=3), dict(n_embd=68), dict(block_size=40), dict(vocab_size=100)):
        assert measure(MODEL.with_(**model), TRAINING) > less, model
    assert measure(MODEL, TRAINING.with_(batch_size=17)) > less
    lstm = LSTMConfig(vocab_size=65)
    assert 0 < measure(lstm, TRAINING) < measure(lstm.with_(n_hidden=300), TRAINING)


@pytest.mark.parametrize("measure", [SPEED.seconds, memory_needed], ids=["seconds", "memory"])
def test_sizes_go_up(measure):
    found = [measure(model_config(size, "gpt2", 1024), training_config(size, "papers")) for size in SIZES]
    assert found == sorted(found) and found[-1] > 100 * found[0]


def test_shared_layers_save_memory_but_no_time():
    shared = MODEL.with_(n_layer=8, shared_attention_groups=1, shared_mlp_groups=1)
    assert memory_needed(shared, TRAINING) < memory_needed(MODEL.with_(n_layer=8), TRAINING)
    assert SPEED.seconds(shared, TRAINING) == SPEED.seconds(MODEL.with_(n_layer=8), TRAINING)


def test_enough_memory_passes():
    check_memory(MODEL, TRAINING, memory_needed(MODEL, TRAINING))


def test_too_little_memory_names_the_batch_that_fits():
    free = memory_needed(MODEL, TRAINING.with_(batch_size=5)) + 1000
    with pytest.raises(TrainingError) as refusal:
        check_memory(MODEL, TRAINING, free)
    needed = memory_needed(MODEL, TRAINING) / 1e9
    assert f"needs about {needed:.1f} GB of memory and {free / 1e9:.1f} GB are free. Lower batch_size from 16 to 5," in str(refusal.value)
    check_memory(MODEL, TRAINING.with_(batch_size=5), free)
    with pytest.raises(TrainingError):
        check_memory(MODEL, TRAINING.with_(batch_size=6), free)


@pytest.mark.parametrize("fit", [3, 9, 20])
def test_the_batch_that_fits_does_fit_where_the_head_is_wide(fit):
    """Its part grows with the batch up to a block of tokens, and no further."""
    model, training = MODEL.with_(vocab_size=16_384, block_size=64), TRAINING.with_(batch_size=64)
    free = memory_needed(model, training.with_(batch_size=fit))
    with pytest.raises(TrainingError, match=f"from 64 to {fit},"):
        check_memory(model, training, free)


def test_processes_share_a_batch():
    needed = memory_needed(MODEL, TRAINING.with_(batch_size=8))
    check_memory(MODEL, TRAINING, needed, "cuda", n_processes=2)
    check_memory(MODEL, TRAINING, 2 * needed, "cpu", n_processes=2)
    for free, device in ((needed - 1, "cuda"), (2 * needed - 2, "cpu")):
        with pytest.raises(TrainingError):
            check_memory(MODEL, TRAINING, free, device, n_processes=2)


def test_far_too_little_memory_asks_for_a_smaller_size():
    paper = model_config("paper", "gpt1", 40_000)
    with pytest.raises(TrainingError, match=r"needs about [2-9]\.\d GB of memory even with one sequence at a time, and 0.1 GB are free"):
        check_memory(paper, training_config("paper", "papers"), 10**8)
