import pytest

from gptlab.evaluation.tasks import task_named
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.transfer.studies import ablation_study, depths, label_study, layer_study
from gptlab.transfer.trial import Splits, trial


@pytest.mark.parametrize("n_layer", [1, 3, 6, 12])
def test_every_depth_comes_once_the_ends_first(n_layer):
    found = depths(n_layer)
    assert sorted(found) == list(range(-1, n_layer + 1)) and found[:3] == [-1, n_layer, 0]


def test_a_study_has_a_point_for_each_depth_and_seed():
    study = layer_study([FineTuning(model="gpt2-2x64", task="kind-en", transfer=TransferConfig(n_labels=16))], n_layer=2, n_seeds=2)
    assert [arm.transfer.n_layers_taken for arm in study.arms] == [-1, 2, 0, 1]
    assert study.points() == [(arm, seed) for seed in (1, 2) for arm in range(4)]
    assert type(study).from_json(study.to_json()) == study


def test_ablations_change_one_thing_each():
    plans = [FineTuning(model="gpt", task=task, transfer=TransferConfig(n_labels=n)) for task, n in (("kind-en", 16), ("kind-ko", 32))]
    study = ablation_study(plans, "lstm", n_seeds=3)
    assert [arm.transfer.n_labels for arm in study.arms] == [16] * 4 + [32] * 4
    assert [arm.task for arm in study.arms] == ["kind-en"] * 4 + ["kind-ko"] * 4
    full, scratch, no_auxiliary, lstm = study.arms[:4]
    assert scratch.transfer == full.transfer.with_(n_layers_taken=-1) and no_auxiliary.transfer == full.transfer.with_(auxiliary=0.0)
    assert (lstm.model, lstm.transfer) == ("lstm", full.transfer)
    assert len(ablation_study(plans[:1], None, n_seeds=1).arms) == 3


def test_fewer_labels_are_seen_more_often_and_no_more_than_there_are():
    study = label_study("gpt", "rules-en", TransferConfig(), n_seeds=3, most=512)
    tried = {(arm.transfer.n_labels, arm.transfer.updated, arm.transfer.n_layers_taken): arm.transfer.n_epochs for arm in study.arms}
    assert {n for n, _updated, _taken in tried} == {16, 64, 256}
    assert [tried[n, "all", None] for n in (16, 64, 256)] == [tried[n, "all", -1] for n in (16, 64, 256)] == [12, 6, 3]
    assert (256, "head", None) in tried and (256, "prompt", None) in tried and type(study).from_json(study.to_json()) == study


def test_the_same_seed_gives_the_same_point(pretrained, tokenizer):
    task = task_named("kind-en")
    splits = Splits.of(task, pretrained, tokenizer, TransferConfig())
    config = TransferConfig(n_labels=32, n_epochs=4, batch_size=8, n_layers_taken=3, learning_rate=1e-2)
    trials = [[*trial(pretrained, task, splits, config.with_(seed=seed), "cpu")][-1] for seed in (1, 1, 2)]
    one, again, other = ((t.train, t.validation, t.test) for t in trials)
    assert one == again != other
