"""As `cached`, for the pages that look inside a model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from gptlab.errors import LabError
from gptlab.runs.store import Run, open_run
from gptlab.ui import cached

MOST_TOKENS = 128
"""Of a text that is looked into. Chosen here: a matrix with more cells than a screen has points for tells nothing."""

SPECIAL = ("Start", "Delim", "Extract")
"""Names of the tokens that a fine-tuning adds behind the vocabulary."""


def most_tokens(run: Run) -> int:
    """Of a text that a model is shown."""
    return min(MOST_TOKENS, run.config().model.block_size)


def token_ids(run_id: str, text: str) -> list[int]:
    """The tokens of a text.

    Raises:
        LabError: no token at all, or more than can be looked at.
    """
    run = open_run(run_id)
    ids = [int(i) for i in run.tokenizer().encode(text)]
    most = most_tokens(run)
    if not ids:
        raise LabError("The text is empty. Write a sentence.")
    if len(ids) > most:
        raise LabError(
            "The text has {n} tokens; up to {most} are looked at (the model's context has {context}). Shorten it.",
            n=len(ids), most=most, context=run.config().model.block_size,
        )  # fmt: skip
    return ids


def labels(run_id: str, ids: list[int]) -> list[str]:
    """Readable tokens in their text."""
    from gptlab.tokenizer import readable

    tokenizer = open_run(run_id).tokenizer()
    return readable(tokenizer, ids)


def alone(run_id: str, ids: np.ndarray) -> list[str]:
    """Readable tokens, each by itself; ids of any shape, flattened. A model may have more rows than its tokenizer has tokens."""
    from gptlab.tokenizer import readable

    run = open_run(run_id)
    tokenizer, config = run.tokenizer(), run.config()
    last = config.model.vocab_size
    special = dict(zip(range(last - len(SPECIAL), last), SPECIAL, strict=True)) if config.fine_tuning else {}

    def name(i: int) -> str:
        return readable(tokenizer, [i])[0] if i < tokenizer.vocab_size else special.get(i, f"<{i}>")

    names = {int(i): name(int(i)) for i in np.unique(ids)}
    return [names[int(i)] for i in ids.flatten()]


@st.cache_data(max_entries=64, show_spinner=False)
def vocabulary(run_id: str) -> str:
    """Id of a model's tokenizer: models that have the same one cut a text alike."""
    return open_run(run_id).tokenizer().id


@dataclass(frozen=True)
class Looked:
    """Attention on a text.

    Args:
        tokens: readable, T of them.
        captured: see `interpret.capture`.
    """

    tokens: list[str]
    captured: Any


@st.cache_data(max_entries=12, show_spinner=False)
def looked(run_id: str, step: int, text: str) -> Looked:
    """
    Raises:
        LabError: as `token_ids`.
    """
    from gptlab.interpret.capture import capture

    ids = token_ids(run_id, text)
    return Looked(labels(run_id, ids), capture(cached.model(run_id, step), ids))


@st.cache_data(max_entries=4, show_spinner=False)
def film(run_id: str, steps: tuple[int, ...], text: str, layer: int, head: int) -> np.ndarray:
    """One head's pattern at several checkpoints, (S, T, T)."""
    from gptlab.interpret.capture import capture
    from gptlab.runs.checkpoint import load_model

    ids = token_ids(run_id, text)
    return np.stack([capture(load_model(open_run(run_id), step), ids).patterns[layer, head] for step in steps])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Kinds:
    """Scores of a model's heads, what random models reach, the labels that follow, and how far above random a label begins."""

    scores: Any
    random: dict[str, Any]
    labels: list[list[str]]
    margin: float


@st.cache_data(max_entries=24, show_spinner=False)
def kinds(run_id: str, step: int) -> Kinds:
    from gptlab.interpret.heads import MARGIN, head_scores
    from gptlab.interpret.heads import labels as labelled

    model = cached.model(run_id, step)
    scores, random = head_scores(model), _random(run_id)
    return Kinds(scores, random, labelled(scores, random), MARGIN)


@st.cache_data(max_entries=24, show_spinner=False)
def _random(run_id: str) -> dict[str, Any]:
    """Baselines depend on the shape alone, not on the checkpoint."""
    from gptlab.interpret.heads import baselines
    from gptlab.model.build import build_model

    return baselines(build_model(open_run(run_id).config().model, 0))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Without:
    """What a text costs, and what comes next, with and without some parts."""

    tokens: list[str]
    whole_nats: float
    without_nats: float
    next_labels: list[str]
    whole: np.ndarray
    without: np.ndarray


@st.cache_data(max_entries=24, show_spinner=False)
def without(run_id: str, step: int, text: str, heads: tuple[tuple[int, int], ...], mlps: tuple[int, ...], how: str) -> Without:
    import torch

    from gptlab.interpret.ablation import loss_nats, next_token, switched_off

    model, ids = cached.model(run_id, step), token_ids(run_id, text)
    tokens = torch.tensor([ids])
    cut = switched_off(model, tokens, heads, mlps, how)
    whole, after = next_token(model, tokens), next_token(model, tokens, cut)
    shown = np.argsort(-np.maximum(whole, after))[:10]
    nats = [float(loss_nats(model, tokens, i).mean()) if len(ids) > 1 else float("nan") for i in (None, cut)]
    return Without(labels(run_id, ids), nats[0], nats[1], alone(run_id, shown), whole[shown], after[shown])


@dataclass(frozen=True)
class Tested:
    """A task's score without training, with and without some parts; what guessing reaches; how many examples."""

    whole: Any
    without: Any
    guessing: float
    n: int


@st.cache_data(max_entries=64, show_spinner=False)
def tested(
    run_id: str, step: int, text: str, heads: tuple[tuple[int, int], ...], mlps: tuple[int, ...], how: str, task: str, n: int
) -> Tested:
    """
    Args:
        text: over which means are taken.

    Raises:
        LabError: examples that the model's vocabulary cannot write.
    """
    import torch

    from gptlab.evaluation.scoring import zero_shot
    from gptlab.evaluation.shortcuts import guessing
    from gptlab.evaluation.tasks import task_named
    from gptlab.interpret.ablation import switched_off

    model, tokenizer, found = cached.model(run_id, step), open_run(run_id).tokenizer(), task_named(task)
    examples = found.examples("test")[:n]
    cut = switched_off(model, torch.tensor([token_ids(run_id, text)]), heads, mlps, how)
    whole, without = (zero_shot(model, tokenizer, found, examples, into).score for into in (None, cut))
    return Tested(whole, without, guessing(found), len(examples))


@st.cache_data(max_entries=8, show_spinner=False)
def ablation_map(run_id: str, step: int, text: str, how: str) -> tuple[Any, int]:
    """The map on a long text, cut into windows; and how many tokens were read."""
    import torch

    from gptlab.interpret.ablation import ablation_map as computed

    model = cached.model(run_id, step)
    ids = [int(i) for i in open_run(run_id).tokenizer().encode(text)][:2000]
    T = min(model.config.block_size, 128)
    n = len(ids) // (T + 1)
    if n == 0:
        raise LabError("The text has {n} tokens; the map needs at least {most}.", n=len(ids), most=T + 1)
    windows = torch.tensor(ids[: n * (T + 1)]).view(n, T + 1)
    return computed(model, windows, how), n * T


@st.cache_data(max_entries=24, show_spinner=False)
def patched(run_id: str, step: int, clean: str, corrupted: str, answer: str, other: str) -> tuple[Any, list[str], list[str]]:
    """What patching restores, the tokens of the corrupted prompt, and the two that are compared: the first ones of the answers.

    Raises:
        LabError: prompts or answers that do not fit together.
    """
    from gptlab.interpret.patching import patch

    tokenizer = open_run(run_id).tokenizer()
    first = [int(tokenizer.encode(word)[0]) if len(tokenizer.encode(word)) else -1 for word in (answer, other)]
    if -1 in first or first[0] == first[1]:
        raise LabError("The two answers begin with the same token, or one is empty: {a!r}, {b!r}.", a=answer, b=other)
    one, two = token_ids(run_id, clean), token_ids(run_id, corrupted)
    return patch(cached.model(run_id, step), one, two, first[0], first[1]), labels(run_id, two), alone(run_id, np.array(first))


@dataclass(frozen=True)
class Lensed:
    """The lens with words instead of ids."""

    tokens: list[str]
    top_labels: list[list[list[str]]]
    lens: Any


@st.cache_data(max_entries=12, show_spinner=False)
def lens(run_id: str, step: int, text: str) -> Lensed:
    from gptlab.interpret.lens import logit_lens

    ids = token_ids(run_id, text)
    found = logit_lens(cached.model(run_id, step), ids)
    names = np.array(alone(run_id, found.top_ids), dtype=object).reshape(found.top_ids.shape)
    return Lensed(labels(run_id, ids), names.tolist(), found)


@dataclass(frozen=True)
class Surprises:
    """Losses with words: what was expected instead of each token."""

    ids: list[int]
    tokens: list[str]
    nats: np.ndarray
    expected: list[list[str]]
    chances: np.ndarray
    right: np.ndarray
    """Whether the likeliest token was the true one."""


@st.cache_data(max_entries=12, show_spinner=False)
def surprises(run_id: str, step: int, text: str) -> Surprises:
    from gptlab.interpret.lens import token_losses

    ids = token_ids(run_id, text)
    if len(ids) < 2:
        raise LabError("The text is a single token; the first one is never predicted. Write a sentence.")
    found = token_losses(cached.model(run_id, step), ids)
    names = np.array(alone(run_id, found.top_ids), dtype=object).reshape(found.top_ids.shape)
    return Surprises(ids, labels(run_id, ids), found.nats, names.tolist(), found.top, found.top_ids[:, 0] == np.array(ids[1:]))


@st.cache_resource(max_entries=2, show_spinner=False)
def embeddings(run_id: str, step: int) -> np.ndarray:
    from gptlab.interpret.lens import embeddings as vectors

    return vectors(cached.model(run_id, step))


@st.cache_data(max_entries=8, show_spinner=False)
def places(run_id: str, step: int) -> np.ndarray:
    """Embeddings of all places of the context, (block_size, C)."""
    from gptlab.interpret.lens import position_embeddings

    return position_embeddings(cached.model(run_id, step))


@st.cache_data(max_entries=8, show_spinner=False)
def plane(run_id: str, step: int, ids: tuple[int, ...]) -> tuple[np.ndarray, tuple[float, float]]:
    from gptlab.interpret.lens import plane as flat

    return flat(embeddings(run_id, step)[list(ids)])


@st.cache_data(max_entries=8, show_spinner=False)
def words_by_kind(run_id: str, language: str) -> tuple[tuple[int, ...], list[str], list[str]]:
    """Things of the village that are one token in a model's vocabulary: ids, words, kinds."""
    from gptlab.data.village.lexicon import lexicon

    tokenizer = open_run(run_id).tokenizer()
    ids, words, kinds_of = [], [], []
    for noun in lexicon().nouns:
        word = " " + (noun.en if language == "en" else noun.ko)
        try:
            found = [int(i) for i in tokenizer.encode(word)]
        except LabError:
            continue
        if len(found) == 1:
            ids.append(found[0])
            words.append(word.strip())
            kinds_of.append(noun.kind.en if language == "en" else noun.kind.ko)
    return tuple(ids), words, kinds_of
