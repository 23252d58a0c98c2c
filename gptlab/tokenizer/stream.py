"""Text from tokens that come one at a time."""

import codecs
from collections.abc import Iterable, Iterator

from gptlab.tokenizer.vocabulary import Tokenizer

BYTES_SHOWN = "gptlab.bytes_shown"
"""Name of the error handler that writes undecodable bytes as `<E3>`."""


def decode_stream(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[str]:
    """The text of each token as soon as it is whole: a character that is spread over tokens waits for its last byte.

    A byte that belongs to no character, which a young model often writes, is shown as `<E3>`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors=BYTES_SHOWN)
    for id in ids:
        yield decoder.decode(tokenizer.token_bytes(id))
    yield decoder.decode(b"", final=True)


def shown_text(tokenizer: Tokenizer, ids: Iterable[int]) -> str:
    """The text of a whole sequence as it is shown: the pieces of `decode_stream` joined."""
    return "".join(decode_stream(tokenizer, ids))


def _show_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(f"<{byte:02X}>" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(BYTES_SHOWN, _show_bytes)
