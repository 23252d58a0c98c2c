"""Whether what a model tells holds together: one story with its slips, or how many of twenty."""

from typing import Any

import streamlit as st
from scipy.stats import binomtest

from gptlab.evaluation.coherence import N_COLLECTED, Judged, holds_together
from gptlab.runs.store import Run
from gptlab.ui import cached_village, link, show, state
from gptlab.words import LANGUAGES, _

N_COUNTED = 20
"""Stories of which a share is told. Chosen here: seconds on a laptop, for an interval of twenty points to either side."""


def section(run: Run, step: int, sampling: dict[str, Any]) -> None:
    """A story on demand, judged."""
    st.subheader(_("Does its story hold together?"))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        language = link.segments(_("Language of the story"), list(LANGUAGES), state.language(), LANGUAGES.__getitem__, "story_language")
        for n, name, icon in ((1, _("Tell a story"), "menu_book"), (N_COUNTED, _("Count in {n} stories").format(n=N_COUNTED), "functions")):
            asked = (run.id, step, language, tuple(sampling.items()), n)
            st.button(name, icon=f":material/{icon}:", key=f"stories_{n}", on_click=state.change, args=("stories", asked))
    wanted = state.value("stories", None)
    n = next((n for n in (1, N_COUNTED) if wanted == (run.id, step, language, tuple(sampling.items()), n)), 0)
    if not n:
        st.caption(_("A model that read the village tells of it. Every sentence is held against those before it."))
        return
    with st.spinner(_("Telling {n} ...").format(n=n)):
        stories = cached_village.told_by(run.id, step, language, n, **sampling)
    if sum(is_foreign(sentences) for _text, sentences in stories) > n / 2:
        first, _sentences = stories[0]
        st.info(_("This model does not tell of the village, and only stories of the village can be judged: {text}").format(text=first))
        return
    if n == 1:
        one_story(*stories[0])
    else:
        many(stories)
    st.caption(
        _("Every sentence is taken back to the event that it tells; what that has to do with what was told before must occur in {n} true "
          "stories, else it is a slip. Of other true stories 99 in 100 have none, of those with one name exchanged 15.").format(
            n=f"{N_COLLECTED:,}")
    )  # fmt: skip


def is_foreign(sentences: list[Judged]) -> bool:
    """Whether most of a text is none of the village's."""
    return sum("none" in sentence.slips for sentence in sentences) > len(sentences) / 2


def one_story(text: str, sentences: list[Judged]) -> None:
    """The story with its slips marked, and what each is about."""
    pieces, last = [], 0
    for sentence in sentences:
        pieces += [(text[last : sentence.begin], ""), (text[sentence.begin : sentence.end], about(sentence))]
        last = sentence.end
    show.marked(pieces)
    slips = [(text[sentence.begin : sentence.end], about(sentence)) for sentence in sentences if sentence.slips]
    if slips:
        show.table([_("Sentence"), _("What does not fit")], slips, wrap_first=True)
    else:
        st.markdown(_("{n} sentences, and each goes with what was told before.").format(n=len(sentences)))


def many(stories: list[tuple[str, list[Judged]]]) -> None:
    """How many hold together, and the first slip of each other."""
    n, n_whole = len(stories), sum(holds_together(sentences) for _text, sentences in stories)
    low, high = binomtest(n_whole, n).proportion_ci(method="wilson")  # of twenty, all may be whole: a bootstrap would be sure of it
    interval = _("95 % interval {low} to {high}").format(low=f"{low:.2f}", high=f"{high:.2f}")
    n_sentences = sum(len(sentences) for _text, sentences in stories) / n
    show.numbers([(_("hold together"), f"{n_whole} / {n}", interval), (_("sentences a story"), f"{n_sentences:.1f}", "")])
    firsts = [
        (str(i + 1), text[first.begin : first.end], about(first))
        for i, (text, sentences) in enumerate(stories)
        for first in [sentence for sentence in sentences if sentence.slips][:1]
    ]
    if firsts:
        show.table([_("Story"), _("Its first slip"), _("What does not fit")], firsts)


def about(sentence: Judged) -> str:
    """What is wrong with a sentence, in words; empty where it fits."""
    names = {
        "same": _("one person in two parts"),
        "follows": _("who takes part, or what happens, does not go with what came before"),
        "like": _("looked different before, or was a she or a he"),
        "known": _("somebody new as if known, or somebody known as if new"),
        "owner": _("somebody else has it, or nobody"),
        "place": _("who is at this place does not fit"),
        "none": _("no sentence of the village"),
    }  # fmt: skip
    return "; ".join(dict.fromkeys(names[slip] for slip in sentence.slips))
