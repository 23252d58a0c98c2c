"""Every sentence that a person may read has a Korean translation with the same places in it."""

import ast
import string
from dataclasses import fields
from pathlib import Path

import pytest

from gptlab import config, errors, experiment, words
from gptlab.settings import Config

ROOT = Path(__file__).resolve().parent.parent
SCREEN = [ROOT / "app.py", *(path for part in ("pages", "gptlab/ui", "gptlab/figures") for path in (ROOT / part).rglob("*.py"))]
ERRORS = {name for name in dir(errors) if name.endswith("Error")}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def literal(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def sentences() -> dict[str, str]:
    """English text -> where it stands: what goes through `_()`, the templates of errors, help and units of settings."""
    found = {}
    for path in SCREEN:
        found |= {text: path.name for call in calls(path) if name_of(call) == "_" and (text := literal(call))}
    for path in (ROOT / "gptlab").rglob("*.py"):
        found |= {text: path.name for call in calls(path) if name_of(call) in ERRORS and (text := literal(call))}
    for kind in (vars(config) | vars(experiment)).values():
        if isinstance(kind, type) and issubclass(kind, Config):
            for field in fields(kind):
                found |= {text: f"{kind.__name__}.{field.name}" for key in ("help", "unit") if (text := field.metadata.get(key))}
    died = [node.value for node in ast.walk(ast.parse((ROOT / "gptlab/runs/store.py").read_text())) if isinstance(node, ast.Constant)]
    return found | {text: "store.py" for text in died if isinstance(text, str) and text.startswith("The worker (process")}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", [key for key in words.LANGUAGES if key != "en"])
def test_every_sentence_is_translated(language):
    catalogue = words.catalogue(language)
    missing = {text: place for text, place in sentences().items() if text not in catalogue}
    assert not missing, "\n".join(f"{place}: {text!r}" for text, place in missing.items())


@pytest.mark.parametrize("language", [key for key in words.LANGUAGES if key != "en"])
def test_a_translation_has_the_same_places(language):
    wrong = {text: told for text, told in words.catalogue(language).items() if places(text) != places(told)}
    assert not wrong


@pytest.mark.parametrize("language", [key for key in words.LANGUAGES if key != "en"])
def test_the_catalogue_holds_nothing_else(language):
    assert not set(words.catalogue(language)) - set(sentences())


def test_screen_words_go_through_the_catalogue():
    """A sentence given to a Streamlit call without `_()` would stay English."""
    takes_words = {"title", "header", "subheader", "markdown", "caption", "button", "selectbox", "slider", "info", "warning", "text_input"}
    bare = [
        f"{path.name}:{call.lineno} {text!r}"
        for path in SCREEN
        for call in calls(path)
        if name_of(call) in takes_words and (text := literal(call)) and text != "GPT Lab"
    ]
    assert not bare


def test_chosen_language_is_asked_at_every_look_up(monkeypatch):
    chosen = "en"
    monkeypatch.setattr(words, "_chosen", lambda: chosen)
    assert words._("Train") == "Train"
    chosen = "ko"
    assert words._("Train") == words.catalogue("ko")["Train"] != "Train"
    assert words._("a sentence nobody translated") == "a sentence nobody translated"


def test_an_error_is_told_in_the_chosen_language(monkeypatch):
    monkeypatch.setattr(words, "_chosen", lambda: "ko")
    error = errors.RunError("There is no run {run_id!r}. The command `runs` lists those there are.", run_id="x")
    assert "'x'" in words.told(error) and words.told(error) != str(error)
