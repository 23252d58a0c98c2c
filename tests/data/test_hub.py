"""Data sets of the hub, from a server on this machine that answers as the hub does."""

import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptlab.data import hub
from gptlab.errors import DataError


def parquet(rows: dict, features: dict | None = None) -> bytes:
    table = pa.table(rows)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@pytest.fixture
def served(monkeypatch):
    """path -> bytes of a server that stands in for the hub; what was asked for."""
    pages: dict[str, bytes] = {}
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", address)

    def put(name: str, parts: dict[str, dict[str, bytes]]) -> None:
        listed = {part: {split: [f"{address}/{name}/{part}/{split}"] for split in splits} for part, splits in parts.items()}
        pages[f"/api/datasets/{name}/parquet"] = json.dumps(listed).encode()
        pages.update({f"/{name}/{part}/{split}": content for part, splits in parts.items() for split, content in splits.items()})

    yield put, asked
    server.shutdown()
    thread.join()
    server.server_close()


REVIEWS = {"text": ["good", "bad", "fine"], "label": [1, 0, 1]}


def test_training_split_is_fetched_with_the_names_of_its_classes_and_kept(served):
    put, asked = served
    names = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}
    put("films", {"default": {"test": parquet(REVIEWS), "train": parquet(REVIEWS, names)}})
    assert hub.fetched() == []
    kept = hub.fetch(" films ")
    assert kept == "films--default--train" and hub.fetched() == [kept]
    n = len(asked)
    assert hub.hub_table(kept) == {"text": ["good", "bad", "fine"], "label": ["pos", "neg", "pos"]}
    assert len(asked) == n == 2, "a kept data set is not asked for again"


def test_a_part_is_named_where_there_are_several(served):
    put, _asked = served
    put("group/many", {part: {"validation": parquet(REVIEWS)} for part in ("cola", "sst2")})
    assert hub.fetch("group/many:sst2") == "group--many--sst2--validation"
    with pytest.raises(DataError, match="group/many has several parts: cola, sst2. Name one, as in group/many:cola"):
        hub.fetch("group/many")
    with pytest.raises(DataError, match="has no part 'x'; it has cola, sst2"):
        hub.fetch("group/many:x")


@pytest.mark.parametrize("name", ["", "a/b/c", "../etc/passwd", "a b", "가나", "https://else.where", "x:y:z"])
def test_what_is_no_name_asks_nobody(served, name):
    _put, asked = served
    with pytest.raises(DataError, match="is no name of a data set"):
        hub.fetch(name)
    assert asked == []


def test_what_the_hub_does_not_have_or_hands_out_damaged_is_said_and_nothing_is_kept(served, monkeypatch):
    put, _asked = served
    with pytest.raises(DataError, match="The hub has no public data set nobody/knows"):
        hub.fetch("nobody/knows")
    put("empty", {})
    with pytest.raises(DataError, match="The hub has no tables of empty"):
        hub.fetch("empty")
    put("broken", {"default": {"train": b"PAR1 not really"}})
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        hub.fetch("broken")
    put("large", {"default": {"train": parquet(REVIEWS)}})
    monkeypatch.setattr(hub, "MAX_FILE_BYTES", 100)
    with pytest.raises(DataError, match="large is larger than"):
        hub.fetch("large")
    assert hub.fetched() == []


@pytest.mark.parametrize("part", [{}, ["u"], {"train": []}, {"train": {"0": "u"}}, None])
def test_a_listing_of_another_shape_has_no_tables(monkeypatch, part):
    monkeypatch.setattr(hub, "_answer", lambda *_args: json.dumps({"default": part}).encode())
    with pytest.raises(DataError, match="The hub has no tables of films"):
        hub.fetch("films")


@pytest.mark.parametrize("listing", ["<html>Please log in</html>", "[" * 100_000])
def test_a_listing_that_is_no_json_is_said(monkeypatch, listing):
    monkeypatch.setattr(hub, "_answer", lambda *_args: listing.encode())
    with pytest.raises(DataError, match="films could not be fetched"):
        hub.fetch("films")


HALF_A_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf"


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", HALF_A_CHUNK], ids=["no status line", "half a chunk"])
def test_an_answer_that_is_no_http_is_said(monkeypatch, answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            with connection:
                connection.recv(2**16)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(DataError, match="films could not be fetched"):
            hub.fetch("films")
        thread.join()


def test_addresses_that_are_none_are_not_opened(served, tmp_path):
    put, _asked = served
    secret = tmp_path / "secret.parquet"
    secret.write_bytes(parquet(REVIEWS))
    put("sly", {"default": {"train": b""}})
    import gptlab.data.hub as module

    for address in (f"file://{secret}", "http://127.0.0.1/a b", "http://127.0.0.1:port/"):
        with pytest.raises(DataError, match="could not be fetched"):
            module._answer("sly", address, 1000)


def test_without_a_network_the_reason_is_said(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match="films could not be fetched: .*try again with a network"):
        hub.fetch("films")
    with pytest.raises(DataError, match="is not on this computer. Fetch it again"):
        hub.hub_table("films--default--train")
