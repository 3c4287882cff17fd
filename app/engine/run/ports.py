"""What the engine asks of whoever runs it: credentials, connections, sub-workflows, answers to webhooks.

Each is optional; a node that needs one that is not there fails with a message that says so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from app.engine.run.chat_memory import ChatMemory
from app.engine.run.credentials import BeginFetch, ReadCredential, RenewCredential
from app.engine.run.data_tables import DataTables
from app.engine.run.document import RunDocument
from app.engine.run.histories import History
from app.engine.run.items import Item
from app.engine.run.meter import Meter
from app.engine.run.progress import RunProgress
from app.engine.run.static_data import StaticStore
from app.engine.run.variables import ReadVariables
from app.outgoing.client import Outgoing


@dataclass(frozen=True, slots=True)
class ChildRequest:
    """A sub-workflow to run: one that is stored, by its id, or a document that the node itself holds."""

    items: list[Item]
    workflow_id: str | None = None
    document: dict[str, Any] | None = None
    wait: bool = True
    may_wait: bool = False
    """Whoever asks can wait for as long as the sub-workflow does, and find its outcome afterwards."""


@dataclass(frozen=True, slots=True)
class ChildOutcome:
    """The output of a sub-workflow's last node, and which execution it was; `error` says why it has failed.

    `failure` is that error as it stands in the sub-workflow's own run data. `waits`: it has not ended yet. `document`
    tells how it came to its output.
    """

    outputs: list[list[Item]]
    execution_id: str | None = None
    error: str | None = None
    failure: dict[str, Any] | None = None
    waits: bool = False
    document: RunDocument | None = None


RunChild = Callable[["Ports", ChildRequest], Awaitable[ChildOutcome]]
"""Runs a sub-workflow for whoever holds these ports, which say how deep it is already."""
ReadChild = Callable[[str, Meter], Awaitable[ChildOutcome]]
"""What has become of a sub-workflow, by the id of its execution, where its data fit in what is left of the memory."""
Respond = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes the answer for a webhook's caller: `status`, `headers`, and `body` (any JSON), `text` or `base64`."""


@dataclass(slots=True)
class Children:
    """The sub-workflows that a node starts, in their order, by the ids of their executions.

    A node that has waited for one of them runs again from its beginning; it then finds those that it had started.
    """

    ids: list[str] = field(default_factory=list)
    _found: int = 0

    @property
    def has_known(self) -> bool:
        """Whether the next one was started before the node waited."""
        return self._found < len(self.ids)

    async def run(self, ports: "Ports", request: ChildRequest) -> ChildOutcome:
        """The outcome of the next one: of a new one, or of one that was started before the node waited."""
        if self.has_known:
            known = self.ids[self._found]
            self._found += 1
            assert ports.read_child is not None
            return await ports.read_child(known, ports.meter) if request.wait else ChildOutcome([request.items], known)
        assert ports.run_child is not None
        outcome = await ports.run_child(ports, request)
        if outcome.execution_id is not None:
            self.ids.append(outcome.execution_id)
            self._found += 1
        return outcome


def own_clock() -> datetime:
    """What time it is on this machine."""
    return datetime.now(UTC)


WaitingUrls = Callable[[], tuple[str | None, str | None]]
"""Gives the address that ends the execution's wait for a call, and that of the pages that it shows in its course."""


def no_urls() -> tuple[None, None]:
    """Of an execution that nobody calls."""
    return None, None


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one execution."""

    credentials: ReadCredential | None = None
    renew_credential: RenewCredential | None = None
    begin_fetch: BeginFetch | None = None
    """None: tokens that are fetched before their use stay in the memory of this process."""
    outgoing: Outgoing | None = None
    run_child: RunChild | None = None
    read_child: ReadChild | None = None
    respond: Respond | None = None
    said: list[Any] = field(default_factory=list)
    """What the workflow has said in its chat since it began, or since the last reply: texts, or texts with buttons."""
    streamed: list[dict[str, Any]] | None = None
    """Takes the parts of n8n's streams that agents say, for a caller who reads such; None: nobody does."""
    waiting_urls: WaitingUrls = no_urls
    question_url: Callable[[str, int], str] | None = None
    """Gives the address at which people answer what a node (its id) asks in one of its runs (its index)."""
    address: str | None = None
    """Where the server is reached from outside."""
    storable: Callable[[str], str] = str
    """Makes of a text what may be recorded of it: without secrets, and without what PostgreSQL cannot hold."""
    history: History | None = None
    chat_memory: ChatMemory | None = None
    """None: memories keep what they have in the process of their package."""
    static_data: StaticStore | None = None
    """None: what a run changes of its workflow's static data is its result's."""
    data_tables: DataTables | None = None
    variables: ReadVariables | None = None
    commands: bool = False
    """Whether workflows may run commands on this machine."""
    files: Path | None = None
    """The folder in which the workflow's nodes may read and write files."""
    timezone: str = "UTC"
    """The time zone of the instance, for workflows that name none."""
    now: Callable[[], datetime] = own_clock
    """By whose clock waits begin and end."""
    meter: Meter = field(default_factory=Meter)
    """Counts the memory of this run, and of the sub-workflows that run within it."""
    progress: RunProgress = field(default_factory=RunProgress)
    """Knows how far this run is."""
    depth: int = 0
    """How many workflows this one is below."""
    root: str = field(default_factory=partial(token_hex, 8))
    """The execution that all of this is a part of: the same for the sub-workflows that run within it."""
    awaited: bool = False
    """Whether somebody waits for the execution that all of this is a part of."""
    may_wait: bool = True
    """Whether this execution can be put aside until its wait is over. Other waits pass in memory."""

    @property
    def resume_url(self) -> str | None:
        """The address that ends the execution's wait for a call."""
        return self.waiting_urls()[0]
