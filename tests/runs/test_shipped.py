import json
from dataclasses import replace

import pytest
import torch

from gptlab.data.village.documents import Village
from gptlab.errors import RunError
from gptlab.paths import ASSETS
from gptlab.runs import scored, shipped, store
from gptlab.runs.checkpoint import load_model
from gptlab.runs.job import resume
from gptlab.runs.store import delete_run, list_runs, open_run, shipped_runs
from gptlab.runs.versions import versions_of


@pytest.fixture
def packed(trained, monkeypatch):
    """A finished run among the models that ship, and the run itself."""
    monkeypatch.setattr(shipped, "scored_anew", lambda card, ships, trained: card)
    monkeypatch.setitem(shipped.RECIPES, "tiny-model", shipped.Recipe("gpt2", {}, n_steps=30, n_shipped=2))
    run = trained()
    shipped.pack(run, "tiny-model")
    return open_run("tiny-model"), run


def test_a_packed_model_is_the_model(packed):
    model, run = packed
    ids = torch.randint(0, run.config().model.vocab_size, (2, 16), generator=torch.Generator().manual_seed(1))
    assert model.tokenizer().id == run.tokenizer().id and model.checkpoint_steps() == run.checkpoint_steps()[-2:]
    for step in model.checkpoint_steps():
        assert torch.allclose(load_model(model, step)(ids), load_model(run, step)(ids), atol=0.02), "half precision"
    assert load_model(model)(ids).dtype == torch.float32


def test_a_packed_model_is_listed_apart_and_stays(packed):
    model, run = packed
    assert [m.id for m in shipped_runs()] == ["tiny-model"] and [r.id for r in list_runs()] == [run.id]
    assert model.is_shipped and not run.is_shipped
    for change in (delete_run, resume):
        with pytest.raises(RunError, match="ships with the app"):
            change(model)
    assert open_run("tiny-model").config() == run.config()


def test_a_card_says_where_a_model_comes_from(packed):
    (card,) = shipped.cards()
    assert card["name"] == "tiny-model" and card["steps"] == 30 and card["tokens"] == 30 * 4 * 16
    assert 0 < card["validation_bits_per_byte"] < 20 and card["environment"]["versions"] and card["training_seed"] == 1
    assert not any(str(path) in json.dumps(card) for path in (store.MODELS, store.home()))


def test_a_model_that_goes_on_keeps_what_it_goes_on_from(packed, monkeypatch):
    base, _run = packed
    recipe = shipped.Recipe("gpt2", {}, begins_from="tiny-model", village=Village(seed=2, lessons=True), megabytes=0.05, n_steps=3)
    monkeypatch.setitem(shipped.RECIPES, "tiny-reader", recipe)
    config, tokenizer = shipped.planned("tiny-reader", "cpu")
    assert (config.begins_from, config.model, config.training.n_steps) == ("tiny-model", base.config().model, 3)
    assert tokenizer.id == base.tokenizer().id and config.data.corpus == recipe.village.text(0.05).id
    assert all(recipe.begins_from in ("", *shipped.RECIPES) for recipe in shipped.RECIPES.values())


def test_a_run_of_an_older_recipe_is_not_taken_for_the_new_one(packed, monkeypatch):
    """Its card would tell what the recipe says now."""
    recipe = shipped.Recipe("gpt2", {}, begins_from="tiny-model", village=Village(seed=2), megabytes=0.05, n_steps=3)
    monkeypatch.setitem(shipped.RECIPES, "tiny-reader", recipe)
    config, tokenizer = shipped.planned("tiny-reader", "cpu")
    assert shipped.begun(config) is None
    run = store.create_run(config.with_(device="cuda"), tokenizer)
    assert shipped.begun(shipped.planned("tiny-reader", "cpu")[0]) == run
    for change in (dict(n_steps=4), dict(village=Village(seed=3)), dict(training=dict(answer_weight=2.0))):
        monkeypatch.setitem(shipped.RECIPES, "tiny-reader", replace(recipe, **change))
        assert shipped.begun(shipped.planned("tiny-reader", "cpu")[0]) is None


def test_a_step_on_the_way_is_made_first():
    assert shipped.way_to("gpt2-12x128-reader") == [f"gpt2-12x128-{step}" for step in ("lessons", "answers", "names", "reader")]
    assert shipped.ancestors("gpt2-12x128-reader") == ["gpt2-12x128", *(f"gpt2-12x128-{step}" for step in ("lessons", "answers", "names"))]
    assert not shipped.ancestors("lstm-320")
    assert shipped.way_to("gpt2-12x128") == ["gpt2-12x128"], "what it is on the way to is no part of it"
    with pytest.raises(RunError, match="gpt2-12x128-reader"):
        shipped.way_to("nonsense")


def test_what_was_scored_on_a_task_of_before_is_scored_anew(packed, monkeypatch):
    from gptlab.evaluation import tasks

    model, _run = packed
    new = {"value": 0.5}
    monkeypatch.setattr(tasks, "VILLAGE", {name: tasks.VILLAGE[name] for name in ("pronoun-en", "closed-ko", "similarity-en")})
    monkeypatch.setattr(scored, "zero_shot_scores", lambda run, tasks: {task.name: new for task in tasks})
    old = {"value": -1.0}
    of_before = {"pronoun-en": "0", "closed-ko": tasks.VILLAGE["closed-ko"].version}
    card = {"zero_shot": {name: old for name in of_before}, "through_time": {name: {"1": old} for name in of_before}}
    card = scored.card_of(model) | card | {"task_versions": of_before}
    assert [task.name for task in scored.stale(card)] == ["pronoun-en"], "similarity has no rule for no training"
    found = scored.scored_anew(card, model, model)
    assert found["zero_shot"] == {"pronoun-en": new, "closed-ko": old}
    assert found["through_time"] == {"closed-ko": {"1": old}}, "its moments do not ship"
    assert not scored.stale(found) and found["command"] == card["command"]


def test_the_cards_that_ship_are_of_the_tasks_of_now():
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ASSETS / "models").glob("*/card.json"))]
    assert len(cards) >= 6 and all(not scored.stale(card) for card in cards)


def test_only_a_finished_run_ships(new_run):
    run = new_run()
    run.write_status(replace(run.status(), state="paused"))
    with pytest.raises(RunError, match="paused"):
        shipped.pack(run, "gpt2-6x128")


@pytest.mark.parametrize("name", ["../../etc", "no-such-model", "A"])
def test_other_names_open_nothing(name):
    with pytest.raises(RunError, match="no run"):
        open_run(name)


def test_studies_that_ship_use_models_and_tasks_that_there_are():
    from gptlab.evaluation.tasks import task_named

    for name, study in shipped.study_recipes().items():
        assert store.MODEL_NAME.fullmatch(name)
        for arm in study.arms:
            assert arm.model in shipped.RECIPES and task_named(arm.task)


def test_the_studies_that_ship_are_of_the_tasks_of_now():
    recorded = {path.parent.name: path for path in (ASSETS / "studies").glob("*/tasks.json")}
    assert set(recorded) == set(shipped.study_recipes())
    for path in recorded.values():
        assert json.loads(path.read_text(encoding="utf-8")) == versions_of(store.Run(path.parent).config()) != {}


def test_a_packed_study_opens_as_it_was(packed, monkeypatch):
    from gptlab.experiment import FineTuning, TransferConfig
    from gptlab.runs import studying
    from gptlab.runs.curve import Curve
    from gptlab.runs.distributed import Ranks
    from gptlab.runs.store import create_run, shipped_studies
    from gptlab.runs.subject import study_config
    from gptlab.runs.worker import train_run
    from gptlab.training.events import Point
    from gptlab.transfer.studies import layer_study

    points = [Point(arm, 1, 0.5, 0.5, 0.25 * arm, 1.0) for arm in range(3)]
    monkeypatch.setattr(studying, "computed", lambda tasks, n: (point for point in points))
    plan = FineTuning(model="tiny-model", task="kind-en", transfer=TransferConfig(n_labels=16))
    run = create_run(*study_config(layer_study([plan], 1, 1), "cpu", "figure"))
    with pytest.raises(RunError, match="only a finished one can ship"):
        shipped.pack_study(run, "figure")
    train_run(run, Ranks())
    shipped.pack_study(run, "figure")
    (study,) = shipped_studies()
    curve = Curve(study.folder)
    curve.read()
    assert study.is_shipped and study.config() == run.config() and curve.points == points
    assert json.loads((study.folder / "tasks.json").read_text()).keys() == {"kind-en"}


def test_a_curve_that_ships_has_every_fourth_step_and_all_evaluations():
    lines = [json.dumps({"kind": kind, "step": step}) for step in range(10) for kind in ("step", "evaluation")]
    kept = [json.loads(line) for line in shipped.thinned("\n".join(lines) + "\n").splitlines()]
    assert [one["step"] for one in kept if one["kind"] == "step"] == [0, 4, 8]
    assert [one["step"] for one in kept if one["kind"] == "evaluation"] == list(range(10))
