"""A workflow's graph as it is drawn: nodes where n8n has them, what came out along each edge, and how each node went.

Pure: takes a workflow's definition and the structure of a run, as the API shows it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.console.graph_nodes import (
    SIZE,
    STICKY,
    NodeDrawing,
    Note,
    add_runs,
    as_list,
    as_object,
    draw_node,
    draw_note,
    place,
)
from app.console.layout import lay_out

SUB_SIZE = 72
MARGIN = 60
LABEL_HEIGHT = 46
MAX_NODES = 1_000
WIDE_LABEL_ASIDE = 16
"""How far from the middle of a line that goes up or down a label with rounds stands, to leave a node's name free."""


class Flow(NamedTuple):
    """How many items have come along a line, None: nothing has; and in how many runs. `is_cut`: at least so many."""

    items: int | None
    rounds: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from `source` to another node, with what its flow tells; `kind` is the type of connection."""

    path: str
    label_x: float
    label_y: float
    kind: str
    items: int | None
    rounds: int
    is_cut: bool = False
    source: str = ""


@dataclass(slots=True)
class GraphDrawing:
    """All of it, with the rectangle that it takes. `left_out`: how many nodes are too many to be drawn."""

    nodes: dict[str, NodeDrawing] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    box: tuple[float, float, float, float] = (0, 0, 400, 200)
    left_out: int = 0


def draw(
    definition: Mapping[str, Any],
    structure: Mapping[str, Any] | None = None,
    waiting: bool = False,
    looked_at: str | None = None,
) -> GraphDrawing:
    """The graph of a workflow; with the structure of a run, as that run went. `waiting`: the run waits at a node.

    Of too many nodes those around the one that is `looked_at` are drawn, else those around the last that has run.
    """
    graph = GraphDrawing()
    runs = {node["name"]: node for node in (structure or {}).get("nodes", [])}
    last = (structure or {}).get("lastNodeExecuted")
    there = [node for node in as_list(definition.get("nodes")) if isinstance(node, dict)]
    is_there = any(node.get("name") == looked_at for node in there)
    nodes = nearest(there, looked_at if is_there else last)
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


def came_out(summary: Mapping[str, Any] | None, kind: str, number: int) -> Flow:
    """What came out at an output in all runs, and in how many of them something did."""
    totals = []
    for run in summary["runs"] if summary else []:
        outputs = run["outputs"].get(kind, [])
        if number < len(outputs) and outputs[number] is not None:
            totals.append(outputs[number]["items"])
    is_cut = summary is not None and "lastRun" in summary
    return Flow(sum(totals) if totals else None, sum(1 for total in totals if total), is_cut)


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
        aside = math.copysign(WIDE_LABEL_ASIDE, y2 - y1) if flow.rounds > 1 and abs(y2 - y1) > SIZE / 2 else 0
        return Edge(path, (x1 + x2) / 2 + aside, (y1 + y2) / 2 - 7, "main", *flow, source=source.name)
    low = max(source.y, to.y) + SIZE + LABEL_HEIGHT + 22
    path = (
        f"M{x1:g} {y1:g}C{x1 + 60:g} {y1:g} {x1 + 60:g} {low:g} {x1:g} {low:g}"
        f"L{x2:g} {low:g}C{x2 - 60:g} {low:g} {x2 - 60:g} {y2:g} {x2:g} {y2:g}"
    )
    return Edge(path, (x1 + x2) / 2, low - 7, "main", *flow, source=source.name)


def draw_attachment(source: NodeDrawing, to: NodeDrawing, kind: str, flow: Flow) -> Edge:
    """From the top of a node to the bottom of the one that it hangs on."""
    x1, y1, x2, y2 = source.x + source.size / 2, source.y, to.x + to.size / 2, to.y + to.size
    bend = max(abs(y1 - y2) / 2, 24)
    path = f"M{x1:g} {y1:g}C{x1:g} {y1 - bend:g} {x2:g} {y2 + bend:g} {x2:g} {y2:g}"
    return Edge(path, (x1 + x2) / 2, (y1 + y2) / 2, kind, *flow, source=source.name)


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
