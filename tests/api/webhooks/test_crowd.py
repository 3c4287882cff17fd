"""Many callers, several processes on both sides: everybody gets the answer to their own call, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import live
from tests.api.webhooks.conftest import Site, respond, webhook
from tests.patience import wait_until
from tests.workflows import node

CALLS = 100


@pytest.fixture
def busy_site(database_url, start_server, start_worker) -> Site:
    own = {"EXECUTIONS_ENCRYPTION_KEY": "k", "EXECUTIONS_HTTP_WORKERS": 2}
    server: live.LiveServer = start_server(**own)
    for _ in range(2):
        start_worker(**own)
    return Site(server, database_url)


@pytest.mark.parametrize("mode", ["lastNode", "responseNode"])
def test_each_caller_gets_the_own_answer(busy_site: Site, mode: str) -> None:
    assignment = {"id": "1", "name": "n", "type": "string", "value": "={{ $json.query.n }}"}
    echo = node("Echo", "set", {"assignments": {"assignments": [assignment]}, "options": {}}, 3.4)
    last = respond() if mode == "responseNode" else node("Done", "noOp")
    hook = busy_site.add(webhook(responseMode=mode), echo, last)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda n: busy_site.call("GET", f"{hook.path}?n={n}"), range(CALLS)))
    assert [answer.json for answer in answers] == [{"n": str(n)} for n in range(CALLS)]
    query = "SELECT status, count(*) FROM executions GROUP BY status"
    wait_until(lambda: busy_site.query(query) == [("success", CALLS)], lambda: busy_site.query(query), pause=0.1)
