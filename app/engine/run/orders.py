"""In which order the nodes of a run come: n8n's v1, and the one from before its 1.0, which it calls v0.

An order delivers what a node gives to those that follow it, and runs nodes that wait for inputs once nothing else is
due. Knows graph and state; runs nothing.
"""

from typing import Any, Protocol

from app.engine.run.graph import Destination, Node
from app.engine.run.items import InputSource, Item
from app.engine.run.state import RunState, Task


class Order(Protocol):
    """Decides which node is due next."""

    def deliver(self, state: RunState, source: Node, outputs: list[list[Item]], run_index: int) -> None:
        """Hand a node's outputs on to the nodes that follow it."""

    def release(self, state: RunState) -> bool:
        """Let a node that waits for more inputs run with what it has; False when none may.

        Called when nothing else is due, so that missing inputs could come only from nodes that wait themselves.
        """


def order_of(settings: dict[str, Any]) -> Order:
    """The order that a workflow's settings ask for; as in n8n, whatever is not `v1` is the old one."""
    return DEPTH_FIRST if settings.get("executionOrder") == "v1" else LEVEL_BY_LEVEL


class DepthFirst:
    """v1: one branch to its end, the top-left one first; a node with several inputs waits for all of them for as long
    as another node is due."""

    def deliver(self, state: RunState, source: Node, outputs: list[list[Item]], run_index: int) -> None:
        """What lies top-left is due first, before all that was due already."""
        due: list[tuple[tuple[float, float], int, Destination]] = []
        for index, connections in enumerate(source.outputs):
            items = outputs[index] if index < len(outputs) else None
            for connection in connections:
                if items:
                    target = state.graph.nodes[connection.node]
                    if not target.kind.passive:
                        due.append(((target.position[1], target.position[0]), index, connection))
        if len(due) > 1:
            due.sort(key=lambda entry: entry[0], reverse=True)
        for _, index, connection in due:
            task = _take(state, connection, outputs[index], _origin(source, index, run_index))
            if task is not None:
                state.stack.append(task)

    def release(self, state: RunState) -> bool:
        """The first to have waited goes first, but none before another from which a way leads to it. A node that may
        not run without the missing inputs waits for good, and so do those after it."""
        for name in _free(state):
            task = next((entry for entry in state.waiting[name] if any(entry.inputs) and _may_run(entry)), None)
            if task is not None:
                _let_go(state, task)
                return True
        return False


class LevelByLevel:
    """v0: branches take turns in the order of their lines, wherever their nodes stand. A node that begins to wait for
    inputs has the branches run that would bring them, with an empty item, where nothing that is due leads there."""

    def deliver(self, state: RunState, source: Node, outputs: list[list[Item]], run_index: int) -> None:
        """What follows is due after all that was due already. An output without items counts as one for any input
        but the first."""
        lines = [
            (items, index, line)
            for index, (items, connections) in enumerate(zip(outputs, source.outputs, strict=False))
            for line in connections
        ]
        for place, (items, index, connection) in enumerate(lines, 1):
            target = state.graph.nodes[connection.node]
            if target.kind.passive or not (items or connection.input > 0):
                continue
            origin = _origin(source, index, run_index)
            waited = target.name in state.waiting
            task = _take(state, connection, items, origin)
            if task is not None:
                state.stack.insert(0, task)
            elif not waited:
                # What gets no items from another output will not run: it is a branch that has to be begun.
                later = {line.node for given, _, line in lines[place:] if given and line.input == 0}
                beside = () if items else source.outputs[index]
                _begin_branches(state, target, origin, later.union(line.node for line in beside))

    def release(self, state: RunState) -> bool:
        """As in v1, but a node does not run without items at its first input, unless it stands in a loop with one
        that gave it others: it is forgotten.
        With it ends the run, but where none of its inputs has any items."""
        while free := _free(state):
            task = state.waiting[free[0]][0]
            _let_go(state, task)
            if task.inputs[0] or (any(task.inputs) and _goes_round(state, task)):
                return True
            state.stack.pop()
            if any(task.inputs):
                return False
        return False


def _origin(source: Node, output: int, run_index: int) -> InputSource:
    return {"previousNode": source.name, "previousNodeOutput": output, "previousNodeRun": run_index}


def _take(state: RunState, connection: Destination, items: list[Item], origin: InputSource) -> Task | None:
    """Put items at a node's input; the task when it has all of its inputs now."""
    target, index = state.graph.nodes[connection.node], connection.input
    if target.input_count <= 1:
        return Task(target, [items], [origin])
    partial = state.waiting.setdefault(target.name, [])
    task = next((entry for entry in partial if entry.inputs[index] is None), None)
    if task is None:
        task = Task(target, [None] * target.input_count, [None] * target.input_count)
        partial.append(task)
    task.inputs[index] = items
    if task.sources is not None:
        task.sources[index] = origin
    if any(entry is None for entry in task.inputs):
        return None
    _forget(state, task)
    return task


def _forget(state: RunState, task: Task) -> None:
    """Take a task from those that wait."""
    partial = state.waiting[task.node.name]
    partial.remove(task)
    if not partial:
        del state.waiting[task.node.name]


def _let_go(state: RunState, task: Task) -> None:
    """Make a task that waits the next one, with nothing at the inputs that it lacks."""
    _forget(state, task)
    task.inputs = [entry if entry is not None else [] for entry in task.inputs]
    state.stack.append(task)


def _free(state: RunState) -> list[str]:
    """The names of the nodes that wait, without those that come after another one that waits."""
    return state.graph.first_among(list(state.waiting))


def _may_run(task: Task) -> bool:
    """Whether a node may run although some of its inputs will never come."""
    required = task.node.kind.needed_inputs(task.node.parameters)
    if required is None:
        return True
    if isinstance(required, int):
        return sum(1 for items in task.inputs if items) >= required
    return all(index < len(task.inputs) and task.inputs[index] for index in required)


def _begin_branches(state: RunState, target: Node, origin: InputSource, later: set[str]) -> None:
    """For each line to any input of a node: have the branch run that it ends, unless it has run or will. `later`: the
    nodes that the same source comes to next, or comes to by the same output without items."""
    source = state.graph.nodes[origin["previousNode"]]
    due = {task.node.name for task in state.stack} | later
    for name in (name for names in _lines_to(state, target) for name in names):
        if name not in state.run_data and (first := _first_of_branch(state, name, due, source)) is not None:
            due.add(first)
            state.stack.insert(0, Task(state.graph.nodes[first], [[{"json": {}}]], [origin]))


def _first_of_branch(state: RunState, last: str, due: set[str], source: Node) -> str | None:
    """Where to begin so that a node runs that has not: the furthest before it, up to one that has run and gave it
    nothing. None when something on that way is due, or comes after `source` as well."""
    if last in due:
        return None
    first, way = last, {last}
    beside = {line.node for connections in source.outputs for line in connections}
    for name in _back_from(state, last):
        if name in due or name in beside:
            return None
        if name not in state.run_data:
            first = name
            way.add(name)
        elif not _gave_items(state, state.graph.nodes[name], way):
            break
    return None if any(_will_run(state, name) for name in way) else first


def _will_run(state: RunState, name: str) -> bool:
    """Whether a node that waits has items at its first input: it runs once nothing else is due."""
    return any(task.inputs[0] for task in state.waiting.get(name, ()))


def _gave_items(state: RunState, node: Node, targets: set[str]) -> bool:
    """Whether the last run of a node had items for any of these."""
    outputs = (state.run_data[node.name][-1].get("data") or {}).get("main") or []
    return any(
        items and any(line.node in targets for line in lines)
        for items, lines in zip(outputs, node.outputs, strict=False)
    )


def _back_from(state: RunState, last: str) -> list[str]:
    """All nodes from which a way leads to this one, each before those that lead to it; the first of its lines first."""
    seen, ordered = {last}, list[str]()
    pending = [(last, iter(_sources_of(state, last)))]
    while pending:
        name, sources = pending[-1]
        following = next((each for each in sources if each not in seen), None)
        if following is None:
            ordered.append(name)
            pending.pop()
        else:
            seen.add(following)
            pending.append((following, iter(_sources_of(state, following))))
    return ordered[-2::-1]


def _sources_of(state: RunState, name: str) -> list[str]:
    """The nodes that lines lead from to this one, those of its last input first, and the last of them first."""
    return [each for names in _lines_to(state, state.graph.nodes[name]) for each in names][::-1]


def _lines_to(state: RunState, node: Node) -> list[list[str]]:
    """The nodes that lines lead from to each input of this one."""
    names: list[list[str]] = [[] for _ in range(node.input_count)]
    for name, index in node.lines:
        names[index].append(name)
    return names


def _goes_round(state: RunState, task: Task) -> bool:
    """Whether one of those that gave a node its items, other than the node itself, comes after it as well."""
    names = {origin["previousNode"] for origin in task.sources or () if origin is not None} - {task.node.name}
    return any(state.graph.output_towards(task.node.name, name) is not None for name in names)


DEPTH_FIRST, LEVEL_BY_LEVEL = DepthFirst(), LevelByLevel()
