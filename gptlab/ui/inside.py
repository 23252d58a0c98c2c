"""What the pages that look inside share: which model, at which moment, on which text."""

from dataclasses import dataclass

import streamlit as st

from gptlab.config import ModelConfig
from gptlab.runs.store import Run
from gptlab.ui import cached, link, pick, state
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
    text = link.text(_("Text"), default_text(run), f"inside_{state.language()}", height=80) if with_text else ""
    return Subject(run, step, text)


def default_text(run: Run) -> str:
    """A sentence that the model can say something about."""
    if run.is_shipped:
        return story(state.language())
    found = cached.first_prompt(run.id).strip()
    return found if len(found.split()) > 1 or len(found) >= 10 else story("en")  # some languages have no spaces


def story(language: str) -> str:
    """A short story of the village that asks for the beginning at its end."""
    if language == "ko":
        return "민호는 빨간 연을 가지고 있었다. 소희는 파란 공을 가지고 있었다. 민호는 소희에게 연을 주었다. 소희는 연을"
    return "Minho had a red kite. Sohui had a blue ball. Minho gave the kite to Sohui. Sohui thanked"
