import pytest

from gptlab.config import DataConfig, TokenizerConfig
from gptlab.data import pasted
from gptlab.errors import ConfigError, RunError
from gptlab.runs import plan as planning
from gptlab.runs.estimate import Speed
from gptlab.runs.plan import plan, plan_onward, tokenizer_for

TEXT = pasted("abcd efgh " * 50 + "새", "letters")


@pytest.fixture
def measured(monkeypatch):
    """A machine that was measured."""
    rates = {"mini": 1.0, "small": 1.0, "medium": 1.0, "tuned": 1.0}
    speed = Speed("x", {"fp32": rates, "bf16": {size: 2.0 for size in rates}})
    monkeypatch.setattr(planning, "measured_speed", lambda device: speed)


@pytest.fixture
def planned(measured):
    """`planned(recipe="fast", changes={...})`"""

    def build(**more):
        tokenizer_config = TokenizerConfig()
        values = dict(
            title="t", data=DataConfig(corpus=TEXT.id), tokenizer_config=tokenizer_config, size="mini", architecture="gpt1",
            tokenizer=tokenizer_for(TEXT, tokenizer_config, 0.1), recipe="papers", device="cpu", changes={},
        )  # fmt: skip
        return plan(**values | more)

    return build


def test_plan_follows_the_choices(planned):
    config = planned(recipe="fast", changes={"n_steps": 7, "dropout": 0.2, "block_size": 32})
    assert (config.model.vocab_size, config.model.dropout, config.model.block_size, config.model.norm_position) == (10, 0.2, 32, "post")
    assert (config.training.n_steps, config.training.optimizer, config.device) == (7, "muon", "cpu")


def test_precision_is_the_faster_one_unless_said_otherwise(planned):
    assert planned().training.precision == "bf16"
    assert planned(changes={"precision": "fp32"}).training.precision == "fp32"


def test_unknown_setting_is_named_beside_the_known(planned):
    with pytest.raises(ConfigError) as refusal:
        planned(changes={"layers": 3, "n_layer": 2, "": 1})
    assert str(refusal.value).startswith("There is no setting , layers. There are: answer_weight, batch_size")
    assert "vocab_size" not in str(refusal.value)


def test_vocabulary_is_the_tokenizers(planned):
    with pytest.raises(ConfigError, match="There is no setting vocab_size"):
        planned(changes={"vocab_size": 300})


@pytest.mark.parametrize(
    "changes",
    [*({"n_steps": v} for v in ("many", None, [1], 1.5, 0, -3, 10**9, True)), {"batch_size": "x"}, {"n_layer": None}, {"dropout": 2}],
    ids=str,
)
def test_value_outside_of_what_is_allowed_is_refused(planned, changes):
    (name,) = changes
    with pytest.raises(ConfigError, match=f"^{name} is "):
        planned(changes=changes)


def test_a_training_that_goes_on_keeps_shape_and_vocabulary(measured, trained, new_run):
    base = trained()
    config = plan_onward(base=base, title="more", data=DataConfig(corpus=TEXT.id), recipe="fast", device="cpu", changes={"n_steps": 7})
    assert (config.model, config.tokenizer, config.begins_from) == (base.config().model, base.config().tokenizer, base.id)
    assert (config.training.n_steps, config.training.optimizer, config.training.precision) == (7, "muon", "bf16")
    with pytest.raises(ConfigError, match="n_layer cannot be set for a training that goes on from"):
        plan_onward(base=base, title="more", data=DataConfig(corpus=TEXT.id), recipe="fast", device="cpu", changes={"n_layer": 2})
    with pytest.raises(RunError, match="has no checkpoint yet"):
        plan_onward(base=new_run(), title="more", data=DataConfig(corpus=TEXT.id), recipe="fast", device="cpu", changes={})


def test_characters_come_from_the_whole_text_and_merges_from_the_training_part():
    characters = tokenizer_for(TEXT, TokenizerConfig(kind="characters"), 0.1)
    assert characters.decode(characters.encode("새")) == "새"
    only_in_validation = pasted("ab cd " * 100 + "qq" * 33, "x")
    bpe = tokenizer_for(only_in_validation, TokenizerConfig(kind="bpe", vocab_size=300), 0.1)
    assert len(bpe.encode("qq")) == 2 and len(bpe.encode("ab")) == 1
