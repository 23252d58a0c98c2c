"""The village as text to learn from: documents without end, the same for the same seed.

A document is a story, or a story with questions, a summary, a letter behind it, or a list, a review, a translation by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from gptlab.data.corpus import BETWEEN_DOCUMENTS, Corpus, Document
from gptlab.data.village import demonstrations as tasks
from gptlab.data.village.simulation import tell_story
from gptlab.data.village.story import Story
from gptlab.data.village.telling import LANGUAGES, as_text, tell
from gptlab.errors import DataError

VERSION = "2"
"""Changes whenever the same seed would give another text; of the text with lessons `LESSONS_VERSION` tells."""

LESSONS_VERSION = "2"

RATE = 0.6
"""Share of documents that show a task. Chosen here: high, because a model of a few million weights reads a few million words only."""

SHOWN = (("questions", 6), ("summary", 2), ("note", 1), ("paper", 1), ("review", 1), ("pairs", 3), ("translations", 2))
"""What shows a task, and how often."""

LESSONS = (("lesson", 40), *(entry for entry in SHOWN if entry[0] != "questions"))
"""The same with lessons in reading in place of questions, and seven times as many. Chosen here: what a story tells once and never uses
again, like a color, a model does not learn to look up from the few questions of the plain text; from lessons it does."""

LONGEST_LESSON = {"en": 700, "ko": 360}
"""Characters of a lesson's story: with its questions it mostly fits into 256 tokens, and what is asked for can be seen."""


@dataclass(frozen=True)
class Told:
    """A document with what is behind it.

    Args:
        sort: story, questions, lesson, summary, note, paper, review, pairs or translations.
        story: what happened; None for what needs no story.
    """

    text: str
    sort: str
    language: str
    story: Story | None


MOST_MEGABYTES = 500


@dataclass(frozen=True)
class Village:
    """A text of the village: the same for the same settings, and as long as is wished. The village keeps names, pairs of words and
    phrasings to itself that no story here uses; tasks are set with them.

    Args:
        languages: of "en" and "ko"; several take turns by chance.
        demonstrations: share of documents that show a task, 0 to 1.
        lessons: shows the tasks of `LESSONS`, else those of `SHOWN`.
        made_up: share of the people of stories whose names are made up, 0 to 1.

    Raises:
        DataError: an unknown language, none, or a share outside 0 to 1.
    """

    languages: tuple[str, ...] = LANGUAGES
    seed: int = 1
    demonstrations: float = RATE
    lessons: bool = False
    made_up: float = 0.0

    def __post_init__(self) -> None:
        if not self.languages or not set(self.languages) <= set(LANGUAGES):
            raise DataError(
                "The village speaks {known}, not {given}.", known=" ".join(LANGUAGES), given=" ".join(self.languages) or "nothing"
            )
        if not 0 <= self.demonstrations <= 1:
            raise DataError("The share of demonstrations is {given}; it goes from 0 to 1.", given=self.demonstrations)
        if not 0 <= self.made_up <= 1:
            raise DataError("The share of made-up names is {given}; it goes from 0 to 1.", given=self.made_up)

    def documents(self) -> Iterator[Told]:
        """Documents without end."""
        rng = Random(f"village {VERSION} {self.seed}")
        shown = LESSONS if self.lessons else SHOWN
        sorts, weights = zip(*((s, weight) for s, weight in shown if s != "translations" or len(self.languages) > 1), strict=True)
        while True:
            language = self.languages[int(rng.random() * len(self.languages))]
            sort = rng.choices(sorts, weights)[0] if rng.random() < self.demonstrations else "story"
            yield _document(sort, language, self.languages, rng, self.made_up)

    def text(self, megabytes: float) -> Corpus:
        """The first documents, until they are so long, to learn from.

        Raises:
            DataError: a size that is not between a kilobyte and `MOST_MEGABYTES`.
        """
        if not 0.001 <= megabytes <= MOST_MEGABYTES:
            raise DataError("A village of {given} MB cannot be told; give 0.001 to {most}.", given=megabytes, most=MOST_MEGABYTES)
        texts, n_bytes = [], 0
        for told in self.documents():
            texts.append(told.text)
            n_bytes += len(told.text.encode("utf-8")) + len(BETWEEN_DOCUMENTS)
            if n_bytes >= megabytes * 1e6:
                break
        kinds = "lessons and demonstrations" if self.lessons else "demonstrations"
        names = f", {self.made_up:.0%} of names made up" if self.made_up else ""
        title = f"Village ({'+'.join(self.languages)}, seed {self.seed}, {megabytes:g} MB, {self.demonstrations:.0%} {kinds}{names})"
        return Corpus(title, (Document(title, BETWEEN_DOCUMENTS.join(texts)),))


def _document(sort: str, language: str, languages: tuple[str, ...], rng: Random, made_up: float) -> Told:
    if sort == "pairs":
        return Told(tasks.pairs(rng, languages), sort, language, None)
    if sort == "translations":
        return Told(tasks.translations(rng), sort, language, None)
    if sort == "review":
        return Told(tasks.review(language, rng), sort, language, None)
    story = tell_story(rng, made_up=made_up)
    text = as_text(story.events, tell(story, language, rng))
    while sort == "lesson" and (len(text) > LONGEST_LESSON[language] or not tasks.confuses(story)):
        story = tell_story(rng, made_up=made_up)
        text = as_text(story.events, tell(story, language, rng))
    if sort in ("questions", "lesson"):
        text = tasks.with_questions(story, language, rng, text, lesson=sort == "lesson")
    elif sort == "summary":
        text = tasks.with_summary(story, language, rng, text)
    elif sort == "note" and (note := tasks.notes(story, language, rng)):
        text = f"{text}\n{note}"
    elif sort == "paper" and (article := tasks.paper(story, language, rng)):
        text = article
    return Told(text, sort, language, story)
