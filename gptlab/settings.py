"""What a setting is: a field of a frozen dataclass that carries its own help, unit, range and source.

One description serves the form on the screen, `--help`, the check and the file. A config is written as JSON and read
back strictly: an unknown key is refused, because a setting that is silently ignored is a wrong experiment.
"""

from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from types import UnionType
from typing import Any, Self, get_args, get_type_hints

from gptlab.errors import ConfigError


def setting(
    default: Any = MISSING,
    *,
    help: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    source: str = "",
) -> Any:
    """A field with its description.

    Args:
        help: one sentence for the person who sets it.
        unit: what the number counts; empty for a name or a switch.
        low, high: the allowed range, both ends included.
        choices: the allowed names.
        source: paper and section, or "chosen here: because".
    """
    metadata = dict(help=help, unit=unit, low=low, high=high, choices=choices, source=source)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Checks every field against its description, and goes to and from JSON."""

    def __post_init__(self) -> None:
        kind: Any = type(self)
        types = _types(kind)
        for entry in fields(self):
            _check(entry.name, getattr(self, entry.name), types[entry.name], entry.metadata)
        self.check()

    def check(self) -> None:
        """Conditions between fields; raises ConfigError."""

    def with_(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        return {
            entry.name: value.to_json() if isinstance(value := getattr(self, entry.name), Config) else value
            for entry in fields(self)
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The config written by `to_json`.

        Raises:
            ConfigError: an unknown or a missing key, or a value outside of what its field allows.
        """
        if not isinstance(values, dict):
            raise ConfigError("{config} has to be a table of names and values; {given!r} is none.", config=cls.__name__, given=values)
        known = {entry.name: entry for entry in fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise ConfigError(
                "{config} does not know the setting {names}. It knows: {known}.",
                config=cls.__name__, names=", ".join(unknown), known=", ".join(known),
            )  # fmt: skip
        missing = [n for n, e in known.items() if n not in values and e.default is MISSING]
        if missing:
            raise ConfigError("{config} needs the setting {names}.", config=cls.__name__, names=", ".join(missing))
        return cls(**values)


@cache
def _types(config: type) -> dict[str, Any]:
    return get_type_hints(config)


def _check(name: str, value: Any, kind: Any, about: Any) -> None:
    allowed = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if float in allowed:
        allowed = (*allowed, int)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise ConfigError(
            "{name} is {value!r}; it has to be of type {type}.",
            name=name, value=value, type=" / ".join(t.__name__ for t in allowed),
        )  # fmt: skip
    if value is None or not about:
        return
    if about["choices"] and value not in about["choices"]:
        raise ConfigError(
            "{name} is {value!r}; allowed are {choices}.", name=name, value=value, choices=", ".join(about["choices"])
        )
    low, high = about["low"], about["high"]
    below, above = low is not None and not value >= low, high is not None and not value <= high
    if below or above:
        raise ConfigError(
            "{name} is {value}; allowed is {low} to {high}.",
            name=name, value=value, low="-inf" if low is None else low, high="inf" if high is None else high,
        )  # fmt: skip
