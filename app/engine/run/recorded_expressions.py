"""What the expressions of a node gave in a recorded run: its parameters, evaluated once more. No node runs.

What the run has recorded is there as it was: the node's input, and what other nodes had given by then. What is not
recorded is that of now: the time and the variables. A loop's memory and the custom data are those of the run's end.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.document import RunDocument, is_sub_run, replaced_input
from app.engine.run.errors import NodeError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.executor import context_of_task
from app.engine.run.graph import Graph, Node
from app.engine.run.items import InputSource, Item
from app.engine.run.pairing import pair_inputs
from app.engine.run.parameters import Template
from app.engine.run.state import RunState, Task, restore
from app.engine.run.sub_nodes import context_of, show_query
from app.engine.run.variables import ask_for_variables
from app.engine.sandbox import ExpressionError, Sandbox

MAX_EXPRESSIONS = 1_000
"""Expressions of one node that are evaluated; those that follow are left out."""
NO_VARIABLES = "It asks for $vars, which this API key may not read (variable:list)"
NO_RUN = "The execution's data is not laid out as that of a run"
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
_PLAIN = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


class NotRecorded(Exception):
    """The execution has no such run, or its run had no such item; the message says which."""


class CannotEvaluate(Exception):
    """The expressions cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """An item that a run of a node was given. All count from 0."""

    node: str
    run: int
    item: int


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A parameter that is an expression: where it stands, what it says, and what it gave.

    `missing`: undefined, NaN, Infinity or -Infinity, for which JSON has no word, so that `value` is None. `error`: why
    there is no value.
    """

    path: str
    configured: str
    value: Any = None
    missing: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The expressions of a node for one of its items. `items`: how many it was given; `left_out`: expressions."""

    items: int
    parameters: list[Evaluated]
    left_out: int = 0


async def evaluate(
    graph: Graph,
    document: RunDocument,
    place: ItemPlace,
    sandbox: Sandbox,
    execution: ExecutionInfo,
) -> Evaluation:
    """The parameters of a node as they were evaluated.

    Raises NotRecorded, CannotEvaluate, InvalidWorkflow, and SandboxError where the sandbox itself fails.
    """
    context = await compute(context_at, graph, document, place, sandbox, execution)
    if place.item >= max(len(context.items), 1):
        raise NotRecorded(
            f"The run {place.run} of the node '{place.node}' was given {len(context.items)} items: "
            f"there is no item {place.item}"
        )
    context.inputs = context.inputs if context.items else [[{"json": {}}]]
    templates = list(expressions(context.parameters))
    asked = [Evaluated(path, text) for path, text in templates[:MAX_EXPRESSIONS]]
    if execution.ports.variables is None:
        asked = [replace(each, error=NO_VARIABLES) if ask_for_variables([each.configured]) else each for each in asked]
    values = iter(await values_of([each.configured for each in asked if each.error is None], context, place.item))
    parameters = [each if each.error is not None else replace(each, **next(values)) for each in asked]
    return Evaluation(len(context.items), parameters, len(templates) - len(asked))


async def values_of(texts: list[str], context: NodeContext, item: int) -> list[dict[str, Any]]:
    """The value of each text for an item, or what is wrong with it, by the names that Evaluated has for these."""
    if not texts:
        return []
    await context.read_variables(texts)
    try:
        scope = await compute(context.scope_of, texts)
    except MALFORMED as error:
        raise CannotEvaluate(NO_RUN) from error
    scope |= {"exact": True, "marks": True, "itemIndexes": [item]}
    try:
        (row,) = await context.sandbox.evaluate(texts, scope)
    except ExpressionError as error:
        raise CannotEvaluate(error.message) from error
    values = [{"value": value} for value in row]
    for _, number, missing, *thrown in scope["exact"]:
        values[number] = {"missing": missing, "error": thrown[0] if thrown else None}
    for _, number, failure in scope["failed"]:
        values[number] = {"error": failure.message if isinstance(failure, ExpressionError) else str(failure)}
    return values


def expressions(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The expressions in parameters, each with its path, as JavaScript would write it."""
    if isinstance(value, str):
        if not Template(value).constant:
            yield path, value
    elif isinstance(value, dict):
        for name, child in value.items():
            if _PLAIN.fullmatch(name):
                yield from expressions(child, f"{path}.{name}" if path else name)
            else:
                yield from expressions(child, f"{path}[{json.dumps(name, ensure_ascii=False)}]")
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from expressions(child, f"{path}[{number}]")


def context_at(
    graph: Graph,
    document: RunDocument,
    place: ItemPlace,
    sandbox: Sandbox,
    execution: ExecutionInfo,
) -> NodeContext:
    """What a node saw in one of its runs. Raises NotRecorded, CannotEvaluate, InvalidWorkflow."""
    try:
        return _Past(graph, document, sandbox, execution).context(place.node, place.run)
    except MALFORMED as error:
        raise CannotEvaluate(NO_RUN) from error
    except NodeError as error:
        raise CannotEvaluate(error.message) from error


class _Past:
    """Puts a run together again as it was when one of its nodes ran."""

    def __init__(self, graph: Graph, document: RunDocument, sandbox: Sandbox, execution: ExecutionInfo) -> None:
        self._graph, self._sandbox, self._execution = graph, sandbox, execution
        self._state = restore(graph, document)
        self._run_data = self._state.run_data

    def context(self, name: str, number: int) -> NodeContext:
        run = self._run(name, number)
        node = self._node(name)
        if not is_sub_run(run):
            return self._of_main_flow(node, number, run)
        root = run["source"][0]
        made = context_of(self.context(root["previousNode"], root.get("previousNodeRun") or 0), node)
        for query in ((run["inputOverride"] or {}).get("ai_tool") or [[]])[0][:1]:
            show_query(made, query["json"], number, _item_of(query))
        return made

    def _of_main_flow(self, node: Node, number: int, run: dict[str, Any]) -> NodeContext:
        sources: list[InputSource | None] = list(run.get("source") or ())
        inputs = [None if source is None else self._output(source) for source in sources]
        if (replaced := replaced_input(run)) is not None:
            inputs[:1] = [replaced]
        task = Task(node, inputs or [[]], sources or None)
        state = self._before(run)
        context = context_of_task(state, task, pair_inputs(task), self._sandbox, self._execution)
        context.run_index = number
        return context

    def _run(self, name: str, number: int) -> dict[str, Any]:
        runs = self._run_data.get(name) or []
        if number >= len(runs):
            times = f"has run {len(runs)} times: there is no run {number}"
            raise NotRecorded(f"The node '{name}' {times if runs else 'is not in the execution, or never ran'}")
        return runs[number]

    def _node(self, name: str) -> Node:
        if name not in self._graph.nodes:
            raise CannotEvaluate(f"The workflow that ran has no node '{name}'")
        return self._graph.nodes[name]

    def _output(self, source: InputSource) -> list[Item]:
        """The items that came from there."""
        runs = self._run_data.get(source["previousNode"]) or []
        number, place = source.get("previousNodeRun") or 0, source.get("previousNodeOutput") or 0
        outputs = (runs[number].get("data") or {}).get("main") or [] if number < len(runs) else []
        return list(outputs[place] or []) if place < len(outputs) else []

    def _before(self, run: dict[str, Any]) -> RunState:
        """What there was when this run began; all that there is, where its data does not tell."""
        index = run.get("executionIndex")
        if index is not None:
            began = {
                name: [each for each in runs if each.get("executionIndex", -1) < index]
                for name, runs in self._run_data.items()
            }
            self._state.run_data = {name: runs for name, runs in began.items() if runs}
        return self._state


def _item_of(query: Item) -> int:
    """The number of the item that a tool was used for with this query."""
    pairing = query.get("pairedItem") or {}
    number: int = pairing.get("item", 0) if isinstance(pairing, dict) else 0
    return number
