import json
from dataclasses import asdict

import pytest

from gptlab.runs.curve import Curve, Sample, Start, end_torn_line, to_line
from gptlab.training.events import Evaluation, Step


def step(n, loss=2.0):
    return Step(n, loss, 1e-3, 0.5, 10 * n)


START = Start(0, 100, 1.0, 4.0, 3.0, 2.0, 1.4)


@pytest.fixture
def append(tmp_path):
    def write(name, *records):
        with (tmp_path / name).open("ab") as file:
            for record in records:
                file.write(record if isinstance(record, bytes) else to_line(record).encode("utf-8"))

    return write


@pytest.fixture
def curve(tmp_path):
    return Curve(tmp_path)


@pytest.mark.parametrize(
    "record", [step(3), Evaluation(3, 1.0, 2.0), Sample(3, 2.0, "줄\n바꿈 \u2028 \x85"), START], ids=lambda record: type(record).__name__
)
def test_line_holds_the_whole_record(curve, append, record):
    append("metrics.jsonl", record)
    curve.read()
    assert curve.steps + curve.evaluations + curve.samples + curve.starts == [record]
    line = to_line(record)
    assert line.count("\n") == 1 and json.loads(line).items() >= asdict(record).items()


def test_nothing_to_read_is_fine(curve, append):
    curve.read()
    append("metrics.jsonl")
    curve.read()
    assert curve.steps == [] == curve.samples


def test_reader_takes_only_what_is_new(curve, append, tmp_path):
    append("metrics.jsonl", START, step(0))
    append("samples.jsonl", Sample(0, 2.0, "a"))
    curve.read()
    content = bytearray((tmp_path / "metrics.jsonl").read_bytes())
    content[:-1] = b"x" * (len(content) - 1)  # what was read is never looked at again
    (tmp_path / "metrics.jsonl").write_bytes(bytes(content))
    append("metrics.jsonl", START, step(1), Evaluation(1, 1.0, 2.0))
    append("samples.jsonl", Sample(1, 1.0, "b"))
    for _ in range(3):
        curve.read()
    assert [s.step for s in curve.steps] == [0, 1] and len(curve.evaluations) == 1 and len(curve.starts) == 2
    assert [s.text for s in curve.samples] == ["a", "b"]


def test_torn_last_line_waits_for_its_end(curve, append):
    line = to_line(Sample(5, 2.0, "한국어")).encode("utf-8")
    for cut in (1, len(line) // 2, line.index("한".encode()) + 1, len(line) - 1):
        reader = Curve(curve.folder)
        (curve.folder / "metrics.jsonl").write_bytes(to_line(step(0)).encode() + line[:cut])
        reader.read()
        assert [s.step for s in reader.steps] == [0] and reader.samples == []
        append("metrics.jsonl", line[cut:])
        reader.read()
        assert [s.text for s in reader.samples] == ["한국어"]


def test_line_torn_by_a_kill_does_not_swallow_the_next(curve, append, tmp_path):
    append("metrics.jsonl", step(0), to_line(step(1)).encode()[:20])
    curve.read()
    end_torn_line(tmp_path / "metrics.jsonl")
    append("metrics.jsonl", START, step(1))
    curve.read()
    assert curve.starts == [START] and [s.step for s in curve.steps] == [0, 1]


@pytest.mark.parametrize("content", [None, b"", b"{}\n"])
def test_whole_file_needs_no_end(tmp_path, content):
    path = tmp_path / "metrics.jsonl"
    if content is not None:
        path.write_bytes(content)
    end_torn_line(path)
    assert (path.read_bytes() if path.exists() else None) == content


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish", b"[1]", b"null", b'{"kind": "dream"}', b'{"kind": ["step"]}', b'{"kind": "step"}', b'{"kind": "step", "mood": 1}',
        b'{"kind": "step", "step": "x", "loss_nats": 1, "learning_rate": 1, "grad_norm": 1, "tokens": 1}', b"\xff", b"",
    ],
)  # fmt: skip
def test_line_that_is_no_record_is_passed_over(curve, append, line):
    append("metrics.jsonl", step(0), line + b"\n", step(1))
    curve.read()
    assert [s.step for s in curve.steps] == [0, 1]


def test_steps_repeated_after_a_resume_count_once_with_the_later_value(curve, append):
    append("metrics.jsonl", START, *(step(n) for n in range(5)), Evaluation(0, 2.0, 2.0), Evaluation(4, 1.0, 1.0))
    append("samples.jsonl", Sample(0, 2.0, "first"), Sample(4, 1.0, "gone"))
    curve.read()
    append("metrics.jsonl", START, step(3, 9.0), step(4, 9.0), Evaluation(4, 9.0, 9.0), step(5, 9.0))
    append("samples.jsonl", Sample(4, 9.0, "again"))
    curve.read()
    assert [(s.step, s.loss_nats) for s in curve.steps] == [(0, 2.0), (1, 2.0), (2, 2.0), (3, 9.0), (4, 9.0), (5, 9.0)]
    assert [e.train_nats for e in curve.evaluations] == [2.0, 9.0] and [s.text for s in curve.samples] == ["first", "again"]
    assert len(curve.starts) == 2
