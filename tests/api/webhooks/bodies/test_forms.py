"""Forms, query strings, charsets and content codings within bounds."""

import contextlib
import gzip
import uuid
import zlib
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from app.api.webhooks.bodies.charsets import CODECS, as_utf_8, codec_of
from app.api.webhooks.bodies.codings import MAX_MEMBERS, decode_body
from app.api.webhooks.bodies.errors import BodyTooLarge, UnknownCoding, UnreadableBody
from app.api.webhooks.bodies.forms import MAX_FIELDS, MAX_PARTS, form_fields, multipart_form, nest
from tests.api.webhooks.bodies.growth import grows_with_its_length, takes_less_than

LIMIT = 16 * 2**20
GZIP, EMPTY = gzip.compress(b"abc", mtime=0), gzip.compress(b"", mtime=0)


def plain(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a=1&b=2&b=3&c[d]=4", {"a": "1", "b": ["2", "3"], "c[d]": "4"}),
        (b"a&b=&=c&&a%20b=%C3%BC+%41", {"a": "", "b": "", "": "c", "a b": "ü A"}),
        (b"a=%zz%4&b=%FF%", {"a": "%zz%4", "b": "\ufffd%"}),
    ],
)
def test_form_fields(data: bytes, expected: Any) -> None:
    assert plain(form_fields(data, None)) == expected


@pytest.mark.parametrize("length", range(65_530, 65_542))
def test_no_escape_is_cut_in_two(length: int) -> None:
    value = b"x" * length + b"%41%42%" + b"y" * 70_000
    assert plain(form_fields(b"a=" + value, None))["a"] == "x" * length + "AB%" + "y" * 70_000


FORMS = {
    "escapes": lambda n: b"a=" + b"%41" * (n // 3),
    "percents": lambda n: b"a=" + b"%" * n,
    "ampersands": lambda n: b"&" * n,
    "fields": lambda n: b"a=1&" * min(n // 4, MAX_FIELDS - 1) + b"b=" + b"c" * n,
    "names": lambda n: b"&".join(b"%d" % name for name in range(MAX_FIELDS - 1)) + b"&" + b"c" * n,
    "nul": lambda n: b"a=" + b"%00" * (n // 3),
    "bytes that mean nothing": lambda n: b"a=" + b"\xff" * n,
    "as many as may mean nothing": lambda n: b"a=" + b"\xffa" * (n // 2),
    "as many controls as may be": lambda n: b"a=" + b"\x01aaaa" * (n // 5),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_takes_time_and_memory_by_its_length(kind: str) -> None:
    assert grows_with_its_length(lambda data: orjson.dumps(form_fields(data, None)), FORMS[kind])
    assert takes_less_than(8, lambda data: orjson.dumps(form_fields(data, None)), FORMS[kind](2_000_000))


def part(head: str, content: bytes) -> bytes:
    return b"--B\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


FIELD = 'Content-Disposition: form-data; name="a"'


def test_multipart() -> None:
    data = part(FIELD, b"1") + part(FIELD + '; filename="x/y.png"\r\nContent-Type: image/png', b"\x00") + b"--B--"
    fields, files = multipart_form(data, "B", "")
    assert plain(fields) == {"a": "1"}
    assert (files["a"]["fileName"], files["a"]["mimeType"], files["a"]["data"]) == ("y.png", "image/png", "AA==")
    typed = part(FIELD + "\r\nContent-Type: text/plain; charset=latin1", b"\xe9") + b"--B--"
    fields, files = multipart_form(typed, "B", "")
    assert (fields, files["a"]["mimeType"], files["a"]["data"]) == ({}, "text/plain; charset=latin1", "6Q==")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('"../../x.csv"', "x.csv"),
        ('"C:\\a\\b.csv"', "b.csv"),
        ('"a/"', "a"),
        ("x.csv", "x.csv"),
        ("../../x.csv", None),
        ("a/b.csv", None),
        ("x y.csv", None),
        ("", None),
        ('""', None),
    ],
)
def test_the_name_of_a_file(given: str, name: str | None) -> None:
    data = part(f"{FIELD}; filename={given}\r\nContent-Type: text/csv", b"a,b") + b"--B--"
    said = multipart_form(data, "B", "")[1]["a"]["fileName"]
    assert said == name or (name is None and uuid.UUID(said).version == 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"--B",
        b"--B\r\n",
        part(FIELD, b"1"),
        part("X: y", b"1") + b"--B--",
        part("a" * 5_000, b"1") + b"--B--",
        part(FIELD + "; filename=" + "a" * 5_000, b"1") + b"--B--",
        part("\r\n".join(f"X-{number}: y" for number in range(20)), b"1") + b"--B--",
        part(FIELD, b"") * (MAX_PARTS + 1) + b"--B--",
        part(FIELD + "\xff", b"").replace(b"\xc3\xbf", b"\xff") + b"--B--",
    ],
)
def test_multipart_that_is_none_or_too_much(data: bytes) -> None:
    with pytest.raises(UnreadableBody):
        multipart_form(data, "B", "")


@pytest.mark.parametrize("boundary", ["", "b" * 201])
def test_boundaries(boundary: str) -> None:
    with pytest.raises(UnreadableBody):
        multipart_form(b"--B--", boundary, "")


PARTS = {
    "line ends": lambda n: part(FIELD, b"\r\n" * (n // 2)) + b"--B--",
    "almost boundaries": lambda n: part(FIELD, b"\r\n--" * (n // 4)) + b"--B--",
    "no end": lambda n: part(FIELD, b"\r" * n),
    "parts": lambda n: part(FIELD, b"x" * (n // 1_000)) * 900 + b"--B--",
    "semicolons": lambda n: part(FIELD + ";a" * (n // 2), b"") + b"--B--",
}


@pytest.mark.parametrize("kind", PARTS)
def test_multipart_takes_time_and_memory_by_its_length(kind: str) -> None:
    assert grows_with_its_length(lambda data: multipart_form(data, "B", ""), PARTS[kind])
    assert takes_less_than(8, lambda data: multipart_form(data, "B", ""), PARTS[kind](2_000_000))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a[1]=x", ["x"]),
        ("a[5]=x&a[3]=y", ["y", "x"]),
        ("a[19]=x", ["x"]),
        ("a[20]=x", {"20": "x"}),
        ("a[01]=x", {"01": "x"}),
        ("a[-1]=x", {"-1": "x"}),
        ("a[0]=x&a[b]=y", {"0": "x", "b": "y"}),
        ("a[]=1&a[b]=2", {"0": "1", "b": "2"}),
        ("a[]=1&a[0]=2", ["1", "2"]),
        ("a=1&a[0]=2", ["1", "2"]),
        ("a[0]=1&a=2", ["1", "2"]),
        ("a[0]=1&a[0]=2", [["1", "2"]]),
        ("a[0][]=1&a[0][]=2", [["1", "2"]]),
        ("a[][b]=1&a[][b]=2", [{"b": ["1", "2"]}]),
        ("a[0][b]=1&a[1][b]=2", [{"b": "1"}, {"b": "2"}]),
        ("a[b][0]=1&a[b][1]=2", {"b": ["1", "2"]}),
        ("a[]=1", ["1"]),
        ("a[b]=1", {"b": "1"}),
        ("a[0]=", [""]),
    ],
)
def test_lists_and_objects_of_a_query(query: str, expected: Any) -> None:
    assert nest(parse_qsl(query, keep_blank_values=True)) == {"a": expected}


def test_a_name_in_brackets_alone() -> None:
    assert nest([("[0]", "x"), ("[b]", "y")]) == {"0": "x", "b": "y"}


@pytest.mark.parametrize(
    "name", ["?][", "]", "[", "[]", "a[]", "]][]", "a[b", "a]b[c]", "a[[b]]", "[a]", "", "a[" * 4_000]
)
def test_any_name_of_a_query(name: str) -> None:
    assert nest([(name, "1"), (name, "2"), ("a", "3"), ("a[b][]", "4"), ("a[b][c]", "5")])


def test_names_of_a_query_are_nested_five_deep() -> None:
    deep = nest([("a" + "[b]" * 4_000, "1")])
    levels = 0
    while isinstance(deep, dict):
        deep, levels = next(iter(deep.values())), levels + 1
    assert (deep, levels) == ("1", 5)


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "undefined", "rot13", "hex", "zlib", "unicode_escape", "x" * 9_000]
)
def test_no_codec_is_the_callers_choice(charset: str) -> None:
    assert codec_of(charset) == "utf-8"
    assert as_utf_8("ü".encode(), charset) == "ü".encode()


def test_charsets_that_are_known() -> None:
    for charset, codec in CODECS.items():
        assert codec_of(charset.upper()) == codec
        assert as_utf_8("abc".encode(codec), charset).replace(b"\xef\xbb\xbf", b"") == b"abc"


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", GZIP),
        ("GZIP", gzip.compress(b"a", mtime=0) + gzip.compress(b"bc", mtime=0)),
        ("x-gzip", GZIP),
        ("deflate", zlib.compress(b"abc")),
        ("deflate", zlib.compress(b"abc")[2:-4]),
        ("identity", b"abc"),
        ("", b"abc"),
    ],
)
def test_codings(coding: str, data: bytes) -> None:
    assert decode_body(data, coding, 3) == b"abc"


def test_a_coding_that_makes_more_than_the_limit() -> None:
    bomb = gzip.compress(b"a" * (LIMIT + 1))
    with pytest.raises(BodyTooLarge):
        decode_body(bomb, "gzip", LIMIT)

    def read(data: bytes) -> None:
        with contextlib.suppress(BodyTooLarge):
            decode_body(data, "gzip", 100_000)

    assert takes_less_than(100, read, bomb)


@pytest.mark.parametrize("data", [b"x", GZIP[:-1], EMPTY * (MAX_MEMBERS + 1)])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_in_its_coding(coding: str, data: bytes) -> None:
    with pytest.raises(UnreadableBody):
        decode_body(data, coding, LIMIT)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "x" * 9_000])
def test_codings_that_are_not_known(coding: str) -> None:
    with pytest.raises(UnknownCoding):
        decode_body(b"abc", coding, LIMIT)


def test_empty_members_take_time_by_their_number() -> None:
    assert grows_with_its_length(lambda data: decode_body(data, "gzip", LIMIT), lambda n: EMPTY * (n // 20))
