import json

import pytest
import torch

from gptlab.config import ModelConfig
from gptlab.errors import DataError, ModelError, RunError
from gptlab.evaluation import own as own_module
from gptlab.evaluation.own import Columns, draft, keep, own, own_titles
from gptlab.experiment import FineTuning, TransferConfig
from gptlab.runs import studying
from gptlab.runs.checkpoint import checkpoints, load_model
from gptlab.runs.curve import Curve
from gptlab.runs.distributed import Ranks
from gptlab.runs.reached import reached
from gptlab.runs.store import create_run
from gptlab.runs.subject import fine_tuning_config, study_config
from gptlab.runs.tuning import from_scratch, load_classifier
from gptlab.runs.versions import versions_of
from gptlab.runs.worker import train_run
from gptlab.transfer.finetune import predict
from gptlab.transfer.studies import ablation_study, layer_study
from gptlab.transfer.trial import Splits

CATS = [("a cat on a mat", "0"), ("a dog on a home", "1"), ("the cat sat", "0"), ("the dog run", "1")]


@pytest.fixture
def task():
    """Cat or dog: 80 rows."""
    rows = [(f"{text} {'the ' * (i // 4 % 5)}{'run ' * (i // 20)}".strip(), label) for i in range(80) for text, label in [CATS[i % 4]]]
    table = {"text": [text for text, _label in rows], "label": [label for _text, label in rows]}
    return draft("pets", table, Columns("text", "label"))


@pytest.fixture
def plan(trained, task):
    base = trained(ModelConfig(vocab_size=30, block_size=48, n_layer=2, n_head=2, n_embd=16))
    return FineTuning(model=base.id, task=task, scratch=True, transfer=TransferConfig(n_epochs=3, batch_size=8, learning_rate=1e-2))


@pytest.fixture
def tuned(plan):
    run = create_run(*fine_tuning_config(plan, "cpu", "pets"))
    train_run(run, Ranks())
    return run


def curve_of(run) -> Curve:
    curve = Curve(run.folder)
    curve.read()
    return curve


def test_a_fine_tuning_is_a_run_that_can_be_opened(tuned, plan, task):
    status, curve = tuned.status(), curve_of(tuned)
    assert status.state == "finished" and status.step == status.n_steps == len(curve.tuned["pretrained"]) == len(curve.tuned["scratch"])
    assert curve.judged["pretrained"][-1].step == status.n_steps and curve.tuned["pretrained"][0].auxiliary_nats > 0
    results = json.loads((tuned.folder / "results.json").read_text())
    labelled = own(task)
    model = load_model(tuned)
    assert model.config.vocab_size == load_model(open_base(plan)).config.vocab_size + 3
    classifier = load_classifier(tuned)
    splits = Splits.of(labelled.task, load_model(open_base(plan)), tuned.tokenizer(), plan.transfer)
    again = predict(classifier, splits.test, "cpu")
    assert again.score.value == results["scores"]["pretrained"]["value"]
    assert len(results["says"]) == len(splits.test) == len(results["right"])
    assert len(checkpoints(tuned)) == 1 and not checkpoints(tuned)[0].can_resume


def open_base(plan):
    from gptlab.runs.store import open_run

    return open_run(plan.model)


def test_a_paused_fine_tuning_goes_on_to_the_same_end(tuned, plan, wish_in_tuning):
    run = create_run(*fine_tuning_config(plan, "cpu", "pets"))
    wish_in_tuning(run, 5)
    train_run(run, Ranks())
    assert run.status().state == "paused" and run.checkpoint_steps() == [run.status().step] and run.status().step < run.status().n_steps
    train_run(run, Ranks())
    assert run.status().state == "finished" and curve_of(run).tuned == curve_of(tuned).tuned
    one, other = (json.loads((r.folder / "results.json").read_text()) for r in (run, tuned))
    assert one == other


def test_whoever_is_killed_while_testing_does_not_learn_again(tuned, plan, monkeypatch):
    from gptlab.runs import tuning

    run = create_run(*fine_tuning_config(plan, "cpu", "pets"))
    with monkeypatch.context() as at_first:
        at_first.setattr(tuning, "_keep_results", lambda *_args: 1 / 0)
        train_run(run, Ranks())
    assert run.status().state == "failed" and not (run.folder / "results.json").exists()
    monkeypatch.setattr(tuning.FineTuner, "update", lambda *_args: pytest.fail("learns again"))
    train_run(run, Ranks())
    assert run.status().state == "finished" and len(checkpoints(run)) == 1 and not checkpoints(run)[0].can_resume
    one, other = (json.loads((r.folder / "results.json").read_text()) for r in (run, tuned))
    assert one == other and curve_of(run).judged == curve_of(tuned).judged


def test_a_table_is_kept_when_a_run_needs_it(plan, task, monkeypatch):
    """Until then it is a draft, which the next day's first one takes away."""
    assert own_titles() == {} and own(task).task.name == "pets"
    with pytest.raises(DataError, match="not here any more"):
        keep("own-0123456789abcdef")
    fine_tuning_config(plan, "cpu", "pets")
    assert own_titles() == {task: "pets"}
    table = {"text": [f"text {i}" for i in range(20)], "label": ["a", "b"] * 10}
    other = draft("other", table, Columns("text", "label"))
    assert own_titles() == {task: "pets"} and own(other).task.name == "other"
    monkeypatch.setattr(own_module, "DRAFT_S", -60)
    draft("third", table, Columns("text", "label"))
    own_module._opened.cache_clear()
    with pytest.raises(DataError, match="not here any more"):
        own(other)
    assert own(task).task.name == "pets"
    study_config(layer_study([plan], n_layer=2, n_seeds=1), "cpu", "pets")


def test_last_blocks_are_refused_before_anything_is_queued(trained, plan):
    shared = dict(shared_attention_groups=1, shared_mlp_groups=1)
    base = trained(ModelConfig(vocab_size=30, block_size=48, n_layer=2, n_head=2, n_embd=16, **shared))
    with pytest.raises(ModelError, match="layers of its own"):
        fine_tuning_config(plan.with_(model=base.id, transfer=plan.transfer.with_(updated="top")), "cpu", "pets")


def test_the_twin_learns_like_the_model_unless_that_learns_little():
    transfer = TransferConfig(learning_rate=0.02, auxiliary=0.7)
    for updated, rate, auxiliary in (("all", 0.02, 0.7), ("top", 0.02, 0.7), ("head", 1e-3, 0.0), ("prompt", 1e-3, 0.0)):
        twin = from_scratch(transfer.with_(updated=updated))
        assert (twin.updated, twin.n_layers_taken, twin.learning_rate, twin.auxiliary) == ("all", -1, rate, auxiliary)


def test_what_a_model_reaches_is_told_of_its_last_weights_alone(tuned, plan):
    model = open_base(plan)
    last = model.checkpoint_steps()[-1]
    scores = json.loads((tuned.folder / "results.json").read_text())["scores"]
    found = {one.updated: one.value for one in reached(model, plan.task)}
    assert found == {"all": scores["pretrained"]["value"], "scratch": scores["scratch"]["value"]}

    def kept(**changes) -> None:
        """The same result, of another plan."""
        config = json.loads((tuned.folder / "config.json").read_text())
        config["fine_tuning"] |= {"step": changes.pop("step", None)}
        config["fine_tuning"]["transfer"] = plan.transfer.with_(**changes).to_json()
        (tuned.folder / "config.json").write_text(json.dumps(config))

    kept(step=last)
    assert len(reached(model, plan.task)) == 2
    for changes in (dict(step=last + 1), dict(freeze_taken=True), dict(n_layers_taken=1)):
        kept(**changes)
        assert not reached(model, plan.task), changes


def test_what_was_measured_on_other_questions_is_no_result(tuned, plan):
    assert reached(open_base(plan), plan.task) and json.loads((tuned.folder / "tasks.json").read_text()) == versions_of(tuned.config())
    (tuned.folder / "tasks.json").write_text(json.dumps({plan.task: "of before"}))
    assert not reached(open_base(plan), plan.task)
    (tuned.folder / "tasks.json").unlink()
    assert not reached(open_base(plan), plan.task), "nobody knows of which"


def test_a_study_does_not_go_on_with_other_questions(plan, monkeypatch):
    monkeypatch.setattr(studying, "processes", lambda _device: 1)
    run = create_run(*study_config(layer_study([plan], n_layer=1, n_seeds=1), "cpu", "pets"))
    (run.folder / "tasks.json").write_text(json.dumps({plan.task: "of before"}))
    train_run(run, Ranks())
    assert run.status().state == "failed" and "other questions" in str(run.status().error) and not curve_of(run).points


def test_a_plan_begins_at_the_checkpoint_that_was_the_newest(plan):
    """The model may learn on while a study is paused."""
    base = open_base(plan)
    last = base.checkpoint_steps()[-1]
    config, _tokenizer = fine_tuning_config(plan, "cpu", "pets")
    study, _tokenizer = study_config(layer_study([plan], n_layer=1, n_seeds=1), "cpu", "pets")
    assert plan.step is None and config.fine_tuning.step == last and {arm.step for arm in study.study.arms} == {last}
    assert fine_tuning_config(plan.with_(step=0), "cpu", "pets")[0].fine_tuning.step == 0


def test_an_ablation_is_no_result_of_the_model(plan, monkeypatch):
    monkeypatch.setattr(studying, "processes", lambda _device: 1)
    study = ablation_study([plan.with_(transfer=plan.transfer.with_(n_epochs=1, n_labels=16))], None, n_seeds=1)
    run = create_run(*study_config(study, "cpu", "pets"))
    train_run(run, Ranks())
    points = {point.arm: point.test for point in curve_of(run).points}
    found = {one.updated: one.value for one in reached(open_base(plan), plan.task)}
    assert found == {"all": points[0], "scratch": points[1]} and len(points) == 3


@pytest.fixture
def wish_in_tuning(monkeypatch):
    """`wish_in_tuning(run, 5)`: the fifth look for wishes finds one."""
    from gptlab.runs import tuning

    def at(run, n):
        looks = iter(range(10**6))
        monkeypatch.setattr(tuning, "wished", lambda _run: "pause" if next(looks) == n else None)

    return at


def test_what_is_wrong_is_told(plan, task):
    run = create_run(*fine_tuning_config(plan.with_(transfer=plan.transfer.with_(n_layers_taken=7)), "cpu", "pets"))
    train_run(run, Ranks())
    assert run.status().state == "failed" and "2 layers" in str(run.status().error)
    with pytest.raises(RunError, match="no run"):
        fine_tuning_config(plan.with_(model="20200101-000000-0000"), "cpu", "pets")


def test_a_study_keeps_every_point_and_goes_on(plan, monkeypatch):
    monkeypatch.setattr(studying, "processes", lambda _device: 1)
    study = layer_study([plan.with_(transfer=plan.transfer.with_(n_epochs=1))], n_layer=2, n_seeds=2)
    run = create_run(*study_config(study, "cpu", "pets"))
    looks = iter(range(100))
    monkeypatch.setattr(studying, "wished", lambda _run: "pause" if next(looks) == 2 else None)
    train_run(run, Ranks())
    assert run.status().state == "paused" and len(curve_of(run).points) == run.status().step == 3
    train_run(run, Ranks())
    points = curve_of(run).points
    assert run.status().state == "finished" and [(p.arm, p.seed) for p in points] == study.points()
    assert all(0 <= p.test <= 1 and p.seconds > 0 for p in points)


def test_points_do_not_depend_on_the_process_that_computes_them(plan, monkeypatch):
    torch.set_num_threads(2)
    study = layer_study([plan.with_(transfer=plan.transfer.with_(n_epochs=1))], n_layer=2, n_seeds=1)
    found = []
    for n in (1, 2):
        monkeypatch.setattr(studying, "processes", lambda _device, n=n: n)
        run = create_run(*study_config(study, "cpu", "pets"))
        train_run(run, Ranks())
        assert run.status().state == "finished", run.status()
        found.append(sorted((p.arm, p.seed, p.train, p.validation, p.test) for p in curve_of(run).points))
    torch.set_num_threads(1)
    assert found[0] == found[1]
