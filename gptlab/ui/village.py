"""The views of the Village page."""

import numpy as np
import pandas as pd
import streamlit as st

from gptlab.data.village.documents import Village
from gptlab.evaluation.shortcuts import Shortcuts, guessing, recorded
from gptlab.evaluation.task import Example, Task
from gptlab.evaluation.tasks import VILLAGE
from gptlab.figures import tokenization as token_figures
from gptlab.figures import village as figures
from gptlab.runs.shipped import cards
from gptlab.ui import cached_village as cached
from gptlab.ui import link, show, state
from gptlab.words import _

LANGUAGES = {"en": ("en",), "ko": ("ko",), "both": ("en", "ko")}

SHOWN_DOCUMENTS = 8

EXPORTS = ["1", "5", "20", "80"]


def language_name(name: str) -> str:
    return {"en": _("English"), "ko": _("Korean"), "both": _("English and Korean")}[name]


def stories() -> None:
    """One story in both languages, and the state behind it."""
    same = _("The same number is the same story.")
    with st.columns([1, 4])[0]:
        number = int(st.number_input(_("Story"), 1, 1_000_000, 1, key="story", bind="query-params", help=same))
    page = cached.story(number, state.language())
    for column, (name, written) in zip(st.columns(2, gap="large"), zip(("en", "ko"), page.texts, strict=True), strict=True):
        with column:
            show.prose(language_name(name), written)
    st.subheader(_("What is true at the end"))
    people = [tuple(cell or "–" for cell in row) for row in page.people]
    show.table([_("Who"), _("Where"), _("Has"), _("Feels"), _("Why")], people, numbers_right=False)
    left, right = st.columns(2, gap="large")
    with left, st.expander(_("What happened, event by event, and what holds")):
        show.table([_("Event"), _("As it is told")], page.events, numbers_right=False)
        st.markdown("\n".join(f"- {truth}" for truth in page.truths))
    with right, st.expander(_("What may be asked"), expanded=True):
        show.table([_("Question"), _("Answer")], page.questions, numbers_right=False)


def reading() -> None:
    """The text that models learn from."""
    first, second, third, fourth, fifth = st.columns([5, 3, 7, 5, 5], gap="medium", vertical_alignment="bottom")
    with first:
        languages = LANGUAGES[link.select(_("Language of the text"), list(LANGUAGES), "both", language_name, "village_languages")]
    with second:
        seed = int(st.number_input(_("Seed"), 1, 1_000_000, 1, key="village_seed", bind="query-params"))
    with third:
        rate = st.slider(_("Documents that show a task, of 100"), 0, 100, 60, 5, key="village_rate", bind="query-params") / 100
    with fourth:
        made_up = st.slider(
            _("Made-up names, of 100"), 0, 100, 0, 5, key="village_made_up", bind="query-params",
            help=_("Names that nobody else has. From them a model learns to copy a name piece by piece, so that it can tell of people whom "
                   "it never met; gpt2-12x128-reader learned from texts with 30 and with 10."),
        ) / 100  # fmt: skip
    with fifth:
        lessons = st.toggle(
            _("Lessons in reading"), key="village_lessons", bind="query-params",
            help=_("More questions, above all for what a story tells once: from such a text gpt2-12x128-reader learned."),
        )  # fmt: skip
    village = Village(languages, seed, rate, lessons, made_up)
    found = cached.first_documents(village, SHOWN_DOCUMENTS)
    names = sort_names()
    left, right = st.columns([4, 3], gap="large")
    with left:
        st.subheader(_("How it begins"))
        for sort, written in found.shown:
            show.prose(names[sort], written)
    with right:
        st.subheader(_("What it is made of"))
        counted = {names[sort]: 100 * found.shares[sort] / cached.COUNTED for sort in names if sort in found.shares}
        table = pd.DataFrame({"sort": list(counted), "documents_of_100": list(counted.values())})
        show.figure(figures.shares_figure(list(counted), list(counted.values())), key="shares", table=lambda: table)
        st.caption(_("Counted in the first {n} documents.").format(n=f"{cached.COUNTED:,}"))
        st.subheader(_("Take it with you"))
        size = float(link.select(_("Size"), EXPORTS, "1", lambda n: f"{n} MB", "village_size"))
        st.download_button(
            _("Save as a text file"), data=lambda: cached.text(village, size).encode(), mime="text/plain",
            file_name=f"village-{'-'.join(languages)}-{seed}.txt", icon=":material/download:", on_click="ignore", key="village_file",
        )  # fmt: skip
        if st.button(_("Keep it in the library, to train on"), icon=":material/library_add:", key="village_keep"):
            with st.spinner(_("Telling stories ...")):
                kept = cached.kept(village, size)
            st.page_link(
                show.page_path("pretrain/train"), label=_("Train on it"), query_params={"text": kept}, icon=":material/arrow_forward:"
            )


def sort_names() -> dict[str, str]:
    """Sort of document -> its name."""
    return {
        "story": _("story alone"), "questions": _("story, then questions"), "lesson": _("story, then a lesson"),
        "summary": _("story, then a summary"), "note": _("story, then a letter or sign"), "paper": _("newspaper"),
        "review": _("opinion of a place"),
        "pairs": _("list of pairs"), "translations": _("sentences in both languages"),
    }  # fmt: skip


def words() -> None:
    """How rich the text is."""
    rows, counts = [], {}
    for name in ("en", "ko"):
        found = cached.statistics(name)
        bits = [f"{value:.2f}" for value in found.entropy_bits]
        rows.append((language_name(name), f"{found.n_words:,}", f"{found.n_forms:,}", *bits, f"{found.compression:.2f}"))
        counts[name] = found.counts
    rows += [(title, *cells) for title, cells in measured_texts()]
    header = [
        _("Text"), _("words counted"), _("different forms"), _("bits a word, alone"), _("knowing 1 before"), _("knowing 2 before"),
        _("compression"),
    ]  # fmt: skip
    show.table(header, rows)
    st.caption(
        _("The first 150,000 words and marks, lower case. Bits are the text's own counts, so they compare texts of one length only. "
          "Compression: bytes over bytes after LZMA. The last two rows were measured on real texts that do not ship with the lab.")
    )  # fmt: skip
    for column, name in zip(st.columns(2, gap="large"), ("en", "ko"), strict=True):
        with column:
            st.subheader(language_name(name))
            _ranks(name, counts[name])


def _ranks(name: str, counts: np.ndarray) -> None:
    table = pd.DataFrame({"rank": range(1, len(counts) + 1), "count": counts})
    show.figure(token_figures.rank_figure(counts), key=f"words_{name}", table=lambda: table)


def measured_texts() -> list[tuple[str, tuple[str, ...]]]:
    """Real texts, measured in the same way by tests/benchmarks/village.py."""
    return [
        (_("TinyStories, a sample"), ("150,000", "4,184", "8.25", "4.76", "2.46", "3.23")),
        (_("Tiny Shakespeare"), ("150,000", "8,529", "8.85", "5.45", "2.12", "2.63")),
    ]


def tasks() -> None:
    """Every task, an example of it, and what scores without reading."""
    name = link.select(_("Task"), list(VILLAGE), "choice-en", str, "task")
    task = VILLAGE[name]
    split = link.segments(_("Split"), ["validation", "test", "train"], "validation", split_name, "split")
    with st.spinner(_("Making the examples ...")):
        shown = cached.examples(name, split, 50)
    with st.columns([1, 4])[0]:
        number = int(st.number_input(_("Example"), 1, len(shown), 1, key="example", bind="query-params"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _example(task, shown[number - 1])
    with right:
        _facts(task)
    st.subheader(_("All tasks"))
    header = [_("Task"), _("form"), _("metric"), _("random"), _("majority"), _("bag of words"), _("second text only")]
    rows = [(task.name, task.form, task.metric, *shortcut_cells(recorded(task))) for task in VILLAGE.values()]
    show.table(header, rows)
    st.caption(
        _("Accuracy on the test split. Bag of words: logistic regression on word counts, trained on the training split; second text only: "
          "the same without the story. Where they stay near chance, only reading helps. Measured with `python -m gptlab tasks --measure`.")
    )  # fmt: skip


def split_name(split: str) -> str:
    return {"train": _("training split"), "validation": _("validation split"), "test": _("test split")}[split]


def _example(task: Task, example: Example) -> None:
    title = _("What a language model continues") if example.prompt else _("What a classifier reads")
    show.prose(title, example.prompt or "\n\n".join(example.texts))
    if example.choices:
        rows = [(choice.strip(), "✓" if i == example.label else "") for i, choice in enumerate(example.choices)]
        show.table([_("Choice"), ""], rows, numbers_right=False)
    elif task.labels:
        st.markdown(_("Right: **{label}**").format(label=task.labels[example.label]))
    else:
        st.markdown(_("Right: **{label}**").format(label=example.answer))


def _facts(task: Task) -> None:
    known = recorded(task)
    about = _("Form: **{form}** · metric: **{metric}** · version {version}")
    st.markdown(about.format(form=task.form, metric=task.metric, version=task.version))
    if known is not None:
        show.table(["", _("accuracy")], [
            (_("random guess"), f"{known.random:.3f}"), (_("majority class"), f"{known.majority:.3f}"),
            (_("bag of words"), f"{known.words.value:.3f} [{known.words.low:.3f}, {known.words.high:.3f}]"),
        ])  # fmt: skip
        st.caption(_("{n} test examples; 95 % interval over them.").format(n=f"{known.words.n:,}"))


def shortcut_cells(known: Shortcuts | None) -> tuple[str, str, str, str]:
    if known is None:
        return ("–", "–", "–", "–")
    second = f"{known.second_only.value:.3f}" if known.second_only else "–"
    return (f"{known.random:.3f}", f"{known.majority:.3f}", f"{known.words.value:.3f}", second)


def models() -> None:
    """The models that ship, with what they learned from and what they can do untrained."""
    found = cards()
    if not found:
        st.info(_("No model ships yet. `python -m gptlab build-models` makes them; it takes hours on two cores."))
        return
    rows = [
        (card["name"], f"{card['parameters']:,}", f"{card['tokens'] / 1e6:.1f} M", f"{card['validation_bits_per_byte']:.3f}",
         f"{card['seconds'] / 60:.0f} min", card["device"], card["command"])
        for card in found
    ]  # fmt: skip
    header = [_("Model"), _("parameters"), _("tokens read"), _("bits per byte"), _("time"), _("hardware"), _("made again by")]
    show.table(header, rows)
    onward = [
        _("{name} goes on from {base}: its tokens, bits and time are of its last text alone, lessons in reading.").format(
            name=card["name"], base=card["begins_from"]
        )
        for card in found if card.get("begins_from")
    ]  # fmt: skip
    st.caption(" ".join([_("Bits per byte on the hundredth of the text that was held out."), *onward]))
    st.subheader(_("Without fine-tuning on the task"))
    names = [card["name"] for card in found]
    scored = {name: card["zero_shot"] for name, card in zip(names, found, strict=True)}
    task_names = [name for name in VILLAGE if any(name in scores for scores in scored.values())]
    table = [
        (task, VILLAGE[task].metric, f"{guessing(VILLAGE[task]):.2f}", *(score_cell(scored[name].get(task)) for name in names))
        for task in task_names
    ]
    show.table([_("Task"), _("metric"), _("random"), *names], table)
    st.caption(
        _("The first 300 examples of the test split, 180 for rules, 100 where the answer is written; 95 % interval over the examples.")
    )


def score_cell(score: dict | None) -> str:
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]" if score else "–"
