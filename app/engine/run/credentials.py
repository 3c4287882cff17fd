"""How a node gets a credential: by the id that its workflow names, from whoever started the run.

Knows no storage and no encryption; what a credential holds goes to the node and nowhere else.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from app.engine.run.errors import NodeError
from app.engine.run.graph import Node

ReadCredential = Callable[[str, str], Awaitable[dict[str, Any] | None]]
"""What the credential of this id and type holds; None when there is none within reach."""

RenewCredential = Callable[[str, str, str], Awaitable[dict[str, Any]]]
"""Gets another access token for the credential of this id and type in the place of the one that was refused; what it
holds then. Raises CredentialUnreadable."""


class TokenFetch(Protocol):
    """The turn to fetch a token that a credential needs before its use: nobody else has it meanwhile."""

    async def keep(self, fetched: dict[str, Any]) -> None:
        """Keep with the credential what was fetched, for all; ends the turn."""

    def end(self) -> None:
        """End the turn, if that was not done before."""


BeginFetch = Callable[[str, str, str, object], Awaitable[TokenFetch | None]]
"""The turn to fetch a token for the credential of this id and type; None where its field of that name has another one
than the one that was refused by now. Raises CredentialUnreadable."""


class CredentialUnreadable(Exception):
    """A credential is there, but what it holds cannot be read. The message is fit for the workflow's author."""


async def read_credential(node: Node, kind: str, read: ReadCredential | None) -> dict[str, Any]:
    """What the node's credential of type `kind` holds. Raises NodeError when it names none or one that is not there."""
    named = (node.document.get("credentials") or {}).get(kind)
    if not isinstance(named, dict) or not named.get("id"):
        raise NodeError("Node does not have any credentials set" if named is None else "Credentials not found")
    try:
        credential = await read(str(named["id"]), kind) if read is not None else None
    except CredentialUnreadable as error:
        raise NodeError(str(error)) from error
    if credential is None:
        raise NodeError(f'Credential with ID "{named["id"]}" does not exist for type "{kind}".')
    return credential


async def renew_credential(node: Node, kind: str, refused: str, renew: RenewCredential | None) -> dict[str, Any]:
    """What the node's credential holds with another access token than the refused one. Raises NodeError."""
    named = (node.document.get("credentials") or {}).get(kind) or {}
    if renew is None:
        raise NodeError("The access token was refused, and nobody here can renew it")
    try:
        return await renew(str(named.get("id")), kind, refused)
    except CredentialUnreadable as error:
        raise NodeError(str(error)) from error


async def begin_fetch(node: Node, kind: str, field: str, refused: object, begin: BeginFetch) -> TokenFetch | None:
    """The turn to fetch a token for the node's credential; see `BeginFetch`. Raises NodeError."""
    named = (node.document.get("credentials") or {}).get(kind) or {}
    try:
        return await begin(str(named.get("id")), kind, field, refused)
    except CredentialUnreadable as error:
        raise NodeError(str(error)) from error
