"""Errors meant for people.

    LabError
    |-- ConfigError       a setting is outside of what it allows
    |-- DataError         a text or a file cannot be used
    |-- TokenizerError    a text cannot be encoded, or a vocabulary cannot be built or read
    |-- ModelError        weights do not fit, or a model cannot be built or read
    |-- TrainingError     training cannot go on
    |-- RunError          a run folder, a checkpoint or the queue
    `-- DeviceError       a device that is not there

A message is a template and its values, kept apart so that the screen can translate the template. It says what was
given, what is allowed, and what to do next. `assert` is for our own invariants and never for a user's mistake.
"""


class LabError(Exception):
    """A mistake that the person can mend.

    Args:
        message: an English sentence with `{name}` places; the key of its translation.
        values: what stands in the places.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = values

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.values)


def _rebuild(kind: type[LabError], message: str, values: dict[str, object]) -> LabError:
    return kind(message, **values)


class ConfigError(LabError):
    """A setting is outside of what it allows."""


class DataError(LabError):
    """A text or a file cannot be used."""


class TokenizerError(LabError):
    """A text cannot be encoded, or a vocabulary cannot be built or read."""


class ModelError(LabError):
    """Weights do not fit, or a model cannot be built or read."""


class TrainingError(LabError):
    """Training cannot go on."""


class RunError(LabError):
    """A run folder, a checkpoint or the queue cannot be used as asked."""


class DeviceError(LabError):
    """A device was asked for that is not there."""
