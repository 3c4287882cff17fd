"""The OAuth consent: redirects a user to the provider, and gets the tokens when the provider redirects them back.

A state goes with them and comes back: signed, good for one credential in one project, once and for ten minutes. No
transaction is open while a provider is waited for.
"""

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import orjson

from app.credentials import oauth1, oauth2
from app.credentials.known_types import OAUTH1, OAUTH2, KnownTypes
from app.credentials.masking import Mask
from app.credentials.oauth2 import OAuthClient
from app.credentials.oauth_errors import NotUsable, OAuthError
from app.credentials.provider import MAX_SENTENCE_LENGTH, secrets_in
from app.credentials.tokens import FIELD, belong_together, merge
from app.credentials.vault import Vault
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.repository import credentials, oauth
from app.repository.connection import Connection
from app.repository.credentials import Credential
from app.repository.oauth import TakenConsent, Visitor
from app.shares import NoRoom, Shares

CALLBACKS = {OAUTH2: "/rest/oauth2-credential/callback", OAUTH1: "/rest/oauth1-credential/callback"}
"""n8n's paths: the addresses that are registered with providers stay valid."""
STATE_SECONDS = 600
AT_ONCE = 8
AT_ONCE_EACH = 2
"""Of a project: its provider may be as slow as it likes."""
MAX_STATE_LENGTH = 1_000
MAX_CODE_LENGTH = 4_096
STALE = "This consent was used already, is more than ten minutes old, or was not asked for here. Start it again."
ELSEWHERE = (
    "Somebody else has begun this consent. Go on in the browser and the session in which it was begun; if an API key "
    "began it, in a browser where nobody is signed in to the console, or with that key."
)
CHANGED = "The credential was changed or moved meanwhile. Start the consent again."

T = TypeVar("T")
Transact = Callable[[], AbstractContextManager[Connection]]


class StateSigner(Protocol):
    """Signs the states that come back from providers."""

    def sign(self, text: str) -> str:
        """The signature of a text, by the current key."""

    def is_signed(self, text: str, signature: str) -> bool:
        """Whether the signature is ours for this text; takes as long whatever the answer."""


class Declined(OAuthError):
    """Whoever was asked, or the provider, has said no."""


class StaleState(OAuthError):
    """The state is none of ours that is still good."""


class TooManyAtOnce(Exception):
    """As many providers are asked at the moment as may be."""


class Consents:
    """The consents that are asked for at this server, which is reached from outside at `address`."""

    def __init__(self, vault: Vault, signer: StateSigner, rules: AddressRules, address: str, types: KnownTypes) -> None:
        self._vault = vault
        self._signer = signer
        self._rules = rules
        self._address = address
        self._types = types
        self._asking = Shares(AT_ONCE, AT_ONCE_EACH)

    def begin(self, credential: Credential, held: Mapping[str, Any], by: Visitor, transact: Transact) -> str:
        """The address to send somebody to. A session that begins it ends it, too; a key hands it on.

        Raises OAuthError, TooManyAtOnce, OSError without a key.
        """
        protocol, data = self._protocol(credential.type), self._types.complete(credential.type, held)
        state, callback = self._new_state(credential.id), self._address + CALLBACKS[protocol]
        if protocol == OAUTH2:
            client = OAuthClient.of(data)
            if self._types.wants_scope(credential.type) and not (client.scope or client.auth_query.get("scope")):
                raise NotUsable("This service wants to be told scopes: name them in the credential's field scope")
            secret_values = {"verifier": secrets.token_urlsafe(48)}
            url = oauth2.consent_url(client, callback, state, secret_values["verifier"])
        else:
            call = oauth1.request_token_call(data, f"{callback}?state={state}")
            given = self._wait_for(lambda outgoing: oauth1.fetch(outgoing, call, data), credential.project_id)
            secret_values = {"token": given["oauth_token"], "secret": given.get("oauth_token_secret", "")}
            url = oauth1.consent_url(data, given["oauth_token"])
        sealed = self._vault.seal_values({**secret_values, "callback": callback}, f"consent:{credential.id}")
        with transact() as connection:
            oauth.start_consent(
                connection,
                credential.id,
                credential.project_id,
                by=by,
                state_sha256=digest(state),
                sealed=sealed,
                seconds=STATE_SECONDS,
            )
        return url

    def finish(self, query: Mapping[str, str], by: Visitor, transact: Transact) -> str:
        """Store the tokens that a callback leads to; returns the credential's name.

        Raises OAuthError, TooManyAtOnce, CannotDecrypt, and OSError without a key.
        """
        state = query.get("state", "")
        credential_id = self._credential_of(state)
        with transact() as connection:
            taken = oauth.take_consent(connection, credential_id, digest(state), by=by)
            elsewhere = taken is None and oauth.is_under_way(connection, credential_id, digest(state))
        if taken is None:
            raise StaleState(ELSEWHERE if elsewhere else STALE)
        held = self._vault.decrypt(taken.secret, taken.credential_id, taken.type)
        data = self._types.complete(taken.type, held)
        if refusal := refusal_in(query, Mask(secrets_in(data))):
            raise Declined(f"The provider said: {refusal}")
        tokens = self._tokens(taken, data, query)
        identity = self._types.identity(taken.type)
        with transact() as connection:
            self._keep(connection, taken, held, tokens, identity)
        return taken.name

    def _tokens(self, taken: TakenConsent, data: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """What the provider gives for what the callback has brought."""
        secret_values = self._vault.unseal_values(taken.sealed, f"consent:{taken.credential_id}")
        if self._protocol(taken.type) == OAUTH2:
            code = query.get("code", "")
            if not 0 < len(code) <= MAX_CODE_LENGTH:
                raise Declined("The provider sent no code back")
            call = oauth2.code_call(OAuthClient.of(data), code, secret_values["callback"], secret_values["verifier"])
            hidden = {**data, "code": code}
            answered = self._wait_for(lambda outgoing: oauth2.fetch(outgoing, call, hidden), taken.project_id)
            return merge({}, answered, taken.taken_at)
        verifier = query.get("oauth_verifier", "")
        if query.get("oauth_token") != secret_values["token"] or not 0 < len(verifier) <= MAX_CODE_LENGTH:
            raise Declined("The provider sent no verifier back, or one for another token")
        call = oauth1.access_token_call(data, secret_values["token"], secret_values["secret"], verifier)
        hidden = {**data, "code": verifier, "kept_secret": secret_values["secret"]}
        given = self._wait_for(lambda outgoing: oauth1.fetch(outgoing, call, hidden), taken.project_id)
        return dict(given)

    def _keep(
        self,
        connection: Connection,
        taken: TakenConsent,
        held: Mapping[str, Any],
        tokens: dict[str, Any],
        identity: Iterable[str] | None,
    ) -> None:
        """Store the tokens, unless they belong to what the credential was and is no more."""
        secret = oauth.lock_secret(connection, taken.credential_id, taken.type, project_id=taken.project_id)
        if secret is None:
            raise StaleState(CHANGED)
        now_held = self._vault.decrypt(secret, taken.credential_id, taken.type)
        if not belong_together(held, now_held, identity):
            raise StaleState(CHANGED)
        encrypted = self._vault.encrypt(taken.credential_id, taken.type, {**now_held, FIELD: tokens})
        credentials.update_credential(connection, taken.credential_id, secret=encrypted)

    def _protocol(self, kind: str) -> str:
        protocol = self._types.protocol(kind) or ""
        if protocol not in CALLBACKS:
            raise NotUsable(
                f"Credentials of type '{kind}' are not connected by consent: nothing says that it extends oAuth2Api "
                "or oAuth1Api"
            )
        return protocol

    def _new_state(self, credential_id: str) -> str:
        payload = orjson.dumps([credential_id, secrets.token_urlsafe(24)])
        text = urlsafe_b64encode(payload).decode().rstrip("=")
        return f"{text}.{self._signer.sign(f'consent {text}')}"

    def _credential_of(self, state: str) -> str:
        """The credential that a state is for. Raises StaleState; PostgreSQL is not asked for what is not ours."""
        text, _, signature = state[:MAX_STATE_LENGTH].partition(".")
        if not self._signer.is_signed(f"consent {text}", signature):
            raise StaleState(STALE)
        credential_id, _ = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return str(credential_id)

    def _wait_for(self, work: Callable[[Outgoing], Coroutine[Any, Any, T]], project_id: str) -> T:
        """Ask a provider from this thread, by the rules for what goes out."""

        async def ask() -> T:
            async with Outgoing(self._rules) as outgoing:
                return await work(outgoing.within(project_id))

        try:
            with self._asking.taken(project_id):
                return asyncio.run(ask())
        except NoRoom:
            raise TooManyAtOnce from None


def digest(state: str) -> bytes:
    """What is stored of a state: whoever reads the database cannot use it."""
    return hashlib.sha256(state.encode("utf-8", "replace")).digest()


def refusal_in(query: Mapping[str, str], mask: Mask) -> str:
    """What a provider says in a callback when there is no consent, without secrets; empty where it does not."""
    if "denied" in query:  # how OAuth 1 of X says it
        return "denied"
    told = [mask.text(query[name]) for name in ("error", "error_description") if query.get(name, "").strip()]
    return ": ".join(" ".join(text.split()) for text in told)[:MAX_SENTENCE_LENGTH] if query.get("error") else ""
