"""A document is read in the charset that its header or it itself declares."""

import pytest

from app.engine.nodes.email_read_imap.messages import simple_item
from app.engine.nodes.http_request.answers import Reading, items_of
from app.engine.nodes.shared.answer_bodies import body_of
from app.engine.nodes.shared.binary import encoding_name
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.outgoing import charsets
from app.outgoing.calls import Answer
from app.outgoing.charsets import SAMPLE_BYTES, codec_named, decode, decode_pieces, guess_charset

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


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (b"", "utf-8"),
        (b"plain", "utf-8"),
        ("für".encode(), "utf-8"),
        ("für".encode("latin-1"), "cp1252"),
        ("5 €, „für“".encode("cp1252"), "cp1252"),
        (b"x" * SAMPLE_BYTES + "für".encode("latin-1"), "cp1252"),
        ("日本語の cut".encode()[1:], "utf-8"),
        (("ü" * SAMPLE_BYTES).encode(), "utf-8"),
        (("a" + "日" * SAMPLE_BYTES).encode(), "utf-8"),
        ("\ufeffЖ".encode("utf-16-be"), "utf-16"),
        ("<?xml version='1.0' encoding='koi8-r'?><a>ЖЮЯ".encode("koi8-r"), "koi8-r"),
        (b"<meta charset=utf-16><p>plain", "utf-8"),
        ("id,city\n1,Москва\n2,Казань\n".encode("cp1251"), "cp1251"),
        ("имя;город\nИванов;Москва".encode("koi8-r"), "koi8-r"),  # noqa: RUF001
        ("όνομα,πόλη\nΜαρία,Αθήνα".encode("cp1253"), "cp1253"),  # noqa: RUF001
        ("כל בני האדם נולדו בני חורין ושווים בערכם".encode("cp1255"), "cp1255"),
        ("محمد,القاهرة\nفاطمة,الرياض".encode("cp1256"), "cp1256"),  # noqa: RUF001
        ('[{"name": "株式会社"}, {"name": "さくら"}]'.encode("shift-jis"), "cp932"),
        ("すべての人間は、自由である".encode("euc-jp"), "euc_jis_2004"),
        ("日本語".encode("iso-2022-jp"), "iso2022_jp_2"),
        ("이름,서울,부산".encode("euc-kr"), "cp949"),
        ("姓名,地址\n陳先生,臺北".encode("big5"), "big5hkscs"),
        ("人人生而自由,在尊严和权利上一律平等。".encode("gb18030"), "gb18030"),
        ("Zażółć gęślą jaźń".encode("cp1250"), "cp1250"),
        ("Győr, őszi tűz, működés".encode("iso8859-2"), "cp1250"),
        ("Hélène,François,Besançon".encode("latin-1"), "cp1252"),
        ("città,perché,Nicolò".encode("latin-1"), "cp1252"),
        ("Müller,Größe,Straße".encode("latin-1"), "cp1252"),
        ("id,name\n1,Grün\n".encode("utf-16-le"), "utf-16-le"),
        ("Все люди рождаются свободными и равными.".encode("utf-16-be"), "utf-16-be"),  # noqa: RUF001
        ("\ufeffЖ".encode("utf-32-le"), "utf-32"),
        (b"f\xfcr\0", "cp1252"),
        (b"\0" * 9, "utf-8"),
    ],
)
def test_a_charset_is_guessed(content: bytes, charset: str) -> None:
    assert guess_charset(content) == charset
    assert decode(content, None) == decode(content, charset)


def test_characters_that_are_written_with_ascii_are_read() -> None:
    document = "<meta charset='iso-2022-jp'><p>日本"
    assert decode(document.encode("iso-2022-jp"), None) == document


@pytest.mark.parametrize("charset", ["hex", "base64", "undefined", "idna", "unicode_escape", "nonsense", "", "\0"])
def test_what_is_no_charset_is_left_aside(charset: str) -> None:
    assert decode(TEXT.encode(), charset) == TEXT


def test_the_header_counts_before_the_document() -> None:
    assert decode("<meta charset='utf-8'><p>é".encode("latin-1"), "iso-8859-1") == "<meta charset='utf-8'><p>é"


@pytest.mark.parametrize("name", ["punycode", "idna", "zlib", "undefined", "rot13", "unicode_escape", "none such", ""])
def test_a_codec_that_no_text_is_written_in_is_no_charset(name: str) -> None:
    assert codec_named(name) is None
    with pytest.raises(NodeError, match="is not known"):
        encoding_name(name or "none")
    content = f"Subject: =?{name}?q?a?=\r\nContent-Type: text/plain; charset={name}\r\n\r\nwords-0".encode()
    item = simple_item(content, prefix=None)
    assert item["json"]["textPlain"] == "words-0"
    assert item["json"]["subject"] == (f"=?{name}?q?a?=" if name else "a")
    named = Answer(200, "", {"content-disposition": f"attachment; filename*={name}''a.txt"}, b"", "http://x/")
    assert items_of(named, Reading(format="file"), 0, {"json": {}})[0]["binary"]["data"]["fileName"] == "a.txt"


@pytest.mark.parametrize("charset", [None, "utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    "content", [b'{"a":"\xc3\xa9"}', b'\xef\xbb\xbf["\xff"]', "[1]".encode("utf-16"), b'["\\ud83d"]']
)
def test_json_is_read_as_from_its_text(charset: str | None, content: bytes) -> None:
    answer = Answer(200, "OK", {}, content, "http://a.example", charset)
    try:
        read = conversions.parse_json(answer.text())
    except CannotConvert:
        read = answer.text()
    assert body_of(answer) == read


def test_the_text_of_json_is_not_made_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answer, "text", lambda self: 1 / 0)
    assert body_of(Answer(200, "OK", {}, b'\xef\xbb\xbf{"a":"\xc3\xa9"}', "http://a.example")) == {"a": "é"}


@pytest.mark.parametrize("text", ["", "\ufeffé", "é\ufeff😀я" * 3])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "cp1252", "shift_jis", "gb18030"])
def test_pieces_are_decoded_as_the_whole(monkeypatch: pytest.MonkeyPatch, text: str, codec: str) -> None:
    content = text.encode(codec, "replace") + b"\xff"
    whole = decode_pieces(content, codec)
    assert whole == content.decode(codec, "replace").removeprefix("\ufeff")
    monkeypatch.setattr(charsets, "PIECE", 3)
    assert decode_pieces(content, codec) == whole


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_pieces_need_no_mark_of_their_order(monkeypatch: pytest.MonkeyPatch, mark: str, codec: str) -> None:
    content = f"{mark}Привет".encode(f"{codec}-le")
    monkeypatch.setattr(charsets, "PIECE", 3)
    assert decode_pieces(content, codec) == "Привет"
