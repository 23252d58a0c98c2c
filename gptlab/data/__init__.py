"""Texts: read from files, kept in the library, cut into batches, and described by simple statistics.

Imports floors 0 and 1, numpy and pandas; torch in `batches` only, which is why `Batches` is imported from there and not
from here: a page that lists texts must not wait for torch.
"""

from gptlab.data.corpus import Corpus, Document, check_length
from gptlab.data.files import ENCODINGS, MAX_FILE_BYTES, SUFFIXES, read_file, text_columns
from gptlab.data.library import About, corpora, encoded, open_corpus, save
from gptlab.data.sources import folder, pasted, python_documentation, python_sources, uploads
from gptlab.data.statistics import Expectations, expectations

__all__ = [
    "ENCODINGS",
    "MAX_FILE_BYTES",
    "SUFFIXES",
    "About",
    "Corpus",
    "Document",
    "Expectations",
    "check_length",
    "corpora",
    "encoded",
    "expectations",
    "folder",
    "open_corpus",
    "pasted",
    "python_documentation",
    "python_sources",
    "read_file",
    "save",
    "text_columns",
    "uploads",
]
