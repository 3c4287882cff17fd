"""JSON that is read in slices is the JSON that it is."""

import json
import random
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from app import json_sizes, json_strings, large_json

TEXTS = ['a,[]{}"\\é', "", "xxxxx"]


def made(chance: random.Random, levels: int) -> Any:
    kind = chance.random()
    if levels == 0 or kind < 0.3:
        return chance.choice([1, -2.5, None, True, *TEXTS])
    if kind < 0.65:
        return [made(chance, levels - 1) for _ in range(chance.randint(0, 6))]
    return {chance.choice(["a", "b", 'c,"', "d\\"]): made(chance, levels - 1) for _ in range(chance.randint(0, 5))}


def read_by(loads: Any, text: bytes) -> Any:
    try:
        return orjson.dumps(loads(text))
    except orjson.JSONDecodeError:
        return "none"


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 20])
def test_it_gives_what_orjson_gives_and_refuses_what_it_refuses(at_once, monkeypatch):
    monkeypatch.setattr(large_json, "AT_ONCE", at_once)
    chance = random.Random(at_once)
    for _ in range(60):
        text = json.dumps(made(chance, 5), indent=chance.choice([None, 1])).encode()
        place = chance.randrange(len(text))
        broken = [text[:place] + sign + text[place + 1 :] for sign in (b"", b",", b"]", b'"', b"{", b"\\")]
        for each in [text, *broken]:
            assert read_by(large_json.read, each) == read_by(orjson.loads, each), each


STRINGS = ["\U0001f600", "\u00e9", "a", '"', "\\", "\n", "\x01", "\u4e2d", "u", "d83d"]


@pytest.mark.parametrize("window", [12, 13, 20])
def test_long_strings_are_read_and_written_part_by_part(window, monkeypatch):
    monkeypatch.setattr(json_strings, "WINDOW", window)
    monkeypatch.setattr(json_strings, "PART_BYTES", window)
    monkeypatch.setattr(large_json, "AT_ONCE", 3)
    monkeypatch.setattr(large_json, "BYTES_OF_ONE", 2)
    chance = random.Random(window)
    for _ in range(25):
        text = "".join(sign * chance.choice([1, 1, 2, 30]) for sign in chance.choices(STRINGS, k=9))
        for ascii_only in (True, False):
            written = json.dumps(text, ensure_ascii=ascii_only).encode()
            within = b'{"a":[1,' + written + b"," + written + b"]}"
            place = chance.randrange(len(within))
            broken = [within[:place] + sign + within[place + 1 :] for sign in (b"", b'"', b"\\", b"\xf0", b"\n")]
            named = b'{"a":{ ' + written + b" :[1,2]}}"
            for each in [written, within, named, *broken]:
                assert read_by(large_json.read, each) == read_by(orjson.loads, each), each
        assert b"".join(json_strings.write_string(text)) == orjson.dumps(text)
    for halves in (r"\ud83d", r"a\ud83da", r"\ude00\ud83d", r"\ud83d\ud83d\ude00"):
        lone = ('"' + halves * 9 + '"').encode()
        assert read_by(large_json.read, lone) == read_by(orjson.loads, lone) == "none"
        assert json.loads(b"".join(json_strings.write_string(json.loads(lone)))) == json.loads(lone)


def test_no_call_of_orjson_reads_more_than_so_much(monkeypatch):
    sizes: list[int] = []

    def loads(text: bytes) -> Any:
        sizes.append(text.count(b",") + text.count(b"[") + text.count(b"{"))
        return orjson.loads(text)

    monkeypatch.setattr(large_json, "orjson", SimpleNamespace(loads=loads, JSONDecodeError=orjson.JSONDecodeError))
    monkeypatch.setattr(large_json, "AT_ONCE", 100)
    value = {"returned": [[] for _ in range(2_000)], "other": {"within": {str(n): [n] for n in range(1_000)}}}
    assert large_json.read(orjson.dumps(value)) == value
    assert max(sizes) <= 100 + 5
    deep = b"[" * 100 + b"1," * 200 + b"1" + b"]" * 100
    with pytest.raises(orjson.JSONDecodeError):
        large_json.read(deep)


def test_no_long_string_is_read_or_looked_through_at_once(monkeypatch):
    """A text of quotes, each of them escaped, kept the loop waiting for 0.6 seconds; one of commas for longer."""
    assert large_json.is_large(b'["' + b'\\"' * 8_000_000 + b'"]')
    sizes: list[int] = []

    def loads(text: bytes) -> Any:
        sizes.append(len(text))
        return orjson.loads(text)

    def sub(by: bytes, text: bytes) -> bytes:
        sizes.append(len(text))
        return strings.sub(by, text)

    recording, strings = SimpleNamespace(loads=loads, JSONDecodeError=orjson.JSONDecodeError), json_sizes.STRING
    for module in (large_json, json_strings):
        monkeypatch.setattr(module, "orjson", recording)
    for module in (large_json, json_sizes, json_strings):
        monkeypatch.setattr(module, "WINDOW", 100)
    for module in (large_json, json_sizes):
        monkeypatch.setattr(module, "STRING", SimpleNamespace(sub=sub))
    monkeypatch.setattr(large_json, "AT_ONCE", 100)
    monkeypatch.setattr(json_strings, "PART_BYTES", 400)
    value = {"a": [{'"' * 20_000: '",' * 20_000}], "b": 1}
    text = orjson.dumps(value)
    assert large_json.read(text) == value
    assert b"".join(json_sizes.outside_of_strings(text)) == b"{:[{:}],:1}"
    assert max(sizes) < 1_000


def test_lists_in_lists_are_written_within_their_memory():
    """In some versions of orjson they are not, which ends the process or spoils what else it holds."""
    program = """if True:
        import orjson
        value = 0
        for _ in range(250):
            value = [value] + [0] * 1_000
        print(orjson.dumps(value).count(b"0"))"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "250001\n"), done.stderr


def test_no_step_is_taken_for_each_value(monkeypatch):
    """Two million numbers of a webhook's body, four levels below its items, took ten seconds and more."""
    looked_at, mark = 0, large_json._MARK

    def find(*within: Any) -> Any:
        nonlocal looked_at
        marks = list(mark.finditer(*within))
        looked_at += len(marks)
        return marks

    monkeypatch.setattr(large_json, "_MARK", SimpleNamespace(finditer=find))
    monkeypatch.setattr(large_json, "AT_ONCE", 1_000)
    for body in ([0] * 10_000, [[0]] * 5_000, {str(name): 0 for name in range(10_000)}):
        items = [{"json": {"body": {"a": body}}}]
        assert large_json.read(orjson.dumps(items)) == items
    assert looked_at < 3_000


def test_what_is_around_a_long_text_holds_no_copy_of_it_while_it_is_read(monkeypatch):
    monkeypatch.setattr(large_json, "AT_ONCE", 100)
    monkeypatch.setattr(json_strings, "PART_BYTES", 10_000)
    text = orjson.dumps({"a": [{"b": [{"c": [{"d": ["x" * 2_000_000]}]}]}]})
    tracemalloc.start()
    try:
        large_json.read(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)
