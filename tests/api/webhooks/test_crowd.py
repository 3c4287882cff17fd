"""Many callers, several processes on both sides: everybody gets the answer to their own call, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests import live
from tests.api.webhooks.conftest import Site, respond, webhook
from tests.patience import wait_until
from tests.postgres import cloned_database
from tests.workflows import node

CALLS = 100


@pytest.fixture(scope="module")
def busy_site(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("busy")
    own = {"EXECUTIONS_ENCRYPTION_KEY": "k", "EXECUTIONS_HTTP_WORKERS": 2}
    with cloned_database(postgres_url) as url, ExitStack() as running:
        server = live.start_server(url, home, **own)
        running.callback(server.child.stop)
        for _ in range(2):
            running.callback(live.start_worker(url, home, **own).stop)
        yield Site(server, url)


@pytest.mark.parametrize("mode", ["lastNode", "responseNode"])
def test_each_caller_gets_the_own_answer(busy_site: Site, mode: str) -> None:
    assignment = {"id": "1", "name": "n", "type": "string", "value": "={{ $json.query.n }}"}
    echo = node("Echo", "set", {"assignments": {"assignments": [assignment]}, "options": {}}, 3.4)
    last = respond() if mode == "responseNode" else node("Done", "noOp")
    hook = busy_site.add(webhook(responseMode=mode), echo, last)
    [(earlier,)] = busy_site.query("SELECT coalesce(max(id), 0) FROM executions")
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda n: busy_site.call("GET", f"{hook.path}?n={n}"), range(CALLS)))
    assert [answer.json for answer in answers] == [{"n": str(n)} for n in range(CALLS)]
    query = "SELECT status, count(*) FROM executions WHERE id > %s GROUP BY status"

    def ends() -> list[tuple[str, int]]:
        return busy_site.query(query, earlier)

    wait_until(lambda: ends() == [("success", CALLS)], ends, pause=0.1)
