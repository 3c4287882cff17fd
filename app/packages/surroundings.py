"""Answers what one call of a node package asks while it runs: the only things outside its process that it can reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from app import large_json
from app.credentials.masking import Mask
from app.engine.nodes.code.helpers import describe_file
from app.engine.nodes.http_request.oauth import proof_of
from app.engine.run.computing import BYTES_OF_ONE, compute, count_work
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.memory import estimate, weigh
from app.engine.run.meter import TooMuchData
from app.engine.run.ports import ChildRequest
from app.engine.values import conversions
from app.outgoing.addresses import AddressRefused, UnknownHost
from app.packages.call_credentials import CallCredentials
from app.packages.memories import ask_memory
from app.packages.network import Network
from app.packages.relatives import find_relatives, node_shown
from app.packages.requests import RequestError, Requests
from app.packages.sub_nodes import Describe, SubNodes, run_program
from app.packages.tokens import Tokens

Json = dict[str, Any]
AnswerTo = Callable[[Json], Awaitable[Json]]
MAX_QUESTIONS = 100_000
"""By one call."""


class Surroundings:
    """Answers what a call asks. `channel` has its connections."""

    def __init__(
        self,
        context: NodeContext,
        declared: Mapping[str, Json],
        tokens: Tokens,
        describe: Describe,
        *,
        domains: tuple[str, ...] | None = None,
        call: Surroundings | None = None,
    ) -> None:
        """`domains` (None: any) are those that the call may reach; `call`: that of the node which has this sub-node."""
        self._context = context
        self._tokens = tokens
        self._requests = Requests(context, domains)
        self._count = 0
        self._describe = describe
        self._below: dict[int, Surroundings] = {}
        self.sub_nodes = SubNodes(context, describe)
        outgoing = context.execution.ports.outgoing
        rules = None if outgoing is None or domains is not None else outgoing.rules
        self.channel: Network = Network(rules) if call is None else call.channel
        secrets: set[str] = set() if call is None else call.credentials.secrets
        self.credentials: CallCredentials = CallCredentials(context, declared, tokens, self.channel.endings, secrets)
        self._answers = self._answers_of_nodes()
        self._about_sub_nodes: Mapping[str, AnswerTo] = {
            "connected": self._find_connected,
            "beginUse": self.sub_nodes.begin_use,
            "endUse": self.sub_nodes.end_use,
            "failSupply": self.sub_nodes.fail_supply,
            "useAsTool": self.sub_nodes.use_as_tool,
        }

    def _answers_of_nodes(self) -> Mapping[str, AnswerTo]:
        """What answers each question that a node or a sub-node asks for itself."""
        return {
            "httpRequest": self._http_request,
            "request": self._older_request,
            "credential": self.credentials.read,
            "fetchCredential": self.credentials.fetch,
            "keepCredential": self.credentials.keep,
            "oauth2": self.credentials.renew,
            "lookUp": self._look_up,
            "file": self._file,
            "evaluate": self._evaluate,
            "relatives": self._relatives,
            "executeWorkflow": self._execute_workflow,
            "memory": self._memory,
            "respond": self._respond,
            "runProgram": self._run_program,
        }

    @property
    def mask(self) -> Mask:
        """Hides what credentials hold that the call was given."""
        return Mask(self.credentials.secrets)

    async def ask(self, question: bytes) -> bytes:
        """The reply to {call, name, given}. Raises TooMuchData where the run would hold too much."""
        with self._context.holding(estimate(question)):
            asked = await compute(large_json.read, question, size=len(question) // BYTES_OF_ONE)
            number = asked.get("call")
            self._count += 1
            given = asked.get("given")
            answer = self._answer(str(asked.get("name")), given)
            if answer is None or not isinstance(given, dict):
                return _reply(number, {"error": {"message": "The node asks for something that is not known."}})
            if self._count > MAX_QUESTIONS:
                return _reply(number, {"error": {"message": f"A node may ask for {MAX_QUESTIONS:,} things only"}})
            try:
                return await self._write(number, await answer(given))
            except TooMuchData:
                raise
            except RequestError as error:
                return _reply(number, {"error": error.error})
            except NodeError as error:
                about = {"message": error.message, "description": error.description}
                return _reply(number, {"error": {key: value for key, value in about.items() if value is not None}})

    async def _write(self, number: Any, said: Json) -> bytes:
        """The answer as it is sent; what it holds counts meanwhile. Raises TooMuchData."""
        meter, size = self._context.execution.ports.meter, count_work([said])
        with self._context.holding(await compute(weigh, [said], meter.room, size=size)):
            return await compute(_reply, number, said, size=size)

    def _answer(self, name: str, given: Any) -> AnswerTo | None:
        """What answers a question of the call's node, or of one of its sub-nodes, in that one's name."""
        about = self._about_sub_nodes.get(name)
        number = given.get("subNode") if isinstance(given, dict) else None
        # What the run's record holds of sub-nodes, and what a tool has done, would be there twice.
        self.channel.touched = self.channel.touched or (about is not None and name != "connected")
        if about is not None or number is None:
            return about or self._answers.get(name)
        below = self._below.get(number) if isinstance(number, int) else None
        return None if below is None else below._answers.get(name)

    async def _find_connected(self, given: Json) -> Json:
        reply = await self.sub_nodes.connected(given)
        for node in reply["result"]["nodes"]:
            number = node["subNode"]
            context = self.sub_nodes.context(number)
            declared = node["credentialTypes"]
            self._below[number] = Surroundings(context, declared, self._tokens, self._describe, call=self)
        return reply

    async def _run_program(self, given: Json) -> Json:
        self.channel.touched = True
        return await run_program(self._context, given)

    async def _http_request(self, given: Json) -> Json:
        return await self._send(given, older=False)

    async def _older_request(self, given: Json) -> Json:
        return await self._send(given, older=True)

    async def _send(self, given: Json, *, older: bool) -> Json:
        kind, auth = given.get("signedBy"), None
        if isinstance(kind, str):
            data = (await self.credentials.read({"type": kind}))["result"]["data"]
            auth = proof_of(self._context, kind, data)
        self.channel.touched = True
        return await self._requests.send(given, older=older, auth=auth)

    async def _look_up(self, given: Json) -> Json:
        try:
            return {"result": {"addresses": await self._context.outgoing.rules.resolve(str(given.get("host")), 0)}}
        except AddressRefused as error:
            raise RequestError({"message": str(error), "code": "EACCES"}) from error
        except UnknownHost as error:
            raise RequestError({"message": str(error), "code": "ENOTFOUND"}) from error

    async def _file(self, given: Json) -> Json:
        return {"result": describe_file(given)}

    async def _evaluate(self, given: Json) -> Json:
        item = given.get("item")
        place = item if isinstance(item, int) and 0 <= item < max(1, len(self._context.items)) else 0
        value = await self._context.resolve_with(str(given.get("text")), {}, place)
        if isinstance(value, conversions.Undefined):
            return {"result": {}}
        plain = value if isinstance(value, str | int | float | bool | list | dict) else None
        return {"result": {"value": plain}}

    async def _relatives(self, given: Json) -> Json:
        graph, depth = self._context.state.graph, given.get("depth")
        most = depth if isinstance(depth, int) and depth >= 0 else None
        relatives = find_relatives(
            graph, str(given.get("name")), str(given.get("kind")), given.get("side") == "children", most
        )
        return {"result": {"nodes": [node_shown(node, given.get("parameters") is True) for node in relatives]}}

    async def _execute_workflow(self, given: Json) -> Json:
        ports = self._context.execution.ports
        named, items = given.get("workflow"), given.get("items")
        if ports.run_child is None or not isinstance(named, dict) or not isinstance(items, list):
            raise RequestError({"message": "This execution cannot run another workflow."})
        self.channel.touched = True
        code, waits = named.get("code"), given.get("wait") is not False
        document = code if isinstance(code, dict) else None
        workflow_id = None if named.get("id") is None else str(named["id"])
        part = replace(ports, meter=ports.meter.begin_part(self._context.held))
        outcome = await ports.run_child(part, ChildRequest(items, workflow_id, document, waits))
        if outcome.error is not None:
            raise RequestError({"message": outcome.error})
        return {"result": {"data": outcome.outputs, "executionId": outcome.execution_id, "waitTill": None}}

    async def _memory(self, given: Json) -> Json:
        self.channel.touched = self.channel.touched or given.get("action") != "read"
        return await ask_memory(self._context.execution.ports.chat_memory, given)

    async def _respond(self, given: Json) -> Json:
        respond, response = self._context.execution.ports.respond, given.get("response")
        if respond is not None and isinstance(response, dict):
            self.channel.touched = True
            await respond(_answer_of(response))
        return {"result": None}


def _answer_of(response: Json) -> Json:
    """n8n's {body, headers, statusCode} as an answer to a webhook's caller."""
    body = response.get("body")
    answer = {"status": response.get("statusCode") or 200, "headers": response.get("headers") or {}}
    return {**answer, "text": body} if isinstance(body, str) else {**answer, "body": body}


def _reply(number: Any, said: Json) -> bytes:
    try:
        return orjson.dumps({"call": number, **said}, default=str)
    except TypeError:
        return conversions.to_json_text({"call": number, **said}).encode()
