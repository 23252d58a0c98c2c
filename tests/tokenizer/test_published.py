"""Later vocabularies: only from the cache or on request, and never something else than what was published."""

import hashlib
import io
import socket
import time
from http.client import BadStatusLine, IncompleteRead
from pathlib import Path

import pytest
import tiktoken
from tiktoken_ext import openai_public

from gptlab.errors import TokenizerError
from gptlab.tokenizer import published as module
from gptlab.tokenizer import readable
from gptlab.tokenizer.published import SOURCES, Source, cache_file, download, is_here, published

RANKS = {bytes([b]): b for b in range(256)} | {b"ab": 256, " 안".encode(): 300}
CONTENT = b"not really a vocabulary"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A published vocabulary of our own making, and an empty cache."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(SOURCES, "cl100k_base", Source("cl100k_base", hashlib.sha256(CONTENT).hexdigest(), 0.001))
    about = dict(name="x", pat_str=r" ?\S+|\s+(?!\S)|\s+", mergeable_ranks=RANKS, special_tokens={"<|endoftext|>": 310})
    monkeypatch.setattr(openai_public, "cl100k_base", lambda: about)
    module._opened.cache_clear()
    yield tmp_path / "cache"
    module._opened.cache_clear()


def answers(monkeypatch, content):
    asked = []
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda url, timeout: asked.append((url, timeout)) or io.BytesIO(content))
    return asked


def test_hashes_are_those_that_tiktoken_pins():
    source = Path(openai_public.__file__).read_text(encoding="utf-8")
    for about in SOURCES.values():
        assert f'"{about.url}",\n        expected_hash="{about.sha256}"' in source


def test_the_cache_is_tiktokens(monkeypatch, tmp_path):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", str(tmp_path))
    source = SOURCES["o200k_base"]
    cache_file(source).write_bytes(b"mine")
    assert tiktoken.load.read_file_cached(source.url) == b"mine"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert cache_file(source) is None and not is_here("o200k_base")
    with pytest.raises(TokenizerError, match="switched off"):
        download("o200k_base")


def test_what_is_not_here_is_said_without_a_look_at_the_network(cache, monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("went to the network"))
    assert not is_here("cl100k_base")
    with pytest.raises(TokenizerError, match="cl100k_base is not on this computer"):
        published("cl100k_base")
    with pytest.raises(TokenizerError, match="known are cl100k_base, o200k_base"):
        published("p50k_base")


def test_download_puts_it_into_the_cache_and_it_works_from_there(cache, monkeypatch):
    asked = answers(monkeypatch, CONTENT)
    download("cl100k_base")
    assert asked == [(SOURCES["cl100k_base"].url, module.TIMEOUT_S)] and is_here("cl100k_base")
    assert [f.read_bytes() for f in cache.iterdir()] == [CONTENT]
    tokenizer = published("cl100k_base")
    assert tokenizer.encode("ab 안 <|endoftext|>").tolist()[:2] == [256, 300] and 310 not in tokenizer.encode("<|endoftext|>")
    assert tokenizer.decode(tokenizer.encode("ab 안 😀")) == "ab 안 😀"
    assert (tokenizer.vocab_size, tokenizer.end_of_text, tokenizer.token_bytes(290)) == (311, 310, b"")
    assert readable(tokenizer, tokenizer.encode("안")) == ["안[1/3]", "안[2/3]", "안[3/3]"]


@pytest.mark.parametrize("content", [b"", b"<html>Please log in to the network</html>", CONTENT + b"x"])
def test_something_else_is_not_kept(cache, monkeypatch, content):
    answers(monkeypatch, content)
    with pytest.raises(TokenizerError, match="nothing was kept"):
        download("cl100k_base")
    assert not is_here("cl100k_base") and not cache.exists()


NO_NETWORK = [TimeoutError("timed out"), socket.gaierror(-2, "Name or service not known"), IncompleteRead(b"x", 9), BadStatusLine("x")]


@pytest.mark.parametrize("error", NO_NETWORK)
def test_no_network_is_a_sentence(cache, monkeypatch, error):
    def fails(*a, **k):
        raise error

    monkeypatch.setattr(module.urllib.request, "urlopen", fails)
    with pytest.raises(TokenizerError, match="could not be downloaded: .*Everything else works without it"):
        download("cl100k_base")


def test_a_network_that_swallows_everything_is_given_up(cache, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        monkeypatch.setattr(Source, "url", property(lambda self: f"http://127.0.0.1:{port}/x"))
        monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
        begin = time.monotonic()
        with pytest.raises(TokenizerError, match="timed out"):
            download("cl100k_base")
        assert time.monotonic() - begin < 5


def test_a_changed_file_in_the_cache_is_not_used(cache, monkeypatch):
    answers(monkeypatch, CONTENT)
    download("cl100k_base")
    cache_file(SOURCES["cl100k_base"]).write_bytes(b"changed")
    assert not is_here("cl100k_base")


def test_white_space_without_end_is_a_sentence(cache, monkeypatch):
    answers(monkeypatch, CONTENT)
    download("cl100k_base")
    tokenizer = published("cl100k_base")
    with pytest.raises(TokenizerError, match="white space that is too long"):
        tokenizer.encode(" " * 1_000_000 + "x")
