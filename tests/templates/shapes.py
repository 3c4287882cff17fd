"""What a node reads: found in its expressions, its program and its parameters, to make items that it can work on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT_LENGTH = 200_000


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SELF = r"\$json\b|\$input\.(?:item|first\(\)|last\(\)|all\(\)\[\d{1,3}\])\.json\b"
OTHER = (
    r"""\$\(\s*["'`](?P<call>[^"'`]{1,200})["'`]\s*\)\.(?:item|first\([^)]{0,20}\)|last\([^)]{0,20}\)|all\(\)\[\d{1,3}\]"""
    r"""|itemMatching\([^)]{0,40}\))\.json\b|\$node\[\s*["'](?P<node>[^"']{1,200})["']\s*\]\.json\b|\$node\.(?P<dot>\w{1,100})"""
    r"""\.json\b|\$items\(\s*["'](?P<items>[^"']{1,200})["'][^)]{0,20}\)\[\d{1,3}\]\.json\b"""
)
ROOT = re.compile(f"{OTHER}|(?P<self>{SELF})")
PROGRAM_ROOT = re.compile(f"{OTHER}|(?P<self>{SELF}|\\b[A-Za-z_]\\w{{0,60}}(?:\\[\\w{{1,20}}\\])?\\.json\\b)")
STEP = re.compile(
    r"""\s*(?:\?\.|\.)\s*(?P<name>[A-Za-z_$][\w$]{0,100})(?P<call>\s*\()?"""
    r"""|\s*(?:\?\.)?\[\s*(?:"(?P<double>[^"\n]{1,200})"|'(?P<single>[^'\n]{1,200})'|(?P<index>\d{1,6}))\s*\]"""
)
NAMED = re.compile(r"(?:const|let|var)\s+(\w{1,60})\s*=\s*$")
PARAMETER = re.compile(r"\s*(?:async\s*)?(?:\(\s*(\w{1,60})\b|(\w{1,60})\s*=>)")
COMPARED = re.compile(r"""\s*={2,3}\s*["']([^"'\n]{1,80})["']""")
REFERENCES = re.compile(
    r"""\$\(\s*["'`]([^"'`]{1,200})["'`]\s*\)|\$node\[\s*["']([^"']{1,200})["']\s*\]|\$items\(\s*["']([^"']{1,200})["']"""
    r"""|\$node\.(\w{1,100})"""
)

LIST_METHODS = words("map filter forEach reduce find findIndex some every flatMap join slice push sort flat")
ELEMENT_METHODS = words("map filter forEach find findIndex some every flatMap")
DATE_METHODS = words("toFormat toISO plus minus diff startOf endOf setZone toISODate getTime")
NUMBER_METHODS = words("toFixed round floor ceil isEven isOdd")
TEXT_METHODS = words(
    "toLowerCase toUpperCase split trim replace replaceAll match startsWith endsWith substring substr charAt includes "
    "toDateTime extractEmail extractUrl extractDomain toTitleCase removeMarkdown urlEncode hash base64Encode"
)
BEFORE = (
    (re.compile(r"(?:new Date|fromISO|toDateTime)\(\s*$"), "date"),
    (re.compile(r"(?:Number|parseInt|parseFloat|Math\.\w{1,10})\(\s*$|[*/+-]\s*$"), "number"),
    (re.compile(r"JSON\.parse\(\s*$"), "json"),
)
AFTER_NUMBER = re.compile(r"\s*(?:[*/%-]\s*[\d$(]|[<>]=?\s*\d)")


@dataclass
class Shape:
    """A value as its readers see it: its fields, whether it is a list, and what they do with it."""

    fields: dict[str, "Shape"] = field(default_factory=dict)
    is_list: bool = False
    hints: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    """What it is compared with."""

    def child(self, name: str) -> "Shape":
        return self.fields.setdefault(name, Shape())

    def path(self, path: Any, *, is_list: bool = False, hint: str | None = None) -> None:
        """Note a field that a parameter names, as `a.b[0].c`."""
        if not isinstance(path, str) or not path or path.startswith("="):
            return
        shape = self
        for part in re.split(r"\.|\[\d{1,6}\]\.?", path.strip()[:300]):
            name = part.strip("[]\"' ")
            if name:
                shape = shape.child(name)
        shape.is_list |= is_list
        if hint:
            shape.hints.add(hint)

    def merge(self, other: "Shape", depth: int = 20) -> None:
        self.is_list |= other.is_list
        self.hints |= other.hints
        self.texts += other.texts
        if depth:
            for name, shape in other.fields.items():
                self.child(name).merge(shape, depth - 1)


@dataclass
class Reads:
    """The shape of a node's own items, and those of the nodes that it refers to, by name."""

    own: Shape = field(default_factory=Shape)
    others: dict[str, Shape] = field(default_factory=dict)

    def scan(self, text: str, *, program: bool = False) -> None:
        """Note all that an expression, or a program, reads."""
        text = text[:MAX_TEXT_LENGTH]
        names: list[tuple[str, Shape]] = []
        for found in (PROGRAM_ROOT if program else ROOT).finditer(text):
            other = found["call"] or found["node"] or found["dot"] or found["items"]
            root = self.own if other is None else self.others.setdefault(other, Shape())
            _follow(text, found.end(), root, found.start(), names)
        for name, shape in names[:200]:
            for found in re.finditer(rf"(?<![\w$.]){re.escape(name)}(?=\s*(?:\?\.|\.|\[))", text):
                _follow(text, found.end(), shape, found.start(), None)


def _follow(text: str, at: int, shape: Shape, began: int, names: list[tuple[str, Shape]] | None) -> None:
    for _ in range(30):
        step = STEP.match(text, at)
        if step is None:
            break
        if step["call"]:
            _note_call(text, step, shape, names)
            return
        if step["name"] == "length":
            return
        at = step.end()
        if step["index"] is not None:
            shape.is_list = True
        else:
            shape = shape.child(step["name"] or step["double"] or step["single"])
    before = text[max(0, began - 80) : began]
    shape.hints |= {hint for pattern, hint in BEFORE if pattern.search(before)}
    if AFTER_NUMBER.match(text, at):
        shape.hints.add("number")
    compared = COMPARED.match(text, at)
    if compared:
        shape.texts.append(compared[1])
    named = NAMED.search(before)
    if named and names is not None:
        names.append((named[1], shape))


def _note_call(text: str, step: re.Match[str], shape: Shape, names: list[tuple[str, Shape]] | None) -> None:
    method = step["name"]
    if method in LIST_METHODS:
        shape.is_list = True
        parameter = PARAMETER.match(text, step.end())
        if parameter and names is not None and method in ELEMENT_METHODS:
            names.append((parameter[1] or parameter[2], shape))
    for methods, hint in ((DATE_METHODS, "date"), (NUMBER_METHODS, "number"), (TEXT_METHODS, "text")):
        if method in methods:
            shape.hints.add(hint)


def expressions(value: Any, depth: int = 40) -> Iterator[str]:
    """Every expression within parameters, in their order."""
    if isinstance(value, str):
        if value.startswith("=") and "{{" in value:
            yield value
    elif depth and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from expressions(each, depth - 1)


def references(text: str) -> set[str]:
    """The names of nodes that an expression or a program refers to."""
    return {next(filter(None, found)) for found in REFERENCES.findall(text[:MAX_TEXT_LENGTH])}
