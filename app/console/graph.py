"""A workflow's graph as it is drawn: nodes where n8n has them, what came out along each edge, and how each node went.

Pure: takes a workflow's definition and the structure of a run, as the API shows it, and knows nobody.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.console.layout import lay_out

SIZE = 96
"""Width and height of a node, as n8n draws it."""
SUB_SIZE = 72
MARGIN = 60
LABEL_HEIGHT = 46
LINE = 20
"""Most letters in a line of a label."""
MAX_NODES = 1_000
FARTHEST = 100_000
NOTE_SIZE = (240, 160)
STICKY = "n8n-nodes-base.stickyNote"

_ICONS = (
    (r"stickyNote", "file"),
    (r"webhook|respondToWebhook", "webhook"),
    (r"(schedule|interval|cron)(Trigger)?$|\.wait$|dateTime", "clock"),
    (r"manualTrigger|formTrigger|\.form$|chatTrigger", "cursor"),
    (r"errorTrigger|stopAndError", "problem"),
    (r"emailSend|emailReadImap|gmail|mail", "mail"),
    (r"httpRequest|rssFeed|graphql", "globe"),
    (r"postgres|mysql|redis|mongo|dataTable|database", "database"),
    (r"\.(code|function|functionItem|executeCommand)$", "code"),
    (r"\.(if|switch|filter)$", "branch"),
    (r"\.(merge|compareDatasets|aggregate|summarize)$", "merge"),
    (r"splitInBatches", "loop"),
    (r"executeWorkflow", "workflow"),
    (r"file|File|spreadsheet|compression|convert|extract|html|markdown|xml", "file"),
    (r"\.(set|renameKeys|editImage|crypto)$", "edit"),
    (r"\.(splitOut|itemLists|sort|limit|removeDuplicates)$", "stack"),
    (r"langchain|openAi|agent", "spark"),
    (r"^n8n-nodes-base\.", "node"),
    (r"", "package"),
)
ICONS = tuple((re.compile(pattern), icon) for pattern, icon in _ICONS)


@dataclass(slots=True)
class NodeDrawing:
    """A node as it is drawn. `status` None: it has not run. `runs` counts them, `leads_to` names where lines lead."""

    name: str
    type: str
    x: float
    y: float
    size: int
    icon: str
    lines: list[str]
    disabled: bool = False
    status: str | None = None
    runs: int = 0
    message: str | None = None
    took: float | None = None
    leads_to: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its type without the name of its package."""
        return self.type.rpartition(".")[2]


class Flow(NamedTuple):
    """How many items have come along a line, None: nothing has; and in how many runs."""

    items: int | None
    rounds: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two nodes. `items` None: nothing has come along; `kind` is the type of connection."""

    path: str
    label_x: float
    label_y: float
    kind: str
    items: int | None
    rounds: int


@dataclass(frozen=True, slots=True)
class Note:
    """A sticky note."""

    x: float
    y: float
    width: float
    height: float
    lines: list[str]


@dataclass(slots=True)
class GraphDrawing:
    """All of it, with the rectangle that it takes. `left_out`: how many nodes are too many to be drawn."""

    nodes: dict[str, NodeDrawing] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    box: tuple[float, float, float, float] = (0, 0, 400, 200)
    left_out: int = 0


def draw(
    definition: Mapping[str, Any], structure: Mapping[str, Any] | None = None, waiting: bool = False
) -> GraphDrawing:
    """The graph of a workflow; with the structure of a run, as that run went. `waiting`: the run waits at a node."""
    graph = GraphDrawing()
    runs = {node["name"]: node for node in (structure or {}).get("nodes", [])}
    last = (structure or {}).get("lastNodeExecuted")
    there = [node for node in as_list(definition.get("nodes")) if isinstance(node, dict)]
    nodes = nearest(there, last)
    graph.left_out = len(there) - len(nodes)
    connections = as_object(definition.get("connections"))
    subs = {name for name, kinds in connections.items() if isinstance(kinds, dict) and kinds and "main" not in kinds}
    for node in nodes:
        x, y = place(node.get("position"))
        if node.get("type") == STICKY:
            graph.notes.append(draw_note(node, x, y))
            continue
        drawn = draw_node(node, x, y, SUB_SIZE if str(node.get("name")) in subs else SIZE)
        add_runs(drawn, runs.get(drawn.name))
        graph.nodes[drawn.name] = drawn
    spread(graph.nodes, connections)
    if waiting and last in graph.nodes:
        graph.nodes[last].status = "waiting"
    graph.edges = list(draw_edges(graph.nodes, connections, runs))
    graph.box = bounding_box(graph)
    return graph


def spread(nodes: Mapping[str, NodeDrawing], connections: Mapping[str, Any]) -> None:
    """Lay the nodes out anew where at least half of them lie on each other."""
    if len({(node.x, node.y) for node in nodes.values()}) * 2 > len(nodes):
        return
    targets = {
        name: [
            to.name
            for outputs in as_object(kinds).values()
            for each in as_list(outputs)
            for to, _ in destinations(nodes, each)
        ]
        for name, kinds in connections.items()
    }
    for name, (x, y) in lay_out(list(nodes), targets).items():
        if name in nodes:
            nodes[name].x, nodes[name].y = x, y


def nearest(nodes: Sequence[Mapping[str, Any]], name: str | None) -> Sequence[Mapping[str, Any]]:
    """At most MAX_NODES: those around the node of this name, else the first ones."""
    if len(nodes) <= MAX_NODES:
        return nodes
    middle = next((place(node.get("position")) for node in nodes if node.get("name") == name), None)
    if middle is not None:
        nodes = sorted(nodes, key=lambda node: math.dist(middle, place(node.get("position"))))
    return nodes[:MAX_NODES]


def as_list(value: Any) -> Sequence[Any]:
    """The value, or nothing where it is no list."""
    return value if isinstance(value, list) else []


def as_object(value: Any) -> Mapping[str, Any]:
    """The value, or nothing where it is no object."""
    return value if isinstance(value, dict) else {}


def place(position: Any) -> tuple[float, float]:
    """Where a node is; a position that is none is the origin."""
    fits = isinstance(position, list) and len(position) == 2
    if not fits or not all(isinstance(each, int | float) for each in position):
        return 0, 0
    x, y = (max(-FARTHEST, min(FARTHEST, each)) for each in position)
    return x, y


def draw_node(node: Mapping[str, Any], x: float, y: float, size: int) -> NodeDrawing:
    """A node of a workflow, as it is before it has run."""
    name, kind = str(node.get("name", "")), str(node.get("type", ""))
    return NodeDrawing(name, kind, x, y, size, icon_of(kind), label(name), disabled=bool(node.get("disabled")))


def icon_of(kind: str) -> str:
    """The icon for a type of node."""
    return next(icon for pattern, icon in ICONS if pattern.search(kind))


def label(name: str, lines: int = 2, length: int = LINE) -> list[str]:
    """A text in a few lines, cut with an ellipsis."""
    found: list[str] = [""]
    for word in name.split():
        joined = f"{found[-1]} {word}".strip()
        if len(joined) <= length or not found[-1]:
            found[-1] = joined
        else:
            found.append(word)
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return [line if len(line) <= length + 2 else line[: length + 1] + "…" for line in found if line]


def draw_note(node: Mapping[str, Any], x: float, y: float) -> Note:
    """A sticky note with as much of its text as it has room for."""
    parameters = as_object(node.get("parameters"))
    sizes = [parameters.get(name) for name in ("width", "height")]
    width, height = (
        float(given) if isinstance(given, int | float) and 0 < given < FARTHEST else default
        for given, default in zip(sizes, NOTE_SIZE, strict=True)
    )
    letters, lines = max(int(width // 7.5), 8), max(int(height // 20) - 1, 1)
    text = str(parameters.get("content", ""))[:5_000]
    return Note(x, y, width, height, label(text, lines, letters))


def add_runs(node: NodeDrawing, found: Mapping[str, Any] | None) -> None:
    """How the node went: by its last run, or by the last that failed."""
    if not found or not found["runs"]:
        return
    node.runs = found["runCount"]
    failed = [run for run in found["runs"] if run["error"]]
    last = found["runs"][-1]
    node.status = "error" if last["error"] else last["executionStatus"] or "success"
    node.took = sum(run["executionTime"] or 0 for run in found["runs"]) / 1000
    if failed:
        node.message = failed[-1]["error"]["message"]


def draw_edges(
    nodes: Mapping[str, NodeDrawing], connections: Mapping[str, Any], runs: Mapping[str, Any]
) -> Iterator[Edge]:
    """The lines between nodes that are drawn."""
    for name, kinds in connections.items():
        source = nodes.get(name)
        if source is None:
            continue
        for kind, outputs in as_object(kinds).items():
            for number, targets in enumerate(as_list(outputs)):
                flow = came_out(runs.get(name), kind, number)
                for to, entry in destinations(nodes, targets):
                    if to.name not in source.leads_to:
                        source.leads_to.append(to.name)
                    if kind == "main":
                        yield draw_line(source, to, (number, len(outputs)), entry, flow)
                    else:
                        yield draw_attachment(source, to, kind, flow)


def destinations(nodes: Mapping[str, NodeDrawing], targets: Any) -> Iterator[tuple[NodeDrawing, int]]:
    """Where the lines of an output end, each with the number of the input there."""
    for target in filter(None, map(as_object, as_list(targets))):
        to, entry = nodes.get(str(target.get("node"))), target.get("index")
        if to is not None:
            yield to, entry if isinstance(entry, int) else 0


def came_out(found: Mapping[str, Any] | None, kind: str, number: int) -> Flow:
    """What came out at an output in all runs."""
    totals = []
    for run in found["runs"] if found else []:
        outputs = run["outputs"].get(kind, [])
        if number < len(outputs) and outputs[number] is not None:
            totals.append(outputs[number]["items"])
    return Flow(sum(totals) if totals else None, len(totals))


def draw_line(source: NodeDrawing, to: NodeDrawing, output: tuple[int, int], entry: int, flow: Flow) -> Edge:
    """From the right side of a node to the left one of another; around below where that lies behind.

    `output` is the number of the output, and how many there are.
    """
    number, outputs = output
    x1, y1 = source.x + source.size, source.y + source.size * (number + 1) / (outputs + 1)
    x2, y2 = to.x, to.y + to.size / 2 + (entry * 18 if entry else 0)
    if x2 > x1 - 20:
        bend = max(abs(x2 - x1) / 2, 24)
        path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
        return Edge(path, (x1 + x2) / 2, (y1 + y2) / 2 - 7, "main", *flow)
    low = max(source.y, to.y) + SIZE + LABEL_HEIGHT + 22
    path = (
        f"M{x1:g} {y1:g}C{x1 + 60:g} {y1:g} {x1 + 60:g} {low:g} {x1:g} {low:g}"
        f"L{x2:g} {low:g}C{x2 - 60:g} {low:g} {x2 - 60:g} {y2:g} {x2:g} {y2:g}"
    )
    return Edge(path, (x1 + x2) / 2, low - 7, "main", *flow)


def draw_attachment(source: NodeDrawing, to: NodeDrawing, kind: str, flow: Flow) -> Edge:
    """From the top of a node to the bottom of the one that it hangs on."""
    x1, y1, x2, y2 = source.x + source.size / 2, source.y, to.x + to.size / 2, to.y + to.size
    bend = max(abs(y1 - y2) / 2, 24)
    path = f"M{x1:g} {y1:g}C{x1:g} {y1 - bend:g} {x2:g} {y2 + bend:g} {x2:g} {y2:g}"
    return Edge(path, (x1 + x2) / 2, (y1 + y2) / 2, kind, *flow)


def bounding_box(graph: GraphDrawing) -> tuple[float, float, float, float]:
    """Left, top, width and height of all that is drawn."""
    around = [(n.x - 44, n.y, n.x + n.size + 44, n.y + n.size + LABEL_HEIGHT) for n in graph.nodes.values()]
    around += [(n.x, n.y, n.x + n.width, n.y + n.height) for n in graph.notes]
    around += [(edge.label_x, edge.label_y, edge.label_x, edge.label_y + 16) for edge in graph.edges]
    if not around:
        return 0, 0, 400, 200
    left, top = min(each[0] for each in around) - MARGIN / 2, min(each[1] for each in around) - MARGIN / 2
    right, bottom = max(each[2] for each in around) + MARGIN / 2, max(each[3] for each in around) + MARGIN / 4
    return left, top, right - left, bottom - top
