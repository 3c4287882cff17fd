"""XML becomes what n8n makes of it, without a DTD and within bounds."""

from typing import Any

import orjson
import pytest

from app.api.webhooks.bodies import xml_text as module
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.xml_text import xml_text
from tests.api.webhooks.bodies.growth import ATTEMPTS, attempt, grows_with_its_length, takes_less_than


def read(data: bytes, charset: str | None = None) -> Any:
    return orjson.loads(orjson.dumps(xml_text(data, charset)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a/>", {"a": ""}),
        ("<A>  x </A>", {"a": "x"}),
        ("<a b='1'/>", {"a": {"$": {"b": "1"}}}),
        ("<a b='1'>x</a>", {"a": {"_": "x", "$": {"b": "1"}}}),
        ("<a><B>1</B><b>2</b><c/></a>", {"a": {"b": ["1", "2"], "c": ""}}),
        ("<a>x <b>y</b> z</a>", {"a": {"_": "x z", "b": "y"}}),
        ("<a>x\n  y&lt;&#228;<![CDATA[<&]]></a>", {"a": "x y<ä<&"}),
        ("<s:a xmlns:s='u'><s:B s:c='1'/></s:a>", {"s:a": {"$": {"xmlns:s": "u"}, "s:b": {"$": {"s:c": "1"}}}}),
        ("<a><_>1</_>x</a>", {"a": {"_": "1"}}),
        ("<!-- c --><?p i?><a/><!-- d -->", {"a": ""}),
    ],
)
def test_what_it_becomes(text: str, expected: Any) -> None:
    assert read(text.encode()) == expected


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-16", "iso-8859-5", "utf-8"])
def test_charsets(encoding: str) -> None:
    data = f"<?xml version='1.0' encoding='{encoding}'?><a>Ж</a>".encode(encoding)
    assert read(data) == {"a": "Ж"}
    assert read("<a>Ж</a>".encode(encoding), encoding) == {"a": "Ж"}


@pytest.mark.parametrize("encoding", ["punycode", "idna", "rot13", "undefined", "mbcs", "utf-7"])
def test_no_codec_is_the_callers_choice(encoding: str) -> None:
    assert read(f"<?xml version='1.0' encoding='{encoding}'?><a>x</a>".encode()) == {"a": "x"}
    assert read(b"<a>x</a>", encoding) == {"a": "x"}


CHAIN = "".join(f'<!ENTITY e{number + 1} "&e{number};">' for number in range(50_000))


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        f"<!DOCTYPE a [<!ENTITY e0 'x'>{CHAIN}]><a>&e50000;</a>",
        f"<!DOCTYPE a [<!ENTITY e0 'x'>{CHAIN}]><a b='&e50000;'/>",
        "<!DOCTYPE a [<!ENTITY % p '<!ENTITY b \"c\">'> %p;]><a>&b;</a>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_there_is_no_dtd(text: str, encoding: str) -> None:
    with pytest.raises(UnreadableBody, match="document type"):
        xml_text(text.encode(encoding), None)


@pytest.mark.parametrize(
    "text", ["", "x", "<a", "<a></b>", "<a/><b/>", "<a>&b;</a>", "<a>\x00</a>", "<a b='1' b='2'/>"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UnreadableBody):
        xml_text(text.encode(), None)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    deepest = 200
    assert read(b"<a>" * deepest + b"</a>" * deepest)
    for text in (
        b"<a>" * (deepest + 1) + b"</a>" * (deepest + 1),
        b"<a>" + b"".join(b"<a%d/>" % number for number in range(module.MAX_NAMES)) + b"</a>",
        b"<a " + b" ".join(b'a%d=">"' % number for number in range(module.MAX_ATTRIBUTES + 1)) + b"/>",
        b"<a>" + b"<b/>" * module.MAX_ELEMENTS + b"</a>",
    ):
        with pytest.raises(UnreadableBody, match="more than"):
            xml_text(text, None)


BODIES = {
    "elements": lambda n: b"<a>" + b"<b/>" * (n // 4) + b"</a>",
    "attributes": lambda n: b"<a>" + b'<b c=""/>' * (n // 9) + b"</a>",
    "names": lambda n: b"<a>" + b"".join(b"<b%d/>" % (number % 9_000) for number in range(n // 8)) + b"</a>",
    "trees": lambda n: b"<a>" + b"<b><c/><d/></b>" * (n // 15) + b"</a>",
    "texts": lambda n: b"<a>" + b"<b/>x" * (n // 5) + b"</a>",
    "spaces": lambda n: b"<a>" + b"a  " * (n // 3) + b"</a>",
    "references": lambda n: b"<a>" + b"&lt;" * (n // 4) + b"</a>",
    "no end": lambda n: b"<a>" * (n // 3),
    "no begin": lambda n: b"</a>" * (n // 4),
    "comments": lambda n: b"<!--" * (n // 4),
    "one tag": lambda n: b"<a " + b"x" * n + b"/>",
    "quotes": lambda n: b"<a b='" * (n // 6),
    "less than": lambda n: b"<" * n,
    "long attribute": lambda n: b"<a b='" + b">" * n + b"'/>",
    "declaration": lambda n: b"<?xml " + b" encoding" * (n // 9),
}


@pytest.mark.parametrize("kind", BODIES)
def test_time_grows_with_its_length(kind: str) -> None:
    assert grows_with_its_length(lambda data: xml_text(data, None), BODIES[kind])


def test_what_lies_deep_is_not_copied_at_each_level() -> None:
    levels, text = 198, b"x" * 4_000_000
    deep, flat = b"<a>" * levels + text + b"</a>" * levels, b"<a>" + text + b"</a>"

    def time_of(body: bytes) -> float:
        return min(attempt(lambda data: xml_text(data, None), body) for _ in range(ATTEMPTS))

    assert any(time_of(deep) < 2 * time_of(flat) for _ in range(ATTEMPTS))
    assert read(deep)


@pytest.mark.parametrize("kind", BODIES)
def test_memory_is_a_few_times_its_length(kind: str) -> None:
    assert takes_less_than(8, lambda data: xml_text(data, None), BODIES[kind](2_000_000))
