"""What the views of one app work with; create_app makes it and nothing in it is shared between apps."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import cast

from flask import current_app
from psycopg_pool import ConnectionPool

from app.api.face.body_budget import BodyBudget
from app.api.face.count_cache import CountCache
from app.api.face.key_cache import ApiKeyCache
from app.api.face.metrics import RequestMetrics
from app.api.face.rates import KeyRates
from app.api.face.replica import Replica
from app.api.face.waiters import Waiters
from app.credentials.consents import Consents
from app.credentials.testing import CredentialTests
from app.credentials.vault import Vault
from app.repository.connection import Connection, transaction
from app.repository.connection import reading as reading_from
from app.schemas.workflows import WorkflowRules
from app.settings import Settings
from app.signatures import Signer

NAME = "executions"


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    pool: ConnectionPool[Connection]
    rules: WorkflowRules
    api_keys: ApiKeyCache
    metrics: RequestMetrics
    rates: KeyRates
    counts: CountCache
    waiters: Waiters
    bodies: BodyBudget
    signer: Signer
    vault: Vault
    credential_tests: CredentialTests
    consents: Consents
    replica: Replica | None


def services() -> Services:
    """Those of the app that answers the present request."""
    return cast(Services, current_app.extensions[NAME])


def database() -> AbstractContextManager[Connection]:
    """One transaction."""
    return transaction(services().pool)


def reading() -> AbstractContextManager[Connection]:
    """A connection that only reads, outside any transaction."""
    return reading_from(services().pool)


def reading_later() -> Callable[[], AbstractContextManager[Connection]]:
    """Opens such connections also while the answer is sent, when there is no present request any more."""
    return partial(reading_from, services().pool)
