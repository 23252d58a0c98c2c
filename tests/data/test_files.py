import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptlab.data import files, read_file, text_columns
from gptlab.data.files import read_table
from gptlab.errors import DataError


def parquet(**columns):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "A.MD", "a.py", "a.yaml"])
def test_plain_text_is_read_as_it_is(name):
    document = read_file(name, 'x = "안녕"\n'.encode())
    assert (document.name, document.text) == (name, 'x = "안녕"\n')
    assert text_columns(name, b"x") == []


def test_byte_order_mark_goes_and_line_ends_become_lf():
    assert read_file("a.txt", b"\xef\xbb\xbfa\r\nb\rc\n").text == "a\nb\nc\n"
    assert read_file("a.txt", "안\r\n녕".encode("utf-16"), "utf-16").text == "안\n녕"


@pytest.mark.parametrize("name", ["../../etc/a.txt", "..\\..\\a.txt", "/a.txt", "C:\\x\\a.txt"])
def test_only_the_last_part_of_a_name_is_used(name):
    assert read_file(name, b"x").name == "a.txt"


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16", "utf-8"])
def test_korean_encodings_are_read(encoding):
    assert read_file("a.txt", "안녕".encode(encoding), encoding).text == "안녕"


CSV = 'Q,A,label\r\n"안녕, 너",하나 더 긴 답,0\r\n"둘\n줄",답,007\r\n,짧다\r\n'.encode()


def test_csv_gives_the_column_with_the_most_text():
    assert text_columns("a.csv", CSV) == ["Q", "A"]
    assert read_file("a.csv", CSV).text == "하나 더 긴 답\n답\n짧다"


def test_csv_gives_the_column_asked_for():
    assert read_file("a.csv", CSV, column="Q").text == "안녕, 너\n둘\n줄"


def test_csv_keeps_values_as_they_are_written():
    assert read_file("a.csv", b"t\n007\nNA\nnull\n1.50\nTrue\n").text == "007\nNA\nnull\n1.50\nTrue"


def test_tsv_is_read_without_quoting():
    content = b'one\ttwo\tn\n"bare\tb,c\t1\nd "e"\tf\t2\n'
    assert read_file("a.tsv", content).text == '"bare\nd "e"'
    assert text_columns("a.tsv", content) == ["one", "two"]


def test_jsonl_takes_objects_and_strings():
    assert read_file("a.jsonl", b'{"text": "a\\u2028b", "n": 1}\n\n{"text": "c", "short": ""}\n').text == "a\u2028b\nc"
    assert read_file("a.jsonl", '"안"\n"녕"\n'.encode()).text == "안\n녕"
    assert text_columns("a.jsonl", b'{"x": "a", "n": 1, "y": "b"}') == ["x", "y"]


def test_json_takes_an_array():
    assert read_file("a.json", b'["a", "b"]').text == "a\nb"
    assert read_file("a.json", b'[{"x": "a", "y": "long"}]').text == "long"


def test_parquet_takes_the_only_column_of_text():
    content = parquet(n=[1, 2, 3], t=["안", None, "b"])
    assert read_file("a.parquet", content).text == "안\nb"
    assert text_columns("a.parquet", content) == ["t"]


def test_parquet_takes_large_and_dictionary_strings():
    content = parquet(a=pa.array(["a", "b"], pa.large_string()), b=pa.array(["cc", "cc"]).dictionary_encode())
    assert text_columns("a.parquet", content) == ["a", "b"]
    assert read_file("a.parquet", content).text == "cc\ncc"


def test_parquet_written_by_pandas_is_read():
    buffer = io.BytesIO()
    pd.DataFrame({"t": ["a", "b"], "n": [1.0, 2.0]}, index=["x", "y"]).to_parquet(buffer)
    assert read_file("a.parquet", buffer.getvalue(), column="t").text == "a\nb"


def test_parquet_refuses_more_text_than_allowed(monkeypatch):
    monkeypatch.setattr(files, "MAX_CORPUS_BYTES", 10_000)
    with pytest.raises(DataError, match="at most"):
        read_file("bomb.parquet", parquet(t=["a" * 100] * 1000))


def test_a_text_that_a_dictionary_keeps_once_counts_in_every_row(monkeypatch):
    monkeypatch.setattr(files, "MAX_CORPUS_BYTES", 10_000)
    assert len(read_file("a.parquet", parquet(t=pa.array(["a" * 100, None] * 100).dictionary_encode())).text) == 100 * 101 - 1
    with pytest.raises(DataError, match="at most"):
        read_file("bomb.parquet", parquet(t=pa.array(["a" * 100, None] * 101).dictionary_encode()))


def test_long_texts_are_unpacked_a_few_rows_at_a_time(monkeypatch):
    monkeypatch.setattr(files, "MAX_CORPUS_BYTES", 10_000)
    content = parquet(t=["a" * 10_000] * 1024)  # 10 MB in a few kilobytes
    before, watched = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(watched)
    try:
        with pytest.raises(DataError, match="at most"):
            read_file("bomb.parquet", content)
    finally:
        pa.set_memory_pool(before)
    assert len(content) < 10_000 and 0 < watched.max_memory() < 5 * 2**20


def test_repeated_columns_of_parquet_are_numbered_as_those_of_csv():
    names = ["t", "n", "t", "t.1", "n"]
    columns = [["a", "b"], [1, 2], ["c", "d"], ["e", "f"], [3, None]]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], names), buffer)
    rows = "".join(",".join("" if v is None else str(v) for v in row) + "\n" for row in [names, *zip(*columns, strict=True)])
    found = read_table("a.parquet", buffer.getvalue())
    assert found == read_table("a.csv", rows.encode()) and list(found) == ["t", "n", "t.2", "t.1", "n.1"]
    assert read_file("a.parquet", buffer.getvalue(), column="t.2").text == "c\nd"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.exe", b"x", r"a.exe: files of this kind cannot be read. Allowed are .txt .*\.parquet"),
        ("noname", b"x", "cannot be read"),
        ("a.pkl", b"x", "cannot be read"),
        ("a.txt", b"", "a.txt is empty"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.txt", b" \n", "a.txt holds no text"),
        ("a.csv", b"\n\n", "a.csv is not a table: No columns"),
        ("a.txt", b"ab\0c", "not a text: it holds the byte 0 at position 2"),
        ("a.csv", b"a,b\n1,\0", "not a text"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "a.csv is not a table: .*line 3, saw 3"),
        ("a.csv", b"a,b\nx,y,z\nx,y,z\n", "more fields than the first row"),
        ("a.csv", b"a,b\n1,2\n3,4\n", "no column of text, only numbers"),
        ("a.csv", b"a,b\n", "no column of text"),
        ("a.jsonl", b'{"a": "b"}\n\n{"a": \n', "line 3 is not JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.jsonl", b'{"a": 1}\n2\n', "no column of text"),
        ("a.json", b"{", "a.json is not JSON"),
        ("a.json", b'{"a": "b"}', "array of strings or of objects"),
        ("a.json", b"[1, null, [2]]", "no column of text"),
        ("a.parquet", b"PAR1 broken", "not a readable Parquet file"),
        ("a.parquet", parquet(n=[1, 2]), "no column of text"),
        ("a.parquet", parquet(t=["", None]), "holds no text"),
    ],
)
def test_unreadable_files_are_refused(name, content, message):
    with pytest.raises(DataError, match=message):
        read_file(name, content)


def test_missing_column_is_named_with_those_there_are():
    with pytest.raises(DataError, match="no column of text called 'label'; it has Q, A"):
        read_file("a.csv", CSV, column="label")


def test_wrong_encoding_says_where_and_what_fits():
    with pytest.raises(DataError, match="not utf-8: the byte 0xBE at position 3 .* read as: cp949, euc-kr, latin-1"):
        read_file("a.txt", b"ab " + "안녕".encode("cp949"))
    with pytest.raises(DataError, match="the byte 0xFF at position 0 .* utf-16"):
        read_file("a.txt", "hello".encode("utf-16"))
    with pytest.raises(DataError, match="read as: latin-1."):
        read_file("a.txt", b"caf\xe9 \xff")
    with pytest.raises(DataError, match="is not utf-16: .* read as: utf-8"):
        read_file("a.txt", b"abc", "utf-16")


def test_unknown_encoding_is_refused():
    with pytest.raises(DataError, match="'unicode_escape' is not known; allowed are utf-8, utf-16, cp949"):
        read_file("a.txt", b"x", "unicode_escape")


def test_large_file_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 2**20)
    read_file("a.txt", b"a" * 2**20)
    with pytest.raises(DataError, match="a.txt has 2 MB; at most 1 MB are allowed"):
        read_file("a.txt", b"a" * (2**20 + 1))


def test_json_values_are_never_numbers_by_accident():
    assert read_file("a.jsonl", json.dumps({"t": "12"}).encode()).text == "12"
