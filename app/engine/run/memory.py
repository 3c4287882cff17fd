"""How much memory the data of a run takes.

What JSON takes in memory is many times its length in a text: an empty array is 2 bytes there and 56 here.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from sys import getsizeof
from typing import Any, AnyStr

import orjson

from app import json_sizes
from app.engine.run.computing import FEW
from app.engine.run.items import Item
from app.outgoing.charsets import decoder_of

CHUNK = 1_000
"""Items that are weighed at once, for which they are written as JSON."""
LIGHT = 2**24
"""Bytes that values never take which are not heavy (json_sizes.is_heavy)."""
LOOKED_AT = 50
"""Values that are looked at to know whether they are large ones, of which each is weighed by itself."""
POINTER, LIST, DICT, SCALAR = 8, 56, 184, 32
"""What the parts of a value take: its place in what holds it, an empty array, an object with a field, a number."""
ASCII = getsizeof("")
"""What a text of ASCII takes beside its characters."""
WIDE = getsizeof("ÿ") - 2
"""What any other text takes beside them, and beside one more that ends it."""
WINDOW = 2**22
"""Bytes that are looked through at once: meanwhile no other thread has its turn."""
SMALL = 2**20
"""Bytes of a text that is looked through at one go."""
PART = 2**18
"""Characters of a text, or bytes of one to decode, whose size is told at once."""
ALL_OF_ASCII = bytes(range(128))
FIELD = 150
"""What a field takes whose name is a new text."""
ROOMY, SLOT = 5, 30
"""Fields for which the bytes of an object leave room, and what each further one takes beyond what is counted for any
other value."""
NEW_NAME = FIELD - POINTER - SCALAR - 10
"""What it takes beyond what is counted for any other value, and its signs in JSON."""
SAME_NAMES = 4
"""Fields of an object for which its own bytes leave room, whatever their names."""
WIDE_OBJECT = 1_000
"""With more fields than that, their names count as new."""
MAX_WRITTEN = 4 * 2**20
"""Characters of texts, and values, beyond which their JSON is not written only to know its length."""
TIMES_COUNTED = 4
"""A text that is counted may weigh so many times its characters."""
MOST = 2**62


def weigh_outputs(outputs: Sequence[list[Item]], inputs: Sequence[list[Item]], most: int) -> int:
    """About the bytes that a node's outputs add to its inputs, not counted on beyond `most`.

    What a node only passes on is there already.
    """
    total = 2 * DICT * sum([len(items) for items in outputs])
    if passes_on(outputs, inputs):
        return total
    passed = _known_values(inputs)
    for items in outputs:
        for begin in range(0, len(items), CHUNK):
            total += weigh(_new_values(items[begin : begin + CHUNK], passed), most - total)
            if total > most:
                return total
    return total


def weigh_light_outputs(outputs: Sequence[list[Item]], inputs: Sequence[list[Item]], most: int) -> int | None:
    """As `weigh_outputs`; None, soon, for outputs that take longer to weigh than a thread takes to begin."""
    total = 2 * DICT * sum([len(items) for items in outputs])
    if passes_on(outputs, inputs):
        return total
    if sum(map(len, inputs)) + sum(map(len, outputs)) > FEW:
        return None
    passed = _known_values(inputs)
    for items in outputs:
        weight = weigh_light(_new_values(items, passed), most - total)
        if weight is None:
            return None
        total += weight
    return total


def _known_values(inputs: Iterable[list[Item]]) -> set[int]:
    """Which values the items of the inputs hold, by their ids."""
    return set(map(id, chain.from_iterable(map(dict.values, chain.from_iterable(inputs)))))


def _new_values(items: list[Item], passed: set[int]) -> list[Any]:
    return [value for item in items for value in item.values() if id(value) not in passed]


def passes_on(outputs: Sequence[list[Item]], inputs: Sequence[list[Item]]) -> bool:
    """Whether the outputs are the lists of the inputs, as of a node that does nothing to its items."""
    given = set(map(id, inputs))
    return given.issuperset(map(id, filter(None, outputs)))  # without a generator: every node pays it


def collect(items: Iterable[Item], hold: Callable[[int], None]) -> list[Item]:
    """The items as a list; `hold` hears of the bytes that they take, a MiB or a thousand items at a time."""
    output: list[Item] = []
    weighed, step = 0, 1
    for item in items:
        output.append(item)
        if len(output) - weighed >= step:
            size = weigh(output[weighed:])
            hold(size)
            step = max(1, min(CHUNK, step * 2, 2**20 * (len(output) - weighed) // size))
            weighed = len(output)
    hold(weigh(output[weighed:]))
    return output


def weigh(values: list[Any], most: int = MOST) -> int:
    """About the bytes that JSON values take, not counted on beyond `most`. What stands in two places counts twice."""
    texts, inner, size = _survey(values, most)
    if size > most or texts > MAX_WRITTEN or inner > MAX_WRITTEN:
        return size
    light = inner < json_sizes.MANY and texts < json_sizes.WINDOW
    if not light and len(values) > 1 and json_sizes.is_heavy(values[:LOOKED_AT]):
        return sum(weigh([value]) for value in values)
    try:
        return estimate(orjson.dumps(values))
    except TypeError:
        return _weigh_slowly(values)  # nested deeper, or of greater numbers, than orjson writes


def weigh_light(values: list[Any], most: int = MOST) -> int | None:
    """As `weigh`; None, soon, for values that take longer to weigh than a thread takes to begin."""
    if len(values) >= json_sizes.MANY or json_sizes.is_heavy(values):
        return None
    if most < LIGHT and _survey(values, most)[2] > most:
        return None
    try:
        return estimate(orjson.dumps(values))
    except TypeError:
        return _weigh_slowly(values)


def _survey(values: list[Any], most: int, wide: Callable[[str], int] | None = None) -> tuple[int, int, int]:
    """The characters of all texts, how many values there are, and about the bytes of both, without writing them: the
    same text may stand in a thousand places. Not counted on beyond `most`. `wide` gives those of a text that is not
    ASCII."""
    texts = inner = size = 0
    level = values
    while level and size <= most:
        kinds = set(map(type, level))
        strings = [value for value in level if value.__class__ is str] if str in kinds else []
        objects = [value for value in level if value.__class__ is dict] if dict in kinds else []
        lists = [value for value in level if value.__class__ is list] if list in kinds else []
        characters, fields = sum(map(len, strings)), list(map(len, objects))
        texts += characters
        inner += len(level)
        below = sum(fields) + sum(map(len, lists))
        is_ascii = all(map(str.isascii, strings))
        size += characters + ASCII * len(strings) if is_ascii else sum(map(wide or _size_of, strings))
        size += (POINTER + SCALAR) * len(level) + DICT * len(objects) + LIST * len(lists)
        if max(fields, default=0) > ROOMY:
            size += NEW_NAME * sum([count for count in fields if count > WIDE_OBJECT])
            size += SLOT * sum([count - ROOMY for count in fields if count > ROOMY])
        if size + (POINTER + SCALAR) * below > most:
            return texts, inner + below, size + (POINTER + SCALAR) * below
        level = list(chain.from_iterable(map(dict.values, objects)))
        level += chain.from_iterable(lists)
    return texts, inner, size


def _size_of(text: str) -> int:
    """What a text takes, with the UTF-8 that stays with it from when it is first written as JSON."""
    if text.isascii():
        return getsizeof(text)
    if len(text) <= PART:
        return getsizeof("_" + text) + len(text.encode("utf-8", "surrogatepass"))  # a new one, without its UTF-8
    return _size_of_parts(text[begin : begin + PART] for begin in range(0, len(text), PART))


def _size_of_parts(parts: Iterable[str]) -> int:
    """The same of a text in parts, which other threads have their turn between: the widest sign of all decides how wide
    each one is."""
    signs = width = written = 0  # no width: all is ASCII, whose signs are its UTF-8
    for part in parts:
        signs += len(part)
        if part.isascii():
            written += len(part)
        else:
            width = max(width, (getsizeof("_" + part) - WIDE) // (len(part) + 2))
            written += len(part.encode("utf-8", "surrogatepass"))
    return WIDE + signs * width + written


def length_of_texts(value: Any, most: int) -> int:
    """The characters of all texts in JSON, which it is long at least; not counted on far beyond `most`."""
    return _survey([value], most * TIMES_COUNTED, len)[0]


def _weigh_slowly(values: list[Any]) -> int:
    total, stack = 0, [values]
    while stack:
        value = stack.pop()
        total += getsizeof(value)
        if isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)
    return total


def base64_size(size: int) -> int:
    """The characters that so many bytes are in base64, as items carry files."""
    return (size + 2) // 3 * 4


def text_size(content: bytes, codec: str = "utf-8") -> int:
    """The bytes that text takes once it is decoded, with what cannot be read replaced; `codec` is Python's name."""
    if content.isascii() and "2022" not in codec and ALL_OF_ASCII.decode(codec, "replace").encode() == ALL_OF_ASCII:
        return len(content)  # as nearly all codecs read it; those of ISO 2022 escape from it
    decoder = decoder_of(content, codec)
    return _size_of_parts(decoder.decode(content[begin : begin + PART]) for begin in range(0, len(content), PART))


def _count(text: AnyStr, sign: AnyStr) -> int:
    if len(text) <= WINDOW:
        return text.count(sign)
    return sum([text.count(sign, begin, begin + WINDOW) for begin in range(0, len(text), WINDOW)])


def _length_in_utf_8(text: str) -> int:
    parts = (text[begin : begin + PART] for begin in range(0, len(text), PART))
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def estimate(text: bytes | str) -> int:
    """About the bytes that the JSON in `text` takes once it is parsed, known without parsing it.

    Signs within strings count as if they stood outside: it may be too much, and is never too little by far.
    """
    wide = json_sizes.bytes_of_wide_strings(text)
    if isinstance(text, bytes):
        # Most, of every node that runs, are small.
        count, length = (bytes.count if len(text) <= SMALL else _count), len(text)
        commas, lists, objects, fields = count(text, b","), count(text, b"["), count(text, b"{"), count(text, b'":')
    else:
        commas, lists, objects, fields = [_count(text, sign) for sign in (",", "[", "{", '":')]
        length = len(text) if text.isascii() else _length_in_utf_8(text)
    new = 0 if commas < SAME_NAMES * objects else int(json_sizes.share_of_new_names(text) * (commas + objects))
    slots = SLOT * (fields - ROOMY * objects) if fields > ROOMY * objects else 0
    return length + wide + (POINTER + SCALAR) * commas + LIST * lists + DICT * objects + NEW_NAME * new + slots
