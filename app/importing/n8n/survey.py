"""What of a workflow of n8n would fail here, reported before the switch."""

import re
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson

from app.credentials.known_types import KnownTypes
from app.credentials.types import TYPES
from app.engine.nodes.http_request import predefined
from app.engine.run.graph import InvalidWorkflow
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow
from app.outgoing.addresses import AddressRules, out_of_bounds
from app.triggers import InvalidTrigger
from app.triggers.schedules import check_timezone

MAX_NODES_NAMED = 5
STICKY = "n8n-nodes-base.stickyNote"
PYTHON = ("python", "pythonNative")
USES = {
    "$env": "reads $env, which is denied here, so that the node fails: make it a variable, and read $vars",
    "$secrets": "reads $secrets; external secrets are not there: store them as credentials or variables",
}
PRIVATE_NAMES = (".internal", ".lan", ".local", ".localdomain", ".localhost")
HOST = re.compile(r"https?://[^\s\"'<>{}\\]{1,300}")


class Survey:
    """Looks workflows over. `credentials` are the ids of those that come along, `zone` is known where n8n's time zone
    is."""

    def __init__(
        self, types: NodeTypes, *, credentials: Collection[str], zone: str | None, rules: AddressRules
    ) -> None:
        self._types, self._credentials, self._zone, self._rules = types, credentials, zone, rules

    def look(self, document: Mapping[str, Any]) -> list[str]:
        """What is to be done about it: sentences, none where nothing is."""
        nodes = [node for node in document.get("nodes") or () if isinstance(node, dict)]
        enabled = [node for node in nodes if not node.get("disabled") and node.get("type") != STICKY]
        return [
            *self._graph(document),
            *self._unknown_types(enabled),
            *self._missing_credentials(enabled),
            *self._python(enabled),
            *self._uses(document),
            *self._private_hosts(enabled),
            *self._time_zone(document, enabled),
        ]

    def _graph(self, document: Mapping[str, Any]) -> Iterator[str]:
        try:
            parse_workflow(dict(document), self._types)
        except InvalidWorkflow as error:
            yield f"cannot run: {error}"

    def _unknown_types(self, nodes: list[dict[str, Any]]) -> Iterator[str]:
        unknown: dict[str, list[str]] = {}
        for node in nodes:
            name, version = str(node.get("type")), node.get("typeVersion")
            number = float(version) if isinstance(version, int | float) else 1.0
            if not self._types.find(name, number).installed:
                unknown.setdefault(self._types.explain_unknown(name, number), []).append(str(node.get("name")))
        for reason, names in unknown.items():
            yield f"node {_names(names)}: {reason}. Otherwise replace it, or let the workflow stay in n8n"

    def _missing_credentials(self, nodes: list[dict[str, Any]]) -> Iterator[str]:
        for node in nodes:
            given = node.get("credentials")
            for kind, credential in given.items() if isinstance(given, dict) else ():
                named = credential.get("id") if isinstance(credential, dict) else None
                known = isinstance(named, str) and named in self._credentials
                if not known:
                    name = credential.get("name") if isinstance(credential, dict) else credential
                    yield f"node {node.get('name')} names the credential {name!r}, which does not come along: store it"
                elif not is_used(kind):
                    yield f"node {node.get('name')}: its credential of type {kind} is kept, but no node here uses it"

    def _python(self, nodes: list[dict[str, Any]]) -> Iterator[str]:
        names = [
            str(node.get("name"))
            for node in nodes
            if isinstance(node.get("parameters"), dict) and node["parameters"].get("language") in PYTHON
        ]
        if names:
            yield f"node {_names(names)} is written in Python: rewrite it in JavaScript"

    def _uses(self, document: Mapping[str, Any]) -> Iterator[str]:
        text = _text(document.get("nodes"))
        yield from (sentence for word, sentence in USES.items() if word in text)

    def _private_hosts(self, nodes: list[dict[str, Any]]) -> Iterator[str]:
        hosts = sorted({host for node in nodes for host in _hosts(node.get("parameters")) if self._is_refused(host)})
        if hosts:
            yield f"calls {_names(hosts)}: add to EXECUTIONS_ALLOWED_HOSTS what workflows may reach in your network"

    def _is_refused(self, host: str) -> bool:
        """Whether the host is in a private network and not allowed. Public names are not looked up."""
        if any(host == allowed for allowed, _ in self._rules.hosts):
            return False
        try:
            address = ip_address(host)
        except ValueError:
            return "." not in host or host.endswith(PRIVATE_NAMES)
        inside = any(address.version == network.version and address in network for network in self._rules.networks)
        return not inside and out_of_bounds(address) is not None

    def _time_zone(self, document: Mapping[str, Any], nodes: list[dict[str, Any]]) -> Iterator[str]:
        if not any(str(node.get("type")).endswith((".scheduleTrigger", ".cron")) for node in nodes):
            return
        settings = document.get("settings")
        own = settings.get("timezone") if isinstance(settings, dict) else None
        if own not in (None, "", "DEFAULT"):
            try:
                check_timezone(str(own))
            except InvalidTrigger as error:
                yield f"has a schedule that cannot be due: {error}"
        elif self._zone is None:
            yield (
                "has a schedule and no time zone: set EXECUTIONS_TIMEZONE to n8n's (`import n8n` takes --timezone as "
                "well), or schedules move to another hour"
            )


def _names(names: list[str]) -> str:
    return ", ".join(names[:MAX_NODES_NAMED]) + (", ..." if len(names) > MAX_NODES_NAMED else "")


def _text(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return ""


def _hosts(parameters: Any) -> Iterator[str]:
    for url in HOST.findall(_text(parameters)):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            continue
        if host:
            yield host


def is_used(kind: str) -> bool:
    """Whether a node here takes credentials of this type."""
    return kind in TYPES or kind in predefined.TYPES or KnownTypes().protocol(kind) is not None
