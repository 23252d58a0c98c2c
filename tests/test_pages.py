"""Every page through the frame, in both languages, with an empty and with a full home."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptlab.config import DataConfig, ModelConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.data import library, sources
from gptlab.model.build import build_model
from gptlab.runs.checkpoint import save_checkpoint
from gptlab.runs.curve import Sample, Start, to_line
from gptlab.runs.store import Run, create_run, shipped_runs
from gptlab.tokenizer import train_tokenizer
from gptlab.training.events import Evaluation, Step
from gptlab.ui import pick

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "pages").rglob("*.py"))
TEXT = "The cat sat on the mat. The dog sat on the log. 고양이가 잔다. " * 60

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def small_python_text(monkeypatch, lab_home):
    """Python's own documentation is long: a short text stands in for it, and a recorded speed for the measurement."""
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    short = sources.pasted(TEXT, "Python documentation")
    monkeypatch.setattr(sources, "python_documentation", lambda: short)
    monkeypatch.setattr(sources, "python_sources", lambda: short)
    monkeypatch.setattr("gptlab.runs.job.ensure_worker", lambda device, idle_s=0: None)
    from gptlab.device import device_name

    (lab_home / "devices").mkdir()
    rates = {size: 1e11 for size in ("mini", "small", "medium", "tuned")}
    speed = {"device_name": device_name("cpu"), "flops_per_s": {"fp32": rates, "bf16": rates}}
    (lab_home / "devices" / "cpu-speed.json").write_text(json.dumps(speed))
    monkeypatch.setenv("GPTLAB_DEVICE", "cpu")


def tiny_run(home: Path, title: str = "Cats", vocabulary: TokenizerConfig | None = None, block_size: int = 16) -> Run:
    """A run folder with a curve, samples and two checkpoints, as a worker leaves it."""
    data = DataConfig(corpus=library.save(sources.pasted(TEXT, title), home))
    vocabulary = vocabulary or TokenizerConfig()
    tokenizer = train_tokenizer(vocabulary, TEXT)
    config = RunConfig(
        title=title,
        device="cpu",
        model=ModelConfig(vocab_size=tokenizer.vocab_size, block_size=block_size, n_layer=1, n_head=2, n_embd=8),
        tokenizer=vocabulary,
        data=data,
        training=TrainingConfig(n_steps=40, warmup_steps=4, batch_size=4),
    )
    run = create_run(config, tokenizer)
    lines = [to_line(Start(0, 40, time.time(), 3.6, 2.9, 2.4, 1.2))]
    lines += [to_line(Step(i, 3.6 - i / 40, 1e-3, 1.0, 64 * i)) for i in range(40)]
    lines += [to_line(Evaluation(i, 3.6 - i / 40, 3.6 - i / 45)) for i in range(0, 41, 10)]
    (run.folder / "metrics.jsonl").write_text("".join(lines))
    (run.folder / "samples.jsonl").write_text(to_line(Sample(40, 2.7, "The <b>cat</b> sat")))
    for step in (0, 40):
        save_checkpoint(run, build_model(config.model, seed=step), None, step)
    run.write_status(replace(run.status(), state="finished", step=40, elapsed_s=12.0))
    return run


@pytest.fixture
def full_home(lab_home):
    """One finished run, one that waits, one that died, one that failed."""
    finished, waiting, died, failed = (tiny_run(lab_home, title) for title in ("Cats", "Waiting", "Dead", "Failed"))
    waiting.write_status(replace(waiting.status(), state="queued", step=10))
    died.write_status(replace(died.status(), state="running", pid=2**22 + 1, step=20))
    message = "The run {run_id} is in the queue or training already."
    failed.write_status(replace(failed.status(), state="failed", message=message, values={"run_id": "x"}))
    return finished


def opened(page: str, language: str = "en", **query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params["lang"] = language
    app.run()
    app.switch_page(page)
    for name, value in query.items():  # as in a link: a page switch drops what no widget holds
        app.query_params[name] = value
    return app.run()


def shown_run(app: AppTest) -> str:
    return next(s.value for s in app.selectbox if s.key.startswith("run_"))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_an_empty_home(page, language):
    app = opened(page, language)
    assert not app.exception
    assert app.title[0].value


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_a_full_home(page, language, full_home):
    app = opened(page, language)
    assert not app.exception
    assert not [e.value for e in app.error if "{" in e.value]


@pytest.mark.parametrize("page", PAGES)
def test_page_speaks_korean(page):
    english, korean = opened(page, "en"), opened(page, "ko")
    assert page.endswith("overview.py") or english.title[0].value != korean.title[0].value
    assert english.markdown[-1].value != korean.markdown[-1].value


def test_a_curve_says_when_answers_count_more(lab_home):
    run = tiny_run(lab_home)
    for weight, told in ((1.0, False), (20.0, True)):
        config = run.config()
        run.write_config(config.with_(training=config.training.with_(answer_weight=weight)))
        app = opened("pages/pretrain/train.py", run=run.id)
        assert not app.exception and any("answer counts 20 times" in caption.value for caption in app.caption) is told


def test_a_link_opens_its_run(full_home):
    app = opened("pages/pretrain/train.py", run=full_home.id)
    assert shown_run(app) == full_home.id
    assert not app.error


def test_an_unknown_run_in_a_link_is_said(full_home):
    app = opened("pages/pretrain/generate.py", run="../../etc")
    assert not app.exception
    assert any("../../etc" in e.value for e in app.error)


def test_train_puts_a_run_into_the_queue(lab_home):
    app = opened("pages/pretrain/train.py")
    app.button(key="train").click().run()
    assert not app.exception and not app.error
    (folder,) = (lab_home / "runs").iterdir()
    assert json.loads((folder / "status.json").read_text())["state"] == "queued"
    assert shown_run(app) == folder.name


@pytest.mark.parametrize("page", ["pages/start/overview.py", "pages/library/runs.py"])
def test_a_device_that_is_none_does_not_close_the_pages(lab_home, monkeypatch, page):
    monkeypatch.setenv("GPTLAB_DEVICE", "gpu:0")
    app = opened(page)
    assert not app.exception and any("gpu:0" in error.value for error in app.error)
    assert app.title


def test_a_longer_training_warms_up_longer(lab_home):
    """What stands in the fields is what the run gets."""
    app = opened("pages/pretrain/train.py")
    field = {f.label.split()[0]: f for f in app.number_input}
    before = field["warmup_steps"].value
    field["n_steps"].set_value(20_000).run()
    field = {f.label.split()[0]: f for f in app.number_input}
    shown = field["warmup_steps"].value
    assert shown > before and any("With these settings" in caption.value for caption in app.caption)
    app.button(key="train").click().run()
    (folder,) = (lab_home / "runs").iterdir()
    training = json.loads((folder / "config.json").read_text())["training"]
    assert (training["n_steps"], training["warmup_steps"]) == (20_000, shown)


def test_a_context_can_be_lowered_where_a_text_is_short(lab_home):
    short = library.save(sources.pasted(TEXT[:400], "Short"), lab_home)
    app = opened("pages/pretrain/train.py", text=short)
    assert "lower block_size" in app.error[0].value and app.button(key="train").disabled
    (field,) = [f for f in app.number_input if f.label.startswith("block_size")]
    field.set_value(8).run()
    assert not app.exception and not app.error and not app.button(key="train").disabled


def test_a_model_is_asked_in_signs_that_it_knows(lab_home):
    """Names, one a line: there is no space; a text without any white space."""
    from gptlab.ui import cached
    from gptlab.ui.inside import default_text

    for text in ("\n".join(["emma", "olivia", "ava", "mia"] * 200), "\u732b\u306f\u53ef\u611b\u3044" * 200):
        data = DataConfig(corpus=library.save(sources.pasted(text, "Names"), lab_home))
        run = tiny_run(lab_home)
        run.write_config(run.config().with_(data=data))
        assert cached.first_prompt(run.id) in text
        assert len(run.tokenizer().encode(default_text(run)))  # which refuses signs that it does not know


def test_a_full_disk_is_told_after_a_click(full_home, monkeypatch):
    import errno

    from gptlab.ui import live

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = full_home
    run.write_status(replace(run.status(), state="paused", step=20))
    monkeypatch.setattr(live.job, "resume", full)
    app = opened("pages/pretrain/train.py", run=run.id)
    app.button(key="resume").click().run()
    assert not app.exception and "No space left" in app.error[0].value


@pytest.mark.parametrize("architecture", ["gpt1", "gpt2", "albert", "lstm"])
def test_every_architecture_can_be_trained(architecture, lab_home):
    app = opened("pages/pretrain/train.py", architecture=architecture)
    app.button(key="train").click().run()
    assert not app.exception and not app.error
    (folder,) = (lab_home / "runs").iterdir()
    model = json.loads((folder / "config.json").read_text())["model"]
    assert model["family"] == ("lstm" if architecture == "lstm" else "gpt")
    assert model.get("norm_position") == {"gpt1": "post", "lstm": None}.get(architecture, "pre")
    assert model.get("shared_mlp_groups") == (1 if architecture == "albert" else None)


def test_a_trained_model_goes_on_to_learn(lab_home):
    from gptlab.runs.store import list_runs

    base = tiny_run(lab_home)
    app = opened("pages/pretrain/train.py", architecture=base.id)
    assert not app.exception and not app.error
    assert {s.label for s in app.selectbox if s.disabled} == {"Tokenizer", "Size"}
    assert not any("n_layer" in field.label for field in app.number_input)
    app.button(key="train").click().run()
    config = list_runs()[0].config()
    assert not app.exception and not app.error and config.begins_from == base.id and config.model == base.config().model


def test_a_home_that_cannot_be_written_gets_a_sentence(lab_home, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device", str(lab_home))

    monkeypatch.setattr("gptlab.data.library.save", full)
    app = opened("pages/pretrain/train.py")
    assert not app.exception and "No space left on device" in app.error[0].value


def test_pause_and_stop_of_a_waiting_run(full_home):
    runs = {r.name: r for r in full_home.folder.parent.iterdir()}
    waiting = next(n for n, f in runs.items() if json.loads((f / "status.json").read_text())["state"] == "queued")
    app = opened("pages/pretrain/train.py", run=waiting)
    app.button(key="pause").click().run()
    assert json.loads((runs[waiting] / "status.json").read_text())["state"] == "paused"
    app.button(key="resume").click().run()
    assert json.loads((runs[waiting] / "status.json").read_text())["state"] == "queued"
    app.button(key="stop").click().run()
    assert json.loads((runs[waiting] / "status.json").read_text())["state"] == "stopped"


def test_a_finished_run_can_be_trained_longer(full_home):
    app = opened("pages/pretrain/train.py", run=full_home.id)
    app.button(key="longer").click().run()
    assert full_home.config().training.n_steps == 60
    assert full_home.status().state == "queued"


def test_a_short_text_gets_a_sentence(lab_home):
    app = opened("pages/pretrain/train.py", text="paste")
    app.text_area(key="pasted").set_value("too short").run()
    assert not app.exception
    assert len(app.error) == 1
    assert app.button(key="train").disabled


def test_a_folder_that_is_not_there_gets_a_sentence(lab_home):
    app = opened("pages/pretrain/train.py", text="folder")
    app.text_input(key="folder").set_value("/no/such/folder").run()
    assert not app.exception and "/no/such/folder" in app.error[0].value
    for typed in ("~nosuchperson/x", "a whole text " * 500):
        app.text_input(key="folder").set_value(typed).run()
        assert not app.exception and "There is no folder" in app.error[0].value


def test_settings_that_do_not_go_together_get_a_sentence(lab_home):
    app = opened("pages/pretrain/train.py")
    field = next(n for n in app.number_input if n.label.startswith("n_head"))
    field.set_value(3).run()
    assert not app.exception and "n_head is 3" in app.error[0].value


def test_generate_steps_token_by_token(full_home):
    app = opened("pages/pretrain/generate.py", run=full_home.id)
    assert app.number_input(key="n_tokens").value == 12
    app.button(key="next").click().run()
    assert app.number_input(key="n_tokens").value == 13
    app.button(key="back").click().run()
    assert app.number_input(key="n_tokens").value == 12
    assert not app.exception and not app.error


def test_generate_refuses_an_unknown_character(full_home):
    app = opened("pages/pretrain/generate.py", run=full_home.id)
    app.text_area[0].set_value("Ω").run()
    assert not app.exception and "Ω" in app.error[0].value


def test_generate_of_an_empty_prompt_gets_a_sentence(full_home):
    app = opened("pages/pretrain/generate.py", run=full_home.id)
    app.text_area[0].set_value("").run()
    assert not app.exception and len(app.error) == 1


def test_compare_lists_what_differs(full_home):
    runs = [f.name for f in full_home.folder.parent.iterdir() if f.name != full_home.id]
    app = opened("pages/pretrain/train.py", run=full_home.id)
    app.multiselect(key="compare").set_value(runs[:2]).run()
    assert not app.exception


def test_a_run_is_deleted_only_after_a_second_look(full_home):
    app = opened("pages/library/runs.py", run=full_home.id)
    assert app.button(key="delete").disabled
    app.checkbox(key=f"sure_{full_home.id}").check().run()
    app.button(key="delete").click().run()
    assert not app.exception and not full_home.folder.exists()


def test_export_writes_a_directory(full_home, tmp_path):
    app = opened("pages/library/runs.py", run=full_home.id)
    app.text_input(key=f"export_{full_home.id}").set_value(str(tmp_path / "out")).run()
    app.button(key="export").click().run()
    assert not app.exception and (tmp_path / "out" / "model.safetensors").exists()
    app.button(key="export").click().run()
    assert "not empty" in app.error[0].value


def test_two_runs_of_one_minute_are_told_apart(full_home):
    """Streamlit maps a choice back by its label: runs with the same title and minute were one to it."""
    runs = sorted(f.name for f in full_home.folder.parent.iterdir())
    labels = {pick.run_label(Run(full_home.folder.parent / name)).replace("Waiting", "Cats") for name in runs}
    assert len(labels) == len(runs)
    for name in runs:
        assert shown_run(opened("pages/library/runs.py", run=name)) == name


VIEWS = ["text", "tax", "merges", "vocabulary", "split", "edges"]


@pytest.fixture
def small_text(lab_home):
    """A text in the library that the views of the Tokenization page open with."""
    return library.save(sources.pasted(TEXT * 20, "Small"), lab_home)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_tokenization_opens_from_a_link(view, language, small_text):
    app = opened("pages/pretrain/tokenization.py", language, view=view, text=small_text, learned_size="1024", split_size="512")
    assert not app.exception and not app.error
    assert view == "text" or "view" in app.query_params and view in app.query_params["view"]


def tokens_shown(app: AppTest) -> list[list[tuple[str, str]]]:
    """Every coloured text of a page: its tokens, each with what is told about it."""
    shown = [json.loads(part.proto.json) for part in app.get("bidi_component") if part.proto.component_name == "gptlab.coloured"]
    return [[(text["labels"][i], text["about"][i]) for i in text["tokens"]] for text in shown]


def test_tokens_are_coloured_and_tell_their_merges(lab_home):
    app = opened("pages/pretrain/tokenization.py", tokens_text="hello </script> 안", vocabularies="gpt2,bytes")
    gpt2, raw = tokens_shown(app)
    label, about = gpt2[0]
    assert label == "hello" and "id 31373" in about and "hell + o" in about
    assert [label for label, _about in gpt2] == ["hello", "␣</", "script", ">", "␣안[1/3]", "안[2/3]", "안[3/3]"]
    assert raw[-3][0] == "안[1/3]"
    assert any("**GPT-2**: 7 tokens · 2.33 tokens per word · 2.71 bytes per token" in m.value for m in app.markdown)


def test_a_long_text_has_pages_and_loses_nothing(lab_home):
    app = opened("pages/pretrain/tokenization.py", vocabularies="bytes")
    app.text_area(key="tokens_text").set_value("가" * 12_000 + "나" * 3_000).run()
    assert not app.exception and app.number_input(key="tokens_page").max == 2
    first = [label for label, _about in tokens_shown(app)[0]]
    app.number_input(key="tokens_page").set_value(2).run()
    second = [label for label, _about in tokens_shown(app)[0]]
    assert first == ["가[1/3]", "가[2/3]", "가[3/3]"] * 10_000
    assert second == ["가[1/3]", "가[2/3]", "가[3/3]"] * 2_000 + ["나[1/3]", "나[2/3]", "나[3/3]"] * 3_000
    assert "tokens_text" not in app.query_params  # too long for a link


def test_merges_go_on_and_back_and_stay_in_the_link(lab_home):
    app = opened("pages/pretrain/tokenization.py", view="merges", merge_text="aaabdaaabac", merge="0")
    assert app.slider(key="merge").max == 3 and "stand side by side 4 times" in " ".join(m.value for m in app.markdown)
    app.button(key="merge_next").click().run()
    assert app.slider(key="merge").value == 1 and "stand side by side 2 times" in " ".join(m.value for m in app.markdown)
    app.button(key="merge_next").click().run()
    app.button(key="merge_next").click().run()
    assert "3" in app.query_params["merge"] and app.button(key="merge_next").disabled and app.button(key="merge_play").disabled
    assert "5 tokens for 11 bytes" in " ".join(m.value for m in app.markdown)
    app.button(key="merge_back").click().run()
    assert app.slider(key="merge").value == 2


def test_playing_merges_one_at_each_tick_and_stops_at_the_end(lab_home):
    app = opened("pages/pretrain/tokenization.py", view="merges", merge_text="aaabdaaabac", merge="0")
    app.button(key="merge_play").click().run()
    for _tick in range(5):
        app.run()
    assert app.slider(key="merge").value == 3 and not app.session_state["merge_playing"]


@pytest.mark.parametrize("text", ["", "abc", "a" * 25_000], ids=["empty", "nothing twice", "one letter"])
@pytest.mark.parametrize("view", ["text", "tax", "merges"])
def test_odd_texts_are_sentences_not_tracebacks(view, text, lab_home):
    app = opened("pages/pretrain/tokenization.py", view=view)
    field = {"text": "tokens_text", "tax": "tax_second", "merges": "merge_text"}[view]
    app.text_area(key=field).set_value(text).run()
    assert not app.exception


def test_a_text_that_is_too_short_for_a_vocabulary_is_said(lab_home):
    short = library.save(sources.pasted("short", "Short"), lab_home)
    for view in ("vocabulary", "split"):
        app = opened("pages/pretrain/tokenization.py", view=view, text=short)
        assert not app.exception and "at least 200" in app.error[0].value


def test_a_download_without_a_network_is_said(lab_home, monkeypatch, tmp_path):
    from gptlab.tokenizer import published

    def fails(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(published.urllib.request, "urlopen", fails)
    app = opened("pages/pretrain/tokenization.py")
    app.button(key="download_o200k_base").click().run()
    assert "no route to host" in app.error[0].value and not app.exception


def test_a_download_that_cannot_be_kept_is_said(lab_home, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device", "cache")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("gptlab.ui.tokens.download", full)
    app = opened("pages/pretrain/tokenization.py")
    app.button(key="download_cl100k_base").click().run()
    assert not app.exception and "No space left on device" in app.error[0].value


def test_a_syllable_shows_all_tokens_that_hold_it(lab_home):
    """Also the one that begins in the space before it."""
    app = opened("pages/pretrain/tokenization.py", view="tax", tax_second="그 날", tax_vocabularies="gpt2")
    table = next(h.proto.body for h in app.get("html") if 'class="lab-table"' in h.proto.body)
    assert "␣날[1/3] 날[2/3] 날[3/3]" in table and "그[1/3]" in table and "eb 82 a0" in table


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("view", ["stories", "reading", "words", "tasks", "models"])
def test_every_view_of_the_village_opens_from_a_link(view, language):
    app = opened("pages/library/village.py", language, village_view=view, task="entailment-ko")
    assert not app.exception and not app.error


def test_a_village_story_shows_both_languages_and_its_truth(lab_home):
    app = opened("pages/library/village.py", story="7")
    shown = " ".join(part.proto.body for part in app.get("html") if "lab-badge" not in part.proto.body)  # that tells the memory
    parts = opened("pages/library/village.py", story="7").get("html")
    again = " ".join(part.proto.body for part in parts if "lab-badge" not in part.proto.body)
    assert "다." in shown or "어요." in shown
    assert shown == again and "lab-prose" in shown


def test_the_village_goes_to_the_library(lab_home):
    app = opened("pages/library/village.py", village_view="reading", village_rate="0")
    app.button(key="village_keep").click().run()
    assert not app.exception
    assert [about.title for about in library.corpora(lab_home)] == ["Village (en+ko, seed 1, 1 MB, 0% demonstrations)"]


def test_scores_of_moments_are_there_without_their_weights(lab_home, monkeypatch):
    """As for the LSTM that ships: one checkpoint, and what twelve scored."""
    from gptlab.runs import shipped
    from gptlab.ui import cached_shots

    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))
    monkeypatch.setitem(shipped.RECIPES, "tiny", shipped.Recipe("gpt2", {}, n_steps=40))
    scores = {str(step): {"metric": "accuracy", "value": 0.1 * step, "low": 0.0, "high": 1.0, "n": 9} for step in (1, 5, 10)}
    monkeypatch.setattr(shipped, "scored_anew", lambda card, *_runs: card | {"through_time": {"pronoun-en": scores}})
    shipped.pack(run, "tiny")
    (packed,) = shipped_runs()
    assert len(packed.checkpoint_steps()) == 1 and cached_shots.moments(packed)[:3] == [1, 5, 10]
    assert cached_shots.moments(packed, "pronoun-en")[:3] == [1, 5, 10]
    assert cached_shots.moments(packed, "cloze-en") == packed.checkpoint_steps(), "no score of it, so only where there are weights"
    assert cached_shots.zero_shot("tiny", 5, "pronoun-en", 200)["value"] == 0.5


def test_the_train_page_takes_the_village(lab_home):
    app = opened("pages/pretrain/train.py", text="village")
    assert not app.exception and not app.error and any("Village" in about.title for about in library.corpora(lab_home))


def test_an_empty_home_has_the_models_that_ship(lab_home, monkeypatch):
    """Something is written at once, in both languages, and the Village page shows their cards."""
    from gptlab.runs import shipped
    from gptlab.runs.store import delete_run

    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))
    monkeypatch.setitem(shipped.RECIPES, "tiny", shipped.Recipe("gpt2", {}, n_steps=40))
    score = {"metric": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    monkeypatch.setattr(shipped, "scored_anew", lambda card, *_runs: card | {"zero_shot": {"pronoun-en": score}})
    shipped.pack(run, "tiny")
    delete_run(run)
    for language, prompt in (("en", "One morning, Emma"), ("ko", "어느 날 아침 에마")):
        app = opened("pages/pretrain/generate.py", language)
        assert not app.exception and not app.error and shown_run(app) == "tiny" and app.text_area[0].value.startswith(prompt)
    models = opened("pages/library/village.py", village_view="models")
    shown = " ".join(part.proto.body for part in models.get("html"))
    assert "0.50 [0.40, 0.60]" in shown and "build-models tiny" in shown


INSIDE = [
    *(("attention", "attention_view", view) for view in ("matrix", "bertviz", "time", "compare")),
    *(("heads", "heads_view", view) for view in ("kinds", "ablation", "patching", "induction")),
    *(("lens", "lens_view", view) for view in ("lens", "losses", "embeddings", "places")),
]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("page", "key", "view"), INSIDE)
def test_every_view_inside_opens(page, key, view, language, full_home):
    app = opened(f"pages/inside/{page}.py", language, **{key: view})
    assert not app.exception
    sentences = [e.value for e in app.error]
    if view == "patching":  # its example needs more tokens than the tiny model's context has, or letters that it never saw
        assert len(sentences) == 1
    else:
        assert not sentences


def text_box(app: AppTest, label: str):
    return next(box for box in app.text_area if box.label == label)


@pytest.mark.parametrize("page", ["attention", "lens"])
@pytest.mark.parametrize(("text", "says"), [("", "empty"), ("cat " * 30, "up to 16"), ("cat §", "never seen")])
def test_a_text_that_cannot_be_looked_into_gets_a_sentence(page, text, says, full_home):
    app = opened(f"pages/inside/{page}.py")
    text_box(app, "Text").set_value(text).run()
    assert not app.exception and says in app.error[0].value


def test_one_token_gets_a_sentence(full_home):
    app = opened("pages/inside/lens.py", lens_view="losses")
    text_box(app, "Text").set_value("c").run()
    assert not app.exception and "single token" in app.error[0].value
    app = opened("pages/inside/attention.py")
    text_box(app, "Text").set_value("c").run()
    assert not app.exception and "only look at itself" in app.info[0].value
    app = opened("pages/inside/heads.py", heads_view="ablation")
    text_box(app, "Text").set_value("c").run()
    assert not app.exception and "has no loss" in app.info[0].value


@pytest.mark.parametrize("page", ["pages/inside/attention.py", "pages/transfer/fine_tuning.py", "pages/shots/few_shot.py"])
def test_a_link_to_a_model_that_is_gone_says_so(page, full_home):
    app = opened(page, model="20260101-000000-dead")
    assert not app.exception and "no run" in app.error[0].value


def test_a_task_is_answered_with_and_without_a_head(full_home):
    app = opened("pages/inside/heads.py", heads_view="ablation", ablated_task="sentiment-en")
    assert not app.exception and "never seen" in app.error[0].value  # letters of the village, which the tiny model does not know
    app = opened("pages/inside/heads.py", heads_view="ablation")
    assert not app.exception and not app.error  # a model of one's own is not asked by itself


@pytest.fixture
def tuned_home(full_home):
    """A finished fine-tuning and a finished study of a tiny model."""
    from gptlab.evaluation.own import Columns, draft
    from gptlab.experiment import FineTuning, TransferConfig
    from gptlab.runs import studying
    from gptlab.runs.distributed import Ranks
    from gptlab.runs.subject import fine_tuning_config, study_config
    from gptlab.runs.worker import train_run
    from gptlab.transfer.studies import ablation_study, layer_study

    rows = [(f"{animal} {'on ' * (i % 3)}", str(i % 2)) for i, animal in enumerate(["cat", "dog"] * 20)]
    rows = [(f"{text}{'sat ' * (i // 6)}", label) for i, (text, label) in enumerate(rows)]
    name = draft("pets", {"text": [text for text, _label in rows], "label": [label for _text, label in rows]}, Columns("text", "label"))
    plan = FineTuning(model=full_home.id, task=name, scratch=True, transfer=TransferConfig(n_epochs=1, batch_size=8))
    tuned = create_run(*fine_tuning_config(plan, "cpu", "Pets"))
    train_run(tuned, Ranks())
    assert tuned.status().state == "finished", tuned.status()
    studies = [layer_study([plan], 1, 2), ablation_study([plan], None, 2)]
    before, studying.processes = studying.processes, lambda _device: 1
    for study in studies:
        run = create_run(*study_config(study, "cpu", "Pets"))
        train_run(run, Ranks())
        assert run.status().state == "finished", run.status()
    studying.processes = before
    return tuned


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_finished_fine_tuning_shows_what_it_reached(tuned_home, language):
    app = opened("pages/transfer/fine_tuning.py", language, task=tuned_home.config().fine_tuning.task)
    assert not app.exception and not app.error
    assert app.subheader[1].value == {"en": "On the test split", "ko": "테스트 분할에서"}[language]
    boxes = [box for box in app.text_area if box.key.startswith("own_")]
    boxes[0].set_value("dog").run()
    assert not app.exception and not app.error
    boxes = [box for box in app.text_area if box.key.startswith("own_")]
    boxes[0].set_value(" ").run()
    assert not app.exception and app.info


def test_a_fine_tuned_model_writes_words_alone(tuned_home, monkeypatch):
    """Its special tokens stand behind the tokenizer's, which has no name for them; here they are the likeliest."""
    from gptlab.model.gpt import GPT

    plain = GPT.logits

    def logits(self, hidden):
        found = plain(self, hidden)
        found[..., -3:] += 100
        return found

    monkeypatch.setattr(GPT, "logits", logits)
    app = opened("pages/pretrain/generate.py", run=tuned_home.id)
    assert not app.exception and not app.error


def test_the_same_moment_of_one_model_is_compared(full_home):
    app = opened("pages/inside/attention.py", attention_view="compare", run=full_home.id)
    (slider,) = [s for s in app.select_slider if s.key.startswith("other_step")]
    step = next(s for s in app.select_slider if s.key != slider.key).value
    slider.set_value(step).run()
    assert not app.exception and not app.error and len(app.get("plotly_chart")) == 3


def test_the_pronoun_task_shows_what_is_judged(lab_home):
    from gptlab.evaluation.scoring import pieces_of
    from gptlab.evaluation.tasks import task_named
    from gptlab.ui import cached_shots

    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=128)
    about = task_named("pronoun-en")
    example = about.examples("test")[0]
    nats = cached_shots.judged_first(run.id, 40, "pronoun-en")
    assert [len(found) for found in nats] == [piece.judged for piece in pieces_of(about, example, run.tokenizer(), 128)]
    assert all(len(found) < len(run.tokenizer().encode(choice)) for found, choice in zip(nats, example.choices, strict=True))


def test_the_likeliest_is_right_where_it_is_the_same_token(lab_home):
    """A Korean letter in three tokens has labels of its own in a text."""
    from gptlab.interpret.lens import token_losses
    from gptlab.ui import cached, cached_inside

    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))
    found = cached_inside.surprises(run.id, 40, "안녕 cat")
    top = token_losses(cached.model(run.id, 40), found.ids).top_ids[:, 0]
    assert found.right.tolist() == [int(top[i]) == found.ids[i + 1] for i in range(len(found.ids) - 1)]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("page", ["layer_transfer", "ablations"])
def test_a_finished_study_is_drawn(tuned_home, page, language):
    app = opened(f"pages/transfer/{page}.py", language, paper_curve="true")
    assert not app.exception and not app.error
    if page == "layer_transfer":
        assert len(app.get("plotly_chart")) == 1 and any("GPT-1" in c.value for c in app.caption)
    else:
        assert any("Table 5" in s.value or "표 5" in s.value for s in app.subheader)


def test_the_button_puts_a_study_into_the_queue(full_home):
    from gptlab.runs.store import list_runs

    app = opened("pages/transfer/layer_transfer.py", label_counts="64")
    before = len(list_runs())
    next(b for b in app.button if b.key == "begin").click().run()
    assert not app.exception and not app.error and len(list_runs()) == before + 1
    assert {arm.transfer.n_labels for arm in list_runs()[0].config().study.arms} == {64}


def test_words_answer_in_studies_of_tasks_that_have_some(lab_home):
    from gptlab.runs.store import list_runs

    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=128)
    app = opened("pages/transfer/layer_transfer.py", task="acceptability-en", label_counts="64", variant="words")
    assert not app.exception and not app.error and not any("own words" in option for option in app.selectbox(key="variant").options)
    next(b for b in app.button if b.key == "begin").click().run()
    assert {arm.transfer.answer_by for arm in list_runs()[0].config().study.arms} == {"head"}
    app = opened("pages/transfer/layer_transfer.py", task="closed-en", label_counts="64")
    next(b for b in app.button if b.key == "begin").click().run()
    assert {(arm.transfer.answer_by, arm.transfer.n_epochs) for arm in list_runs()[0].config().study.arms} == {("words", 2)}
    app = opened("pages/transfer/ablations.py", answer_by="words", labels="64")
    assert not app.exception and not app.error
    assert not any("acceptability" in option for option in app.multiselect(key="tasks").options)
    next(b for b in app.button if b.key == "begin").click().run()
    arms = list_runs()[0].config().study.arms
    assert {arm.transfer.answer_by for arm in arms} == {"words"} and {arm.task for arm in arms} == {"closed-en", "pronoun-en"}


def test_the_button_puts_a_fine_tuning_into_the_queue(lab_home):
    from gptlab.runs.store import list_runs

    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))  # which can read anything
    app = opened("pages/transfer/fine_tuning.py", task="acceptability-en", labels="64")
    next(b for b in app.button if b.key == "begin").click().run()
    assert not app.exception and not app.error
    plan = list_runs()[0].config().fine_tuning
    assert plan.task == "acceptability-en" and plan.scratch and plan.transfer.n_labels == 64


@pytest.mark.parametrize("language", ["en", "ko"])
def test_words_can_answer_where_a_task_has_some(lab_home, language):
    from gptlab.runs.distributed import Ranks
    from gptlab.runs.store import list_runs
    from gptlab.runs.worker import train_run

    base = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=128)
    app = opened("pages/transfer/fine_tuning.py", language, task="pronoun-en", labels="64", answer_by="words", lambda_="0")
    assert not app.exception and not app.error and any("sum_i" in formula.value for formula in app.latex)
    next(b for b in app.button if b.key == "begin").click().run()
    run = list_runs()[0]
    plan = run.config().fine_tuning
    assert plan.transfer.answer_by == "words" and plan.model == base.id
    train_run(run, Ranks())
    assert run.status().state == "finished", run.status()
    app = opened("pages/transfer/fine_tuning.py", language, task="acceptability-en", answer_by="words", tuning=run.id)
    assert not app.exception and not app.error
    assert any(s.key == "answer_by" and s.disabled for s in app.get("button_group")), "a sentence is no word to choose"
    assert [box.value for box in app.text_area if box.key.startswith("own_")][0].count("_") == 0
    choices = next(box for box in app.text_input if box.key.endswith("_choices"))
    choices.set_value("only one").run()
    assert not app.exception and app.info


@pytest.mark.parametrize(("groups", "ways"), [(None, 4), (1, 3)])
def test_last_blocks_are_offered_where_there_are_some(lab_home, groups, ways):
    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))
    shape = ModelConfig(vocab_size=300, block_size=16, n_layer=2, n_head=2, n_embd=8, shared_attention_groups=groups)
    run.write_config(run.config().with_(model=shape))
    app = opened("pages/transfer/fine_tuning.py", task="acceptability-en", labels="64")
    assert not app.exception and not app.error
    (what,) = [s for s in app.get("button_group") if s.key == "updated"]
    assert len(what.options) == ways


def test_a_data_set_of_the_hub_becomes_a_task(lab_home, monkeypatch):
    from gptlab.data import hub

    rows = {"id": [str(i) for i in range(20)], "sentence": [f"a text {i}" for i in range(20)], "verdict": ["good", "bad"] * 10}
    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))
    app = opened("pages/transfer/fine_tuning.py", task="hub")
    assert "fetched once" in app.info[0].value and app.button(key="hub_fetch").disabled
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    app.text_input(key="hub_name").set_value("films").run()
    app.button(key="hub_fetch").click().run()
    assert "films could not be fetched" in app.error[0].value
    monkeypatch.setattr(hub, "fetched", lambda: ["films--default--train"])
    monkeypatch.setattr(hub, "fetched_at", lambda name: "today")
    monkeypatch.setattr(hub, "hub_table", lambda name: rows)
    app = opened("pages/transfer/fine_tuning.py", task="hub")
    assert app.selectbox(key="table_text").options == ["id", "sentence", "verdict"] and app.selectbox(key="table_text").value == "sentence"
    assert app.selectbox(key="table_label").value == "verdict"
    assert any("16 rows to learn from" in caption.value for caption in app.caption)
    beyond = opened("pages/transfer/fine_tuning.py", task="hub", transform_example="40")
    assert not beyond.exception and beyond.number_input(key="transform_example").value <= 16
    app.selectbox(key="table_text").set_value("verdict").run()
    assert not app.exception and "text and label at once" in app.error[0].value


@pytest.mark.parametrize("language", ["en", "ko"])
def test_scores_rise_on_a_page_while_a_model_learns(lab_home, language):
    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=256)
    app = opened("pages/shots/pretraining.py", language, zero_tasks="closed-en,pronoun-en")
    assert not app.exception and not app.error and len(app.get("plotly_chart")) == 1


def test_too_short_a_context_for_the_questions_gets_a_sentence(lab_home):
    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300))  # 16 tokens
    app = opened("pages/shots/few_shot.py", shot_task="choice-en")
    assert not app.exception and "the context holds 16" in app.error[0].value


def test_the_literal_prompt_can_be_changed(lab_home):
    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=256)
    app = opened("pages/shots/few_shot.py", shot_task="rules-en")
    assert not app.exception and not app.error and len(app.get("plotly_chart")) == 2
    box = next(box for box in app.text_area if "literal prompt" in box.label)
    assert box.value.count(" :") == 3  # two pairs and the question
    before = [part.proto.body for part in app.get("html") if "lab-table" in part.proto.body]
    box.set_value("something else :").run()
    assert not app.exception and [part.proto.body for part in app.get("html") if "lab-table" in part.proto.body] != before
    box = next(box for box in app.text_area if "literal prompt" in box.label)
    box.set_value(" ").run()
    assert not app.exception and "question is empty" in app.error[0].value


@pytest.mark.parametrize("language", ["en", "ko"])
def test_labels_are_laid_beside_demonstrations(lab_home, monkeypatch, language):
    """The study that the button starts, with scores made up: they rise with labels from the pretrained weights only."""
    from gptlab.runs import studying
    from gptlab.runs.distributed import Ranks
    from gptlab.runs.store import list_runs
    from gptlab.runs.worker import train_run
    from gptlab.training.events import Point

    def computed(tasks, n):
        for plan, arm, seed, _device in tasks:
            rises = plan.transfer.updated == "all" and plan.transfer.n_layers_taken is None
            yield Point(arm, seed, 1.0, 0.5, 0.9 if rises and plan.transfer.n_labels > 20 else 0.1 + seed / 100, 1.0)

    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=256)
    opened("pages/shots/few_shot.py", shot_task="closed-en").button(key="label_curve").click().run()
    run = list_runs()[0]
    arms = run.config().study.arms
    assert {arm.transfer.n_labels for arm in arms} == {16, 64} and {arm.transfer.updated for arm in arms} == {"all", "head", "prompt"}
    monkeypatch.setattr(studying, "computed", computed)
    train_run(run, Ranks())
    app = opened("pages/shots/few_shot.py", language, shot_task="closed-en")
    assert not app.exception and not app.error and len(app.get("plotly_chart")) == 3
    said = [m.value for m in app.markdown]
    assert any({"en": "between 16 and 64 labels", "ko": "라벨 16개와 64개 사이"}[language] in text for text in said)
    (run.folder / "tasks.json").write_text('{"closed-en": "of before"}')
    app = opened("pages/shots/few_shot.py", language, shot_task="closed-en")
    assert len(app.get("plotly_chart")) == 2, "the task asks other questions now"


def test_labels_are_not_laid_beside_a_rule_that_only_demonstrations_show(lab_home):
    tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=256)
    app = opened("pages/shots/few_shot.py", shot_task="rules-en")
    assert not app.exception and "cannot teach" in app.info[0].value and not [b for b in app.button if b.key == "label_curve"]


def test_crossing_of_labels_and_prompt():
    import numpy as np

    from gptlab.figures.shots import ScoreSeries
    from gptlab.ui.label_curve import crossing

    def said(*values: float) -> str:
        x = np.array([16, 64, 256][: len(values)])
        return crossing(ScoreSeries("", x, np.array(values), x, x), "best prompt", 0.5)

    assert said(0.1, 0.2) == "With up to 64 labels, training stays below the best prompt."
    assert said(0.6, 0.7, 0.8) == "From 16 labels on, and maybe fewer, training is above the best prompt."
    assert said(0.1, 0.4, 0.8) == "Training passes the best prompt between 64 and 256 labels."
