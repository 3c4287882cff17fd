"""The app over the test's own database, keys for it, and short ways to make workflows and executions."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api.executions import executions
from app.api.face.count_cache import CountCache
from app.api.face.key_cache import ApiKeyCache
from app.api.face.metrics import RequestMetrics
from app.api.face.services import Services
from app.repository import api_keys, connection, lifecycle, projects, workers, workflows
from app.settings import Settings
from app.vocabulary import STATUSES
from app.web import create_app
from tests.patience import PATIENCE_SECONDS
from tests.reused_database import ReusedDatabase
from tests.workflows import chain, node

KEY = "test-key"

TRIGGER = node("Start", "manualTrigger", id="1")
NO_OP = node("Nothing", "noOp", id="2", position=[200, 0])
WORKFLOW = chain(TRIGGER, NO_OP, name="Customer Onboarding", settings={"executionOrder": "v1"})


def endpoint_scopes(app: Flask) -> dict[tuple[str, str], str | None]:
    """The scope of each endpoint by method and path, None for those that need no key.

    Raises KeyError for an endpoint that is neither public nor declares a scope.
    """
    table: dict[tuple[str, str], str | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            table[method, rule.rule] = None if getattr(view, "public", False) else vars(view)["scope"]
    return table


@pytest.fixture(scope="session")
def shared_database(reused_database: ReusedDatabase) -> str:
    """The database of the app that most tests ask, with whatever another test has left there."""
    return reused_database.url


@pytest.fixture
def database_url(reused_database: ReusedDatabase) -> str:
    """The shared database, as empty as a new one."""
    return reused_database.empty()


@pytest.fixture(scope="session")
def shared_app(shared_database: str) -> Iterator[Flask]:
    """One app for most tests; to make one takes longer than to ask it."""
    app = create_app(Settings.from_environment({"DATABASE_URL": shared_database}))
    yield app
    app.extensions["executions"].close()


@pytest.fixture
def make_app(database_url: str) -> Iterator[Callable[..., Flask]]:
    """Makes apps over the test's database; arguments are variables of the environment."""
    made: list[Flask] = []

    def make(**environ: str) -> Flask:
        app = create_app(Settings.from_environment({"DATABASE_URL": database_url, **environ}))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["executions"].close()


class Api:
    """A client with a key, and the worker's and operator's part played by the repository."""

    def __init__(self, client: FlaskClient, database: connection.Connection, key: str | None = KEY) -> None:
        self.client = client
        self.db = database
        self.key = key

    @property
    def services(self) -> Services:
        """What the views of the app work with."""
        return self.client.application.extensions["executions"]

    def call(self, method: str, path: str, body: Any = None, **options: Any):
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("X-N8N-API-KEY", self.key)
        if body is not None:
            options.update(data=orjson.dumps(body), content_type="application/json")
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any):
        return self.call("GET", f"/api/v1{path}", **options)

    def post(self, path: str, body: Any = None, **options: Any):
        return self.call("POST", f"/api/v1{path}", body, **options)

    def put(self, path: str, body: Any = None, **options: Any):
        return self.call("PUT", f"/api/v1{path}", body, **options)

    def patch(self, path: str, body: Any = None, **options: Any):
        return self.call("PATCH", f"/api/v1{path}", body, **options)

    def delete(self, path: str, **options: Any):
        return self.call("DELETE", f"/api/v1{path}", **options)

    def with_key(self, key: str | None, *scopes: str, **options: Any) -> "Api":
        """The same client with another key, which is made when scopes are named."""
        if scopes and key is not None:
            api_keys.create_api_key(self.db, key, label="test", scopes=scopes, **options)
            self.db.commit()
        return Api(self.client, self.db, key)

    def workflow(self, project: str = "default", workflow_id: str | None = None, **changes: Any) -> workflows.Workflow:
        """A workflow, made without HTTP."""
        document = {**WORKFLOW, **changes}
        workflow_id = workflow_id or f"workflow-{datetime.now().timestamp():f}".replace(".", "-")
        name = document.pop("name")
        workflows.create_workflow(
            self.db, workflow_id, project_id=project, name=name, definition=orjson.dumps(document)
        )
        self.db.commit()
        return workflows.get_workflow(self.db, workflow_id)

    def status(self, number: int) -> str:
        """What an execution's status is now."""
        return self.get(f"/executions/{number}").json["status"]

    def project(self, project_id: str) -> str:
        projects.create_project(self.db, project_id, project_id)
        self.db.commit()
        return project_id

    def queue(self, workflow: workflows.Workflow, mode: str = "manual") -> int:
        """A new execution."""
        number = lifecycle.create_execution(
            self.db,
            workflow.target,
            mode=mode,
        )
        self.db.commit()
        return number

    @contextmanager
    def deleting_new(self, mode: str) -> Iterator[None]:
        """While this lasts, somebody else deletes the first execution of this mode as soon as it is there."""

        def remove() -> None:
            while not self.db.execute("DELETE FROM executions WHERE mode = %s RETURNING id", [mode]).fetchone():
                self.db.rollback()
                time.sleep(0.01)
            self.db.commit()

        other = threading.Thread(target=remove, daemon=True)
        other.start()
        yield
        other.join(PATIENCE_SECONDS)

    def claim(self) -> int:
        """Let a worker take whatever is queued; returns the worker's id."""
        worker_id = workers.register(self.db, hostname="test", pid=1, concurrency=100)
        lifecycle.claim(self.db, worker_id, 100)
        self.db.commit()
        return worker_id

    def finish(self, number: int, status: str = "success", *, data: Any = None, **result: Any) -> None:
        """Let a worker take the execution and record this result."""
        worker_id = self.claim()
        row = self.db.execute("SELECT mode, worker_id FROM executions WHERE id = %s", [number]).fetchone()
        assert row is not None
        encoded = data if isinstance(data, bytes) else orjson.dumps(data or {"resultData": {"runData": {}}})
        if status == "waiting":
            result.setdefault("wait_till", datetime.now(UTC) + timedelta(hours=1))
        outcome = lifecycle.Result(number, status, row[0], encoded, **result)
        assert lifecycle.finish(self.db, row[1] or worker_id, [outcome]) == {number}
        self.db.commit()

    def ended(self, workflow: workflows.Workflow, status: str = "success", **result: Any) -> int:
        """An execution that ended like this."""
        number = self.queue(workflow)
        if status == "canceled":
            lifecycle.stop(self.db, number)
            self.db.commit()
        else:
            if status == "error":
                result = {"error_node": "Nothing", "error_message": "It broke", **result}
            self.finish(number, status, **result)
        return number


@pytest.fixture
def db(database_url: str, reused_database: ReusedDatabase) -> Iterator[connection.Connection]:
    """A connection as the repository wants it."""
    if database_url != reused_database.url:
        with connection.connect(database_url) as opened:
            yield opened
    else:
        with reused_database.lend() as lent:
            yield lent


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is there to take what is retried, and no retry waits for one. `monkeypatch.undo()` lets them wait."""
    monkeypatch.setattr(executions, "RETRY_WAIT_SECONDS", 0.0)


@pytest.fixture
def api(shared_app: Flask, db: connection.Connection, without_workers: None) -> Api:
    """The API with a key that may do everything; it remembers nothing of another test."""
    api_keys.create_api_key(db, KEY, label="everything", scopes=["*"])
    db.commit()
    kept = shared_app.extensions["executions"]
    shared_app.extensions["executions"] = replace(
        kept, api_keys=ApiKeyCache(kept.pool), metrics=RequestMetrics(), counts=CountCache()
    )
    return Api(shared_app.test_client(), db)


@pytest.fixture
def workflow(api: Api) -> workflows.Workflow:
    """A workflow whose id is "first"."""
    return api.workflow(workflow_id="first")


@pytest.fixture
def each(api: Api, workflow: workflows.Workflow) -> dict[str, int]:
    """An execution in each status."""
    made = {status: api.ended(workflow, status) for status in ("success", "error", "canceled")}
    made["crashed"] = api.queue(workflow)
    api.claim()
    api.db.execute(
        "UPDATE executions SET status = 'crashed', stopped_at = now(), error_message = 'lost' WHERE id = %s",
        [made["crashed"]],
    )
    api.db.commit()
    made["waiting"] = api.queue(workflow)
    api.finish(made["waiting"], "waiting")
    made["running"] = api.queue(workflow)
    api.claim()
    made["new"] = api.queue(workflow)
    assert made.keys() == set(STATUSES)
    return made


@pytest.fixture
def worker_id(connection) -> int:
    """A worker that has signed on."""
    worker_id = workers.register(connection, hostname="host", pid=1, concurrency=1)
    connection.commit()
    return worker_id
