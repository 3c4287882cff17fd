"""Tries credentials on the services that they are for, as the nodes that use them would, for those who must not know
the engine."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from app.credentials import oauth2, service_accounts, tokens
from app.credentials.known_types import OAUTH1, OAUTH2, SERVICE_ACCOUNT, KnownTypes
from app.credentials.masking import Mask
from app.credentials.oauth2 import OAuthClient
from app.credentials.oauth_errors import ConsentNeeded, OAuthError
from app.credentials.testing import CannotTest, Stored, TooManyTests
from app.engine.nodes.http_request import failures
from app.engine.nodes.http_request.authentication import RequestProof, allowed_domains
from app.engine.nodes.postgres.session import session
from app.engine.nodes.send_email.smtp import server
from app.engine.run.errors import NodeError
from app.engine.run.meter import Meter
from app.outgoing.addresses import AddressRules
from app.outgoing.calls import Answer, Call
from app.outgoing.client import Outgoing
from app.outgoing.failures import network_failures
from app.packages.credential_trials import attempt_of, test_of
from app.packages.manifest import Find
from app.shares import NoRoom, Shares

SECONDS = 10.0
AT_ONCE = 8
"""Each holds a thread of the API."""
AT_ONCE_EACH = 2
MAX_ANSWER_BYTES = 2**20
MAX_MESSAGE_LENGTH = 1_000
TOO_SLOW = f"The service did not answer within {SECONDS:g} seconds"


Attempt = Callable[[dict[str, Any], AddressRules], Awaitable[None]]
ByWorker = Callable[[Stored, str], str | None]
"""Why the service does not take the stored credential of that type, as a worker finds out."""


class EngineCredentialTests:
    """See app.credentials.testing.CredentialTests."""

    def __init__(
        self,
        rules: AddressRules,
        types: KnownTypes | None = None,
        packaged: Find = lambda _: None,
        by_worker: ByWorker | None = None,
        tested_by_node: Callable[[str], bool] = lambda _: False,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        """`packaged` gives what a package says of a type, `by_worker` tries what takes the code of a package.

        `tested_by_node` tells whether a node of a package tries credentials of a type. `catch_up` is called before a
        type counts as one that nobody can try: its package may be new.
        """
        self._rules = rules
        self._by_worker = by_worker
        self._packaged = packaged
        self._tested_by_node = tested_by_node
        self._catch_up = catch_up
        self._types = types or KnownTypes()
        self._running = Shares(AT_ONCE, AT_ONCE_EACH)

    def problem(
        self, kind: str, data: dict[str, Any], asked_by: Hashable = None, stored: Stored | None = None
    ) -> str | None:
        """See `CredentialTests.problem`. An unknown type is looked for again, in packages that came meanwhile."""
        try_it = self._way_to_try(kind, data, stored)
        if try_it is None:
            self._catch_up()
            try_it = self._way_to_try(kind, data, stored)
        if try_it is None:
            raise CannotTest
        try:
            with self._running.taken(asked_by):
                return try_it()
        except NoRoom:
            raise TooManyTests from None

    def _way_to_try(self, kind: str, data: dict[str, Any], stored: Stored | None) -> Callable[[], str | None] | None:
        attempt = TRIALS.get(kind) or self._oauth(kind) or self._packaged_attempt(kind)
        if attempt is not None:
            return partial(self._problem_here, attempt, data, self._rules.within(stored.project_id if stored else ""))
        if self._by_worker is not None and stored is not None and self._takes_code(kind):
            return partial(self._by_worker, stored, kind)
        return None

    def _problem_here(self, attempt: Attempt, data: dict[str, Any], rules: AddressRules) -> str | None:
        try:
            asyncio.run(within_time(attempt(data, rules)))
        except NodeError as error:
            return error.message
        except OAuthError as error:
            return f"The credential {error}" if isinstance(error, ConsentNeeded) else str(error)
        except TimeoutError:
            return TOO_SLOW
        return None

    def _oauth(self, kind: str) -> Attempt | None:
        """How a credential of OAuth is tried, also one of a service's own type."""
        attempt = BY_PROTOCOL.get(self._types.protocol(kind) or "")
        return None if attempt is None else lambda data, rules: attempt(self._types.complete(kind, data), rules)

    def _packaged_attempt(self, kind: str) -> Attempt | None:
        """How a package says that a credential of its type is tried."""
        credential = self._packaged(kind)
        return None if credential is None else attempt_of(credential, self._packaged)

    def _takes_code(self, kind: str) -> bool:
        """Whether a package says how it is tried, but not without its files."""
        credential = self._packaged(kind)
        described = credential is not None and test_of(credential, self._packaged) is not None
        return described or self._tested_by_node(kind)


async def within_time(work: Awaitable[None]) -> None:
    """Await it for SECONDS at most. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        await work


async def try_postgres(data: dict[str, Any], rules: AddressRules) -> None:
    """Connect and log in."""
    async with session(data, rules, hold=Meter(MAX_ANSWER_BYTES).add, timeout=SECONDS) as connection:
        await connection.run("SELECT 1")


async def try_smtp(data: dict[str, Any], rules: AddressRules) -> None:
    """Connect and log in."""
    async with server(data, rules, verify=True):
        pass


async def try_n8n_api(data: dict[str, Any], rules: AddressRules) -> None:
    """Ask for what every server of the kind knows."""
    key, url = str(data.get("apiKey") or ""), f"{str(data.get('baseUrl') or '').rstrip('/')}/credentials/schema/n8nApi"
    domains = allowed_domains(data)
    RequestProof(domains=domains).check(url, 0)
    headers = [("X-N8N-API-KEY", key), ("Accept", "application/json")]
    secret = frozenset({"x-n8n-api-key"})
    call = Call("GET", url, headers=headers, secret_headers=secret, secret_domains=domains, timeout=SECONDS)
    async with Outgoing(rules, largest_response=MAX_ANSWER_BYTES) as outgoing:
        try:
            answer = await outgoing.send(call)
        except network_failures(UnicodeEncodeError) as error:
            raise failures.of_exception(error, url, 0) from error
    if answer.status >= 400:
        raise NodeError(message_of(answer, Mask([key])))


async def try_oauth2(data: dict[str, Any], rules: AddressRules) -> None:
    """Get a token where nobody has to consent; else look whether somebody has, and whether the provider has refused
    for good since then. A refresh token is not spent."""
    client, held = OAuthClient.of(data), tokens.tokens_in(data)
    if not client.needs_consent:
        async with Outgoing(rules) as outgoing:
            await oauth2.fetch(outgoing, oauth2.renewal_call(client, held), data)
    elif said := tokens.refusal(held):
        raise ConsentNeeded(f"needs to be connected again: {said}")
    elif not tokens.access_token(held) or tokens.is_expired(held, datetime.now(UTC)):
        oauth2.renewal_call(client, held)


async def try_oauth1(data: dict[str, Any], rules: AddressRules) -> None:
    """Look whether somebody has consented."""
    if not tokens.tokens_in(data).get("oauth_token"):
        raise ConsentNeeded("is not connected yet")


async def try_service_account(data: dict[str, Any], rules: AddressRules) -> None:
    """Get a token."""
    async with Outgoing(rules) as outgoing:
        await oauth2.fetch(outgoing, await service_accounts.token_call(data, datetime.now(UTC)), data)


def message_of(answer: Answer, mask: Mask) -> str:
    """What a refusal says, without secrets."""
    try:
        told = orjson.loads(answer.content).get("message")
    except (ValueError, AttributeError):
        told = None
    text = told if isinstance(told, str) and told else answer.reason or f"HTTP {answer.status}"
    return mask.text(text)[:MAX_MESSAGE_LENGTH]


BY_PROTOCOL: dict[str, Attempt] = {OAUTH2: try_oauth2, OAUTH1: try_oauth1, SERVICE_ACCOUNT: try_service_account}
TRIALS: dict[str, Attempt] = {
    "n8nApi": try_n8n_api,
    "postgres": try_postgres,
    "smtp": try_smtp,
}
"""By the type of credential."""
