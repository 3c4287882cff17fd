"""What an execution on this worker can reach outside of itself: credentials, other machines, sub-workflows, callers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from app.engine.run.memory_shares import MemoryShares
from app.engine.run.meter import Meter
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.static_data import StaticStore
from app.outgoing.client import Outgoing
from app.repository import variables
from app.settings import Settings
from app.signatures import Signer, question_url, waiting_urls
from app.worker.answers import reads_stream
from app.worker.chat_memory import WorkflowChats
from app.worker.children import read_child
from app.worker.clock import Clock
from app.worker.credentials import Credentials
from app.worker.data_tables import DataTableStores
from app.worker.database import Database
from app.worker.exchange import Assignment
from app.worker.histories import WorkflowHistory
from app.worker.static_data import StaticStores
from app.worker.texts import strip_unstorable

StartChild = Callable[[Assignment, Ports, ChildRequest], Awaitable[ChildOutcome]]
SendAnswer = Callable[[int, dict[str, Any]], Awaitable[None]]


class OwnUrls:
    """The addresses that `sign` gives, signed when the first is wanted; a cache of functools takes longer to make than
    most runs take for a node."""

    __slots__ = ("_sign", "_urls")

    def __init__(self, sign: Callable[[], tuple[str, str]]) -> None:
        self._sign = sign
        self._urls: tuple[str, str] | None = None

    def __call__(self) -> tuple[str, str]:
        """See `waiting_urls`."""
        if self._urls is None:
            self._urls = self._sign()
        return self._urls


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways out of the executions of one worker."""

    settings: Settings
    signer: Signer
    credentials: Credentials
    outgoing: Outgoing
    database: Database
    static_data: StaticStores
    data_tables: DataTableStores
    shares: MemoryShares
    clock: Clock
    start_child: StartChild
    send_answer: SendAnswer

    def ports(self, assignment: Assignment) -> Ports:
        """The ports of one execution."""
        claim = assignment.claim
        credentials = self.credentials.of_project(claim.project_id)

        async def respond(answer: dict[str, Any]) -> None:
            await self.send_answer(claim.id, answer)

        return Ports(
            credentials=credentials.read,
            renew_credential=credentials.renew,
            begin_fetch=credentials.begin_fetch,
            outgoing=self.outgoing.within(claim.project_id),
            run_child=partial(self.start_child, assignment),
            read_child=lambda child, meter: self.database.transact(read_child, claim, child, meter),
            respond=respond if claim.awaited else None,
            streamed=[] if reads_stream(assignment) else None,
            waiting_urls=OwnUrls(partial(waiting_urls, self.settings, self.signer, claim.id)),
            question_url=partial(question_url, self.settings, self.signer, claim.id),
            address=self.settings.webhook_url,
            storable=lambda text: assignment.proof.mask.text(strip_unstorable(text)),
            history=WorkflowHistory(self.database, claim.workflow_id),
            chat_memory=WorkflowChats(self.database, claim.workflow_id),
            static_data=None if claim.mode == "manual" else self._static_data(assignment),
            data_tables=self.data_tables.of_project(claim.project_id),
            variables=partial(self.database.transact, variables.read_values, claim.project_id),
            commands=self.settings.execute_command,
            files=self._files(claim.project_id),
            timezone=self.settings.timezone,
            now=self.clock.now,
            meter=assignment.meter or Meter(self.settings.run_bytes, share=self.shares.of_run(claim.project_id)),
            depth=assignment.depth,
            root=str(assignment.root_id),
            awaited=claim.awaited or claim.mode == "manual" or assignment.awaited,
            may_wait=assignment.may_wait,
        )

    def trigger_ports(self, project_id: str) -> Ports:
        """The ports of a trigger of this project that looks or listens: there is no execution yet, and no caller."""
        credentials = self.credentials.of_project(project_id)
        return Ports(
            credentials=credentials.read,
            renew_credential=credentials.renew,
            begin_fetch=credentials.begin_fetch,
            outgoing=self.outgoing.within(project_id),
            address=self.settings.webhook_url,
            variables=partial(self.database.transact, variables.read_values, project_id),
            timezone=self.settings.timezone,
            now=self.clock.now,
            meter=Meter(self.settings.run_bytes),
        )

    def _files(self, project_id: str) -> Path | None:
        """The project's own folder, so that no project sees another's files; its nodes make it."""
        folder = self.settings.files_folder
        return None if folder is None else folder / project_id

    def _static_data(self, assignment: Assignment) -> StaticStore:
        return self.static_data.of_workflow(assignment.claim.workflow_id, assignment.proof.mask.json)
