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
from app.repository.run_facts import facts_of, failure_of, source_of, sub_execution_of, sub_executions_of, tries_of
from app.repository.run_index import IndexedRun, Mark, Output, Outputs, Scanned

PIECE_BYTES = 256 * 1024
"""About so much text lies between two cuts; an item that is larger stands alone."""
DIGEST_BYTES = 8
LIST_BEGINS, OBJECT_BEGINS = ord("["), ord("{")

Raws = dict[str, msgspec.Raw]
_KEY = re.compile(rb'"(?:(?>[^"\\]++|\\.))*+":', re.DOTALL)
_objects = msgspec.json.Decoder(Raws)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


class UnreadableRunData(Exception):
    """The text is not a run's data without spaces between its parts, or names something twice."""


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What parsers raise."""


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
