"""The news of a run, read as they come: `metrics.jsonl` and `samples.jsonl`.

A reader keeps its place, so that looking every second costs what is new and not what is there. A last line without its end
is left for the next look: the worker may be in the middle of it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gptlab.training.events import Evaluation, Induced, Judged, Point, Step, Tuned


@dataclass(frozen=True)
class Sample:
    """What the model wrote at an evaluation."""

    step: int
    validation_nats: float
    text: str


@dataclass(frozen=True)
class Start:
    """A worker began or took up the run."""

    step: int
    n_steps: int
    time_s: float
    uniform_nats: float
    """ln V: the loss of guessing."""
    unigram_nats: float
    """Validation loss of a model that knows how often each token occurs."""
    bigram_nats: float
    """Validation loss of a model that knows what follows each token."""
    bits_per_byte: float
    """Factor from nats per token to bits per byte, on the validation split."""


RECORDS = {
    "step": Step, "evaluation": Evaluation, "sample": Sample, "start": Start, "tuned": Tuned, "judged": Judged, "point": Point,
    "induced": Induced,
}  # fmt: skip
KINDS = {record: kind for kind, record in RECORDS.items()}


Record = Step | Evaluation | Sample | Start | Tuned | Judged | Point | Induced


def to_line(record: Record) -> str:
    return json.dumps({"kind": KINDS[type(record)]} | asdict(record), ensure_ascii=False) + "\n"


def end_torn_line(path: Path) -> None:
    """Close the line in whose middle a worker was killed: what is appended next would be lost with it."""
    if path.exists() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")


@dataclass
class Curve:
    """All that a run has reported so far; `read` adds what is new.

    A resumed run repeats the steps after its last checkpoint; what comes later in the file counts.
    """

    folder: Path
    steps: list[Step] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    tuned: dict[str, list[Tuned]] = field(default_factory=dict)
    """Of a fine-tuning: which model -> its updates."""
    judged: dict[str, list[Judged]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    """Of a study, in the order in which they were finished."""
    induced: list[Induced] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def read(self) -> None:
        for name in ("metrics.jsonl", "samples.jsonl"):
            for values in self._new_lines(name):
                with suppress(TypeError):  # a record of other fields than ours
                    self._keep(RECORDS[values.pop("kind")](**values))

    def _keep(self, record: Record) -> None:
        match record:
            case Start():
                self.starts.append(record)
            case Point():
                self.points.append(record)
            case Tuned():
                _append(self.tuned.setdefault(record.arm, []), record)
            case Judged():
                _append(self.judged.setdefault(record.arm, []), record)
            case Induced():
                _append(self.induced, record)
            case Step():
                _append(self.steps, record)
            case Evaluation():
                _append(self.evaluations, record)
            case Sample():
                _append(self.samples, record)

    def _new_lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._places.get(name, 0))
            content = file.read()
        end = content.rfind(b"\n") + 1
        self._places[name] = self._places.get(name, 0) + end
        return [values for line in content[:end].splitlines() if (values := _parsed(line))]


def _append(records: list, record: Any) -> None:
    """What a resumed run does again takes the place of what it did before."""
    while records and records[-1].step >= record.step:
        records.pop()
    records.append(record)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's record; None for a line torn by a kill and completed by the next start."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) and values.get("kind") in tuple(RECORDS) else None
