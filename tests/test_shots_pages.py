"""Pages that answer without training, and a folder as a text, where not everything can be read."""

import pytest

from gptlab.config import TokenizerConfig
from tests.test_pages import opened, small_python_text, tiny_run  # noqa: F401

BYTES = TokenizerConfig(kind="bpe", vocab_size=300)


def test_a_short_context_judges_the_end_of_a_sentence(lab_home):
    run = tiny_run(lab_home, vocabulary=BYTES, block_size=32)
    app = opened("pages/shots/pretraining.py", run=run.id, zero_tasks="acceptability-en")
    assert not app.exception and not app.error and len(app.get("plotly_chart")) == 1
    assert any("Prompts that are too long for the 32 tokens of Cats" in caption.value for caption in app.caption)


@pytest.mark.parametrize(("language", "words"), [("en", "cannot be asked about"), ("ko", "물을 수 없습니다")])
def test_what_a_model_cannot_be_asked_hides_nothing_else(lab_home, language, words):
    run = tiny_run(lab_home, vocabulary=BYTES, block_size=8)
    app = opened("pages/shots/pretraining.py", language, run=run.id, zero_tasks="choice-en,acceptability-en")
    assert not app.exception and len(app.get("plotly_chart")) == 1
    (caption,) = [caption.value for caption in app.caption if words in caption.value]
    assert caption.count(words) == 1


def test_a_model_that_can_be_asked_nothing_says_why(lab_home):
    run = tiny_run(lab_home)  # its letters are those of one text
    app = opened("pages/shots/pretraining.py", run=run.id)
    assert not app.exception and "never seen" in app.error[0].value and not app.get("plotly_chart")


def test_a_folder_says_why_files_are_left_out(lab_home, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_bytes("안녕하세요".encode("cp949"))
    app = opened("pages/pretrain/train.py", text="folder")
    app.text_input(key="folder").set_value(str(folder)).run()
    assert not app.exception and "(1 skipped). The first: a.txt is not utf-8" in app.error[0].value
    (folder / "b.txt").write_text("The cat sat on the mat. " * 60)
    app.run()
    assert not app.exception and not app.error
    assert any("1 files could not be read" in w.value and "can be read as: cp949" in w.value for w in app.warning)
