"""Sends notices of failed executions to the operator's address: signed, at least once, later again when refused.

The address is the operator's own, so that the rules about what workflows may reach do not bind it.
"""

import asyncio
import hashlib
import hmac
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import httpx
import orjson
import psycopg
from psycopg_pool import ConnectionPool

from app.repository import failures
from app.repository.connection import Connection, transaction
from app.repository.failures import FailureNotice
from app.settings import Settings

log = logging.getLogger(__name__)

R = TypeVar("R")
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]

PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 10.0  # well below the 30 seconds after which a notice is taken again
AT_ONCE = 20
SIGNATURE = "X-Executions-Signature"


class Failures:
    """One worker's share of the notices; any number of workers send side by side."""

    def __init__(self, settings: Settings, pool: ConnectionPool[Connection]) -> None:
        self._url = settings.failure_webhook
        self._secret = (settings.failure_secret or "").encode()
        self._pool = pool

    async def run(self, in_thread: InThread) -> None:
        """Send what is due, until cancelled."""
        if self._url is None:
            return
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False) as client:
            while True:
                taken: Sequence[FailureNotice] = ()
                try:
                    taken = await in_thread(partial(self._with_transaction, failures.take_notices, AT_ONCE))
                    arrived = await asyncio.gather(*(self._send(client, self._url, notice) for notice in taken))
                    sent = [notice.id for notice, fine in zip(taken, arrived, strict=True) if fine]
                    if sent:
                        await in_thread(partial(self._with_transaction, failures.notices_sent, sent))
                    for execution_id in await in_thread(partial(self._with_transaction, failures.give_up)):
                        log.error("failure notice given up", extra={"execution": execution_id})
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    log.warning("no failure notices for now", extra={"reason": str(error).strip()})
                if len(taken) < AT_ONCE:
                    await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.8, 1.2))

    async def _send(self, client: httpx.AsyncClient, url: str, notice: FailureNotice) -> bool:
        """Whether the notice has arrived, which any 2xx says. The log leaves the address out: it may hold a secret."""
        body = orjson.dumps(payload(notice))
        headers = {"Content-Type": "application/json", SIGNATURE: signature(self._secret, int(time.time()), body)}
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                client.stream("POST", url, content=body, headers=headers) as sent,
            ):
                if sent.is_success:
                    return True
                reason = f"answered {sent.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            reason = type(error).__name__
        more = {"execution": notice.execution_id, "attempt": notice.attempts, "reason": reason}
        log.warning("failure notice not taken", extra=more)
        return False

    def _with_transaction(self, work: Callable[..., R], *arguments: Any) -> R:
        with transaction(self._pool) as connection:
            return work(connection, *arguments)


def signature(secret: bytes, timestamp: int, body: bytes) -> str:
    """The header's value: the time in Unix seconds, and the HMAC-SHA-256 of time, dot and body."""
    digest = hmac.new(secret, b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def payload(notice: FailureNotice) -> dict[str, Any]:
    """What is sent. `id` is the notice's: the same again when it is sent again."""
    return {
        "id": str(notice.id),
        "event": "execution.failed",
        "execution": {
            "id": str(notice.execution_id),
            "workflowId": notice.workflow_id,
            "workflowName": notice.workflow_name,
            "projectId": notice.project_id,
            "status": notice.status,
            "mode": notice.mode,
            "startedAt": time_text(notice.started_at),
            "stoppedAt": time_text(notice.stopped_at),
            "error": {"node": notice.error_node, "message": notice.error_message},
        },
    }


def time_text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
