"""Text to token ids and back: characters, byte-level BPE trained here, and GPT-2's own vocabulary.

Every tokenizer is a `Tokenizer`: immutable, known by the hash of its content, kept as JSON. Imports floor 0, numpy,
tiktoken and tokenizers only.
"""

from gptlab.tokenizer.bpe import BPETokenizer
from gptlab.tokenizer.characters import CharacterTokenizer
from gptlab.tokenizer.encodings import gpt2
from gptlab.tokenizer.families import load, save, train_tokenizer
from gptlab.tokenizer.labels import readable
from gptlab.tokenizer.stream import decode_stream, shown_text
from gptlab.tokenizer.vocabulary import Tokenizer

__all__ = [
    "BPETokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "decode_stream",
    "gpt2",
    "load",
    "readable",
    "save",
    "shown_text",
    "train_tokenizer",
]
