"""Stories on the Generate page, judged."""

import pytest

from gptlab.config import TokenizerConfig
from gptlab.evaluation import coherence
from gptlab.ui import cached_village
from tests.test_pages import opened, small_python_text, tiny_run  # noqa: F401

WHOLE = {
    "en": "One day, Minho was in the garden. Minho had a red kite.",
    "ko": "어느 날이었다. 민호는 정원에 있었다. 민호에게는 빨간 연이 있었다.",
}
SLIP = {"en": "Then Minho dropped Minho's kite, and it broke.", "ko": "그런데 민호가 민호의 연을 떨어뜨려서 망가졌다."}


@pytest.fixture
def telling(monkeypatch):
    """`telling(texts)`: models tell these, in turn."""

    def tell(texts):
        def told_by(_run, _step, language, n, **_sampling):
            return [(text, coherence.judged(text, language)) for text in (texts[i % len(texts)] for i in range(n))]

        monkeypatch.setattr(cached_village, "told_by", told_by)

    return tell


def html(app) -> str:
    return " ".join(element.body for element in app.get("html"))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_story_shows_its_slips(telling, language, lab_home):
    telling([f"{WHOLE[language]} {SLIP[language]}"])
    app = opened("pages/pretrain/generate.py", language, run=tiny_run(lab_home).id)
    assert '<span class="slip"' not in html(app), "nobody asked for a story yet"
    app.button(key="stories_1").click().run()
    assert not app.exception and not app.error
    (slip,) = html(app).split('<span class="slip"')[1:]
    assert slip.partition(">")[2].startswith(SLIP[language].replace("'", "&#x27;")) and slip.startswith(' data-about="')
    app.slider(key="temperature").set_value(0.5).run()
    assert '<span class="slip"' not in html(app), "that was another question"


def test_stories_are_counted(telling, lab_home):
    telling([WHOLE["en"], f"{WHOLE['en']} {SLIP['en']}"])
    app = opened("pages/pretrain/generate.py", run=tiny_run(lab_home).id)
    app.button(key="stories_20").click().run()
    assert not app.exception and "10 / 20" in html(app) and html(app).count("Minho dropped") == 10


def test_twenty_of_twenty_are_not_certain(telling, lab_home):
    telling([WHOLE["en"]])
    app = opened("pages/pretrain/generate.py", run=tiny_run(lab_home).id)
    app.button(key="stories_20").click().run()
    assert "20 / 20" in html(app) and "95 % interval 0.84 to 1.00" in html(app)


def test_a_context_without_room_is_no_story(lab_home):
    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=4)
    app = opened("pages/pretrain/generate.py", run=run.id)
    app.button(key="stories_1").click().run()
    assert not app.exception and "does not tell of the village" in app.info[0].value


def test_another_text_is_no_story_of_the_village(telling, lab_home):
    telling(["To be, or not to be. That is the question."])
    app = opened("pages/pretrain/generate.py", run=tiny_run(lab_home).id)
    app.button(key="stories_1").click().run()
    assert not app.exception and "does not tell of the village" in app.info[0].value


def test_a_model_tells_until_the_end_or_its_context_is_full(lab_home, monkeypatch):
    """A real one, which can say nothing yet; the second story is the one that begins with the next seed."""
    from gptlab.config import SamplingConfig
    from gptlab.runs.checkpoint import load_model

    run = tiny_run(lab_home, vocabulary=TokenizerConfig(kind="bpe", vocab_size=300), block_size=64)
    model, tokenizer = load_model(run), run.tokenizer()
    three = coherence.told(model, tokenizer, "en", SamplingConfig(seed=3), 3, ["Mina", "Jun"])
    assert three[0] != three[2] and ["Mina" in three[0], "Jun" in three[1], "Mina" in three[2]] == [True] * 3
    assert coherence.told(model, tokenizer, "en", SamplingConfig(seed=4), 1, ["Jun"]) == three[1:2]
    assert coherence.told(model, tokenizer, "ko", SamplingConfig(seed=3), 1) != three[:1]
    monkeypatch.setattr(tokenizer, "decode", lambda ids: " sat. He" + " ran" * len(ids) + "\n\n" * (len(ids) > 3) + " on")
    (story,) = coherence.told(model, tokenizer, "en", SamplingConfig(seed=3), 1)
    assert story.endswith(" sat. He ran ran ran ran"), "what stands behind the blank line is another document"
    monkeypatch.setattr(tokenizer, "decode", lambda ids: " sat. He" + " ran" * len(ids))
    (story,) = coherence.told(model, tokenizer, "en", SamplingConfig(seed=3), 1)
    assert story.endswith(" sat."), "its context was full before the sentence was"
