"""Members of objects, and files in them, are found wherever the pieces end."""

import base64

import orjson
import pytest

from app.console import members
from app.console.members import BrokenFile, TooMuch, decode_text, member
from tests.console.test_large_items import pieces_of

FILE = {"data": base64.b64encode(bytes(range(256)) * 3).decode(), "fileName": 'a"b', "size": 7}
ITEM = {
    "json": {"binary": {"x": 1}, "list": ["binary", {"binary": ":,"}], "brackets": "}}]]\\"},
    "pairedItem": [{"item": 0}],
    "binary": {'é"\\': FILE, "second": {"data": None}, "": []},
}


@pytest.mark.parametrize("size", [10_000, 7, 1])
def test_a_member_is_taken_out_wherever_pieces_end(size):
    def found(*names):
        pieces = iter(pieces_of(ITEM, size))
        for name in names:
            pieces = member(pieces, name)
        return b"".join(pieces)

    for name, value in ITEM.items():
        assert orjson.loads(found(name)) == value
    for name, value in ITEM["binary"].items():
        assert orjson.loads(found("binary", name)) == value
    assert b"".join(decode_text(member(member(member(pieces_of(ITEM, size), "binary"), 'é"\\'), "data"))) == (
        bytes(range(256)) * 3
    )
    assert found("x") == found("json", "item") == found("pairedItem", "item") == found("binary", "second", "data", "x")
    assert found("x") == b""


@pytest.mark.parametrize("broken", [b'"QUJD!UJD"', b'"QQ==QUJD"', b'"QUJDR"', b'"QUJD\\nQUJD"', b'"\\"', b"1"])
def test_what_is_no_file_is_known_as_such(broken):
    for size in (len(broken), 4, 1):
        with pytest.raises(BrokenFile):
            list(decode_text(broken[at : at + size] for at in range(0, len(broken), size)))


def test_slashes_may_be_escaped_and_an_empty_file_is_one():
    assert b"".join(decode_text([b'"\\', b"/\\/", b"+", b'+"'])) == base64.b64decode("//++")
    assert b"".join(decode_text([b'""'])) == b""


def test_not_more_than_so_much_is_looked_through(monkeypatch):
    monkeypatch.setattr(members, "MOST_SIGNS", 20)
    with pytest.raises(TooMuch):
        list(member(pieces_of({"json": [[]] * 20, "binary": 1}, 9), "binary"))
    assert list(member(pieces_of({"json": "," * 99, "binary": 1}, 9), "binary")) == [b"1"]
