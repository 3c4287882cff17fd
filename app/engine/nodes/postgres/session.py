"""A connection of a workflow to a PostgreSQL of its own, and its values as n8n shows them.

Nothing here concerns the database in which executions are kept. The address rules of outgoing HTTP hold here, too.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from app.engine.nodes.postgres import rows
from app.engine.nodes.postgres.connecting import connect
from app.engine.nodes.postgres.values import to_json
from app.engine.nodes.postgres.wire import Wire
from app.engine.nodes.shared.connection_errors import CONNECTION_ERRORS, hide_password, resolve
from app.engine.run.computing import compute, count_work, yield_to_loop
from app.engine.run.errors import NodeError
from app.engine.run.memory import weigh
from app.engine.values import conversions
from app.outgoing.addresses import AddressRules

CONNECT_SECONDS = 30
GRACE_SECONDS = 1.0
"""How much later than psycopg itself it is given up to connect."""
MAX_MESSAGE_LENGTH = 10_000
"""Characters of what a server says of a failure."""
# libpq takes an empty password for a reason to look into the password file of whoever runs the worker. A path below
# a device cannot be there on any machine.
NO_PASSWORD_FILE = "/dev/null/none"
# Nor is a server told who runs the worker by that user's certificate or Kerberos ticket.
NOTHING_OF_THE_WORKER = {
    "passfile": NO_PASSWORD_FILE,
    "sslcertmode": "disable",
    "gssencmode": "disable",
    "require_auth": "password,md5,scram-sha-256,none",
}
POSITION = re.compile("[1-9][0-9]{0,9}")
_SYNTAX = re.compile(r'^syntax error at or near "(.*)"$', re.DOTALL)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What one statement gave: rows, or None where it gives none by its nature."""

    rows: list[dict[str, Any]] | None


class QueryFailed(NodeError):
    """The server refused a statement."""


class Session:
    """A connection, speaking n8n's values."""

    def __init__(
        self, connection: psycopg.AsyncConnection[Any], wire: Wire, *, big_as_text: bool, password: object
    ) -> None:
        self._connection = connection
        self._password = password
        self._wire = wire
        self._big_as_text = big_as_text

    async def run(self, query: str, item: int | None = None) -> list[QueryResult]:
        """Run one or more statements, all or none of them. Raises QueryFailed, and what `hold` does."""
        made: list[QueryResult] = []
        query_rows: list[dict[str, Any]] = []
        try:
            async for result in rows.results(self._connection, query.encode(), self._wire):
                part: list[dict[str, Any]] = []
                for row in rows.rows(result):
                    part.append({name: self._show(value, oid) for name, oid, value in row})
                    await yield_to_loop()
                self._wire.add_rows(await compute(weigh, part, size=count_work(part)))
                query_rows += part
                if result.status not in rows.PART:
                    made.append(QueryResult(query_rows if result.nfields else None))
                    query_rows = []
                await yield_to_loop()
            return made
        except psycopg.Error as error:
            raise _failure(error, query, item, self._password) from error
        except NodeError:
            # Rows are still on their way, which nobody waits for.
            await self._connection.close()
            raise

    def _show(self, value: bytes | None, oid: int) -> Any:
        if value is None:
            return None
        kind, text = psycopg.postgres.types.get(oid), value.decode(errors="replace")
        if kind is None:
            return text
        try:
            return to_json(text, kind.name, array=oid == kind.array_oid, big_as_text=self._big_as_text)
        except ValueError:  # the server has written what its type never is
            return text


def _failure(error: psycopg.Error, query: str, item: int | None, password: object) -> QueryFailed:
    told = error.diag.message_primary or str(error).strip() or type(error).__name__
    message = hide_password(told, password)[:MAX_MESSAGE_LENGTH]
    match = _SYNTAX.match(message)
    if match and POSITION.fullmatch(position := error.diag.statement_position or ""):
        line = query.encode()[: int(position) - 1].count(b"\n") + 1
        message = f'Syntax error at line {line} near "{match[1]}"'
    detail = hide_password(error.diag.message_detail or "", password)[:MAX_MESSAGE_LENGTH]
    return QueryFailed(message, description=detail or f"Failed query: {query}", item_index=item)


@asynccontextmanager
async def session(
    credential: dict[str, Any],
    rules: AddressRules,
    *,
    hold: Callable[[int], None],
    timeout: float = CONNECT_SECONDS,
    big_as_text: bool = True,
) -> AsyncIterator[Session]:
    """A connection to what the credential names, by the rules of the project that asks; `hold` hears of the bytes
    that arrive, and that rows take.

    Raises NodeError when it cannot be made.
    """
    if credential.get("sshTunnel"):
        raise NodeError("SSH tunnels are not supported; connect to the database directly.")
    host, port = str(credential.get("host") or "localhost"), int(conversions.to_number(credential.get("port") or 5432))
    if host.startswith(("/", "@")):
        raise NodeError("A workflow cannot connect to Unix sockets; name a host.")
    addresses = await resolve(rules, host, port)
    try:
        parameters = {
            "host": ",".join([host] * len(addresses)),
            "hostaddr": ",".join(addresses),
            "port": port,
            "connect_timeout": max(1, round(timeout)),
            **_login(credential),
        }
        connection = await connect(parameters, timeout * len(addresses) + GRACE_SECONDS, project=rules.project)
    except psycopg.OperationalError as error:
        refused = "refused" in str(error).lower()
        raise NodeError(CONNECTION_ERRORS["ECONNREFUSED"] if refused else _explain(error, credential)) from error
    connection.add_notify_handler(lambda notification: None)  # psycopg would keep them for whoever asks
    async with connection:
        with contextlib.closing(Wire(connection.fileno(), hold)) as wire:
            yield Session(connection, wire, big_as_text=big_as_text, password=credential.get("password"))


def _login(credential: dict[str, Any]) -> dict[str, Any]:
    return {
        "dbname": str(credential.get("database") or "postgres"),
        "user": str(credential.get("user") or "postgres"),
        "password": str(credential.get("password") or ""),
        **NOTHING_OF_THE_WORKER,
        "options": "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres",
        **_encryption(credential),
    }


def _encryption(credential: dict[str, Any]) -> dict[str, Any]:
    if credential.get("allowUnauthorizedCerts"):
        return {"sslmode": "require"}
    chosen = credential.get("ssl") or "disable"
    if chosen == "require":
        return {"sslmode": "verify-full", "sslrootcert": "system"}
    return {"sslmode": "prefer" if chosen == "allow" else "disable"}


def _explain(error: psycopg.OperationalError, credential: dict[str, Any]) -> str:
    """Why there is no connection, in one line and without the password."""
    text = str(error).strip().splitlines()[-1]
    return hide_password(text, credential.get("password"))
