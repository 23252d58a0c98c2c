"""The village: a made world whose truth is known, its tasks, and the models that learned from it."""

import streamlit as st

from gptlab.ui import link, show, village
from gptlab.words import _

VIEWS = {
    "stories": village.stories, "reading": village.reading, "words": village.words, "tasks": village.tasks, "models": village.models,
}  # fmt: skip

st.title(_("The village"))
st.markdown(_("A small world that is simulated, then told in two languages. Because its truth is known, every answer can be checked."))

names = {
    "stories": _("Stories"), "reading": _("What models read"), "words": _("Words"), "tasks": _("Tasks"), "models": _("Models"),
}  # fmt: skip
view = link.segments(_("View"), list(VIEWS), "stories", names.__getitem__, "village_view", label_visibility="collapsed")
VIEWS[view]()

st.divider()
show.lesson(
    notice=[
        _("Both languages tell the same events, in phrases of their own: the sentences are parallel, not translated word by word."),
        _("A fact that is told once is needed again later: somebody is looked for where he went, a wrong claim is contradicted."),
        _("A bag of words stays near chance on the tasks: the answer is in who did what, not in which words occur."),
    ],
    attempt=[
        _("Set the share of documents that show a task to 0, keep the text, and train on it: what can the model still answer?"),
        _("Read ten stories, then ask a friend the questions without the stories."),
        _("Look at the words of both languages: why has Korean so many more forms for the same stories?"),
    ],
)
