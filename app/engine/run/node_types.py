"""Which node types there are, and what the graph has to know about them before they run. Knows none of them."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.engine.run.engine_requests import EngineRequest
from app.engine.run.errors import NodeError
from app.engine.run.groups import read_groups
from app.engine.run.issues import Issue, by_parameter
from app.engine.run.items import Outputs
from app.engine.values.conversions import display

BASE = "n8n-nodes-base."
OPTIONS = frozenset({"options"})
TOOL = "Tool"
"""The end of a type's name under which a node that is also used by itself is a tool of an agent."""

GATE = "HitlTool"
"""The same of a node that asks a person before an agent may use the tools that hang on it."""
GATE_MESSAGE = "=The agent wants to run this tool: {{ $tool.name }}\n\nInput:\n{{ JSON.stringify($tool.parameters) }}"

MAX_OUTPUTS = 100_000
"""Of one node, whatever its parameters say."""

Emit = Callable[[Outputs], Awaitable[None]]
"""Starts an execution with what a trigger puts out; returns once that is recorded, so that it can be acknowledged."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """One node type in some of its versions.

    `run` takes the context of one run of a node (app.engine.run.context). `outputs` counts the regular outputs, from
    the parameters where they decide. `inputs_needed` says, from the parameters, which inputs must have data before a
    multi-input node may run without the others (None: any one). `issues` tells, from parameters and version, what is
    wrong with a node before the run, and `credentials` which types of credentials it cannot do without. `complete` adds
    to the parameters the defaults of those that are not given, for expressions that look at them. `plain` names the
    parameters that are never expressions, `groups` those that are groups of settings (of n8n's own nodes `options`,
    too). `by_hand`: a run that names no trigger begins here if it can. `exact`: each version is a program of its own,
    and another one does not stand in for it. `wraps_expression_errors`: an expression that fails is an error of the
    node, and names it; else it is the expression's own.

    What starts a workflow by itself says how, and is called outside of any execution with a context that has no input:
    `poll` looks for something new and returns it (None: nothing); `listen` holds a connection for as long as it is let
    and emits what comes in. Both may raise NodeError, and keep what they know in the workflow's static data.
    `webhooks` are n8n's descriptions of where it is called, whose expressions see its parameters; `arrange` has the
    provider call there ("create") or not any more ("delete"), and gets the addresses by name.

    `approval` are the parameters by which it asks a person for approval and waits for the answer (None: it cannot).
    `gates`: it does that, and nothing else, before an agent may use the tools that hang on it.
    """

    name: str
    versions: tuple[float, ...]
    run: Callable[[Any], Awaitable[Outputs | EngineRequest | None]]
    trigger: bool = False
    passive: bool = False
    exact: bool = False
    outputs: int | Callable[[dict[str, Any]], int] = 1
    inputs_needed: Callable[[dict[str, Any]], list[int] | int | None] | None = None
    issues: Callable[[dict[str, Any], float], list[Issue]] | None = None
    credentials: Callable[[dict[str, Any], float], list[str]] | None = None
    complete: Callable[[dict[str, Any], float], dict[str, Any]] | None = None
    plain: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    by_hand: bool = False
    wraps_expression_errors: bool = False
    supply: Callable[[Any], Awaitable[Any]] | None = None
    installed: bool = True
    poll: Callable[[Any], Awaitable[Outputs | None]] | None = None
    listen: Callable[[Any, Emit], Awaitable[None]] | None = None
    webhooks: Callable[[dict[str, Any], float], list[dict[str, Any]]] | None = None
    arrange: Callable[[Any, str, dict[str, str]], Awaitable[None]] | None = None
    approval: Mapping[str, Any] | None = None
    gates: bool = False

    def count_outputs(self, parameters: dict[str, Any]) -> int:
        """How many regular outputs a node with these parameters has."""
        outputs = self.outputs
        return outputs if isinstance(outputs, int) else min(MAX_OUTPUTS, _answer(lambda: outputs(parameters), 1))

    def needed_inputs(self, parameters: dict[str, Any]) -> list[int] | int | None:
        """Which inputs, or how many of them, must have data before the node may run; None: any one."""
        needed = self.inputs_needed
        return None if needed is None else _answer(lambda: needed(parameters), None)

    def find_issues(self, parameters: dict[str, Any], version: float) -> list[Issue]:
        """What is wrong with a node before the run."""
        find = self.issues
        return [] if find is None else _answer(lambda: by_parameter(find(parameters, version)), [])

    def needed_credentials(self, parameters: dict[str, Any], version: float) -> list[str]:
        """The types of credentials that the node cannot do without."""
        needed = self.credentials
        return [] if needed is None else _answer(lambda: needed(parameters, version), [])

    def complete_parameters(self, parameters: dict[str, Any], version: float) -> dict[str, Any]:
        """The parameters, with the defaults of those that are not given."""
        complete = self.complete
        return parameters if complete is None else _answer(lambda: complete(parameters, version), parameters)

    def read_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a document; where one cannot be an expression, "=" at its beginning means nothing."""
        groups = self.groups | OPTIONS if self.name.startswith(BASE) else self.groups
        parameters = read_groups(groups, parameters)
        if self.gates:
            parameters = {"message": GATE_MESSAGE, **parameters, **(self.approval or {})}
        if not self.plain:
            return parameters
        marked = {name: parameters[name] for name in self.plain & parameters.keys()}
        cut = {name: word for name, value in marked.items() if (word := _word(value)) != value}
        return {**parameters, **cut} if cut else parameters


def _word(value: Any) -> Any:
    """The word that a choice is, without "=" at its beginning; a list or an object is named by its JSON."""
    return display(value).removeprefix("=") if isinstance(value, str | list | dict) else value


Answer = TypeVar("Answer")


def _answer(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    """What a node says about its parameters; malformed ones are reported when it runs, not by asking about them."""
    try:
        return ask()
    except (AttributeError, TypeError, ValueError, KeyError, IndexError):
        return otherwise


class NodeTypes:
    """The node types that are installed, by name and version."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, float], NodeType] = {}
        self._versions: dict[str, tuple[float, ...]] = {}
        self.further: NodeTypes | None = None
        """Types that count where these have none of that name; others may take their place at any time."""
        self.advise: Callable[[str], str] = lambda name: ""
        """What to do about a type of this name that nothing is installed for: a sentence that goes on, or nothing."""

    def copy(self, without: Collection[str] = ()) -> NodeTypes:
        """The same types, but for those of these names; its `further` ones are its own."""
        copied = NodeTypes()
        copied._types = {key: node_type for key, node_type in self._types.items() if key[0] not in without}
        copied._versions = {name: versions for name, versions in self._versions.items() if name not in without}
        copied.further = self.further
        return copied

    def __contains__(self, name: str) -> bool:
        """Whether a type of this name is there, or as a tool, and not only among the `further` ones."""
        return name in self._versions or (name.endswith(TOOL) and _used_by_itself(name) in self._versions)

    def add(self, added: NodeType) -> None:
        """Install a node type. Raises ValueError where one of its versions is there already."""
        for version in added.versions:
            if (added.name, version) in self._types:
                raise ValueError(f"{added.name} {version} is registered twice")
            self._types[added.name, version] = added
        self._versions[added.name] = tuple(sorted({*self._versions.get(added.name, ()), *added.versions}))

    def find(self, name: str, version: float) -> NodeType:
        """What runs this version of a type; where there is nothing, a NodeType that is not `installed`.

        Of n8n's types that are one program in all versions any goes: the nearest one below that is known, else the
        lowest.
        """
        node_type = self._types.get((name, version))
        if node_type is not None:
            return node_type
        known = self._versions.get(name)
        if name in self and not known and (tool := self._find_tool(name, version)) is not None:
            return tool
        if not known and self.further is not None and (further := self.further.find(name, version)).installed:
            return further
        if known and name.startswith(BASE) and not self._types[name, known[0]].exact:
            return self._types[name, max((each for each in known if each <= version), default=known[0])]
        if not known and name.endswith(TOOL) and (tool := self._find_tool(name, version)) is not None:
            return tool
        return NodeType(name, (), _refuse_to_run, trigger=self.is_trigger(name), installed=False)

    def _find_tool(self, name: str, version: float) -> NodeType | None:
        """What is used by itself under a name without its end, as a tool or as what asks before tools are used."""
        used = self.find(_used_by_itself(name), version)
        if name.endswith(GATE):
            return replace(used, name=name, gates=True) if used.installed and used.approval is not None else None
        return replace(used, name=name) if used.installed and not (used.trigger or used.passive) else None

    def default_version(self, name: str) -> float:
        """The version of a node that names none: the newest, where each is a program of its own, else the first."""
        versions = self._versions.get(name)
        if versions:
            return versions[-1] if self._types[name, versions[-1]].exact else versions[0]
        if self.further is not None and name in self.further._versions:
            return self.further.default_version(name)
        return self.default_version(_used_by_itself(name)) if name.endswith(TOOL) else 1

    def is_trigger(self, name: str) -> bool:
        """Whether a node of this type can start a workflow; types that are not installed are told by their name."""
        versions = self._versions.get(name)
        if versions:
            return self._types[name, versions[0]].trigger
        if self.further is not None:
            return self.further.is_trigger(name)
        return name.rsplit(".", 1)[-1].lower().endswith(("trigger", "webhook"))

    def all(self) -> list[NodeType]:
        """Everything that was added, each once."""
        return list({id(node_type): node_type for node_type in self._types.values()}.values())

    def versions(self) -> dict[str, tuple[float, ...]]:
        """Every node type that can run, with its versions."""
        return dict(sorted(self._versions.items()))

    def explain_unknown(self, name: str, version: float) -> str:
        """Why nothing is installed for this type: an unknown name (with the nearest known one) or version."""
        further = {} if self.further is None else self.further.versions()
        versions = self._versions.get(name) or further.get(name)
        if versions:
            known = ", ".join(f"{v:g}" for v in versions)
            return f"Node type {name} has no version {version:g}; known versions: {known}"
        nearest = _nearest(name, (*further, *self._versions))
        hint = f"; the nearest known type is {nearest}" if nearest else ""
        return f"Unrecognized node type: {name}{hint}{self.advise(name)}"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The type that is perhaps meant: one of the same package, else one whose name is nearly the same."""
    package, _, wanted = name.lower().rpartition(".")
    own: dict[str, str] = {}
    other: dict[str, str] = {}
    for each in known:
        its_package, _, short = each.lower().rpartition(".")
        (own if its_package == package else other)[short] = each
    for types, cutoff in ((own, 0.5), (other, 0.8)):
        for match in difflib.get_close_matches(wanted, types, n=1, cutoff=cutoff):
            return types[match]
    return None


def _used_by_itself(name: str) -> str:
    """The type that one for agents stands for."""
    return name.removesuffix(GATE if name.endswith(GATE) else TOOL)


async def _refuse_to_run(context: Any) -> None:
    raise NodeError("This type of node is not installed")
