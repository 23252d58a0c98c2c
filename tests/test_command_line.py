"""`python -m gptlab`: mostly within this process, where a queued run is trained as soon as a worker is asked for."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import gptlab
from gptlab.__main__ import main
from gptlab.errors import RunError
from gptlab.runs import estimate, job
from gptlab.runs.distributed import Ranks
from gptlab.runs.store import list_runs, open_run
from gptlab.runs.worker import train_run

torch.set_num_threads(1)

ROOT = Path(gptlab.__file__).resolve().parents[1]
SETTINGS = dict(
    n_layer=1, n_head=2, n_embd=16, block_size=16, batch_size=4, evaluate_every=10, evaluation_tokens=64, sample_tokens=5,
    warmup_steps=4, learning_rate=0.01, n_checkpoints=3,
)  # fmt: skip
TINY = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture(autouse=True)
def measured(monkeypatch, lab_home):
    """The speed of this machine is on record."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(estimate, "_probe", lambda *_: {"fp32": 1e9, "bf16": 1e9})
    estimate.measured_speed("cpu")
    monkeypatch.setenv("GPTLAB_DEVICE", "cpu")


@pytest.fixture
def here(monkeypatch):
    """Train in this process."""

    def train_all(device):
        while waiting := job.queue(device):
            train_run(waiting[0], Ranks())

    monkeypatch.setattr(job, "ensure_worker", train_all)


@pytest.fixture
def text(tmp_path):
    words = "the cat sat on a mat and saw the dog run home 고양이 개 집".split()
    path = tmp_path / "이야기.txt"
    path.write_text(" ".join(random.Random(1).choices(words, k=600)), encoding="utf-8")
    return str(path)


@pytest.fixture
def say(capsys):
    """`say("runs")` -> what the command printed; every line as JSON with `--json`."""

    def run(*arguments, code=0):
        capsys.readouterr()
        assert main([str(a) for a in arguments]) == code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out + err

    return run


@pytest.fixture
def trained(say, text, here):
    """The id of a trained run."""
    say("train", "--text", text, "--size", "mini", "--steps", 20, *TINY, "--json")
    return list_runs()[0].id


def test_train_prints_id_progress_and_end(say, text, here):
    lines = say("train", "--text", text, "--size", "mini", "--steps", 20, *TINY).splitlines()
    run = open_run(lines[0])
    assert [line.split()[1] for line in lines[1:4]] == ["0", "10", "20"] and "nats/token" in lines[3] and "bits/byte" in lines[3]
    assert lines[4].startswith("finished at step 20 after ") and lines[5] == f"python -m gptlab generate --run {run.id} --prompt TEXT"
    assert run.config().title == "이야기.txt" and run.config().training.optimizer == "adamw"


def test_train_tells_json(say, text, here):
    found = say("train", "--text", text, "--size", "mini", "--recipe", "fast", "--title", "빠름", "--steps", 20, *TINY, "--json")
    first, *found = found
    assert first == {"kind": "run", "run": found[-1]["run"]}
    assert [(v["kind"], v["step"]) for v in found] == [("evaluation", 0), ("evaluation", 10), ("evaluation", 20), ("end", 20)]
    assert found[-1]["state"] == "finished" and 0 < found[1]["validation_bits_per_byte"] < found[0]["validation_bits_per_byte"]
    config = open_run(found[-1]["run"]).config()
    assert (config.title, config.training.optimizer, config.model.n_layer) == ("빠름", "muon", 1)


def test_train_goes_on_from_a_run(say, text, trained):
    found = say("train", "--text", text, "--from", trained, "--steps", 4, "--set", "warmup_steps=1", "--json")
    config = open_run(found[-1]["run"]).config()
    assert config.begins_from == trained and config.model == open_run(trained).config().model and found[-1]["step"] == 4
    refused = say("train", "--text", text, "--from", trained, "--size", "mini", "--tokenizer", "bpe", code=2)
    assert f"--tokenizer, --size cannot be given together with --from {trained}" in refused


def test_train_reads_folders_and_tables_and_learns_bpe(say, text, here, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_text(Path(text).read_text())
    (folder / "b.txt").write_bytes(b"\0binary")
    options = ["--size", "mini", "--steps", 4, *TINY, "--set", "warmup_steps=1"]
    assert "1 files could not be read and were left out" in say("train", "--text", folder, *options)
    table = tmp_path / "t.csv"
    table.write_text("n,short,long\n" + "".join(f"{i},x,the cat sat on the mat {i}\n" for i in range(100)))
    say("train", "--text", table, "--column", "long", "--tokenizer", "bpe", "--vocab-size", 270, "--architecture", "gpt1", *options)
    config = list_runs()[0].config()
    assert (config.tokenizer.kind, config.model.vocab_size, config.model.norm_position) == ("bpe", 270, "post")


def test_generate_is_repeatable_and_streams_the_same_text(say, trained):
    command = ["generate", "--run", trained, "--prompt", "the 고양이", "--tokens", 30]
    (first,), (again,), (other,) = (say(*command, "--json", "--seed", seed) for seed in (1, 1, 2))
    assert first == again and first["text"] != other["text"]
    assert (first["run"], first["prompt"], len(first["ids"])) == (trained, "the 고양이", 30)
    assert say(*command, "--seed", 1) == "the 고양이" + first["text"] + "\n"


def test_generate_takes_checkpoint_and_sampling_settings(say, trained):
    command = ["generate", "--run", trained, "--prompt", "the", "--json"]
    (early,), (late,) = (say(*command, "--step", step) for step in (0, 20))
    assert early["text"] != late["text"]
    greedy = {json.dumps(say(*command, "--temperature", 0, "--seed", seed)[0]["ids"]) for seed in (1, 2)}
    top_1 = json.dumps(say(*command, "--top-k", 1)[0]["ids"])
    assert greedy == {top_1}


def test_runs_lists_all_even_the_unreadable(say, trained, lab_home):
    assert say("runs").startswith(f"{trained}  finished       20 / 20 steps")
    (about,) = say("runs", "--json")
    assert (about["run"], about["state"], about["step"], about["n_steps"], about["device"]) == (trained, "finished", 20, 20, "cpu")
    assert 1 < about["validation_nats"] < 4
    (lab_home / "runs" / trained / "config.json").write_text('{"schema_version": 99}')
    (about,) = say("runs", "--json")
    assert "newer GPT Lab" in about["error"] and trained in say("runs")


def test_empty_home_has_no_runs(say):
    assert say("runs") == "" and say("runs", "--json") == []


def test_resume_trains_longer(say, trained):
    found = say("resume", "--run", trained, "--steps", 30, "--json")
    assert found[-1]["state"] == "finished" and found[-1]["step"] == 30
    assert "has done 30 of 30 steps" in say("resume", "--run", trained, code=2)


def test_waiting_run_is_paused_stopped_and_deleted(say, trained, monkeypatch):
    run = open_run(trained)
    monkeypatch.setattr(job, "ensure_worker", lambda device: None)
    job.resume(run, 40)
    assert say("pause", "--run", trained, "--json")[0]["state"] == "paused"
    assert "stopped" in say("stop", "--run", trained)
    assert say("delete", "--run", trained) == "" and list_runs() == []


def test_export_and_import_keep_the_model(say, trained, tmp_path):
    assert say("export", "--run", trained, tmp_path / "out", "--json") == [{"directory": str(tmp_path / "out")}]
    (made,) = say("import", tmp_path / "out", "--title", "back", "--json")
    texts = [say("generate", "--run", run, "--prompt", "the", "--json")[0]["text"] for run in (trained, made["run"])]
    assert texts[0] == texts[1] and "back" in say("runs")
    assert "is a model from elsewhere" in say("resume", "--run", made["run"], code=2)
    assert "is not empty" in say("export", "--run", trained, tmp_path / "out", code=2)


@pytest.fixture
def bad_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "empty.txt": b"", "blank.txt": b" \n\n", "binary.txt": b"\x89PNG\0\0\0", "latin.txt": "café".encode("latin-1"), "data.pkl": b"x",
        "short.txt": b"too short",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--text missing.txt", "There is no file or folder 'missing.txt'"),
        ("--text ../../../etc/nothing", "There is no file or folder"),
        ("--text empty.txt", "empty.txt is empty"),
        ("--text blank.txt", "blank.txt holds no text"),
        ("--text binary.txt", "binary.txt is not a text"),
        ("--text latin.txt", "latin.txt is not utf-8"),
        ("--text latin.txt --encoding klingon", "The encoding 'klingon' is not known"),
        ("--text data.pkl", "files of this kind cannot be read"),
        ("--text folder", "holds no file that can be read"),
        ("--text /dev/null", "There is no file or folder"),
        (f"--text {'a' * 300}.txt", "File name too long"),
        ("--text short.txt --set layers=3", "There is no setting layers"),
        ("--text short.txt --set n_layer", "--set 'n_layer' has to look like NAME=VALUE"),
        ("--text short.txt --set n_layer=many", "n_layer is 'many'; it has to be of type int"),
        ("--text short.txt --set n_steps=many", "n_steps is 'many'; it has to be of type int"),
        ("--text short.txt --set vocab_size=300", "There is no setting vocab_size"),
        ("--text short.txt --set learning_rate=NaN", "learning_rate is nan; allowed is"),
        ("--text short.txt --set n_head=3", "n_embd is 64 and n_head is 3"),
        ("--text short.txt --steps 0", "n_steps is 0; allowed is 1 to"),
        ("--text short.txt --tokenizer bpe --vocab-size 3", "vocab_size is 3; allowed is 258 to"),
        ("--text short.txt --device cuda", "The device 'cuda' is not on this machine"),
    ],
)
def test_train_refuses_with_a_sentence(say, bad_files, monkeypatch, arguments, sentence):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    command = ["train", "--size", "mini", *arguments.split()]
    said = say(*command, code=2)
    assert said.startswith("gptlab: ") and sentence in said and said.count("\n") == 1
    (error,) = say(*command, "--json", code=2)
    assert sentence in error["error"]
    assert list_runs() == []


def test_empty_name_is_not_the_folder_one_stands_in(say, text, monkeypatch):
    monkeypatch.chdir(Path(text).parent)
    assert "There is no file or folder ''" in say("train", "--text", "", code=2)


def test_text_shorter_than_one_context_is_told(say, bad_files, here):
    assert "The training part has 8 tokens, one context needs 65" in say("train", "--size", "mini", "--text", "short.txt", code=2)


@pytest.mark.parametrize("command", ["resume", "pause", "stop", "delete", "generate --prompt x", "export out"])
@pytest.mark.parametrize("run_id", ["20260101-000000-abcd", "../..", ""])
def test_unknown_run_is_told(say, command, run_id):
    first, *rest = command.split()
    assert f"There is no run {run_id!r}" in say(first, "--run", run_id, *rest, code=2)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--prompt", ""], "The prompt is empty"),
        (["--prompt", "日本"], "日"),
        (["--prompt", "the", "--step", 7], "has no checkpoint of step 7; it has 0, "),
        (["--prompt", "the", "--temperature", -1], "temperature is -1.0; allowed is 0.0 to 5.0"),
        (["--prompt", "the", "--temperature", "nan"], "temperature is nan"),
        (["--prompt", "the", "--top-k", 0], "top_k is 0; allowed is 1 to"),
        (["--prompt", "the", "--top-p", 0], "top_p is 0.0; allowed is 0.01 to 1.0"),
        (["--prompt", "the", "--seed", -1], "seed is -1"),
    ],
)
def test_generate_refuses_with_a_sentence(say, trained, arguments, sentence):
    assert sentence in say("generate", "--run", trained, *arguments, code=2)


def test_home_that_cannot_be_used_is_told(say, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GPTLAB_HOME", str(tmp_path / "file"))
    assert "cannot be read or written: File exists" in say("runs", code=2)


@pytest.mark.parametrize("command", ["train", "resume", "generate", "runs", "pause", "stop", "delete", "export", "import", "worker"])
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0 and "--json" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dance"], ["train"], ["generate", "--run", "x"], ["train", "--text", "x", "--size", "huge"]])
def test_wrong_usage_exits_with_two(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and "usage" in capsys.readouterr().err


def started(*arguments):
    command = [sys.executable, "-m", "gptlab", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_mistake_ends_the_real_command_without_a_traceback():
    process = started("train", "--text", "missing.txt")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (2, "", "gptlab: There is no file or folder 'missing.txt'.\n")


def test_real_training_is_paused_from_elsewhere_resumed_and_stopped_by_ctrl_c(say, text):
    def running(process):
        process.stdout.readline()  # which run it is, told in one of two ways
        run = list_runs()[0]
        end = time.monotonic() + 60
        while run.status().state != "running":
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        return run

    first = started("train", "--text", text, "--size", "mini", "--steps", 20_000, *TINY, "--set", "evaluate_every=5000", "--json")
    run = running(first)
    assert say("pause", "--run", run.id, "--json")[0]["state"] == "paused"
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0 and json.loads(out.splitlines()[-1])["state"] == "paused", err
    paused_at = run.status().step
    assert 0 <= paused_at < 20_000

    second = started("resume", "--run", run.id)
    assert running(second) == run
    os.kill(second.pid, signal.SIGINT)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0 and f"stopped at step {run.status().step:,} after" in out and "Traceback" not in err
    assert run.status().state == "stopped" and run.status().step >= paused_at


def test_tokenize_prints_ids_bytes_and_readable_tokens(say):
    assert [line.split() for line in say("tokenize", "Hello world").splitlines()] == [
        ["15496", "48", "65", "6c", "6c", "6f", "Hello"], ["995", "20", "77", "6f", "72", "6c", "64", "␣world"],
    ]  # fmt: skip


@pytest.mark.parametrize(("encoding", "ids"), [
    ("gpt2", [23821, 243, 230, 167, 227, 243, 47991, 246, 168, 226, 116, 168, 248, 242]), ("characters", [0, 3, 1, 5, 2, 4]),
])  # fmt: skip
def test_tokenize_tells_json(say, encoding, ids):
    (told,) = say("tokenize", "--encoding", encoding, "--json", " 안녕하세요")
    assert told["ids"] == ids and len(told["tokens"]) == len(ids) and told["tokens"][0].startswith("␣")


def test_tokenize_takes_a_runs_vocabulary_and_says_what_it_cannot(say, trained, monkeypatch, tmp_path):
    (told,) = say("tokenize", "--encoding", trained, "--json", "the")
    assert told["ids"] == open_run(trained).tokenizer().encode("the").tolist()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    for arguments in (["--encoding", "o200k_base", "x"], ["--encoding", "nothing", "x"], ["--encoding", "characters", ""]):
        assert say("tokenize", *arguments, code=2).startswith("gptlab: ")


def test_tokenize_reads_the_standard_input(tmp_path):
    def piped(content):
        command = [sys.executable, "-m", "gptlab", "tokenize", "-"]
        return subprocess.run(command, input=content, capture_output=True, cwd=ROOT)

    assert piped("안".encode()).stdout.decode().split()[0] == "168"
    assert b"not UTF-8 at byte 1" in piped(b"a\xff").stderr


def test_the_village_is_told_on_the_screen(capsys):
    assert main(["village", "--language", "ko", "--seed", "3", "--megabytes", "0.002"]) == 0
    text = capsys.readouterr().out
    assert len(text.encode()) >= 2_000 and "다" in text
    assert main(["village", "--language", "ko", "--seed", "3", "--megabytes", "0.002", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == text.removesuffix("\n")
    assert main(["village", "--language", "ko", "--seed", "3", "--megabytes", "0.02", "--lessons"]) == 0
    assert capsys.readouterr().out.count("무슨 색") > 3


@pytest.mark.parametrize("wrong", [["--language", "fr"], ["--megabytes", "0"], ["--demonstrations", "2"], ["--made-up", "-1"]])
def test_an_impossible_village_is_a_sentence(wrong, capsys):
    assert main(["village", *wrong]) == 2
    assert "gptlab:" in capsys.readouterr().err


def test_tasks_are_listed_with_what_they_give_away(capsys, monkeypatch, tmp_path):
    from gptlab.evaluation import shortcuts

    monkeypatch.setattr(shortcuts, "RECORD", tmp_path / "shortcuts.json")
    assert main(["tasks", "pronoun-en", "reading-en", "--measure", "--examples", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "random 0.500" in lines[0] and json.loads(lines[1])["choices"] and lines[3].startswith("reading-en")
    assert main(["tasks", "pronoun-en", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["sizes"] == {"train": 96, "validation": 24, "test": 48} and about["shortcuts"]["random"] == 0.5
    assert main(["tasks", "nonsense"]) == 2
    assert main(["tasks", "own-0123456789abcdef", "--measure"]) == 2 and "a table of yours" in capsys.readouterr().err


def test_a_model_is_made_packed_and_listed(here, capsys, monkeypatch):
    from gptlab.evaluation import tasks
    from gptlab.runs import shipped

    shape = dict(n_layer=1, n_head=2, n_embd=16, block_size=128)
    quick = dict(batch_size=2, evaluation_tokens=256, warmup_steps=2, sample_tokens=2, precision="fp32")
    monkeypatch.setitem(shipped.RECIPES, "tiny", shipped.Recipe("gpt2", shape, megabytes=0.2, n_steps=8, n_checkpoints=3, training=quick))
    monkeypatch.setattr(tasks, "VILLAGE", {name: tasks.VILLAGE[name] for name in ("pronoun-en", "closed-ko", "similarity-en")})
    assert main(["build-models", "tiny", "--device", "cpu"]) == 0
    card = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert card["steps"] == 8 and card["tokens"] == 8 * 2 * 128
    assert card["checkpoints"] == [8] and len(card["through_time"]["pronoun-en"]) == 3
    assert set(card["zero_shot"]) == {"pronoun-en", "closed-ko"} and card["command"].endswith("build-models tiny")
    assert main(["models"]) == 0
    assert capsys.readouterr().out.startswith("tiny")
    assert main(["generate", "--run", "tiny", "--prompt", "Mina", "--tokens", "3"]) == 0
    assert main(["delete", "--run", "tiny"]) == 2 and "ships with the app" in capsys.readouterr().err
    assert main(["build-models", "nonsense"]) == 2


def test_nothing_goes_on_from_a_lesson_that_was_stopped(trained, monkeypatch, capsys):
    from gptlab.commands import village

    run = open_run(trained)
    run.write_status(replace(run.status(), state="stopped"))
    monkeypatch.setattr(village, "follow", lambda *_args: None)
    monkeypatch.setattr("gptlab.runs.job.resume", lambda *_args: None)
    with pytest.raises(RunError, match="is stopped"):
        village._done(run.config(), run.tokenizer(), as_json=False)


@pytest.fixture
def pretrained(here, text, capsys):
    """Id of a tiny run with a BPE, which can read anything."""
    bpe = ["--tokenizer", "bpe", "--vocab-size", "300", "--set", "block_size=48"]
    assert main(["train", "--text", text, "--steps", "8", *TINY, *bpe]) == 0
    return capsys.readouterr().out.splitlines()[0]


def test_fine_tuning_tells_the_score_beside_the_baselines(pretrained, table, capsys):
    quick = [*table, "--epochs", "1"]
    assert main(["fine-tune", "--model", pretrained, *quick, "--scratch", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    result = lines[-1]
    assert set(result["scores"]) == {"pretrained", "scratch"} and result["baselines"]["random"] == 0.5
    assert {line["arm"] for line in lines if line["kind"] == "judged"} == {"pretrained", "scratch"}
    assert main(["fine-tune", "--model", pretrained, *quick, "--transfer-layers", "-1", "--updated", "head", "--auxiliary-lm", "0.5"]) == 0
    told = capsys.readouterr()
    assert "words" in told.out and "left out" in told.err
    assert main(["fine-tune", "--model", pretrained, *quick, "--transfer-layers", "2"]) == 2
    assert main(["layer-transfer", "--model", pretrained, *quick, "--seeds", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[-3:]] == ["-1", "0", "1"] and sum(line.startswith("seed") for line in lines) == 6


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("what,kind\n" + "".join(f"a {('cat', 'dog')[i % 2]} number {i},{i % 2}\n" for i in range(60)) + "a,\n")
    return ["--data", str(path), "--text", "what", "--label", "kind"]


def test_an_own_table_is_a_task(pretrained, table, capsys):
    assert main(["fine-tune", "--model", pretrained, *table, "--epochs", "1", "--numbers"]) == 0
    told = capsys.readouterr()
    assert "test pearson" in told.out and "1 incomplete rows" in told.err
    other_columns = [*table[:2], "--text", "x", "--label", "y"]
    before = len(list_runs())
    assert main(["fine-tune", "--model", pretrained, *table, "--answer-by", "words"]) == 2 and len(list_runs()) == before
    assert "has no words for its answers" in capsys.readouterr().err
    alone = (["--task", "kind-en", "--numbers"], ["--task", "kind-en", "--label", "kind"], ["--task", "kind-en", "--top-layers", "1"])
    for wrong in (["--task", "nonsense"], [], table[:2], [*table, "--task", "kind-en"], other_columns, *alone):
        assert main(["fine-tune", "--model", pretrained, *wrong]) == 2


def test_questions_are_asked_with_demonstrations_and_without(here, text, tmp_path, capsys):
    bpe = ["--tokenizer", "bpe", "--vocab-size", "300", "--set", "block_size=80"]
    long = tmp_path / "long.txt"
    long.write_text(Path(text).read_text(encoding="utf-8") * 20, encoding="utf-8")
    assert main(["train", "--text", str(long), "--steps", "8", *TINY, *bpe]) == 0
    run_id = capsys.readouterr().out.splitlines()[0]
    by_words = ["--task", "rules-en", "--labels", "16", "--epochs", "1", "--answer-by", "words"]
    assert main(["fine-tune", "--model", run_id, *by_words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["scores"]["pretrained"]["n"] == 180
    few = ["--model", run_id, "--task", "rules-en", "--examples", "8", "--seeds", "2"]
    assert main(["evaluate", *few, "--shots", "0,2", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["shots"], line["seed"]) for line in lines] == [(0, 1), (2, 1), (2, 2)] and all(line["n"] == 8 for line in lines)
    assert main(["compare", *few]) == 0
    ways = capsys.readouterr().out
    assert ways.startswith("random") and "0-shot" in ways and "1-shot" in ways and "words, 16 labels" in ways
    assert main(["compare", *few, "--step", "0"]) == 0
    ways = capsys.readouterr().out
    assert "0-shot" in ways and "labels" not in ways, "they began at the last step"
    for wrong in (["--task", "acceptability-en"], ["--task", "rules-en", "--shots", "x"], ["--task", "rules-en", "--shots", "-1"]):
        assert main(["evaluate", "--model", run_id, *wrong]) == 2
