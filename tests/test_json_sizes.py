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
            more = sum(
                4 * len(write(text).decode()) - len(write(text)) for text in wide if not text.isascii() and "😀" in text
            )
            assert json_sizes.bytes_of_wide_strings(write(wide)) == more
