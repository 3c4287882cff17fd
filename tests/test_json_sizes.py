"""How much JSON holds is told without reading it."""

import json
import random

import orjson

from app import json_sizes, json_strings


def test_what_stands_outside_of_strings_and_how_wide_strings_are(monkeypatch):
    monkeypatch.setattr(json_sizes, "WINDOW", 20)
    monkeypatch.setattr(json_strings, "WINDOW", 20)
    chance = random.Random(0)
    for _ in range(100):
        texts = ["".join(chance.choices('a,[{"\\é', k=chance.randint(0, 40))) for _ in range(5)]
        wide = [text + chance.choice(["", "😀"]) for text in texts]
        for write in (orjson.dumps, lambda value: json.dumps(value).encode()):
            assert b"".join(json_sizes.outside_of_strings(write(wide))) == b"[,,,,]".replace(b",", write([1, 1])[2:-2])
            real = sum(map(beside_utf8, wide))
            for text in (write(wide), write(wide).decode()):
                assert real <= json_sizes.bytes_of_wide_strings(text) <= 4 * real  # with all escapes


def test_what_is_no_json_never_counts_as_less_than_nothing(monkeypatch):
    chance = random.Random(0)
    for window in (json_sizes.WINDOW, 20):
        monkeypatch.setattr(json_sizes, "WINDOW", window)
        for _ in range(200):
            text = "".join(chance.choices(["\\u", "\\", "u", "0", '"', "я"], k=50))
            assert json_sizes.bytes_of_wide_strings(text.encode()) >= 0
            assert json_sizes.bytes_of_wide_strings('"' + "\\u" * 1_000 + text) >= 0


def beside_utf8(text):
    """What a text that is not ASCII takes in Python beside its UTF-8."""
    return 0 if text.isascii() else (4 if "😀" in text else 1) * len(text)
