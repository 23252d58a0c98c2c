"""Text from tokens that come one at a time."""

import codecs
from collections.abc import Iterable, Iterator

from gptlab.tokenizer.vocabulary import Tokenizer


def decode_stream(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[str]:
    """The text of each token as soon as it is whole: a character that is spread over tokens waits for its last byte.

    The pieces joined are `tokenizer.decode(ids)`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for id in ids:
        yield decoder.decode(tokenizer.token_bytes(id))
    yield decoder.decode(b"", final=True)
