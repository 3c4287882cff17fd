"""One round trip of a worker to PostgreSQL: store results, claim executions, fetch what they need.

All of it is one transaction, so that results and claims of many executions share the cost of one commit.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg_pool import ConnectionPool

from app.bounded_dict import BoundedDict
from app.credentials.errors import CannotDecrypt
from app.credentials.proofs import NO_PROOF, Proof
from app.credentials.vault import Vault
from app.engine.run.meter import Meter
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsed_workflow import ParsedWorkflow
from app.repository import lifecycle, static_data, traces, workflows
from app.repository.connection import Connection, transaction
from app.repository.errors import RepositoryError
from app.repository.executions import ExecutionInput
from app.repository.known_problems import KnownProblems
from app.repository.lifecycle import NO_EXTRA_PLACES, Claim, ExtraPlaces, Known, Lacked, Result
from app.repository.traces import TraceOrigin
from app.worker.given import read_given
from app.worker.unrecorded import size_of

log = logging.getLogger(__name__)

UNSTORABLE = "The data of this run could not be stored"
VERSIONS_KEPT = 256
REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.NotSupportedError,
    psycopg.ProgrammingError,
    psycopg.errors.InternalError_,
    RepositoryError,
)
"""What PostgreSQL says to a record that it will not take at another time either."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A claimed execution with all that is needed to run it; `earlier` is the data of the part that ran before."""

    claim: Claim
    workflow: dict[str, Any]
    input: ExecutionInput
    earlier: bytes | None
    depth: int = 0
    """How many executions this one is below, as a sub-workflow that its parent waits for."""
    above: tuple[int, ...] = ()
    """Those of them that have a record of their own, the topmost first."""
    meter: Meter | None = None
    """Counts what it holds as a part of what those above it may take together; None: it counts for itself."""
    awaited: bool = False
    """Whether somebody waits for an execution that this one is a part of."""
    may_wait: bool = True
    """Whether it can be put aside until its wait is over: the parent of a sub-workflow has to wait as well."""
    static_data: bytes | None = None
    """What earlier executions of the workflow have kept, where its programs ask for it: a JSON object by scope."""
    proof: Proof = NO_PROOF
    """What has proved the caller: the run sees it, and what is recorded does not show it."""
    origin: TraceOrigin | None = None
    """What the execution comes from, where traces are wanted."""
    parsed: ParsedWorkflow | None = None
    """The workflow with its graph, where other executions of this worker have it, too."""
    retried: TraceOrigin | None = None
    """What the execution comes from that this one is a retry of, where traces are wanted."""
    earlier_unread: bool = False
    """Whether there is `earlier`, but not here, because it is large."""

    @property
    def unread(self) -> bool:
        """Whether `input` or `earlier` is not here as a whole, because it is large: the run reads it itself."""
        return self.input.unread or self.earlier_unread

    @property
    def root_id(self) -> int:
        """The topmost execution that this one is a part of, or this one."""
        return self.above[0] if self.above else self.claim.id


@dataclass(frozen=True, slots=True)
class SavedWorkflow:
    """A workflow as it was saved. `keeps_static_data`: some program of it may ask for what earlier runs kept."""

    parsed: ParsedWorkflow
    keeps_static_data: bool


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`recorded`: ids of results that were still wanted. `assignments`: what to run next."""

    recorded: set[int]
    assignments: list[Assignment]


class Exchange:
    """The worker's side of the exchange; called from one thread at a time."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        vault: Vault,
        worker_id: int,
        lacked: Lacked = lifecycle.lacks_nothing,
        known: KnownProblems | None = None,
        *,
        own: NodeTypes,
        traced: bool = False,
    ) -> None:
        """`lacked` tells which types of nodes are to be left to others, `known` what problems failures belong to.

        `own` are the types of nodes that this installation runs itself.

        `traced`: it is wanted, too, what executions come from.
        """
        self._own = own
        self._traced = traced
        self._known = known
        self._lacked = lacked
        self._pool = pool
        self._vault = vault
        self._worker_id = worker_id
        self._versions: BoundedDict[UUID, SavedWorkflow] = BoundedDict(VERSIONS_KEPT)
        self._turn = lifecycle.FIRST_TURN

    def __call__(
        self,
        results: Sequence[Result],
        free: int,
        held: Known | None = None,
        extra: ExtraPlaces = NO_EXTRA_PLACES,
        unclaimed: Sequence[int] = (),
    ) -> Exchanged:
        """Record `results` and claim at most `free` executions, and those that the `extra` places are for, but none of
        the `unclaimed`.

        With `held`, all that the worker knows to hold, it first takes up what it holds without knowing it, because
        the answer to a claim was lost. Raises psycopg.OperationalError when PostgreSQL cannot be reached; the same
        call can then be made again, with `held`.
        """
        try:
            return self._transact(results, free, held, extra, unclaimed)
        except REFUSALS:
            # One result holds what PostgreSQL cannot: find it, so that the others are not lost with it.
            alone = partial(record_alone, self._pool, self._worker_id, known=self._known)
            recorded = set().union(*map(alone, results))
            # Recorded but not answered yet: as long as they may be sent once more they are not to begin anew.
            unclaimed = [*unclaimed, *(result.id for result in results)]
            return replace(self._transact([], free, held, extra, unclaimed), recorded=recorded)

    def _transact(
        self,
        results: Sequence[Result],
        free: int,
        held: Known | None,
        extra: ExtraPlaces,
        unclaimed: Sequence[int],
    ) -> Exchanged:
        with transaction(self._pool, sum(map(size_of, results))) as connection:
            recorded = lifecycle.finish(connection, self._worker_id, results, self._known) if results else set()
            assignments = self._assign(connection, self._claim(connection, free, held, extra, unclaimed))
        return Exchanged(recorded, assignments)

    def _claim(
        self,
        connection: Connection,
        free: int,
        held: Known | None,
        extra: ExtraPlaces,
        unclaimed: Sequence[int],
    ) -> list[Claim]:
        lost = [] if held is None else lifecycle.unacknowledged_claims(connection, self._worker_id, held)
        extra = extra.after([claim.project_id for claim in lost], free)
        free -= len(lost)
        claims = lifecycle.claim(connection, self._worker_id, free, self._lacked, self._turn, extra, unclaimed)
        self._turn = self._turn.next(claims)
        return lost + claims

    def _assign(self, connection: Connection, claims: Sequence[Claim]) -> list[Assignment]:
        if not claims:
            return []
        versions = self._read_versions(connection, {claim.workflow_version_id for claim in claims})
        given = read_given(connection, claims, large=False)
        # Looked up once: a UUID takes a function of Python to be hashed, and another to be compared.
        saved = [versions[claim.workflow_version_id] for claim in claims]
        keeping = [claim.workflow_id for claim, each in zip(claims, saved, strict=True) if each.keeps_static_data]
        stored = static_data.read(connection, keeping) if keeping else {}
        origins = self._read_origins(connection, claims) if self._traced else {}
        parts = [claim.id for claim in claims if claim.resumed and claim.mode == "integrated"]
        awaited = lifecycle.find_awaited(connection, parts) if parts else set()
        return [
            Assignment(
                claim=claim,
                workflow=each.parsed.document,
                parsed=each.parsed,
                input=given[claim.id].input,
                earlier=given[claim.id].earlier,
                earlier_unread=given[claim.id].earlier_unread,
                awaited=claim.id in awaited,
                static_data=stored.get(claim.workflow_id),
                proof=self._unseal(claim, given[claim.id].input),
                origin=origins.get(claim.id),
                retried=origins.get(claim.retry_of or 0),
            )
            for claim, each in zip(claims, saved, strict=True)
        ]

    def _read_origins(self, connection: Connection, claims: Sequence[Claim]) -> dict[int, TraceOrigin]:
        """What these come from, and what those come from that they are retries of."""
        retried = [claim.retry_of for claim in claims if claim.retry_of is not None]
        return traces.read_origins(connection, [*(claim.id for claim in claims), *retried])

    def _read_versions(self, connection: Connection, ids: set[UUID]) -> dict[UUID, SavedWorkflow]:
        """These versions, those from the cache that are there."""
        versions = {version_id: self._versions[version_id] for version_id in ids & self._versions.keys()}
        if missing := list(ids - versions.keys()):
            for row in workflows.get_versions(connection, missing).values():
                document = {**orjson.loads(row.definition), "id": row.workflow_id, "name": row.name}
                asks = may_ask_for_static_data(row.definition) or has_packaged_nodes(document, self._own)
                versions[row.id] = SavedWorkflow(ParsedWorkflow(document), asks)
        self._versions.update(versions)
        return versions

    def _unseal(self, claim: Claim, given: ExecutionInput) -> Proof:
        """What has proved the caller of an execution; it stays hidden where the key for it is not known."""
        if given.sealed is None:
            return NO_PROOF
        try:
            return self._vault.unseal(given.sealed)
        except (CannotDecrypt, OSError) as error:
            log.error("what proved a caller stays hidden", extra={"execution": claim.id, "reason": str(error)})
            return NO_PROOF


def record_alone(
    pool: ConnectionPool[Connection], worker_id: int, result: Result, known: KnownProblems | None = None
) -> set[int]:
    """Record one result in a transaction of its own: without its data where PostgreSQL refuses that. Returns its id
    where it was still wanted."""
    try:
        with transaction(pool, size_of(result)) as connection:
            return lifecycle.finish(connection, worker_id, [result], known)
    except REFUSALS as error:
        log.error("result refused", extra={"execution": result.id, "reason": str(error)})
        return record_without_data(pool, worker_id, result)


def record_without_data(
    pool: ConnectionPool[Connection], worker_id: int, result: Result, message: str = UNSTORABLE
) -> set[int]:
    """Record in a transaction of its own that a result cannot be recorded. Returns its id where it was still wanted."""
    with transaction(pool) as connection:
        return lifecycle.finish(connection, worker_id, [without_data(result, message)])


def may_ask_for_static_data(definition: bytes) -> bool:
    """Whether some program of the workflow may ask for its static data, by the name of the function for it."""
    return b"orkflowStaticData" in definition


def has_packaged_nodes(document: dict[str, Any], own: NodeTypes) -> bool:
    """Whether the workflow has nodes of packages: theirs may ask for static data, as for the secret of a caller."""
    return any(str(node.get("type")) not in own for node in document.get("nodes") or [])


def without_data(result: Result, message: str) -> Result:
    """What is recorded in place of a result that PostgreSQL refused."""
    return Result(
        result.id,
        "error",
        result.mode,
        b"{}",
        error_message=message,
        awaited=result.awaited,
        has_proof=result.has_proof,
    )
