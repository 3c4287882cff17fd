"""How a template's nodes are connected, and which data each has to give to those behind it."""

import re
from collections import defaultdict
from typing import Any

from tests.templates.database import Template
from tests.templates.parameters import kind, parameters, reads_of
from tests.templates.shapes import Shape, words

Json = dict[str, Any]
TRIGGER = re.compile(r"trigger$|\.(webhook|cron|interval|start|emailReadImap)$", re.IGNORECASE)
PASSING = words("noOp if switch filter merge splitInBatches limit wait sort removeDuplicates respondToWebhook")


class Flow:
    """The nodes of a template that are run, and the ways between them. AI's sub-nodes and notes are none of them."""

    def __init__(self, template: Template) -> None:
        given = template.workflow.get("connections")
        self._given: Json = given if isinstance(given, dict) else {}
        nodes = [each for each in template.nodes if kind(each) != "stickyNote"]
        attached = {
            name
            for name, kinds in self._given.items()
            if any(each != "main" and any(outputs or []) for each, outputs in (kinds or {}).items())
        }
        linked = {name for one, outputs in self._outputs() for each in outputs for name in (one, each["node"])}
        self.kept = [each for each in nodes if each["name"] not in attached - linked]
        self.nodes = {each["name"]: each for each in self.kept}
        self.doubled = len(self.nodes) < len(self.kept)
        self._after: dict[str, list[str]] = defaultdict(list)
        for one, outputs in self._outputs():
            self._after[one] += [each["node"] for each in outputs if each["node"] in self.nodes]
        self.triggers = self._triggers()
        self._reads = {each["name"]: reads_of(each) for each in self.kept}

    def _outputs(self) -> list[tuple[str, list[Json]]]:
        return [
            (name, [each for each in output or [] if isinstance(each, dict) and isinstance(each.get("node"), str)])
            for name, kinds in self._given.items()
            for output in (kinds or {}).get("main") or []
        ]

    def _triggers(self) -> list[str]:
        found = [each["name"] for each in self.kept if TRIGGER.search(each["type"])]
        if not found:
            reached = {name for names in self._after.values() for name in names}
            found = [name for name in self.nodes if name not in reached][:1]
        return sorted(found, key=lambda name: -len(self.reach(name)))

    def reach(self, name: str) -> set[str]:
        """The node and all that can run after it."""
        seen, left = {name}, [name]
        while left:
            new = [each for each in self._after.get(left.pop(), []) if each not in seen]
            seen.update(new)
            left += new
        return seen

    def start(self) -> str | None:
        """The trigger that reaches most nodes; None where none reaches any."""
        return self.triggers[0] if self.triggers and len(self.reach(self.triggers[0])) > 1 else None

    def connections(self) -> Json:
        """The connections between nodes that are run."""
        made: Json = {}
        for name, kinds in self._given.items():
            outputs = [
                [
                    each
                    for each in output or []
                    if isinstance(each, dict)
                    and each.get("node") in self.nodes
                    and each["node"] not in self.triggers
                    and each.get("type", "main") == "main"
                ]
                for output in (kinds or {}).get("main") or []
            ]
            if name in self.nodes and any(outputs):
                made[name] = {"main": outputs}
        return made

    def required(self, name: str) -> Shape:
        """What the nodes behind this one, and all that refer to it, read of its items."""
        shape = Shape()
        seen, left = {name}, [name]
        while left:
            current = left.pop()
            self._merge_references(shape, current)
            for each in self._after.get(current, []):
                if each in seen:
                    continue
                seen.add(each)
                shape.merge(self._reads[each].own)
                if _passes_items_on(self.nodes[each]):
                    left.append(each)
        return shape

    def _merge_references(self, shape: Shape, name: str) -> None:
        for reads in self._reads.values():
            if name in reads.others:
                shape.merge(reads.others[name])

    def file_after(self, name: str) -> tuple[Any, str] | None:
        """The operation and the binary field of a node behind this one that reads a file."""
        for each in self._after.get(name, []):
            if kind(self.nodes[each]) == "extractFromFile":
                given = parameters(self.nodes[each])
                binary = given.get("binaryPropertyName")
                named = isinstance(binary, str) and binary and not binary.startswith("=")
                return given.get("operation") or "csv", str(binary) if named else "data"
        return None


def _passes_items_on(node: Json) -> bool:
    if kind(node) in PASSING:
        return True
    if kind(node) != "set":
        return False
    given, version = parameters(node), node.get("typeVersion") or 1
    if not isinstance(version, int | float) or version < 3:
        return not given.get("keepOnlySet")
    options = given.get("options") if isinstance(given.get("options"), dict) else {}
    if version < 3.3:
        return bool(given.get("include", "all") != "none")
    return bool(given.get("includeOtherFields") or (options or {}).get("includeOtherFields"))
