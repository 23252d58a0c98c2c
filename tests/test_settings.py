import math
from dataclasses import dataclass

import pytest

from gptlab.errors import ConfigError
from gptlab.settings import Config, setting


@dataclass(frozen=True, kw_only=True)
class Inner(Config):
    width: int = setting(4, help="How wide.", low=1)


@dataclass(frozen=True, kw_only=True)
class Sandwich(Config):
    name: str = setting(help="What it is called.")
    slices: int = setting(2, help="How many slices.", unit="slices", low=1, high=12)
    salt: float = setting(0.5, help="How much salt.", low=0.0, high=1.0)
    bread: str = setting("rye", help="Which bread.", choices=("rye", "wheat"))
    is_warm: bool = setting(False, help="Whether it is warm.")
    pepper: float = setting(0.1, help="How much pepper.", low=0.0)
    sauce: int | None = setting(None, help="Which sauce; empty for none.", low=1, high=3)
    inner: Inner = Inner()

    def check(self) -> None:
        if self.slices == 7:
            raise ConfigError("slices is {slices}; seven is unlucky.", slices=self.slices)


def test_values_at_both_ends_are_allowed():
    for changes in (dict(slices=1), dict(slices=12), dict(salt=0), dict(salt=1.0), dict(sauce=3), dict(sauce=None)):
        Sandwich(name="x", **changes)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (dict(slices=0), "slices is 0; allowed is 1 to 12."),
        (dict(slices=13), "slices is 13; allowed is 1 to 12."),
        (dict(slices=10**400), "allowed is 1 to 12."),
        (dict(salt=math.nan), "salt is nan; allowed is 0.0 to 1.0."),
        (dict(salt=-math.inf), "salt is -inf; allowed is 0.0 to 1.0."),
        (dict(pepper=math.nan), "pepper is nan; allowed is 0.0 to inf."),
        (dict(sauce=0), "sauce is 0; allowed is 1 to 3."),
        (dict(bread="corn"), "bread is 'corn'; allowed are rye, wheat."),
        (dict(slices=2.0), "slices is 2.0; it has to be of type int."),
        (dict(slices=True), "slices is True; it has to be of type int."),
        (dict(slices=None), "slices is None; it has to be of type int."),
        (dict(salt="much"), "salt is 'much'; it has to be of type float / int."),
        (dict(sauce="hot"), "sauce is 'hot'; it has to be of type int / NoneType."),
        (dict(is_warm=1), "is_warm is 1; it has to be of type bool."),
        (dict(name=["x"]), "name is ['x']; it has to be of type str."),
        (dict(inner={"width": 4}), "it has to be of type Inner."),
    ],
)
def test_value_outside_of_what_is_allowed_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as refusal:
        Sandwich(**dict(name="x") | changes)
    assert sentence in str(refusal.value)


def test_open_range_says_infinity():
    with pytest.raises(ConfigError, match="width is 0; allowed is 1 to inf."):
        Inner(width=0)


def test_check_between_fields_runs_at_every_construction():
    with pytest.raises(ConfigError, match="seven is unlucky"):
        Sandwich(name="x").with_(slices=7)


def test_with_gives_a_checked_copy():
    first = Sandwich(name="x")
    second = first.with_(slices=3)
    assert (first.slices, second.slices, second.name) == (2, 3, "x")
    with pytest.raises(ConfigError):
        first.with_(slices=99)


def test_from_json_refuses_an_unknown_key_and_names_the_known():
    with pytest.raises(ConfigError) as refusal:
        Sandwich.from_json({"name": "x", "slice": 3, "jam": 1})
    assert "Sandwich does not know the setting jam, slice" in str(refusal.value) and "bread" in str(refusal.value)


def test_from_json_names_the_missing_key():
    with pytest.raises(ConfigError, match="Sandwich needs the setting name"):
        Sandwich.from_json({"slices": 3})


@pytest.mark.parametrize("values", [None, [], "name", 3])
def test_from_json_refuses_what_is_no_table(values):
    with pytest.raises(ConfigError, match="Inner has to be a table"):
        Inner.from_json(values)


def test_to_json_goes_into_configs():
    assert Sandwich(name="x").to_json() == {
        "name": "x", "slices": 2, "salt": 0.5, "bread": "rye", "is_warm": False, "pepper": 0.1, "sauce": None,
        "inner": {"width": 4},
    }  # fmt: skip
