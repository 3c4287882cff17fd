"""Evaluates the expressions of recorded runs by the engine, for those who must not know the engine."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from app import large_json
from app.credentials.masking import HIDDEN
from app.engine.run import recorded_expressions as past
from app.engine.run.computing import compute
from app.engine.run.document import RunDocument
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.graph import Graph, InvalidWorkflow
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.sandbox import Sandbox, SandboxError, SandboxTimeout
from app.repository.errors import Conflict, NodeDataNotFound
from app.schemas.evaluations import Evaluation, ItemPlace, Parameter, Recorded

SECONDS = 5.0
"""How long the expressions of a node may take together."""
TOO_SLOW = f"The node's expressions take longer than {SECONDS:g} seconds"
MAX_VALUE_BYTES = 256 * 1024
MAX_ANSWER_BYTES = 4 * 2**20
"""Bytes of the JSON of one value, and of all values of an answer."""
TOO_LARGE = f"The value has {{size:,}} bytes; values of more than {MAX_VALUE_BYTES:,} are not shown"
TOO_MUCH = f"The values before it have {MAX_ANSWER_BYTES:,} bytes together; it is not shown"
TOO_DEEP = "The value has too many levels to be shown"

ReadVariables = Callable[[], dict[str, str]]


class EngineEvaluations:
    """See app.schemas.evaluations.Evaluations."""

    def __init__(self, types: NodeTypes, timezone: str = "UTC", ask: Callable[[], None] = lambda: None) -> None:
        """`ask` is called before the types are used: it sees to it that they are those of now."""
        self._types = types
        self._timezone = timezone
        self._ask = ask

    def evaluate(self, recorded: Recorded, place: ItemPlace, read_variables: ReadVariables | None) -> Evaluation:
        """See `Evaluations.evaluate`."""
        self._ask()
        try:
            evaluated = asyncio.run(self._evaluate(recorded, place, read_variables))
        except past.NotRecorded as error:
            raise NodeDataNotFound(str(error)) from None
        except (TimeoutError, SandboxTimeout):
            raise Conflict(TOO_SLOW) from None
        except (past.CannotEvaluate, InvalidWorkflow, SandboxError) as error:
            raise Conflict(f"The node's parameters cannot be evaluated: {error}") from None
        room = AnswerBudget()
        return Evaluation(evaluated.items, [room.take(each) for each in evaluated.parameters], evaluated.left_out)

    async def _evaluate(
        self, recorded: Recorded, place: ItemPlace, read_variables: ReadVariables | None
    ) -> past.Evaluation:
        where = past.ItemPlace(place.node, place.run, place.item)
        async with Sandbox(spares=0, expression_timeout=SECONDS) as sandbox, asyncio.timeout(SECONDS):
            graph, document = await compute(self._read, recorded)
            info = ExecutionInfo(recorded.execution_id, recorded.mode, self._ports(read_variables))
            return await past.evaluate(graph, document, where, sandbox, info)

    def _read(self, recorded: Recorded) -> tuple[Graph, RunDocument]:
        graph = parse_workflow(dict(recorded.workflow), self._types, self._timezone)
        try:
            data = large_json.read(recorded.data)
        except ValueError:
            raise past.CannotEvaluate(past.NO_RUN) from None
        if not isinstance(data, dict):
            raise past.CannotEvaluate(past.NO_RUN)
        return graph, RunDocument(data)

    def _ports(self, read_variables: ReadVariables | None) -> Ports:
        """No way out, and no credentials. The addresses that let an execution go on are kept back."""
        if read_variables is None:
            return Ports(timezone=self._timezone, waiting_urls=hidden_urls)

        async def read() -> dict[str, str]:
            return read_variables()

        return Ports(timezone=self._timezone, waiting_urls=hidden_urls, variables=read)


def hidden_urls() -> tuple[str, str]:
    """In the place of the addresses that let an execution go on."""
    return HIDDEN, HIDDEN


@dataclass(slots=True)
class AnswerBudget:
    """What the values of an answer may still take."""

    left: int = field(default=MAX_ANSWER_BYTES)

    def take(self, evaluated: past.Evaluated) -> Parameter:
        """The parameter with its value as JSON, where there is room for it."""
        text, error = encode_value(evaluated.value)
        if len(text) > self.left:
            text, error = b"null", TOO_MUCH
        self.left -= len(text)
        return Parameter(evaluated.path, evaluated.configured, text, evaluated.missing, evaluated.error or error)


def encode_value(value: Any) -> tuple[bytes, str | None]:
    """A value as JSON; or null, and why it is not shown."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        return b"null", TOO_DEEP
    return (text, None) if len(text) <= MAX_VALUE_BYTES else (b"null", TOO_LARGE.format(size=len(text)))
