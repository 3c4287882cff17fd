"""JSON that is passed on as text is what its readers take, and is checked within bounds."""

import random

import orjson
import pytest

from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.json_text import json_text, string_text
from tests.api.webhooks.bodies.growth import grows_with_its_length, takes_less_than

LEVELS = 200
"""Not the program's own number: as many levels as that one, whatever it is, might take for ever."""
SEEDS = (
    b'{"a":[1,2.5e3,"x\\u00e9",null,true,{"b":"\\ud83d\\ude00"}]}',
    b'[1e308,1e309,-0.0,"\\\\","\\""]',
    b'"a\\n\xc3\xa9"',
    b"[" + b"9" * 310 + b",1e0999]",
    b"[" + b"9" * 290 + b"e18," + b"9" * 215 + b".5E+97]",
)
BYTES = b'[]{}",:\\eE+-.0123456789u \n\xff\xc3dDfn'
BODIES = {
    "lists": lambda n: b"[" + b"[]," * (n // 3) + b"[]]",
    "objects": lambda n: b'[{"a":{}}' + b',{"a":{}}' * (n // 9) + b"]",
    "numbers": lambda n: b"[" + b"1," * (n // 2) + b"1]",
    "large numbers": lambda n: b"[" + b"1e100," * (n // 6) + b"1]",
    "digits": lambda n: b"1" * n,
    "texts": lambda n: b'["' + b'","' * (n // 3) + b'"]',
    "escapes": lambda n: b'"' + b'\\"' * (n // 2) + b'"',
    "keys": lambda n: b"{" + b",".join(b'"%d":0' % key for key in range(n // 9)) + b"}",
    "one key": lambda n: b"{" + b'"a":0,' * (n // 6) + b'"a":0}',
    "no end": lambda n: b"[" * n,
    "backslashes": lambda n: b"\\" * n,
    "quotes": lambda n: b'"' * n,
    "emoji": lambda n: b'"' + "\U0001f600".encode() * (n // 4) + b'"',
    "brackets in texts": lambda n: b'["]]]]]]"' + b',"]]"' * (n // 5) + b"]",
}


def is_taken(document: bytes) -> bool:
    try:
        json_text(document)
    except UnreadableBody:
        return False
    return True


def is_read(document: bytes) -> bool:
    try:
        orjson.loads(document)
    except ValueError:
        return False
    return True


def test_it_takes_what_readers_read_and_nothing_else() -> None:
    chance = random.Random(7)
    for _ in range(20_000):
        document = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(document))
            if chance.random() < 0.5:
                document[place] = chance.choice(BYTES)
            else:
                document[place : place + chance.randrange(2)] = bytes([chance.choice(BYTES)])
        assert is_taken(bytes(document)) == is_read(bytes(document)), bytes(document)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"]":'])
def test_nesting_has_an_end(opening: bytes) -> None:
    closing = opening.replace(b'"]":', b"").replace(b'"a":', b"")[::-1].translate(bytes.maketrans(b"[{", b"]}"))
    levels = LEVELS // len(closing)
    assert is_taken(opening * levels + b"1" + closing * levels)
    assert not is_taken(opening * (levels + 1) + b"1" + closing * (levels + 1))
    assert not is_taken(b'["' + b"]" * 1_000 + b'",' + opening * 300 + b"1" + closing * 300 + b"]")


def test_many_values_beside_one_another_are_no_nesting() -> None:
    assert is_taken(b"[" + b"[[]]," * 100_000 + b"1]")


@pytest.mark.parametrize("kind", BODIES)
def test_time_grows_with_its_length(kind: str) -> None:
    assert grows_with_its_length(json_text, BODIES[kind])


@pytest.mark.parametrize("kind", BODIES)
def test_memory_is_a_few_times_its_length(kind: str) -> None:
    assert takes_less_than(5, json_text, BODIES[kind](2_000_000))


def test_what_becomes_much_longer_is_no_text() -> None:
    assert orjson.dumps(string_text('ü"\n', 4)) == '"ü\\"\\n"'.encode()
    with pytest.raises(UnreadableBody):
        string_text("\x00" * 10_000, 10_000)
    with pytest.raises(UnreadableBody):
        string_text("\ufffd" * 10_000, 10_000)
