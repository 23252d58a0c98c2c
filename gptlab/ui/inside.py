"""What the pages that look inside share: which model, at which moment, on which text."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from gptlab.config import ModelConfig
from gptlab.errors import LabError
from gptlab.runs.store import Run, open_run
from gptlab.tokenizer import Tokenizer
from gptlab.ui import cached, cached_inside, link, pick, state
from gptlab.words import _


@dataclass(frozen=True)
class Subject:
    """A model at a checkpoint, and a text."""

    run: Run
    step: int
    text: str

    @property
    def shape(self) -> ModelConfig:
        shape = self.run.config().model
        assert isinstance(shape, ModelConfig)
        return shape


def choose(with_text: bool = True) -> Subject | None:
    """The top of every page that looks inside; None, with the way to a model, when there is none."""
    left, right = st.columns([3, 4], gap="medium", vertical_alignment="bottom")
    with left:
        run = pick.pretrained(pick.is_transformer, _("Model"), order=pick.longest_film_first)
    if run is None:
        return None
    with right:
        step = pick.checkpoint(run)
    if step is None:
        return None
    if not with_text:
        return Subject(run, step, "")
    default, key = default_text(run), f"inside_{state.language()}"
    follow(key, default)
    return Subject(run, step, link.text(_("Text"), default, key, height=80))


def follow(key: str, default: str) -> None:
    """Before a widget is drawn: it holds what the link asks for, else the default. That changes with the model, and the widget changes
    with it for as long as nobody has put something else there.
    """
    held = state.value(key, None)
    if held is None:
        state.change(key, st.query_params.get(key, default))
    elif held == state.value(f"{key}_default", None) != default:
        state.change(key, default)
    state.change(f"{key}_default", default)


def default_text(run: Run) -> str:
    """A text that the model can read, and say something about if there is one."""
    return _default_text(run.id, state.language())


@st.cache_data(max_entries=32, show_spinner=False)
def _default_text(run_id: str, language: str) -> str:
    run = open_run(run_id)
    tokenizer, most = run.tokenizer(), cached_inside.most_tokens(run)
    begun = []
    for text in _texts(run, language):
        with suppress(LabError):  # letters that the vocabulary does not know
            ids = tokenizer.encode(text).tolist()
            if len(ids) <= most:
                return text
            begun.append(_beginning(tokenizer, ids[:most]))
    return begun[0] if begun else said_twice(tokenizer, most)


def _texts(run: Run, language: str) -> Iterator[str]:
    """Texts that a model may know, the likeliest first."""
    if not run.is_shipped:
        found = cached.first_prompt(run.id).strip()
        if len(found.split()) > 1 or len(found) >= 10:  # some languages have no spaces
            yield found
    if plan := run.config().fine_tuning:
        with suppress(LabError):  # the model that it began from is gone
            yield from _texts(open_run(plan.model), language)
    yield story(language)
    yield story("en")


def _beginning(tokenizer: Tokenizer, ids: list[int]) -> str:
    """The text of some tokens, up to its last whole character."""
    while (text := tokenizer.decode(ids)).endswith("\ufffd"):
        ids = ids[:-1]
    return text


def said_twice(tokenizer: Tokenizer, most: int) -> str:
    """Up to 12 random tokens, and the same once more."""
    from gptlab.interpret.heads import repeated_tokens

    return tokenizer.decode(repeated_tokens(tokenizer.vocab_size, min(12, most // 2), 1)[0].tolist())


def story(language: str) -> str:
    """A short story of the village that asks for the beginning at its end."""
    if language == "ko":
        return "민호는 빨간 연을 가지고 있었다. 소희는 파란 공을 가지고 있었다. 민호는 소희에게 연을 주었다. 소희는 연을"
    return "Minho had a red kite. Sohui had a blue ball. Minho gave the kite to Sohui. Sohui thanked"
