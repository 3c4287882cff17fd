"""What is known of a run's data without reading it: its nodes, their runs, and where the items of each output stand.

Of large data the worker stores such an index beside it, so that a page of one node's items is cut out without touching
the rest. Its bytes: the length of the directory (4 bytes), the directory, then the runs of the nodes in segments of
at most SEGMENT_RUNS. Reading a node's segment does not take reading those of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

SEGMENT_RUNS = 500
LENGTH_BYTES = 4


class Mark(NamedTuple):
    """A place in an output where reading can begin: at which item, where in the text, where in what is stored."""

    item: int
    position: int
    stored: int


class Output(msgspec.Struct, array_like=True):
    """The items at one output; `start` and `end` are where the first begins and the last ends in the text (bytes).

    Outputs of equal `digest` hold equal items. `marks`: where reading can begin, none in data that is read whole.
    """

    items: int
    start: int
    end: int
    digest: str
    marks: list[Mark] = []

    @property
    def size(self) -> int:
        """Bytes of its JSON."""
        return self.end - self.start


class IndexedSource(msgspec.Struct, array_like=True):
    """Whose output an input was."""

    node: str
    output: int = 0
    run: int = 0


class IndexedError(msgspec.Struct, array_like=True):
    """The error of a node or a run; long texts are cut."""

    message: str
    name: str | None = None
    description: str | None = None
    node: str | None = None


class SubExecution(msgspec.Struct, array_like=True):
    """The execution that a run has started."""

    execution_id: str
    workflow_id: str | None = None


class IndexedTry(msgspec.Struct, array_like=True):
    """One try of a node; `message` None: it succeeded. Times in milliseconds, `started` since 1970."""

    started: float
    duration: float
    message: str | None = None


Outputs = dict[str, list[Output | None]]
"""By type of connection: main, ai_tool, ..."""


class IndexedRun(msgspec.Struct, array_like=True):
    """One run of a node. Times in milliseconds, `started` since 1970; `hints`: how many it gave.

    `inputs` are what it got, for sub-nodes and retries with other items, whose data says so. `tries` are its tries
    where there were several, `sub_executions` the executions that it has started, if any.
    """

    index: int | None
    started: float | None
    duration: float | None
    status: str | None
    sources: list[IndexedSource | None]
    outputs: Outputs
    inputs: Outputs
    failure: IndexedError | None = None
    hints: int = 0
    sub_execution: SubExecution | None = None
    tries: list[IndexedTry] = []
    sub_executions: list[str] = []


class Segment(NamedTuple):
    """Where runs of a node stand, behind the directory: offset and length in bytes."""

    offset: int
    length: int


class IndexedNode(msgspec.Struct, array_like=True):
    """A node that has run so many times, `segments` of SEGMENT_RUNS each."""

    name: str
    runs: int
    segments: list[Segment]


class Directory(msgspec.Struct, array_like=True):
    """What stands in front of the runs. `stored`: bytes of the data that the index is of."""

    stored: int
    last_node: str | None
    failure: IndexedError | None
    nodes: list[IndexedNode]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a run's data says of itself; `cuts` are the places in its text, each before an item, to cut it at."""

    runs: dict[str, list[IndexedRun]]
    last_node: str | None = None
    failure: IndexedError | None = None
    cuts: list[int] = field(default_factory=list)


def encode_index(scanned: Scanned, stored: int, places: Sequence[int]) -> bytes:
    """The index of data of so many stored bytes; `places`: where in them its beginning and each cut came to stand."""
    place_of = dict(zip((0, *scanned.cuts), places, strict=True))
    encoder, segments, offset, nodes = msgspec.json.Encoder(), [], 0, []
    for name, runs in scanned.runs.items():
        for run in runs:
            _place_marks(run, place_of)
        own = []
        for first in range(0, len(runs), SEGMENT_RUNS):
            segments.append(encoder.encode(runs[first : first + SEGMENT_RUNS]))
            own.append(Segment(offset, len(segments[-1])))
            offset += len(segments[-1])
        nodes.append(IndexedNode(name, len(runs), own))
    directory = encoder.encode(Directory(stored, scanned.last_node, scanned.failure, nodes))
    return b"".join([len(directory).to_bytes(LENGTH_BYTES, "big"), directory, *segments])


def _place_marks(run: IndexedRun, place_of: dict[int, int]) -> None:
    for outputs in (*run.outputs.values(), *run.inputs.values()):
        for output in outputs:
            if output is not None:
                output.marks = [mark._replace(stored=place_of[mark.position]) for mark in output.marks]


def directory_length(beginning: bytes) -> int:
    """How many bytes the directory has that an index begins with."""
    return int.from_bytes(beginning[:LENGTH_BYTES], "big")


def decode_directory(text: bytes) -> Directory:
    """The directory of this text."""
    return msgspec.json.decode(text, type=Directory)


def decode_segment(text: bytes) -> list[IndexedRun]:
    """The runs of a segment."""
    return msgspec.json.decode(text, type=list[IndexedRun])
