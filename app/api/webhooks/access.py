"""Whom a webhook lets in: by address, by kind of caller, by a credential. Refuses in n8n's words."""

import hmac
import ipaddress
import logging
import re
from dataclasses import dataclass
from typing import Any

from flask import request

from app.api.face.client_address import client_address
from app.api.face.errors import Refused
from app.api.face.services import services
from app.api.webhooks.tokens import CHALLENGE, token_payload
from app.credentials.errors import CannotDecrypt
from app.credentials.proofs import NO_PROOF, Proof
from app.credentials.types import TYPES
from app.repository.connection import Connection
from app.triggers.webhook_settings import WebhookSettings

log = logging.getLogger(__name__)

BROWSERS = re.compile(r"(?:mozilla|opera|dalvik|microsoft office)/", re.IGNORECASE)
"""How browsers, and programs that people follow links in, call themselves."""
BOTS = re.compile(
    r"(?<!cu)bot|crawl|spider|slurp|externalhit|preview|monitor|headless|lighthouse|mshots|google-|googleimageproxy",
    re.IGNORECASE,
)
"""Those that call themselves so, too. Cubot makes telephones."""
WRONG = "Authorization data is wrong!"
UNREADABLE = "The credential of this webhook cannot be read"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let in: what the caller's token says, None where none is asked for, and what has proved it."""

    payload: dict[str, Any] | None = None
    proof: Proof = NO_PROOF


def is_program() -> bool:
    """Whether a program calls on its own account, by what it calls itself; who says nothing counts as none."""
    agent = request.headers.get("User-Agent", "")
    return bool(agent) and (BROWSERS.match(agent) is None or BOTS.search(agent) is not None)


def let_in(connection: Connection, project_id: str, settings: WebhookSettings) -> Caller:
    """Whoever calls. Raises Refused for who is not let in."""
    allowed = settings.options.ip_whitelist
    if allowed and not is_listed(client_address(), allowed):
        raise Refused(403, "IP is not allowed to access the webhook!", plain=True)
    if settings.options.ignore_bots and is_program():
        raise Refused(403, WRONG, CHALLENGE, plain=True)
    kind = settings.authentication
    if kind == "none":
        return Caller()
    credential = credential_of(connection, project_id, settings)
    if kind == "jwtAuth":
        return Caller(token_payload(credential), proof_of("Authorization"))
    if kind == "basicAuth":
        check_basic(credential)
        return Caller(proof=proof_of("Authorization", str(credential["password"])))
    if kind == "bearerAuth":
        if not equal_in_constant_time(request.headers.get("Authorization", ""), f"Bearer {credential['token']}"):
            raise Refused(403, WRONG, CHALLENGE, plain=True)
        return Caller(proof=proof_of("Authorization"))
    name = str(credential["name"])
    if not equal_in_constant_time(request.headers.get(name, ""), str(credential["value"])):
        raise Refused(403, WRONG, CHALLENGE, plain=True)
    return Caller(proof=proof_of(name))


def proof_of(header: str, *more: str) -> Proof:
    """The header with which the caller has proved itself; what follows its first word counts by itself, too."""
    value = request.headers.get(header, "")
    return Proof.of_header(header, value, value.partition(" ")[2].strip(), *more)


def check_basic(credential: dict[str, Any]) -> None:
    """Raise Refused unless the call carries this name and password."""
    try:
        given = request.authorization
    except ValueError:  # what is no ASCII is no base64, and Werkzeug does not say so
        given = None
    if given is None or given.type != "basic" or given.username is None:
        raise Refused(401, "Authorization is required!", CHALLENGE, plain=True)
    expected = f"{credential.get('user', '')}:{credential.get('password', '')}"
    if not equal_in_constant_time(f"{given.username}:{given.password}", expected):
        raise Refused(401, "Authentication data is wrong!", CHALLENGE, plain=True)


def credential_of(connection: Connection, project_id: str, settings: WebhookSettings) -> dict[str, Any]:
    """What the credential holds that the node names. Raises Refused where there is none, or none to be read."""
    kind, credential_id = settings.credential_type, settings.credential_id
    if kind is None or credential_id is None:
        raise Refused(500, "No authentication data defined on node!")
    try:
        held = services().vault.read_in_project(connection, project_id, credential_id, kind)
    except (CannotDecrypt, OSError) as error:  # what is to be done is the operator's business, not the caller's
        log.error("a webhook lets nobody in", extra={"credential": credential_id, "reason": str(error)})
        raise Refused(500, UNREADABLE) from error
    # An empty user, password or value would let anybody in.
    if held is None or not TYPES[kind].can_prove_caller(held):
        raise Refused(500, "No authentication data defined on node!")
    return held


def equal_in_constant_time(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing; an empty secret lets nobody in."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def is_listed(address: str, allowed: str) -> bool:
    """Whether an address is one of the addresses or networks, which stand with commas between them."""
    try:
        ip = ipaddress.ip_address(address)
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in allowed.split(",") if part.strip()]
    except ValueError:
        return False
    return any(ip in network for network in networks)
