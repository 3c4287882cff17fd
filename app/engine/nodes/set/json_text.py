"""JSON as people and language models write it: mended by jsonrepair, in the sandbox, where it is not valid.

Also tells which text in the editor can be meant as an object at all, before anything runs.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from app.engine.nodes.set.fields import Fields
from app.engine.run.computing import BYTES_OF_ONE, compute, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.json_texts import parse_json
from app.engine.run.programs import run_program
from app.engine.sandbox import bundles
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert

T = TypeVar("T")
LIBRARY = "jsonrepair/lib/cjs/regular/jsonrepair.js"
REPAIR = "const answer = ({ text }) => JSON.parse(library.jsonrepair(text));"
PARSER = "acorn/dist/acorn.js"
READ = """
const keyOf = ({ key, computed }) => (key.type === 'Identifier' && !computed ? key.name : read(key));
const read = (node) => {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'Literal') return node.bigint ?? (node.regex ? {} : node.value);
  if (node.type === 'ArrayExpression') return node.elements.map((each) => (each && read(each)) ?? null);
  if (node.type === 'UnaryExpression' && '+-'.includes(node.operator) && typeof node.argument.value === 'number')
    return node.operator === '-' ? -node.argument.value : node.argument.value;
  if (node.type !== 'ObjectExpression') return undefined;
  const pairs = node.properties.filter((each) => each.type === 'Property' && each.kind === 'init');
  return Object.fromEntries(pairs.map((each) => [keyOf(each), read(each.value)]));
};
const answer = ({ text }) => {
  const [statement] = library.parse(`(${text})`, { ecmaVersion: 'latest' }).body;
  if (statement.expression?.type !== 'ObjectExpression') throw new Error('no object');
  return read(statement.expression);
};
"""
"""Reads an object literal of JavaScript: a name is a text, and what would have to be computed is left out."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|/\*.*?\*/|//[^\n]*\n) |
    (?P<operand>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|[\w$.]+) |
    (?P<bracket>[{}\[\]()]) |
    (?P<operator>\.\.\.|[-+*/%<>=!&|^~?:,])
    """,
    re.VERBOSE | re.DOTALL,
)
MAX_LOOKED_AT = 100_000
_PREFIXES = frozenset({"new", "typeof", "void"})
_CLOSING = {"{": "}", "[": "]", "(": ")"}


async def parse_all(context: NodeContext, texts: Mapping[int, Any]) -> dict[int, Any]:
    """The JSON values of the texts, by the same keys; what is no text stays, and what cannot be mended is missing."""
    values: dict[int, Any] = {}
    broken: dict[int, str] = {}
    for key, text in texts.items():
        await yield_to_loop()
        if not isinstance(text, str):
            values[key] = text
            continue
        try:
            values[key] = await parse_json(context, text)
        except CannotConvert:
            broken[key] = text
    return values | await _read_all(context, broken, REPAIR, LIBRARY)


async def read_literals(context: NodeContext, fields: Fields, resolved: list[Any]) -> None:
    """Put objects in the place of texts for fields of type object that are object literals, but no JSON."""
    texts: dict[tuple[int, int], str] = {}
    judged: dict[str, bool] = {}
    objects = fields.may_be_of("object")
    for index, row in enumerate(resolved if objects else ()):
        for at_kind, place in () if isinstance(row, NodeError) else objects:
            text = row["value"][place]
            if row["value"][at_kind] != "object" or not isinstance(text, str):
                continue
            if text not in judged:
                await yield_to_loop()
                judged[text] = await compute(_is_json, text, size=len(text) // BYTES_OF_ONE)
            if not judged[text]:
                texts[index, place] = text
    for (index, place), made in (await _read_all(context, texts, READ, PARSER)).items():
        resolved[index]["value"][place] = made


async def _read_all(context: NodeContext, texts: Mapping[T, str], body: str, library: str) -> dict[T, Any]:
    """What a program makes of the texts, by the same keys; those that it cannot read are missing."""
    if not texts:
        return {}
    program = await bundles.program(body, library=library)
    answers = await run_program(context, program, [{"text": text} for text in texts.values()])
    return {key: answer["made"] for key, answer in zip(texts, answers, strict=True) if "made" in answer}


def _is_json(text: str) -> bool:
    try:
        conversions.parse_json(text)
    except CannotConvert:
        return False
    return True


def may_be_object(text: str) -> bool:
    """Whether JavaScript would read the text as an object literal, whatever stands for its values.

    Of one that is very long nothing is told: it fails, if it does, when it is read.
    """
    if len(text) > MAX_LOOKED_AT:
        return True
    frames: list[list[str]] = [["", "value"]]  # of each open bracket: which one it is, and what has to come next
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return False
        position = token.end()
        if token.lastgroup != "space" and not _step(frames, str(token.lastgroup), token.group()):
            return False
    return frames == [["", "after"]]


def _step(frames: list[list[str]], kind: str, token: str) -> bool:
    """Take one token into account; False for one that cannot stand here."""
    bracket, due = frames[-1]
    if kind == "bracket":
        return _close(frames, token) if token in "}])" else _open(frames, token)
    if bracket == "":
        return False  # an object, alone or in parentheses, is all that there is
    if due == "key":
        frames[-1][1] = "value" if token == "..." else "colon"
        return token == "..." or kind == "operand"
    if due == "colon":
        frames[-1][1] = {":": "value", ",": "key"}.get(token, "")
        return token in ":,"
    if due == "value":
        if kind == "operand" and token not in _PREFIXES:
            frames[-1][1] = "after"
        return kind == "operand" or token in "+-!~..." or (token == "," and bracket == "[")
    if kind == "operand":
        return token.startswith("`")
    frames[-1][1] = "key" if token == "," and bracket == "{" else "value"
    return token not in ("!", "~", "...")


def _open(frames: list[list[str]], token: str) -> bool:
    bracket, due = frames[-1]
    if due in ("key", "colon") or (due == "after" and (token == "{" or bracket == "")):
        return False
    frames[-1][1] = "after"
    frames.append([token, "key" if token == "{" else "value"])
    return not (bracket == "" and token == "[")


def _close(frames: list[list[str]], token: str) -> bool:
    bracket, due = frames.pop()
    if not frames or _CLOSING[bracket] != token:
        return False
    return due != "value" or bracket != "{"
