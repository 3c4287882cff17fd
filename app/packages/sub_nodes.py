"""What a call asks about the nodes that hang on its own: their parameters, their runs, and to run one as a tool.

The packages' objects stay in their process; what they do for each other is noted here, in the run data.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from app.engine.nodes.code.helpers import CodeHelpers
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, SubNodeError
from app.engine.run.programs import run_own_program
from app.engine.run.sub_nodes import attached, begin_use, context_of, end_use, fail_supply, use_as_tool
from app.engine.sandbox import CodeError, SandboxError
from app.engine.values import conversions

Json = dict[str, Any]
Describe = Callable[[NodeContext], Awaitable[Json]]
"""What a process is told to run a node that hangs on another."""
MAX_SUB_NODES = 1_000
"""Contexts of sub-nodes that one call may ask for."""


class SubNodes:
    """The nodes below that of one call. Each has a number, by which the call names it."""

    def __init__(self, root: NodeContext, describe: Describe) -> None:
        self._root = root
        self._describe = describe
        self._contexts: list[tuple[NodeContext, NodeContext]] = []
        self.failure: SubNodeError | None = None
        """The last error of one that could not supply anything."""

    def context(self, number: Any) -> NodeContext:
        """The context of the node of that number; of None, that of the call's own."""
        return self._root if number is None else self._pair(number)[1]

    def _pair(self, number: Any) -> tuple[NodeContext, NodeContext]:
        if not isinstance(number, int) or not 0 <= number < len(self._contexts):
            raise NodeError("The node names a sub-node that it does not have")
        return self._contexts[number]

    def document_of(self, name: Any) -> Json | None:
        """One of the nodes below by its name, as its workflow holds it."""
        documents = (context.node.document for _, context in self._contexts if context.node.name == name)
        return next(documents, None)

    async def connected(self, given: Json) -> Json:
        """The sub-nodes that hang on one by a type of connection, each with what it is run with."""
        root = self.context(given.get("subNode"))
        nodes = []
        for node in attached(root, str(given.get("kind"))):
            if len(self._contexts) >= MAX_SUB_NODES:
                raise NodeError(f"A node may have at most {MAX_SUB_NODES:,} sub-nodes")
            context = context_of(root, node)
            self._contexts.append((root, context))
            number = len(self._contexts) - 1
            runs = len(root.state.run_data.get(node.name) or ())
            nodes.append({**await self._describe(context), "subNode": number, "runs": runs})
        return {"result": {"nodes": nodes}}

    async def begin_use(self, given: Json) -> Json:
        """Note that a sub-node begins to work."""
        root, context = self._pair(given.get("subNode"))
        begin_use(root, context.node, _kind(given), _items(given))
        return {"result": None}

    async def end_use(self, given: Json) -> Json:
        """Note what came of it."""
        root, context = self._pair(given.get("subNode"))
        index, error = given.get("index"), given.get("error")
        number = index if isinstance(index, int) else -1
        metadata = given.get("metadata")
        about = metadata if isinstance(metadata, dict) else None
        if isinstance(error, dict):
            end_use(root, context.node, _kind(given), number, error=error, metadata=about)
        else:
            end_use(root, context.node, _kind(given), number, items=_items(given), metadata=about)
        return {"result": None}

    async def fail_supply(self, given: Json) -> Json:
        """Note that a sub-node cannot supply what it should."""
        root, context = self._pair(given.get("subNode"))
        error, item = given.get("error"), given.get("item")
        message = str(error.get("message")) if isinstance(error, dict) else "Unknown error"
        self.failure = fail_supply(root, context.node, NodeError(message), item if isinstance(item, int) else 0)
        return {"result": None}

    async def use_as_tool(self, given: Json) -> Json:
        """Run a node as a tool, while the call that asks for it goes on."""
        root, context = self._pair(given.get("subNode"))
        query, item = given.get("query"), given.get("item")
        asked = query if isinstance(query, dict) else {"input": query}
        answer = await use_as_tool(root, context.node, asked, item if isinstance(item, int) else 0)
        return {"result": {"response": answer}}


async def tool_of(context: NodeContext) -> Json:
    """What a model is told of a node as a tool; its parameters stay as they are until it is called."""
    parameters = context.parameters
    manual = parameters.get("descriptionType", "manual") != "auto"
    said = await context.resolve_with(parameters.get("toolDescription"), {}, 0) if manual else None
    return {"parameters": parameters, "toolDescription": said if isinstance(said, str) else None}


async def run_program(context: NodeContext, given: Json) -> Json:
    """Run a program of the workflow's own where such programs run: confined, and not beside the code of packages.

    `variables` are what it sees by these names. The reply has what it returned, or why it failed.
    """
    if given.get("language") != "javascript":
        return {"result": {"ok": False, "error": {"message": "Python is not supported here; use JavaScript."}}}
    variables = given.get("variables")
    named = variables if isinstance(variables, dict) else {}
    lines = [
        f"const {name} = {conversions.to_json_text(value)};" for name, value in named.items() if name.isidentifier()
    ]
    # In a function with a name, and on the first line, so that errors name the line that the author sees.
    function = f"(async function tool() {{{given.get('code')}\n}})"
    body = f"return [{{ json: {{ returned: await {function}.call(this) }} }}];"
    source = " ".join([*lines, body])
    try:
        async with CodeHelpers(context) as helpers:
            result = await run_own_program(context, source, each_item=False, continue_on_fail=False, helpers=helpers)
    except CodeError as error:
        return {"result": {"ok": False, "error": {"message": error.message}}}
    except SandboxError as error:
        return {"result": {"ok": False, "error": {"message": str(error)}}}
    return {"result": {"ok": True, "result": result.items[0]["json"].get("returned")}}


def _kind(given: Json) -> str:
    kind = given.get("kind")
    if not isinstance(kind, str) or not kind.startswith("ai_"):
        raise NodeError("A sub-node is used by a connection whose type begins with ai_")
    return kind


def _items(given: Json) -> list[Json]:
    items: Iterable[Any] = given.get("items") or []
    return [item for item in items if isinstance(item, dict)]
