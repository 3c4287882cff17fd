"""Many expressions, or many nodes, in one workflow: each side runs them together, which is quicker by far."""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.templates.building import BASE, Workflow, giving, node
from tests.templates.data import items
from tests.templates.database import Template
from tests.templates.files import UNMADE, giving_file
from tests.templates.parameters import kind, parameters, programs, reads_of, referred
from tests.templates.shapes import Reads, Shape, expressions, references, words

Json = dict[str, Any]
NODE_KINDS = words(
    "set if switch filter code merge aggregate splitOut dateTime html xml markdown crypto summarize sort "
    "limit removeDuplicates itemLists renameKeys compareDatasets extractFromFile convertToFile function "
    "functionItem stopAndError"
)
OUTWARD = re.compile(r"helpers\s*[.\[]|\bfetch\s*\(|axios|\brequire\s*\(|\$http|XMLHttp|setTimeout|process\.")
DROPPED = ("credentials", "notes", "continueOnFail", "retryOnFail", "disabled", "webhookId")
NODES_EACH, EXPRESSIONS_EACH = 40, 150


@dataclass
class Bundle:
    """Tried things that share a workflow: those of templates whose nodes do not get in each other's way."""

    timezone: str
    tried: list["Tried"] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    """The template that each node's name belongs to."""

    def takes(self, tried: "Tried", most: int) -> bool:
        fits = all(self.sources.get(name, tried.template) == tried.template for name in tried.names)
        return len(self.tried) < most and self.timezone == tried.timezone and fits


@dataclass
class Tried:
    """One expression, or one node with its parameters."""

    template: int
    timezone: str
    node: Json
    names: set[str]
    """The nodes of its template that it refers to."""
    expression: str | None = None

    @property
    def kind(self) -> str:
        return kind(self.node)

    def reads(self) -> Reads:
        if self.expression is None:
            return reads_of(self.node)
        reads = Reads()
        reads.scan(self.expression)
        return reads


def expressions_of(templates: Iterable[Template]) -> Iterator[Tried]:
    """Each expression once."""
    seen: set[str] = set()
    for template in templates:
        names = {each["name"] for each in template.nodes} - {"Start"}
        for each in template.nodes:
            for text in expressions(each.get("parameters")):
                if text not in seen:
                    seen.add(text)
                    yield Tried(template.id, template.timezone, each, references(text) & names, text)


def nodes_of(templates: Iterable[Template]) -> Iterator[Tried]:
    """Each node that changes items by itself, once for each set of parameters."""
    seen: set[str] = set()
    for template in templates:
        names = {each["name"] for each in template.nodes} - {"Start"}
        for each in template.nodes:
            if not each["type"].startswith(BASE) or kind(each) not in NODE_KINDS or not _stays_here(each):
                continue
            options = [each.get(name) for name in ("typeVersion", "onError", "alwaysOutputData", "executeOnce")]
            key = json.dumps([kind(each), parameters(each), options], sort_keys=True)
            if key not in seen:
                seen.add(key)
                yield Tried(template.id, template.timezone, each, referred(each) & names)


def _stays_here(tried: Json) -> bool:
    given = parameters(tried)
    if kind(tried) == "code" and (given.get("language", "javaScript") != "javaScript" or not given.get("jsCode")):
        return False
    if kind(tried) == "extractFromFile" and given.get("operation") in UNMADE:
        return False
    return not any(OUTWARD.search(text) for text in programs(tried))


def bundle(tried: Iterable[Tried], most: int) -> Iterator[Bundle]:
    """The tried things, so many to a bundle at most."""
    open_bundles: dict[str, Bundle] = {}
    for each in tried:
        current = open_bundles.get(each.timezone)
        if current is None or not current.takes(each, most):
            if current is not None:
                yield current
            current = open_bundles[each.timezone] = Bundle(each.timezone)
        current.tried.append(each)
        current.sources |= dict.fromkeys(each.names, each.template)
    yield from open_bundles.values()


def workflow_of(made: Bundle, data: str) -> Json:
    """The bundle's workflow: what is tried at place N is its node `N`."""
    workflow = Workflow("bundle", made.timezone)
    every = [each.reads() for each in made.tried]
    last = "Start"
    for name in sorted(made.sources):
        shape = Shape()
        for reads in every:
            shape.merge(reads.others.get(name, Shape()))
        kept = "plausible" if made.tried[0].expression is None else data
        last = workflow.add(giving(name, items(shape, 3, kept)), last)
    for place, (each, reads) in enumerate(zip(made.tried, every, strict=True)):
        if each.expression is None:
            _add_node(workflow, place, each, reads, data, last)
        else:
            feed = workflow.add(giving(f"Feed {place}", items(reads.own, 3, data)), last)
            values = {"string": [{"name": "v", "value": each.expression}]}
            tried = node(f"{place}", "set", {"keepOnlySet": True, "values": values, "options": {}}, 2)
            workflow.add({**tried, "onError": "continueRegularOutput"}, feed)
    return workflow.document


def _add_node(workflow: Workflow, place: int, tried: Tried, reads: Reads, data: str, last: str) -> None:
    added = {name: value for name, value in copy.deepcopy(tried.node).items() if name not in DROPPED}
    added |= {"name": f"{place}", "id": f"n{place}", "onError": "continueRegularOutput"}
    workflow.add(added)
    for side in range(_inputs(tried)):
        name = f"Feed {place} {side}"
        if tried.kind == "extractFromFile" and data == "plausible":
            binary = parameters(tried.node).get("binaryPropertyName")
            binary = binary if isinstance(binary, str) and not binary.startswith("=") else "data"
            operation = parameters(tried.node).get("operation") or "csv"
            feed = giving_file(name, items(reads.own, 1)[0], operation, binary or "data")
        else:
            feed = giving(name, items(reads.own, 3, data), side)
        workflow.connect(workflow.add(feed, last), added["name"], side)


def _inputs(tried: Tried) -> int:
    if tried.kind == "merge":
        number = str(parameters(tried.node).get("numberInputs") or 2)
        return max(2, min(int(number), 10)) if number.isdigit() else 2
    return 2 if tried.kind == "compareDatasets" else 1
