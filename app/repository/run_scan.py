"""Finds, in the JSON text of a run's data, where the items of each output stand, without making objects of them.

msgspec tells the values of an object or a list apart and leaves them as text. Where they follow each other without
spaces, as everything that workers write does, their lengths are their places.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import msgspec

from app.json_shape import JsonShape
from app.repository.odd_json import readable, without_spaces
from app.repository.run_index import (
    IndexedError,
    IndexedRun,
    IndexedSource,
    IndexedTry,
    Mark,
    Output,
    Outputs,
    Scanned,
    SubExecution,
)

PIECE_BYTES = 256 * 1024
"""About so much text lies between two cuts; an item that is larger stands alone."""
MAX_TEXT_LENGTH = 2_000
"""Characters of an error's text that are kept."""
DIGEST_BYTES = 8
LIST_BEGINS, OBJECT_BEGINS = ord("["), ord("{")

Raws = dict[str, msgspec.Raw]
_KEY = re.compile(rb'"(?:(?>[^"\\]++|\\.))*+":', re.DOTALL)
_objects = msgspec.json.Decoder(Raws)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


NOTHING = msgspec.Raw(b"{}")


class UnreadableRunData(Exception):
    """The text is not a run's data without spaces between its parts, or names something twice."""


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What parsers raise."""


class _Source(msgspec.Struct, rename="camel"):
    previous_node: str
    previous_node_output: int = 0
    previous_node_run: int = 0


class _SubExecution(msgspec.Struct, rename="camel"):
    execution_id: str
    workflow_id: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    sub_execution: _SubExecution | None = None


class _Try(msgspec.Struct, rename="camel"):
    start_time: float
    execution_time: float
    error: str | None = None


class _Tried(msgspec.Struct):
    tries: list[_Try] = []


class _Started(msgspec.Struct, rename="camel"):
    sub_executions: list[str] = []


class _Facts(msgspec.Struct, rename="camel"):
    """What stands in a run beside its data."""

    execution_index: int | None = None
    start_time: float | None = None
    execution_time: float | None = None
    execution_status: str | None = None
    source: list[_Source | None] | None = None
    error: Any = None
    hints: list[Any] | None = None
    metadata: msgspec.Raw = NOTHING


_facts = msgspec.json.Decoder(_Facts)
_metadata = msgspec.json.Decoder(_Metadata)
_tried = msgspec.json.Decoder(_Tried)
_started = msgspec.json.Decoder(_Started)


def scan(text: bytes) -> Scanned:
    """What the data says of itself. Raises UnreadableRunData."""
    try:
        return _Scanner(text, text).scan()
    except UNREADABLE as error:
        taken = readable(text)
        if taken is text:
            raise UnreadableRunData(str(error)) from error
    try:
        return _Scanner(taken, text).scan()
    except UNREADABLE as error:
        raise UnreadableRunData(str(error)) from error


def compact(text: bytes) -> bytes:
    """The same JSON without spaces between its parts. Raises UnreadableRunData."""
    try:
        return msgspec.json.format(text, indent=-1)
    except UNREADABLE as error:
        if readable(text) is text:
            raise UnreadableRunData(str(error)) from error
        return without_spaces(text)


def item_texts(items: bytes) -> list[bytes]:
    """The texts of items that follow each other, commas between them. Raises UnreadableRunData."""
    text = b"[" + items + b"]"
    try:
        return [bytes(memoryview(raw)) for raw in _lists.decode(text)]
    except UNREADABLE as error:
        taken = readable(text)
        if taken is text:
            raise UnreadableRunData(str(error)) from error
    try:
        lengths = [len(memoryview(raw)) for raw in _lists.decode(taken)]
    except UNREADABLE as error:
        raise UnreadableRunData(str(error)) from error
    begins = accumulate(lengths, lambda place, length: place + length + 1, initial=1)
    return [text[begin : begin + length] for begin, length in zip(begins, lengths, strict=False)]


class _Scanner:
    """Reads a text in place of the `stored` one, which differs from it in bytes but in no place."""

    def __init__(self, text: bytes, stored: bytes) -> None:
        self._stored = memoryview(stored)
        self._shape = JsonShape(text)
        self._text = self._shape.text
        self._cuts: list[int] = []
        self._piece = 0  # where the present piece begins

    def scan(self) -> Scanned:
        places = dict(self._values(0, msgspec.Raw(self._text)))
        if "resultData" not in places:
            return Scanned({})
        result = dict(self._values(*places["resultData"]))
        runs: dict[str, list[IndexedRun]] = {}
        if "runData" in result:
            for name, (start, raw) in self._values(*result["runData"]):
                runs[name] = [self._run(*place) for place in self._entries(start, _lists.decode(raw))]
        last = self._decode(*result["lastNodeExecuted"]) if "lastNodeExecuted" in result else None
        error = self._decode(*result["error"]) if "error" in result else None
        return Scanned(runs, last if isinstance(last, str) else None, failure_of(error), self._cuts)

    def _whole(self, start: int, raw: msgspec.Raw) -> memoryview:
        """The text of a value that begins at `start`, with its long strings."""
        return self._shape.whole[self._shape.place(start) : self._shape.place(start + len(memoryview(raw)))]

    def _decode(self, start: int, raw: msgspec.Raw) -> Any:
        return msgspec.json.decode(self._whole(start, raw))

    def _values(self, start: int, raw: msgspec.Raw) -> Iterator[tuple[str, tuple[int, msgspec.Raw]]]:
        """The fields of an object that begins at `start`, each with its place."""
        place = start + 1
        for name, value in _objects.decode(raw).items():
            key = _KEY.match(self._text, place)
            if key is None:
                raise UnreadableRunData("a field does not stand where it should")
            yield name, (key.end(), value)
            place = key.end() + len(memoryview(value)) + 1
        if max(place, start + 2) != start + len(memoryview(raw)):
            raise UnreadableRunData("an object does not end where it should")

    def _entries(self, start: int, raws: list[msgspec.Raw]) -> Iterator[tuple[int, msgspec.Raw]]:
        place = start + 1
        for raw in raws:
            yield place, raw
            place += len(memoryview(raw)) + 1

    def _run(self, start: int, raw: msgspec.Raw) -> IndexedRun:
        outputs: Outputs = {}
        inputs: Outputs = {}
        beside: dict[str, msgspec.Raw] = {}
        for name, place in self._values(start, raw):
            if name == "data":
                outputs = self._connections(*place)
            elif name == "inputOverride":
                inputs = self._connections(*place)
            else:
                beside[name] = msgspec.Raw(self._whole(*place))
        facts = facts_of(msgspec.Raw(msgspec.json.encode(beside)))
        return IndexedRun(
            facts.execution_index,
            facts.start_time,
            facts.execution_time,
            facts.execution_status,
            [source_of(source) for source in facts.source or ()],
            outputs,
            inputs,
            failure_of(facts.error),
            len(facts.hints or ()),
            sub_execution_of(facts.metadata),
            tries_of(facts.metadata),
            sub_executions_of(facts.metadata),
        )

    def _connections(self, start: int, raw: msgspec.Raw) -> Outputs:
        if memoryview(raw)[0] != OBJECT_BEGINS:
            return {}
        by_kind: Outputs = {}
        for kind, (place, outputs) in self._values(start, raw):
            by_kind[kind] = [
                self._output(at, output) if memoryview(output)[0] == LIST_BEGINS else None
                for at, output in self._entries(place, _lists.decode(outputs))
            ]
        return by_kind

    def _output(self, start: int, raw: msgspec.Raw) -> Output:
        lengths = [len(memoryview(item)) for item in _lists.decode(raw)]
        end = start + len(memoryview(raw)) - 1
        if sum(lengths) + max(len(lengths) - 1, 0) != end - start - 1:
            raise UnreadableRunData("a list does not end where it should")
        whole = self._stored[self._shape.place(start) : self._shape.place(end + 1)]
        digest = blake2b(whole, digest_size=DIGEST_BYTES).hexdigest()
        if not self._shape.is_whole(start, end):
            begins = accumulate(lengths, lambda place, length: place + length + 1, initial=start + 1)
            pairs = zip(begins, lengths, strict=False)
            lengths = [self._shape.place(begin + length) - self._shape.place(begin) for begin, length in pairs]
        start, end = self._shape.place(start), self._shape.place(end)
        return Output(len(lengths), start + 1, end, digest, self._cut(start + 1, lengths))

    def _cut(self, start: int, lengths: list[int]) -> list[Mark]:
        """Cut before items of these lengths, where the piece is long enough, and before and after large ones."""
        starts = list(accumulate(lengths, lambda place, length: place + length + 1, initial=start))
        large = [n for n, length in enumerate(lengths) if length >= PIECE_BYTES]
        marks = []
        item = following_large = 0
        while item < len(lengths):
            is_large = lengths[item] >= PIECE_BYTES
            if starts[item] > self._piece and (is_large or starts[item] - self._piece >= PIECE_BYTES):
                self._piece = starts[item]
                self._cuts.append(self._piece)
            if self._piece == starts[item] or item == 0:
                marks.append(Mark(item, self._piece, -1))
            while following_large < len(large) and large[following_large] <= item:
                following_large += 1
            full = bisect_left(starts, self._piece + PIECE_BYTES, item + 1)
            item = min([full, *large[following_large : following_large + 1]])
        return marks


def failure_of(error: Any) -> IndexedError | None:
    """What of a recorded error an index keeps."""
    if not isinstance(error, dict):
        return None
    texts = {name: truncate(error.get(name)) for name in ("message", "name", "description")}
    node = error.get("node")
    name = node.get("name") if isinstance(node, dict) else node
    return IndexedError(texts["message"] or "", texts["name"], texts["description"], truncate(name))


def source_of(source: _Source | None) -> IndexedSource | None:
    """Whose output an input was, as an index keeps it."""
    if source is None:
        return None
    return IndexedSource(source.previous_node, source.previous_node_output, source.previous_node_run)


def truncate(text: Any) -> str | None:
    """The text, cut where it is long; None where there is none."""
    return text[:MAX_TEXT_LENGTH] if isinstance(text, str) else None


def facts_of(run: msgspec.Raw) -> _Facts:
    """What stands in a run beside its data; nothing where some of it is not as it should be."""
    try:
        return _facts.decode(run)
    except msgspec.ValidationError:
        return _Facts()


def sub_execution_of(metadata: msgspec.Raw) -> SubExecution | None:
    """The execution that a run's metadata says it has started."""
    try:
        reference = _metadata.decode(metadata).sub_execution
    except msgspec.ValidationError:
        return None
    return None if reference is None else SubExecution(reference.execution_id, reference.workflow_id)


def tries_of(metadata: msgspec.Raw) -> list[IndexedTry]:
    """How the node was tried, as a run's metadata says where it was so more than once."""
    try:
        tries = _tried.decode(metadata).tries
    except msgspec.ValidationError:
        return []
    return [IndexedTry(each.start_time, each.execution_time, truncate(each.error)) for each in tries]


def sub_executions_of(metadata: msgspec.Raw) -> list[str]:
    """The executions that a run's metadata says it has started, where they are several."""
    try:
        return _started.decode(metadata).sub_executions
    except msgspec.ValidationError:
        return []
