"""JavaScript's view of JSON values: how they become numbers, strings and booleans.

n8n's nodes convert with JavaScript's rules, so ours have to; knows nothing of nodes.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

from app import large_json

_DECIMAL = re.compile(r"[+-]?(?:\d++\.?\d*+(?:[eE][+-]?\d+)?|\.\d++(?:[eE][+-]?\d+)?)\Z")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)\Z")
_SAFE_INTEGER = 2**53
CONTAINERS = (dict, list)
"""To ask isinstance of: where it is written as a union, each call makes that anew."""


class Undefined:
    """JavaScript's undefined, where it has to be told from null; `thrown` is the error that it stands for, if any.

    JSON cannot hold it: it has to be left out or replaced before a value is kept.
    """

    __slots__ = ("thrown",)

    def __init__(self, thrown: str | None = None) -> None:
        self.thrown = thrown

    def __bool__(self) -> bool:
        return False


def is_number(value: Any) -> bool:
    """Whether it is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain_number(value: float) -> int | float:
    """The same number as an integer where it is one, as JSON written by JavaScript has it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _SAFE_INTEGER:
        return int(value)
    return value


def to_number(value: Any) -> int | float:
    """JavaScript's Number(value); NaN for what is none."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return _text_to_number(value.strip())
    if isinstance(value, list):
        return _text_to_number(to_string(value).strip())
    return math.nan


def _text_to_number(text: str) -> int | float:
    if not text:
        return 0
    if _DECIMAL.match(text):
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 16 else plain_number(float(text))
    if _RADIX.match(text):
        return int(text, 0)
    if text in ("Infinity", "+Infinity"):
        return math.inf
    return -math.inf if text == "-Infinity" else math.nan


def to_string(value: Any) -> str:
    """JavaScript's String(value)."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        if value is True or value is False:
            return "true" if value else "false"
        return str(value) if -(10**21) < value < 10**21 else number_text(float(value))
    if value is None:
        return "null"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list):
        return ",".join("" if entry is None else to_string(entry) for entry in value)
    return "undefined" if isinstance(value, Undefined) else "[object Object]"


def number_text(value: float) -> str:
    """A float as JavaScript prints it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    digits = repr(value)
    if value.is_integer() and abs(value) < 1e21:
        mantissa, _, exponent = digits.partition("e")
        if not exponent:
            return str(int(value))
        integer, _, fraction = mantissa.partition(".")
        return integer + fraction.ljust(int(exponent), "0")
    if "e" in digits:
        mantissa, exponent = digits.split("e")
        if -7 < int(exponent) < 0:
            return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - int(exponent) - 1}f}"
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
    return digits


def to_json_text(value: Any) -> str:
    """JSON.stringify(value)."""
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def display(value: Any) -> str:
    """A value as text for a person or a string field: text as it is, the rest as JSON."""
    return to_json_text(value) if isinstance(value, CONTAINERS) else to_string(value)


def truthy(value: Any) -> bool:
    """JavaScript's Boolean(value): empty arrays and objects are true."""
    return True if isinstance(value, CONTAINERS) else bool(value) and value == value


def type_name(value: Any) -> str:
    """JavaScript's typeof, for what JSON can hold."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "object"


class CannotConvert(ValueError):
    """The value is not of the type asked for and cannot be made one."""


def convert(value: Any, kind: str) -> Any:
    """`value` as n8n's field type `kind` (string, number, boolean, array, object); null stays null.

    Raises CannotConvert.
    """
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else display(value)
    if kind == "number":
        number = to_number(value)
        if math.isnan(number):
            raise CannotConvert
        return number if math.isfinite(number) else None
    if kind == "boolean":
        return to_boolean(value)
    if kind == "array":
        parsed = parse_lenient_json(value) if isinstance(value, str) else value
        if not isinstance(parsed, list):
            raise CannotConvert
        return parsed
    if kind == "object":
        parsed = parse_lenient_json(value) if isinstance(value, str) else value
        if parsed is not None and not isinstance(parsed, dict):
            raise CannotConvert
        return parsed
    return value


def to_boolean(value: Any) -> bool:
    """true, false, 1, 0 and the same as text. Raises CannotConvert for everything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    number = math.nan if value == "" else to_number(value)
    if number not in (0, 1):
        raise CannotConvert
    return number == 1


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<double>"(?:[^"\\]|\\.)*") |
      (?P<single>'(?:[^'\\]|\\.)*') |
      (?P<word>[A-Za-z_$][\w$]*) |
      (?P<other>[-+]?\d[\w.+-]*|[{}\[\],:])
    )""",
    re.VERBOSE | re.DOTALL,
)


OPENING, CLOSING, SEPARATORS = ("{", "["), ("}", "]"), (",", ":")
MAX_LEVELS = 1_000
"""Python's own parser goes no deeper."""
LARGE = 2**20
"""Characters; a shorter text is read at once."""
BARE_WORDS = {"undefined": "null"}
_COLON = re.compile(r"\s*:")
_BARE_QUOTE = re.compile(r'(?<!\\)"')


def parse_json(text: str) -> Any:
    """The JSON value in `text`. Raises CannotConvert."""
    try:
        return large_json.read(text.encode()) if len(text) > LARGE else orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise CannotConvert from error


def parse_lenient_json(text: str) -> Any:
    """As `parse_json`, but keys may go unquoted, and strings may stand in single quotes.

    Raises CannotConvert.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(" ".join(_strict_tokens(text)), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise CannotConvert from error


def _refuse(word: str) -> None:
    raise CannotConvert


def _strict_tokens(text: str) -> Iterator[str]:
    """The tokens as JSON has them; CannotConvert as soon as one cannot follow the one before it."""
    position, end = 0, len(text.rstrip())
    ends_value, depth = False, 0
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            raise CannotConvert
        position = token.end()
        sign = token["other"]
        depth += sign in OPENING
        begins_value = sign not in CLOSING and sign not in SEPARATORS
        if (begins_value and ends_value) or (sign in SEPARATORS and not ends_value) or depth > MAX_LEVELS:
            raise CannotConvert
        ends_value = sign not in OPENING and sign not in SEPARATORS
        depth -= sign in CLOSING
        if token["single"] is not None:
            inner = token["single"][1:-1].replace("\\'", "'")
            yield '"' + _BARE_QUOTE.sub(r"\"", inner) + '"'
        elif token["word"] is not None and token["word"] not in ("true", "false", "null"):
            yield f'"{token["word"]}"' if _COLON.match(text, position) else BARE_WORDS.get(token["word"], "!")
        else:
            yield token[0].strip()
