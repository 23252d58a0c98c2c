"""The pages that look inside: what they compute for the screen, and what they open with."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptlab.config import DataConfig, ModelConfig, RunConfig, TokenizerConfig, TrainingConfig
from gptlab.data import library, sources
from gptlab.experiment import FineTuning, Induction, TransferConfig
from gptlab.model.build import build_model
from gptlab.paths import home
from gptlab.runs.checkpoint import load_model, save_checkpoint
from gptlab.runs.inducing import SYMBOLS, induction_config
from gptlab.runs.store import Run, create_run
from gptlab.tokenizer import train_tokenizer
from gptlab.ui import cached_inside, inside

ROOT = Path(__file__).resolve().parent.parent
TEXT = "The cat sat on the mat. The dog sat on the log. " * 60
KOREAN = "까만 고양이가 낮잠을 잔다. 늙은 말이 풀을 뜯는다. " * 60
CHARACTERS, BPE = TokenizerConfig(), TokenizerConfig(kind="bpe", vocab_size=300)

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("GPTLAB_DEVICE", "cpu")


def model_of(
    text: str, title: str = "Cats", vocabulary: TokenizerConfig = CHARACTERS, block_size: int = 64, steps: tuple[int, ...] = (0, 40)
) -> Run:
    """A run with a checkpoint at each of these steps, whose weights grow large enough to say something."""
    tokenizer = train_tokenizer(vocabulary, text)
    shape = ModelConfig(vocab_size=tokenizer.vocab_size, block_size=block_size, n_layer=2, n_head=2, n_embd=8)
    data = DataConfig(corpus=library.save(sources.pasted(text, title), home()))
    run = create_run(RunConfig(
        title=title, device="cpu", model=shape, tokenizer=vocabulary, data=data,
        training=TrainingConfig(n_steps=40, warmup_steps=4, batch_size=4),
    ), tokenizer)  # fmt: skip
    for step in steps:
        model = build_model(shape, seed=step).requires_grad_(False)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(1 + step / 5)
        save_checkpoint(run, model, None, step)
    return run


def from_elsewhere(run: Run) -> Run:
    """As a model that was imported: it has no text here."""
    run.write_config(run.config().with_(data=None, training=None))
    return run


def tuned_from(base: str, run: Run) -> Run:
    plan = FineTuning(model=base, task="sentiment-en", transfer=TransferConfig())
    shape = run.config().model
    run.write_config(run.config().with_(data=None, training=None, fine_tuning=plan, model=shape.with_(vocab_size=shape.vocab_size + 3)))
    return run


def opened(page: str, language: str = "en", **query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params["lang"] = language
    app.run()
    app.switch_page(f"pages/inside/{page}.py")
    for name, value in query.items():  # as in a link: a page switch drops what no widget holds
        app.query_params[name] = value
    return app.run()


def text_box(app: AppTest):
    return next(box for box in app.text_area if box.label == "Text")


def test_a_film_is_one_head_at_each_checkpoint():
    from gptlab.interpret.capture import capture

    run, text = model_of(TEXT), "The cat sat"
    ids = cached_inside.token_ids(run.id, text)
    for layer, head in ((0, 1), (1, 0)):
        found = cached_inside.film(run.id, (0, 40), text, layer, head)
        assert found.shape == (2, 11, 11)
        for pattern, step in zip(found, (0, 40), strict=True):
            assert np.array_equal(pattern, capture(load_model(run, step), ids).patterns[layer, head])


def test_a_text_is_read_with_and_without_some_parts():
    from gptlab.interpret.ablation import loss_nats, next_token, switched_off

    run, text, parts = model_of(TEXT), "The cat sat", (((0, 1),), (1,), "mean")
    found = cached_inside.without(run.id, 40, text, *parts)
    model, ids = load_model(run, 40), torch.tensor([cached_inside.token_ids(run.id, text)])
    cut = switched_off(model, ids, *parts)
    for into, nats, chances in ((None, found.whole_nats, found.whole), (cut, found.without_nats, found.without)):
        assert np.isclose(nats, loss_nats(model, ids, into).mean(), atol=1e-5)
        assert np.isin(chances, next_token(model, ids, into)).all()
    assert abs(found.whole_nats - found.without_nats) > 0.01


def test_a_task_is_answered_with_and_without_some_parts(monkeypatch):
    """The loss of one text stands in for the score."""
    from gptlab.interpret.ablation import loss_nats, switched_off

    run, text, parts = model_of(TEXT), "The cat sat", (((0, 1),), (1,), "mean")
    ids = torch.tensor([cached_inside.token_ids(run.id, text)])

    def asked(model, tokenizer, task, examples, intervention=None):
        return SimpleNamespace(score=(task.name, len(examples), float(loss_nats(model, ids, intervention)[0])))

    monkeypatch.setattr("gptlab.evaluation.scoring.zero_shot", asked)
    found = cached_inside.tested(run.id, 40, text, *parts, "sentiment-en", 20)
    model = load_model(run, 40)
    assert found.n == 20 and found.whole == ("sentiment-en", 20, loss_nats(model, ids)[0])
    assert found.without == ("sentiment-en", 20, loss_nats(model, ids, switched_off(model, ids, *parts))[0])
    assert abs(found.whole[2] - found.without[2]) > 0.01


def test_patching_names_the_two_tokens_that_it_compares():
    """Of each answer the first one counts."""
    run = model_of(TEXT)
    _found, tokens, compared = cached_inside.patched(run.id, 40, "The cat", "The dog", "mat", "log")
    assert tokens == ["T", "h", "e", "␣", "d", "o", "g"] and compared == ["m", "l"]
    app = opened("heads", heads_view="patching", clean_en="The cat", corrupted_en="The dog")
    one, two = [field for field in app.text_input if field.label == "Its answer"]
    assert "first token" in one.help and "first token" in two.help
    one.set_value("mat")
    two.set_value("log").run()
    assert not app.exception and not app.error and any("Logit of m minus that of l" in caption.value for caption in app.caption)


def test_rows_behind_the_vocabulary_have_names_in_a_fine_tuning_alone():
    """A model may have more rows than its tokenizer has tokens; the last three are a fine-tuning's."""
    run = model_of(TEXT)
    n = run.tokenizer().vocab_size
    run.write_config(run.config().with_(model=run.config().model.with_(vocab_size=n + 2)))
    assert cached_inside.alone(run.id, np.array([[0, n], [n + 1, 0]])) == ["␣", f"<{n}>", f"<{n + 1}>", "␣"]
    tuned_from("", run)
    assert cached_inside.alone(run.id, np.arange(n - 1, n + 5)) == ["t", f"<{n}>", f"<{n + 1}>", "Start", "Delim", "Extract"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_model_opens_with_a_text_that_it_can_read(monkeypatch, language):
    """One of its own where there is one, then the model's that it began from, then a story in a language that it can read."""
    monkeypatch.setattr(inside.state, "language", lambda: language)
    english, korean, wordy = model_of(TEXT), model_of(KOREAN, "Horses"), model_of(TEXT, vocabulary=BPE, block_size=2048)
    assert inside.default_text(english) in TEXT and inside.default_text(korean) in KOREAN
    assert inside.default_text(tuned_from(korean.id, model_of(KOREAN))) == inside.default_text(korean)
    both = inside.story("en") + inside.story("ko")
    assert inside.default_text(from_elsewhere(model_of(both, block_size=128))) == inside.story(language)
    assert inside.default_text(from_elsewhere(model_of(inside.story("en") * 10, block_size=128))) == inside.story("en")
    orphan = tuned_from("20260101-000000-dead", model_of(both, block_size=128))
    assert inside.default_text(orphan) == inside.story(language), "what it began from is gone"
    assert len(wordy.tokenizer().encode(inside.story("ko"))) > cached_inside.MOST_TOKENS, "too long in bytes"
    assert inside.default_text(from_elsewhere(wordy)) == inside.story("en")


def test_a_model_that_can_read_no_story_opens_with_tokens_of_its_own():
    lesson = create_run(*induction_config(Induction(), "cpu", "Induction"))
    for run in (lesson, from_elsewhere(model_of(KOREAN)), from_elsewhere(model_of("\u732b\u306f\u53ef\u611b\u3044" * 200))):
        text = inside.default_text(run)
        assert text[:12] == text[12:] and len(cached_inside.token_ids(run.id, text)) == 24
    assert set(inside.default_text(lesson)) <= set(SYMBOLS)


def test_a_text_that_is_too_long_for_a_context_is_begun():
    assert inside.default_text(model_of(TEXT, block_size=6)) == inside.default_text(model_of(TEXT))[:6]
    foreign = from_elsewhere(model_of("xy" * 100, vocabulary=TokenizerConfig(kind="bpe", vocab_size=258), block_size=8))
    assert inside.default_text(foreign) == "Minho ha"
    assert inside._beginning(foreign.tokenizer(), foreign.tokenizer().encode("민호는").tolist()[:8]) == "민호", "whole characters"


def test_the_text_goes_with_the_model_until_somebody_writes_one():
    korean, english = model_of(KOREAN, "Horses"), model_of(TEXT)
    app = opened("lens", model=english.id)
    assert text_box(app).value == inside.default_text(english) and "inside_en" not in app.query_params
    app.selectbox(key="model").set_value(korean.id).run()
    assert text_box(app).value == inside.default_text(korean) and not app.error and not app.exception
    text_box(app).set_value("늙은 말이").run()
    app.selectbox(key="model").set_value(english.id).run()
    assert text_box(app).value == "늙은 말이" and "never seen" in app.error[0].value
    app = opened("lens", model=english.id, inside_en="The log")
    assert text_box(app).value == "The log"


def test_a_model_is_compared_with_another_moment_or_with_one_that_cuts_alike():
    alike = model_of(TEXT, "Alike", steps=(40,))
    other = model_of(KOREAN, "Other")
    still = model_of(TEXT, "Still", steps=(40,))
    model_of(KOREAN, "Newest")
    app = opened("attention", attention_view="compare", model=other.id)
    assert app.selectbox(key="other_model").value == other.id and len(app.get("plotly_chart")) == 3
    app.selectbox(key="model").set_value(still.id).run()
    assert app.selectbox(key="other_model").value == alike.id and len(app.get("plotly_chart")) == 3
    assert not app.warning and not app.error and not app.exception
    app.selectbox(key="other_model").set_value(other.id).run()
    app.selectbox(key="model").set_value(alike.id).run()
    assert app.selectbox(key="other_model").value == other.id, "what was chosen stays"
    app = opened("attention", attention_view="compare", model=still.id, other_model=other.id)
    assert app.selectbox(key="other_model").value == other.id


def test_a_model_is_laid_beside_its_beginning_and_beside_the_end_of_another():
    one, other = model_of(TEXT, "One"), model_of(TEXT, "Another")
    last = one.checkpoint_steps()[-1]
    app = opened("attention", attention_view="compare", model=one.id)
    assert app.select_slider(key=f"other_step_{one.id}").value == one.checkpoint_steps()[0] != last
    app.selectbox(key="other_model").set_value(other.id).run()
    assert app.select_slider(key=f"other_step_{other.id}").value == last and not app.exception


def test_patterns_that_are_compared_have_one_scale():
    """A flat one beside a clear one; the mean beside its heads."""
    model_of(TEXT)
    app = opened("attention", attention_view="compare")
    first, second, difference = (json.loads(chart.proto.spec)["data"][0] for chart in app.get("plotly_chart"))
    assert first["zmax"] == second["zmax"] and difference["zmin"] == -difference["zmax"]
    app = opened("attention", head="mean")
    large, small = (json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart"))
    assert len(small) == 2 and len({trace["zmax"] for trace in (large[0], *small)}) == 1


@pytest.mark.parametrize("view", ["embeddings", "places"])
def test_a_cosine_below_zero_is_told(view):
    model_of(TEXT, block_size=8)
    app = opened("lens", lens_view=view)
    bars = next(part.proto.body for part in app.get("html") if "lab-bars" in part.proto.body)
    assert not app.exception and '<div class="value">-0.' in bars
