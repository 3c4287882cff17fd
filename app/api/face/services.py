"""What the views of one app work with; create_app makes it and nothing in it is shared between apps."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from flask import current_app
from psycopg_pool import ConnectionPool

from app.api.face.body_budget import BodyBudget
from app.api.face.count_cache import CountCache
from app.api.face.key_cache import ApiKeyCache
from app.api.face.long_calls import LongCalls
from app.api.face.metrics import RequestMetrics
from app.api.face.rates import KeyRates
from app.api.face.replica import Replica
from app.api.face.waiters import Waiters
from app.api.face.watchers import Watchers
from app.credentials.consents import Consents
from app.credentials.credential_type import CredentialType
from app.credentials.known_types import KnownTypes
from app.credentials.testing import CredentialTests
from app.credentials.vault import Vault
from app.packages.form_questions import NodeChoices
from app.repository.connection import Connection, transaction
from app.repository.connection import reading as reading_from
from app.schemas.evaluations import Evaluations
from app.schemas.workflows import WorkflowRules
from app.settings import Settings
from app.signatures import Signer
from app.telemetry.spans import RequestSpans

NAME = "executions"


class ListedPackages(Protocol):
    """What is known here of the node packages that are listed."""

    def refresh(self) -> None:
        """Know what is listed now. To be called outside of a transaction."""

    def credential_type(self, name: str) -> CredentialType:
        """What the data of credentials of this type has to look like."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the views of one application share; it is made once, with the application."""

    settings: Settings
    pool: ConnectionPool[Connection]
    rules: WorkflowRules
    evaluations: Evaluations
    api_keys: ApiKeyCache
    metrics: RequestMetrics
    rates: KeyRates
    counts: CountCache
    waiters: Waiters
    watchers: Watchers
    bodies: BodyBudget
    long_calls: LongCalls
    signer: Signer
    vault: Vault
    credential_types: KnownTypes
    credential_tests: CredentialTests
    node_choices: NodeChoices
    consents: Consents
    packages: ListedPackages
    replica: Replica | None
    tracer: RequestSpans | None
    """Where requests are told of; None where nobody wants traces."""

    def close(self) -> None:
        """Ask the database nothing more; threads that use it end soon."""
        self.waiters.close()
        self.pool.close()


def services() -> Services:
    """Those of the app that answers the present request."""
    # As app.api.face.proxies, which would be one more call of each of the many that ask.
    found: Services = current_app._get_current_object().extensions[NAME]  # type: ignore[attr-defined]
    return found


def database() -> AbstractContextManager[Connection]:
    """One transaction."""
    return transaction(services().pool)


def at_once() -> AbstractContextManager[Connection]:
    """A connection for one statement that is a transaction by itself, without the round trips of BEGIN and COMMIT."""
    return reading_from(services().pool)


def reading() -> AbstractContextManager[Connection]:
    """A connection that only reads, outside any transaction."""
    return reading_from(services().pool)


def reading_later() -> Callable[[], AbstractContextManager[Connection]]:
    """Opens such connections also while the answer is sent, when there is no present request any more."""
    return partial(reading_from, services().pool)
