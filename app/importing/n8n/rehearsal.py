"""Runs recorded executions of n8n here and compares the output of each node. Nothing is stored, and nothing outside
is reached: nodes that reach outside output what was recorded."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from app.engine.run.document import RunDocument
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import Ports
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from app.importing.n8n.binary import BinaryReader
from app.importing.n8n.definitions import document_of
from app.importing.n8n.executions import is_run
from app.importing.n8n.flatted import UnreadableFlatted, unflatten
from app.importing.n8n.progress import Progress
from app.importing.n8n.published_versions import PublishedVersions
from app.importing.n8n.rows import ODD, Row
from app.importing.n8n.source import Source, SourceExecution
from app.importing.n8n.version_spool import VersionSpool

NO_OPERATION, MANUAL = "n8n-nodes-base.noOp", "n8n-nodes-base.manualTrigger"
OUTSIDE = frozenset(
    f"n8n-nodes-base.{name}"
    for name in (
        "dataTable",
        "emailSend",
        "executeWorkflow",
        "graphql",
        "httpRequest",
        "postgres",
        "respondToWebhook",
        "wait",
    )
)
"""Types that reach outside or wait; their output is taken from the record."""
REMEMBERING = ("clearDeduplicationHistory", "removeItemsSeenInPreviousExecutions")
"""Operations of Remove Duplicates to which earlier executions matter."""
RUN_SECONDS = 60.0
MAX_SIZE = 128 * 2**20
MAX_FILE_BYTES = 64 * 2**20
"""How much the files of one execution may come to; what goes beyond is empty."""


@dataclass(slots=True)
class Rehearsed:
    """What came of the rehearsals of one workflow: how many ran, and how often each node differed or could not be
    compared, with an execution as an example."""

    id: str
    name: str
    runs: int = 0
    equal: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"  {self.name} ({self.id}): {self.equal} of {self.runs} runs are equal"
        for node, number in self.differing.most_common():
            yield f"    - {node} puts out something else in {number} (see execution {self.examples[node]})"
        for reason, execution_id in self.refused.items():
            yield f"    - cannot be run: {reason} (see execution {execution_id})"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id,
            "name": self.name,
            "runs": self.runs,
            "equal": self.equal,
            "differing": dict(self.differing),
            "examples": {node: str(number) for node, number in self.examples.items()},
            "refused": {reason: str(number) for reason, number in self.refused.items()},
        }


def rehearse(source: Source, types: NodeTypes, number: int, timezone: str, progress: Progress) -> Iterator[Rehearsed]:
    """Run the newest `number` successful executions of each workflow. Raises SourceError."""
    published, variables = PublishedVersions(source), SourceVariables(source)
    with (
        VersionSpool(source.rows("workflow_history")) as versions,
        asyncio.Runner() as runner,
        ExitStack() as stack,
    ):
        sandbox = Sandbox(spares=0)
        runner.run(sandbox.__aenter__())
        stack.callback(lambda: runner.run(sandbox.__aexit__(None, None, None)))
        for row in source.rows("workflow_entity"):
            rehearsed = Rehearsed(str(row["id"]), str(row.get("name")))
            stage = Stage(sandbox, types, timezone, source.read_file, variables.of(rehearsed.id))
            ids = source.newest(rehearsed.id, number)
            progress.begin(f"executions of {rehearsed.name!r:.60} rehearsed", len(ids))
            for execution in source.named(ids):
                version = versions.get(str(published.ran(execution.row)))
                workflow = execution.workflow or document_of(row, version)
                runner.run(_rehearse_one(rehearsed, execution, workflow, stage))
                progress.add()
            if rehearsed.runs or rehearsed.refused:
                yield rehearsed


@dataclass(frozen=True, slots=True)
class Stage:
    """What a rehearsal runs with."""

    sandbox: Sandbox
    types: NodeTypes
    timezone: str
    read_file: Callable[[str], bytes | None]
    variables: dict[str, str]

    async def read_variables(self) -> dict[str, str]:
        """The variables by name, as `$vars` has them."""
        return self.variables


class SourceVariables:
    """What $vars are there, by workflow: those of its project hide the common ones. Raises SourceError."""

    def __init__(self, source: Source) -> None:
        self._of_project: dict[object, dict[str, str]] = {}
        for row in source.rows("variables"):
            project = row.get("project")
            owner = row.get("projectId") or (project.get("id") if isinstance(project, dict) else None)
            self._of_project.setdefault(owner, {})[str(row["key"])] = str(row.get("value") or "")
        self._project_of = {
            str(row.get("workflowId")): row.get("projectId")
            for row in (source.rows("shared_workflow") if self._of_project else ())
            if row.get("role") in (None, "workflow:owner")
        }

    def of(self, workflow_id: str) -> dict[str, str]:
        """The variables that this workflow sees."""
        own = self._of_project.get(self._project_of.get(workflow_id), {})
        return {**self._of_project.get(None, {}), **own}


async def _rehearse_one(rehearsed: Rehearsed, execution: SourceExecution, workflow: Row, stage: Stage) -> None:
    try:
        recorded = RunDocument(_document(execution, stage))
        request = Rehearsal(workflow, recorded, stage.types).request(stage)
    except (UnreadableFlatted, *ODD) as error:
        rehearsed.refused.setdefault(f"its record cannot be used: {error}", execution.id)
        return
    try:
        async with asyncio.timeout(RUN_SECONDS):
            outcome = (await run_workflow(request, stage.sandbox, stage.types)).document
    except TimeoutError:
        rehearsed.refused.setdefault(f"it takes longer than {RUN_SECONDS:g} seconds", execution.id)
        return
    if not outcome.run_data and outcome.error:
        rehearsed.refused.setdefault(str(outcome.error.get("message")), execution.id)
        return
    try:
        ran = [name for name in recorded.run_data if name not in outcome.pin_data]
        differing = [name for name in ran if _outputs(recorded, name) != _outputs(outcome, name)]
    except ODD as error:
        rehearsed.refused.setdefault(f"its record cannot be compared: {error!r:.100}", execution.id)
        return
    rehearsed.runs += 1
    rehearsed.equal += not differing
    for name in differing:
        rehearsed.differing[name] += 1
        rehearsed.examples.setdefault(name, execution.id)


class Rehearsal:
    """A recorded run as a request to run it again."""

    def __init__(self, workflow: Mapping[str, Any], recorded: RunDocument, types: NodeTypes) -> None:
        self._workflow, self._recorded, self._types = workflow, recorded, types
        order = {name: runs[0].get("executionIndex", 0) for name, runs in recorded.run_data.items() if runs}
        if not order:
            raise UnreadableFlatted("no node has run")
        self._first = min(order, key=lambda name: order[name])

    def request(self, stage: Stage) -> RunRequest:
        """What the engine is asked. Raises LookupError, TypeError, AttributeError for a record that is none."""
        pinned: dict[str, Any] = {}
        nodes = [self._mock_node(node, pinned) for node in self._workflow["nodes"]]
        return RunRequest(
            execution_id="",
            mode="manual",
            workflow={**self._workflow, "nodes": nodes, "pinData": pinned},
            start_node=self._first,
            items=_items(self._recorded.run_data[self._first]) or None,
            ports=Ports(timezone=stage.timezone, variables=stage.read_variables),
        )

    def _mock_node(self, node: dict[str, Any], pinned: dict[str, Any]) -> dict[str, Any]:
        name, kind = node["name"], str(node["type"])
        version = node.get("typeVersion", 1)
        if name == self._first:
            return {**node, "type": MANUAL, "typeVersion": 1, "parameters": {}}
        known = self._types.find(kind, float(version) if isinstance(version, int | float) else 1.0)
        remembers = (node.get("parameters") or {}).get("operation") in REMEMBERING
        if kind not in OUTSIDE and known.installed and not known.trigger and not remembers:
            return node
        runs = self._recorded.run_data.get(name, [])
        if len(runs) > 1:
            raise UnreadableFlatted(f"{name} reaches outside and has run more than once")
        pinned[name] = _items(runs)
        return {"name": name, "type": NO_OPERATION, "typeVersion": 1, "position": [0, 0], "parameters": {}}


def _document(execution: SourceExecution, stage: Stage) -> dict[str, Any]:
    document = execution.document
    if execution.flatted is not None:
        document = unflatten(execution.flatted, most_size=MAX_SIZE)
    if not isinstance(document, dict):
        raise UnreadableFlatted(execution.missing or "it is not an object")
    if not is_run(document):
        raise UnreadableFlatted("it is not laid out as what n8n keeps of a run")
    return BinaryReader(stage.read_file, MAX_FILE_BYTES, lambda reason: None).inline(document, execution.flatted)


def _items(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first items of the output of a node, with their files."""
    outputs = (output for run in runs for output in (run.get("data") or {}).get("main") or [])
    items: list[dict[str, Any]] = next((output for output in outputs if output), [])
    return [{name: item[name] for name in ("json", "binary") if name in item} for item in items]


def _outputs(document: RunDocument, name: str) -> list[list[list[dict[str, Any]]]]:
    """The items of a node by run and output, each without what tells where it comes from."""
    return [
        [[{"json": item.get("json")} for item in items or []] for items in (run.get("data") or {}).get("main") or []]
        for run in document.run_data.get(name, [])
    ]
