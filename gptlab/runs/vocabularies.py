"""Every vocabulary by one name, for the page and for the command line."""

from contextlib import suppress
from functools import lru_cache

from gptlab.errors import LabError, TokenizerError
from gptlab.runs.store import Run, open_run, readable_runs, shipped_runs
from gptlab.tokenizer import BPETokenizer, CharacterTokenizer, Tokenizer, gpt2
from gptlab.tokenizer.published import SOURCES, published

BUILT_IN = ("characters", "bytes", "gpt2", *SOURCES)


def vocabulary(name: str, text: str) -> Tokenizer:
    """A vocabulary by its name.

    Args:
        name: "characters" (those of the text itself), "bytes", "gpt2", "cl100k_base", "o200k_base", or the id of a run.
        text: what is to be encoded.

    Raises:
        LabError: no such vocabulary, or it is not on this computer.
    """
    if name == "characters":
        return CharacterTokenizer.train(text)
    if name == "bytes":
        return BPETokenizer([])
    if name == "gpt2":
        return gpt2()
    if name in SOURCES:
        return published(name)
    try:
        return open_run(name).tokenizer()
    except LabError as error:
        raise TokenizerError(
            "There is no vocabulary {name!r}; known are {names} and the ids of runs. {reason}",
            name=name, names=", ".join(BUILT_IN), reason=error,
        ) from error  # fmt: skip


def trained_vocabularies() -> list[str]:
    """Ids of the runs that trained a BPE of their own, newest first, then the shipped one; each vocabulary once, a damaged one left out."""
    found: dict[str, str] = {}
    for run in (*readable_runs(), *shipped_runs()):
        with suppress(TokenizerError):
            if (vocabulary_id := _bpe_id(run)) is not None:
                found.setdefault(vocabulary_id, run.id)
    return list(found.values())


@lru_cache(maxsize=1000)
def _bpe_id(run: Run) -> str | None:
    """Id of a run's vocabulary if it is a BPE. A run keeps its vocabulary, so it is read once."""
    tokenizer = run.tokenizer()
    return tokenizer.id if isinstance(tokenizer, BPETokenizer) else None
