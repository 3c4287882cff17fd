"""What the expressions of a node see in one of its runs, and what they give: its parameters for each of its items.

The only way from a node to other nodes' data. Knows no credentials and no other machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.run.computing import PLAIN, compute
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.graph import Node
from app.engine.run.items import InputSource, Item
from app.engine.run.memory import estimate, length_of_texts
from app.engine.run.parameters import Template
from app.engine.run.scope import Viewpoint, base_scope, scope_for
from app.engine.run.state import RunState
from app.engine.run.variables import ask_for_variables
from app.engine.sandbox import ExpressionError, Sandbox, SandboxError
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

TIMES_FILLED = 4
"""Parameters that are filled in for each item may take so many times what else is left to a run: they live as long as
their node runs, and are no data."""

SMALL = 2**14
"""Bytes of JSON that are read without a look at what they hold."""


@dataclass(slots=True)
class ExpressionContext:
    """One run of one node, as far as its expressions see it."""

    node: Node
    inputs: list[list[Item]]
    sources: list[InputSource | None] | None
    run_index: int
    state: RunState
    sandbox: Sandbox
    execution: ExecutionInfo
    unprocessed: list[Item] = field(default_factory=list)
    """What a node that runs once leaves of its first input. Its expressions see it too, its program does not."""
    anchor: Node | None = None
    """For a sub-node: the node of the main flow that it serves."""
    origin: tuple[InputSource, int] | None = None
    """For a node that runs for another: where in the main flow that one's item came from."""

    held: int = 0
    """Bytes that the node has collected so far; counted anew when it is through."""

    @property
    def items(self) -> list[Item]:
        """The items of the first input."""
        return self.inputs[0] if self.inputs else []

    @property
    def continues_on_fail(self) -> bool:
        """Whether an item that fails becomes an error in the output instead of ending the run."""
        return self.node.continues_on_fail

    def hold(self, size: int) -> None:
        """Count bytes that the node collects on its way, or below 0 gives back. Raises TooMuchData where the run would
        hold too much, and ValueError for more given back than was counted: others would get room that is not there."""
        if self.held + size < 0:
            raise ValueError(f"{-size} bytes are given back where {self.held} are held")
        if size > 0:
            self.execution.ports.meter.check(size, self.held)
        self.held += size
        self.execution.ports.meter.borrow(size)

    def release(self, size: int) -> None:
        """Count bytes that the node has collected, and holds no longer.

        What works for it may come to its end after the node, with which all was given back: none is given back twice.
        """
        self.hold(-min(size, self.held))

    def admit(self, answer: bytes) -> None:
        """Raises TooMuchData for JSON that the run could not hold once it is read."""
        if len(answer) > SMALL:
            self.execution.ports.meter.check(estimate(answer), self.held)

    async def _admit_scope(self, scope: dict[str, Any]) -> None:
        """Raises TooMuchData where the JSON of what JavaScript is to see would take more than half of what a run may
        hold: an item that stands in many places is in memory once, and in the JSON as often as it stands."""
        meter, items, nodes = self.execution.ports.meter, scope["items"], scope["nodes"]
        most = meter.limit // 2
        if len({id(item["json"]) for item in items}) == len(items) and meter.used * (1 + len(nodes)) <= most:
            return
        if await compute(length_of_texts, [items, nodes], most, size=len(items) + len(nodes) * PLAIN) > most:
            raise meter.refuse()

    async def resolve(
        self, value: Any, *, parameter: str | None = None, items: list[Item] | None = None, exact: bool = False
    ) -> list[Any]:
        """`value` with its expressions evaluated, once for each input item, in one trip to the sandbox.

        `parameter` names it in errors. Values without expressions cost nothing and may be shared between items.
        `exact` leaves in place what an expression gives that is not JSON: Undefined, NaN, infinities.
        Raises NodeError for the first item that an expression fails for.
        """
        template = Template(value)
        given = self.items if items is None else items
        if template.constant:
            return [template.fill(())] * len(given)
        rows = await self._evaluate(template.texts, given, parameter, exact=exact)
        return await self._fill_all(template, rows)

    async def resolve_first(self, value: Any, *, parameter: str | None = None) -> Any:
        """`value` with its expressions evaluated for the first item only."""
        template = Template(value)
        if template.constant:
            return template.fill(())
        rows = await self._evaluate(template.texts, self.items or [{"json": {}}], parameter, only=[0])
        return template.fill(rows[0])

    async def resolve_each(self, value: Any, *, parameter: str | None = None, exact: bool = False) -> list[Any]:
        """As `resolve`, but with the NodeError itself in the place of each item that fails.

        For nodes whose settings let the other items go on; costs one more trip an item only when one fails. Where the
        first failure ends the node, it stands in the place of all items that come after, too.
        `exact`: as in `resolve`.
        """
        template = Template(value)
        if template.constant:
            return [template.fill(())] * len(self.items)
        if self.continues_on_fail:
            try:
                rows = await self._evaluate(template.texts, self.items, parameter, exact=exact)
            except NodeError:
                return [await self._resolve_one(template, index, parameter, exact) for index in range(len(self.items))]
            return await self._fill_all(template, rows)
        values, error = await self._resolve_until(template, parameter, exact)
        return [*values, *[error] * (len(self.items) - len(values))]

    async def resolve_until(
        self, value: Any, *, parameter: str | None = None, exact: bool = False
    ) -> tuple[list[Any], NodeError | None]:
        """As `resolve`, but for the items before the first that an expression fails for, with the NodeError of that
        one: what the node itself refuses in an earlier item comes before it."""
        template = Template(value)
        if template.constant:
            return [template.fill(())] * len(self.items), None
        return await self._resolve_until(template, parameter, exact)

    async def _resolve_until(
        self, template: Template, parameter: str | None, exact: bool
    ) -> tuple[list[Any], NodeError | None]:
        try:
            rows, failed = await self._evaluate(template.texts, self.items, parameter, exact=exact), None
        except NodeError as error:
            before = range(min(error.item_index or 0, len(self.items)))
            forget_frames(error)
            rows, failed = [], error
            if before:
                rows = await self._evaluate(template.texts, self.items, parameter, only=list(before), exact=exact)
        return await self._fill_all(template, rows), failed

    async def _fill_all(self, template: Template, rows: list[list[Any]]) -> list[Any]:
        """What the template gives for each row. Raises TooMuchData where all of them together are far too much."""
        self.execution.ports.meter.check(template.size * len(rows) // TIMES_FILLED, self.held)
        return await compute(template.fill_all, rows, size=len(rows) / PLAIN)

    async def resolve_marked(
        self, texts: Sequence[str]
    ) -> tuple[list[list[Any]], list[tuple[int, int, Exception]], list[list[Any]]]:
        """What each expression gives for each item, with what failed: (item, expression, error).

        Last, the places of what JSON cannot hold: [item, expression, "undefined" or what number]. Without items they
        are evaluated once. Raises NodeError where the sandbox itself fails.
        """
        scope = await self.scope(texts, self.items or [{"json": {}}]) | {"exact": True, "marks": True}
        try:
            rows = await self.sandbox.evaluate(texts, scope, admit=self.admit)
        except (ExpressionError, SandboxError) as error:
            raise self.expression_error(error, None) from error
        self.keep_custom_data(scope)
        return rows, scope["failed"], scope["exact"]

    async def _resolve_one(self, template: Template, index: int, parameter: str | None, exact: bool) -> Any:
        try:
            rows = await self._evaluate(template.texts, self.items, parameter, only=[index], exact=exact)
        except NodeError as error:
            forget_frames(error)
            return error
        return template.fill(rows[0])

    async def tell_apart(self, texts: set[str]) -> list[dict[str, str]]:
        """What the expressions that gave nothing, or a text, really were, for each item.

        It is null, undefined, NaN, Infinity, Date or DateTime. JSON writes most of them as null.
        One that threw counts as undefined, as it does for n8n.
        """
        asked = list(texts)
        rows = await self._evaluate(asked, self.items, None, kinds=True)
        return await compute(_name_all, asked, rows, size=len(rows) / PLAIN)

    async def resolve_with(self, value: Any, variables: dict[str, Any], item: int) -> Any:
        """`value` with its expressions evaluated for one item, with more variables (such as $response) to see.

        What an expression gives that is not JSON is left in place: Undefined, NaN, infinities.
        """
        template = Template(value)
        if template.constant:
            return template.fill(())
        scope = {**await self.scope(template.texts), "more": variables, "itemIndexes": [item], "exact": True}
        try:
            rows = await self.sandbox.evaluate(template.texts, scope, admit=self.admit)
        except (ExpressionError, SandboxError) as error:
            raise self.expression_error(error, None) from error
        _make_exact(rows, scope)
        return template.fill(rows[0])

    async def _evaluate(
        self,
        texts: Sequence[str],
        items: list[Item],
        parameter: str | None,
        only: list[int] | None = None,
        exact: bool = False,
        kinds: bool = False,
    ) -> list[list[Any]]:
        scope = await self.scope(texts, items) | {"exact": exact, "kinds": kinds}
        if only is not None:
            scope["itemIndexes"] = only
        try:
            rows = await self.sandbox.evaluate(texts, scope, admit=self.admit)
        except (ExpressionError, SandboxError) as error:
            raise self.expression_error(error, parameter) from error
        self.keep_custom_data(scope)
        if exact:
            await compute(_make_exact, rows, scope, size=len(scope["exact"]) / PLAIN)
        return rows

    def expression_error(self, error: Exception, parameter: str | None) -> NodeError:
        """What the node fails with for an error of the sandbox; `parameter` names where the expression stands."""
        anonymous = isinstance(error, ExpressionError) and not self.node.kind.wraps_expression_errors
        return NodeError(
            getattr(error, "message", None) or str(error),
            description=getattr(error, "description", None),
            item_index=getattr(error, "item_index", None),
            name="ExpressionError" if anonymous else "NodeOperationError",
            context={"parameter": parameter} if parameter is not None else {},
            anonymous=anonymous,
        )

    def keep_custom_data(self, scope: dict[str, Any]) -> None:
        """Take over what JavaScript set as the execution's custom data, which the sandbox leaves in the scope."""
        custom_data = scope["customData"]
        if custom_data is not self.state.custom_data:
            self.state.custom_data = dict(custom_data)

    async def scope(self, texts: Sequence[str], items: list[Item] | None = None) -> dict[str, Any]:
        """What the sandbox has to know to evaluate `texts` for the items."""
        await self.read_variables(texts)
        scope = self.scope_of(texts, items)
        await self._admit_scope(scope)
        return scope

    async def read_variables(self, texts: Sequence[str]) -> None:
        """Read the variables where the texts ask for them and the run has not read them yet."""
        read_variables = self.execution.ports.variables
        if self.state.variables is None and read_variables is not None and ask_for_variables(texts):
            self.state.variables = await read_variables()

    def scope_of(self, texts: Sequence[str], items: list[Item] | None = None) -> dict[str, Any]:
        """As `scope`, with the variables that have been read."""
        given = self.items if items is None else items
        if not self.unprocessed or given is not self.items:
            return scope_for(self._view(texts), texts, given)
        scope = scope_for(self._view(texts), texts, [*given, *self.unprocessed])
        return scope | {"itemIndexes": list(range(len(given)))}

    def rows_scope(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """What the sandbox has to know to evaluate JavaScript of ours, which sees each of `rows` as $json."""
        return base_scope(self._view(), [{"json": row} for row in rows])

    def _view(self, texts: Sequence[str] = ()) -> Viewpoint:
        anchor, sources, seen = self.anchor or self.node, self.sources or (), self.execution.scope(texts)
        return Viewpoint(self.state, self.node, self.run_index, sources, seen, anchor, self.origin)


def _name_all(names: list[str], rows: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _make_exact(rows: list[list[Any]], scope: dict[str, Any]) -> None:
    """Put in place what JSON cannot hold, as Sandbox.evaluate has left it in the scope."""
    for row, column, kind, *thrown in scope["exact"]:
        rows[row][column] = Undefined(*thrown) if kind == "undefined" else conversions.to_number(kind)
