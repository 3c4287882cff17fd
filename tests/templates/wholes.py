"""Whole templates, made runnable.

Triggers become a start with items made from the expressions that read them. Services and AI nodes become nodes that
give fixed items. HTTP Request and RSS Read stay and ask the far side. What waits does not, and what answers a webhook
passes its items on.
"""

import copy
import json
import re
from typing import Any

from app.engine.run.node_types import NodeTypes
from tests.templates.building import BASE, giving, node
from tests.templates.bundles import OUTWARD
from tests.templates.data import HTML, items
from tests.templates.database import Template
from tests.templates.far_side import FEED, FarSide, Reply
from tests.templates.files import UNMADE, file_for, giving_file
from tests.templates.flow import Flow
from tests.templates.parameters import kind, parameters, programs
from tests.templates.shapes import words

Json = dict[str, Any]
REPLACED = words("postgres emailSend executeWorkflow dataTable readWriteFile executeCommand ssh spreadsheetFile form")
DROPPED = ("credentials", "webhookId", "notes", "notesInFlow", "id", "extendsCredential", "cid", "creator")
KEPT = ("disabled", "alwaysOutputData", "executeOnce", "onError")
READING = re.compile(r'"operation": "(getAll|search|read|list|getMany|lookup|select|query|executeQuery)')
HTTP_DROPPED = ("authentication", "nodeCredentialType", "genericAuthType")
HTTP_OPTIONS_DROPPED = ("proxy", "pagination", "batching", "batchInterval", "batchSize")
HOST = re.compile(r"\s*https?://[^/\s?#{}]*")
MANY_AT_ONCE = re.compile(r"schedule|cron|manual|webhook|chat|form|interval|start$", re.IGNORECASE)


class NotRunnable(Exception):
    """A template that cannot be made runnable. The message says why."""


def runnable(template: Template, far_side: FarSide, types: NodeTypes) -> Json:
    """The template as a workflow that both sides can run. Raises NotRunnable."""
    flow = Flow(template)
    start = flow.start()
    if start is None:
        raise NotRunnable("no trigger leads anywhere")
    if "Start" in flow.nodes or flow.doubled:
        raise NotRunnable("a node is named Start" if "Start" in flow.nodes else "two nodes share a name")
    made = [_Converted(template.id, place, each, flow, far_side, types).node() for place, each in enumerate(flow.kept)]
    number = 1 if MANY_AT_ONCE.search(flow.nodes[start]["type"]) else 2
    zone = template.timezone
    return {
        "name": f"template {template.id}",
        "nodes": [node("Start", "manualTrigger", {}), *made],
        "connections": {**flow.connections(), "Start": {"main": [[{"node": start, "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "timezone": zone, "executionTimeout": 25},
        "pinData": {"Start": [{"json": item} for item in items(flow.required(start), number)]},
    }


def going_on(workflow: Json) -> Json:
    """The same workflow with nodes that go on after an error."""
    changed = copy.deepcopy(workflow)
    for each in changed["nodes"]:
        if kind(each) not in ("manualTrigger", "noOp", "stopAndError") and each.get("onError") != "continueErrorOutput":
            each["onError"] = "continueRegularOutput"
            each.pop("continueOnFail", None)
    return changed


class _Converted:
    """One node of a template, as it is run."""

    def __init__(
        self, template: int, place: int, original: Json, flow: Flow, far_side: FarSide, types: NodeTypes
    ) -> None:
        self.original, self.name, self.kind = original, original["name"], kind(original)
        self.parameters = copy.deepcopy(parameters(original))
        self.template, self.place, self.flow, self.far_side = template, place, flow, far_side
        self.types = types

    def node(self) -> Json:
        made = self._made()
        made["position"] = self.original.get("position") or [0, 0]
        made["id"] = f"n{self.place}"
        return made

    def _made(self) -> Json:
        if self.name in self.flow.triggers or self.kind == "respondToWebhook":
            return node(self.name, "noOp", {})
        if not self._runs_here():
            return self._stub()
        if self.kind == "httpRequest":
            self._ask_far_side()
        elif self.kind == "rssFeedRead":
            self.parameters["url"] = self.far_side.url(self.template, self.place) + "/feed.xml"
            self._reply(Reply(content=FEED.encode(), type="application/rss+xml"))
        made = {name: value for name, value in self.original.items() if name not in DROPPED}
        made |= {"parameters": self.parameters, "typeVersion": self.original.get("typeVersion", 1)}
        if self.kind == "wait":
            made |= {"parameters": {"resume": "timeInterval", "amount": 0, "unit": "seconds"}, "typeVersion": 1.1}
        if made.get("retryOnFail"):
            made["waitBetweenTries"] = 10
        return made

    def _runs_here(self) -> bool:
        version = self.original.get("typeVersion") or 1
        number = version if isinstance(version, int | float) else 1
        if not self.original["type"].startswith(BASE) or self.kind in REPLACED:
            return False
        if not self.types.find(self.original["type"], number).installed:
            return False
        if self.kind == "code" and self.parameters.get("language", "javaScript") != "javaScript":
            return False
        if self.kind in ("extractFromFile", "convertToFile") and self.parameters.get("operation") in UNMADE:
            return False
        return not any(OUTWARD.search(text) for text in programs(self.original))

    def _stub(self) -> Json:
        """Fixed items in place of a service: some for all of its items where it reads a list, else one for each."""
        wanted = items(self.flow.required(self.name), 3)
        kept = {name: self.original[name] for name in KEPT if name in self.original}
        file = self.flow.file_after(self.name)
        if file is not None:
            return giving_file(self.name, wanted[0], *file, **kept)
        if READING.search(json.dumps(self.parameters)[:4000]):
            program = f"return {json.dumps(wanted)}.map((json) => ({{json, pairedItem: {{item: 0}}}}));"
            return node(self.name, "code", {"jsCode": program}, 2, **kept)
        return giving(self.name, wanted, **kept)

    def _reply(self, reply: Reply) -> None:
        self.far_side.replies[str(self.template), str(self.place)] = reply

    def _ask_far_side(self) -> None:
        given = self.parameters
        options = ask_elsewhere(given, self.far_side.url(self.template, self.place))
        response = options.get("response")
        response = response.get("response") if isinstance(response, dict) else None
        response = response if isinstance(response, dict) else {}
        form = response.get("responseFormat") or given.get("responseFormat")
        wanted = self.flow.required(self.name)
        if (response.get("fullResponse") or options.get("fullResponse")) and "body" in wanted.fields:
            wanted = wanted.fields["body"]
        file = self.flow.file_after(self.name)
        if form == "file" or file is not None:
            _, type_name, content = file_for(file[0] if file else "binaryToPropery")
            self._reply(Reply(content=content, type=type_name))
        elif form == "text" or (set(wanted.fields) == {"data"} and not wanted.fields["data"].fields):
            self._reply(Reply(content=HTML.encode(), type="text/html; charset=utf-8"))
        else:
            self._reply(Reply(items(wanted, 1)[0]))


def ask_elsewhere(given: Json, base: str) -> Json:
    """Let an HTTP Request with these parameters ask the far side, without credentials; its options."""
    given["url"] = _elsewhere(given.get("url"), base)
    for name in HTTP_DROPPED:
        given.pop(name, None)
    options = given["options"] if isinstance(given.get("options"), dict) else {}
    for name in HTTP_OPTIONS_DROPPED:
        options.pop(name, None)
    return options


def _elsewhere(url: Any, base: str) -> str:
    """The URL with the far side in the place of its host."""
    if not isinstance(url, str) or not url:
        return base
    sign, text = ("=", url[1:]) if url.startswith("=") else ("", url)
    host = HOST.match(text)
    if host and not text[host.end() :].startswith("{{"):
        return sign + base + text[host.end() :]
    if re.match(r"\s*https?://", text):
        return sign + base + "/" + re.sub(r"^\s*https?://", "", text)
    return f"{sign}{base}/u?u={text}"
