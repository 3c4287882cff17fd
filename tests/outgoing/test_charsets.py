"""A document is read in the charset that its header or it itself declares."""

import pytest

from app.outgoing.charsets import decode

TEXT = "ЖЮЯ"


@pytest.mark.parametrize(
    ("document", "charset"),
    [
        ('<?xml version="1.0" encoding="windows-1251"?><a>ЖЮЯ</a>', "windows-1251"),
        ("<html><head><meta charset=windows-1251><title>ЖЮЯ", "windows-1251"),
        ("<meta http-equiv='Content-Type' content='text/html; charset=KOI8-R'><p>ЖЮЯ", "koi8-r"),
        ("\ufeff<a>ЖЮЯ</a>", "utf-16-le"),
        ("<meta charset='nonsense'><p>ЖЮЯ", "utf-8"),
        ("<meta charset='undefined'><p>ЖЮЯ", "utf-8"),
        ("<meta charset='iso-8859-1'><p>ЖЮЯ", "utf-8"),
        ("ЖЮЯ", "utf-8"),
        ("\ufeffЖЮЯ", "utf-8"),
    ],
)
def test_a_document_declares_its_charset(document: str, charset: str) -> None:
    assert decode(document.encode(charset), None) == document.removeprefix("\ufeff")


def test_characters_that_are_written_with_ascii_are_read() -> None:
    document = "<meta charset='iso-2022-jp'><p>日本"
    assert decode(document.encode("iso-2022-jp"), None) == document


@pytest.mark.parametrize("charset", ["hex", "base64", "undefined", "idna", "unicode_escape", "nonsense", "", "\0"])
def test_what_is_no_charset_is_left_aside(charset: str) -> None:
    assert decode(TEXT.encode(), charset) == TEXT


def test_the_header_counts_before_the_document() -> None:
    assert decode("<meta charset='utf-8'><p>é".encode("latin-1"), "iso-8859-1") == "<meta charset='utf-8'><p>é"
