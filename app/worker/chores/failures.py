"""Sends notices of failed executions to the operator's address: signed, at least once, later again when refused.

The address is the operator's own, so that the rules about what workflows may reach do not bind it.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from typing import TYPE_CHECKING, Any

import orjson

from app.notation import time_text
from app.repository import failures
from app.repository.failures import FailureNotice
from app.worker.chores.chore import Chore, vary_pause
from app.worker.database import Database

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 10.0  # well below the 30 seconds after which a notice is taken again
AT_ONCE = 20
SIGNATURE = "X-Executions-Signature"


def failure_notices(url: str, secret: str, client: "httpx.AsyncClient", database: Database) -> Chore:
    """One worker's share of the notices; any number of workers send side by side.

    `client`: as `notice_client` makes it; whoever made it closes it.
    """
    key = secret.encode()

    async def step() -> float:
        taken = await database.transact(failures.take_notices, AT_ONCE)
        arrived = await asyncio.gather(*(send(client, url, key, notice) for notice in taken))
        sent = [notice.id for notice, fine in zip(taken, arrived, strict=True) if fine]
        if sent:
            await database.transact(failures.forget_sent, sent)
        for execution_id in await database.transact(failures.give_up):
            log.error("failure notice given up", extra={"execution": execution_id})
        return 0.0 if len(taken) == AT_ONCE else vary_pause(PAUSE_SECONDS)

    return Chore("failure notices", step)


def notice_client() -> "httpx.AsyncClient":
    """A client for the operator's own address: it follows no redirect and knows no proxy."""
    import httpx  # here: most deployments send no notices

    return httpx.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False)


async def send(client: "httpx.AsyncClient", url: str, key: bytes, notice: FailureNotice) -> bool:
    """Whether the notice has arrived, which any 2xx says. The log leaves the address out: it may hold a secret."""
    import httpx

    body = orjson.dumps(payload(notice))
    headers = {"Content-Type": "application/json", SIGNATURE: signature(key, int(time.time()), body)}
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            if response.is_success:
                return True
            reason = f"answered {response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        reason = type(error).__name__
    more = {"execution": notice.execution_id, "attempt": notice.attempts, "reason": reason}
    log.warning("failure notice not taken", extra=more)
    return False


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
            "startedAt": notice.started_at and time_text(notice.started_at),
            "stoppedAt": notice.stopped_at and time_text(notice.stopped_at),
            "error": {"node": notice.error_node, "message": notice.error_message},
        },
    }
