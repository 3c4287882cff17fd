"""One run of a package's node: what its process is told, and what comes of its answer."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.dates import WAIT_INDEFINITELY
from app.engine.nodes.shared.questions import asking_node
from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError, WaitRequested
from app.engine.run.items import Item, Outputs
from app.engine.run.sub_nodes import attached
from app.packages.host import ACTING, POLLING, REMEMBERING, Host
from app.packages.host_calls import call_host
from app.packages.parameters import split
from app.packages.sub_nodes import Describe
from app.packages.surroundings import Surroundings
from app.packages.tokens import Tokens

Json = dict[str, Any]
CHAT = "@n8n/n8n-nodes-langchain.chatTrigger"
MAX_OUTPUTS = 1_000
CUT_TO = {"message": 100_000, "stack": 100_000, "description": 500}
"""Where js/errors.js cuts texts of errors, at the shortest."""
MAX_LINE_LENGTH = 10_000


class PackageNodeError(NodeError):
    """A package's node has failed; `shown` is the error as the package made it.

    `at` is the node below it that has made the error, as its workflow holds it; None: the node itself.
    """

    def __init__(self, shown: Json, at: Json | None = None) -> None:
        context = shown.get("context")
        super().__init__(
            str(shown.get("message") or "Unknown error"),
            description=_text(shown.get("description")),
            name=_text(shown.get("name")) or "Error",
            context=context if isinstance(context, dict) else None,
        )
        self._at = at
        self._plain = shown.get("plain") is True
        self._more = {
            name: shown[name]
            for name in ("httpCode", "messages", "level", "functionality", "tags", "type", "code", "status")
            if shown.get(name) is not None
        }

    def document(self, node: Json | None) -> Json:
        """n8n's document of the error, with the node that made it. Of a `plain` error only what the package threw."""
        if self._plain:
            shown: Json = {name: self._more[name] for name in ("httpCode", "code", "status") if name in self._more}
            if self.description is not None:
                shown["description"] = self.description
            return {**shown, "message": self.message, "stack": f"{self.name}: {self.message}"}
        document = super().document(self._at or node)
        return {**document, **self._more, "stack": f"{self.name}: {self.message}"}


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters of a run: `base` as written, with expressions at `holes`; `rows` are what they give an item.

    `failed` are [item, hole, error], `nothing` [item, hole, what it is] of what JSON cannot hold.
    """

    base: Json
    holes: list[Any]
    rows: list[list[Any]]
    failed: list[list[Any]]
    nothing: list[list[Any]]

    def to_json(self) -> Json:
        """As the process is told."""
        return {
            "parameters": self.base,
            "holes": self.holes,
            "rows": self.rows,
            "failed": self.failed,
            "nothing": self.nothing,
        }


async def evaluate(context: NodeContext, parameters: Json) -> Values:
    """The completed parameters with all that their expressions give, for all items in one trip to the sandbox."""
    base, holes = split(parameters)
    if not holes:
        return Values(base, [], [], [], [])
    rows, failed, nothing = await context.resolve_marked([text for _, text in holes])
    told = [[item, hole, _error_shown(error)] for item, hole, error in failed]
    return Values(base, [path for path, _ in holes], rows, told, [place[:3] for place in nothing])


async def run_action(
    host: Host, context: NodeContext, told: Json, tokens: Tokens, describe: Describe, kind: str = "execute"
) -> Outputs | EngineRequest | None:
    """Run a node over its items, or let it `poll`; `told` is what `describe` says of it.

    Raises NodeError, WaitRequested.
    """
    surroundings = Surroundings(context, told["credentialTypes"], tokens, describe)
    request = {**request_of(context, kind, told), "response": _response(context), "query": context.query}
    mode = POLLING if kind == "poll" else REMEMBERING if told.get("remembers") else ACTING
    answer = take_answer(context, surroundings, await call_host(host, context, surroundings, request, mode=mode))
    if isinstance(asked := answer.get("request"), dict):
        return _request(asked)
    outputs = read_outputs(answer.get("outputs"))
    context.output_count = _count_of(answer.get("outputCount"))
    if answer.get("waitTill"):
        raise _wait(str(answer["waitTill"]))
    return outputs


def _count_of(given: Any) -> int | None:
    """How many outputs the node says that it has, by the expression in its description; None: by no expression."""
    known = isinstance(given, int) and not isinstance(given, bool)
    return min(max(given, 1), MAX_OUTPUTS) if known else None


def request_of(context: NodeContext, kind: str, told: Json) -> Json:
    """What every call is told; `kind` says what it is about (js/kinds.js)."""
    return {
        "kind": kind,
        **told,
        "items": context.inputs,
        "sources": context.sources,
        "staticData": copy.deepcopy(context.state.static_data.shown_to(context.node.name)),
        "contextData": {"node": context.memory()},
        "customData": context.state.custom_data,
    }


def take_answer(context: NodeContext, surroundings: Surroundings, answer: Json) -> Json:
    """Take over what a call has left; its answer, in which nothing of credentials is told. Raises NodeError."""
    answer = _mask_answer(answer, surroundings)
    _keep(context, answer)
    if isinstance(shown := answer.get("error"), dict):
        failure = surroundings.sub_nodes.failure
        if failure is not None and shown.get("message") == failure.message:
            raise failure
        raise PackageNodeError(shown, surroundings.sub_nodes.document_of(shown.get("at")))
    return answer


def _response(context: NodeContext) -> Json | None:
    """What came of the node's request to the engine, as n8n hands it over."""
    response = context.response
    if response is None:
        return None
    results = [{"action": each.action, "data": each.run} for each in response.results]
    return {"actionResponses": results, "metadata": response.metadata}


def _request(asked: Json) -> EngineRequest:
    actions, metadata = asked.get("actions"), asked.get("metadata")
    if not isinstance(actions, list) or not all(isinstance(each, dict) for each in actions):
        raise NodeError("The node asks the engine for something that is not known")
    return EngineRequest(actions, metadata if isinstance(metadata, dict) else {})


def describe_call(context: NodeContext) -> Json:
    """What a call knows of its node, workflow and execution."""
    graph, execution, node = context.state.graph, context.execution, context.node
    question_url = execution.ports.question_url
    hanging = {kind: _attached_nodes(context, kind) for kind in node.attached}
    shown = {name: value for name, value in node.document.items() if name != "parameters"}
    return {
        "node": {**shown, "typeVersion": context.version},
        "workflow": {"id": graph.id, "name": graph.name, "active": graph.active},
        "mode": execution.mode,
        "executionId": execution.id,
        "timezone": context.timezone,
        "runIndex": context.run_index,
        "continueOnFail": context.continues_on_fail,
        "address": execution.ports.address,
        "resumeUrl": execution.ports.resume_url,
        "questionUrl": None if question_url is None else question_url(asking_node(context), context.run_index),
        "tool": context.query is not None,
        "gates": context.node.kind.gates,
        "attached": hanging,
        "chatTrigger": _chat_trigger(context),
        "streams": execution.ports.streamed is not None,
    }


def _chat_trigger(context: NodeContext) -> Json | None:
    """The trigger by which people talk to the workflow, where it has one."""
    for each in context.state.graph.nodes.values():
        if each.type == CHAT and not each.disabled:
            return {"name": each.name, "type": each.type, "typeVersion": each.version}
    return None


def _attached_nodes(context: NodeContext, kind: str) -> list[Json]:
    """The nodes that hang on one, as its code may look at them."""
    named = []
    for each in attached(context, kind):
        named.append({"name": each.name, "type": each.type, "typeVersion": each.version, "disabled": False})
    return named


def _mask_answer(answer: Json, surroundings: Surroundings) -> Json:
    """The answer, in which errors and lines tell nothing of what credentials hold."""
    mask = surroundings.mask
    if not mask:
        return answer
    told = {name: answer[name] for name in ("error", "lines", "hints") if answer.get(name)}
    if isinstance(error := told.get("error"), dict):
        cut = {name: error[name] for name in CUT_TO if isinstance(error.get(name), str)}
        told["error"] = {**error, **{name: mask.cut_text(text, CUT_TO[name]) for name, text in cut.items()}}
    if isinstance(lines := told.get("lines"), list):
        told["lines"] = [mask.cut_text(str(line), MAX_LINE_LENGTH) for line in lines]
    shown: Json = orjson.loads(mask.json(orjson.dumps(told)))
    return {**answer, **shown}


def _keep(context: NodeContext, answer: Json) -> None:
    """Take over what the run leaves besides its items."""
    node = context.node.name
    if isinstance(static := answer.get("staticData"), dict):
        context.state.static_data.take(node, static)
    if isinstance(context_data := answer.get("contextData"), dict) and isinstance(context_data.get("node"), dict):
        memory = context.memory()
        memory.clear()
        memory.update(context_data["node"])
    if isinstance(custom := answer.get("customData"), dict) and custom:
        context.state.custom_data = {str(key): str(value) for key, value in custom.items()}
    if isinstance(hints := answer.get("hints"), list):
        context.hints.extend(each for each in hints if isinstance(each, dict))
    if isinstance(metadata := answer.get("metadata"), dict):
        context.metadata.update(metadata)
    streamed, parts = context.execution.ports.streamed, answer.get("parts")
    if streamed is not None and isinstance(parts, list):
        streamed.extend(part for part in parts if isinstance(part, dict))
    if isinstance(lines := answer.get("lines"), list) and lines:
        context.metadata.setdefault("console", []).extend(str(line) for line in lines)


def read_outputs(given: Any) -> Outputs | None:
    """What a node has returned, looked at once more: it must be what the engine takes items for."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(items, list) for items in given):
        raise NodeError("The node returned no list of outputs")
    if len(given) > MAX_OUTPUTS:
        raise NodeError(f"The node returned more than {MAX_OUTPUTS:,} outputs, the most that one may have")
    return [_items(items) for items in given]


def _items(items: Iterable[Any]) -> list[Item]:
    made = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("json"), dict | list):
            raise NodeError("The node returned an item that is not an object")
        made.append(item)
    return made


def _wait(text: str) -> WaitRequested:
    until = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return WaitRequested(min(until, WAIT_INDEFINITELY), "webhook" if until >= WAIT_INDEFINITELY else None)


def _error_shown(error: Exception) -> Json:
    shown = {"message": getattr(error, "message", None) or str(error), "name": "ExpressionError"}
    description = getattr(error, "description", None)
    return shown if description is None else {**shown, "description": description}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
