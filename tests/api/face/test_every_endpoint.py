"""Every endpoint of the route map, with every scope, on what is the key's own and on what is another project's.

An endpoint that is added without a rule here fails, whatever it does.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.api.face.count_cache import CountCache
from app.api.face.key_cache import ApiKeyCache
from app.repository import failure_groups, workflows
from app.scopes import ANY, SCOPES
from app.settings import Settings
from app.web import create_app
from tests.api import snapshots
from tests.api.conftest import Api, endpoint_scopes
from tests.api.face.endpoint_rules import (
    CREATE,
    CREDENTIAL,
    EVERYBODYS,
    JOBS,
    KEYS_OWN,
    LIST,
    NO_FORM,
    OBJECT,
    QUERIES,
    RULES,
    STATE_FORBIDS,
)


@pytest.fixture(scope="module")
def app(shared_database: str, tmp_path_factory) -> Iterator[Flask]:
    """One app, with a home of its own for the key that encrypts credentials."""
    home = str(tmp_path_factory.mktemp("home"))
    app = create_app(Settings.from_environment({"DATABASE_URL": shared_database, "EXECUTIONS_HOME": home}))
    yield app
    app.extensions["executions"].close()


@pytest.fixture
def api(app: Flask, db, without_workers: None) -> Api:
    services = app.extensions["executions"]
    app.extensions["executions"] = replace(services, api_keys=ApiKeyCache(services.pool), counts=CountCache())
    return Api(app.test_client(), db).with_key("everything", "*")


Names = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def filled_once() -> list[tuple[Names, snapshots.Snapshot]]:
    """What the first test of this module has made with calls, for the others."""
    return []


@pytest.fixture
def names(api: Api, filled_once: list[tuple[Names, snapshots.Snapshot]]) -> Names:
    """What the parts of a path are called in projects a and b, where each has one of everything."""
    if filled_once:
        [(kept, snapshot)] = filled_once
        snapshots.put_back(api.db, snapshot)
        return deepcopy(kept)
    made = fill(api)
    filled_once.append((deepcopy(made), snapshots.take(api.db)))
    return made


def fill(api: Api) -> Names:
    made: Names = {}
    for project in ("a", "b"):
        api.project(project)
        workflow = api.workflow(project, f"workflow-{project}")
        failed = api.ended(workflow, "error", data={"resultData": {"runData": {"Start": [{"executionIndex": 0}]}}})
        made[project] = {
            "execution_id": str(failed),
            "workflow_id": workflow.id,
            "version_id": str(workflow.version_id),
            "credential_id": api.post("/credentials", {**CREDENTIAL, "projectId": project}).json["id"],
            "credential_type": "httpBasicAuth",
            "project_id": project,
            "variable_id": variable_of(api, project),
            **data_table_of(api, project),
            "tag_id": "shared",
            "user_id": "owner@executions.local",
            "job_id": deletion_job(api, project),
            "view_id": api.post("/views", {"name": f"Of {project}", "query": ""}).json["id"],
        }
    failure_groups.group_some(api.db)
    for problem_id, project in api.db.execute("SELECT id::text, project_id FROM problems").fetchall():
        made[project]["problem_id"] = problem_id
    api.db.commit()
    for parts in made.values():
        api.queue(workflows.get_workflow(api.db, parts["workflow_id"]))
    api.patch(f"/executions/{made['a']['execution_id']}", {"annotation": {"tags": ["shared"]}})
    return made


def variable_of(api: Api, project: str) -> str:
    return api.post("/variables", {"key": "own", "value": "", "projectId": project}).json["id"]


def data_table_of(api: Api, project: str) -> dict[str, str]:
    columns = [{"name": "name", "type": "string"}]
    table = api.post("/data-tables", {"name": "Own", "columns": columns, "projectId": project}).json
    api.post(f"/data-tables/{table['id']}/rows", {"data": [{"name": "kept"}]})
    return {"table_id": table["id"], "column_id": table["columns"][0]["id"]}


def project_of(thing: dict[str, Any]) -> str:
    """Which project a thing belongs to, or is."""
    return thing["project"]["id"] if "project" in thing else thing.get("projectId", thing["id"])


def deletion_job(api: Api, project: str) -> str:
    """A deletion and retries in the background that a key of this project asked for, and that nobody does here."""
    made = "INSERT INTO retry_jobs (project_id, wanted, load_workflow, above) VALUES (%s, '{}', false, 0)"
    api.db.execute(made, [project])
    made = "INSERT INTO deletion_jobs (project_id, wanted, above) VALUES (%s, '{}', 0) RETURNING id"
    job_id = str(api.db.execute(made, [project]).fetchone()[0])
    api.db.commit()
    return job_id


def filled(path: str, parts: dict[str, str]) -> str:
    for name, value in parts.items():
        path = path.replace(f"<{name}>", value)
    return f"/api/v1{path}"


def scoped(api: Api) -> dict[tuple[str, str], str]:
    """The scope of each endpoint of the API that asks for a key; the console's pages have tests of their own."""
    table = endpoint_scopes(api.client.application)
    base = "/api/v1"
    return {
        (m, path.removeprefix(base)): scope for (m, path), scope in table.items() if scope and path.startswith(base)
    }


def test_each_endpoint_has_a_rule(api: Api) -> None:
    assert scoped(api).keys() == RULES.keys()


def test_each_endpoint_takes_its_own_scope_and_no_other(api: Api, names) -> None:
    table = scoped(api)
    nowhere = dict.fromkeys(names["a"], "no-such-thing")
    for scope in sorted(set(table.values()) - {ANY}):
        only, others = api.with_key(f"only {scope}", scope), api.with_key(f"not {scope}", *(set(SCOPES) - {scope}))
        for (method, path), needed in table.items():
            if needed in (scope, ANY):
                assert only.call(method, filled(path, nowhere)).status_code != 403, (method, path, scope)
            if needed == scope:
                assert others.call(method, filled(path, nowhere)).status_code == 403, (method, path, scope)


def test_each_endpoint_refuses_who_has_no_key(api: Api, names) -> None:
    for method, path in RULES:
        for key in (None, "wrong"):
            answer = api.with_key(key).call(method, filled(path, names["a"]))
            assert (answer.status_code, answer.json) == (401, {"message": "Unauthorized"}), (method, path)


def fingerprint(api: Api, project: str) -> list[tuple[Any, ...]]:
    """All that a project holds."""
    return [
        *api.db.execute(
            "SELECT id, status, vote, retry_success_id, workflow_id FROM executions WHERE project_id = %s ORDER BY id",
            [project],
        ).fetchall(),
        *api.db.execute(
            "SELECT id, version_id, active FROM workflows WHERE project_id = %s ORDER BY id", [project]
        ).fetchall(),
        *api.db.execute("SELECT id, name, data FROM credentials WHERE project_id = %s ORDER BY id", [project]),
        *api.db.execute(
            "SELECT t.id, t.name, t.bytes, c.name, r.cells FROM data_tables AS t"
            " LEFT JOIN data_table_columns AS c ON c.table_id = t.id"
            " LEFT JOIN data_table_rows AS r ON r.table_id = t.id"
            " WHERE t.project_id = %s ORDER BY t.id, c.id, r.id",
            [project],
        ),
        *api.db.execute("SELECT id, status FROM problems WHERE project_id = %s ORDER BY id", [project]),
        *api.db.execute("SELECT id, key, value FROM variables WHERE project_id = %s ORDER BY id", [project]),
        *api.db.execute("SELECT id, name FROM projects WHERE id = %s", [project]),
        *api.db.execute("SELECT id, name FROM tags WHERE id = 'shared'"),
    ]


READ, CHANGE = ([rule for rule in RULES if (rule[0] == "GET") is reads] for reads in (True, False))


def test_own_and_another_project_are_read(api: Api, names) -> None:
    """All over the same objects, as none of these calls changes one."""
    for method, path in READ:
        own_and_another_project(api, names, method, path)


@pytest.mark.parametrize(("method", "path"), CHANGE, ids=lambda part: part)
def test_own_and_another_project(api: Api, names, method: str, path: str) -> None:
    own_and_another_project(api, names, method, path)


def own_and_another_project(api: Api, names: Names, method: str, path: str) -> None:
    kind, body = RULES[method, path]
    limited = api.with_key(f"of a for {method} {path}", scoped(api)[method, path], project_id="a")
    before = fingerprint(api, "b")

    query = QUERIES.get((method, path), "")
    there = limited.call(method, filled(path, names["b"]) + query, body)
    here = limited.call(method, filled(path, names["a"]) + query, body)

    api.db.rollback()
    assert fingerprint(api, "b") == before, path
    if kind == OBJECT:
        assert there.status_code == 404, path
        assert here.status_code < 300 or here.status_code in STATE_FORBIDS, path
    elif kind == KEYS_OWN:
        assert there.status_code == here.status_code == 404, path
    elif kind == NO_FORM:
        assert there.status_code == here.status_code == 400, path
    elif kind == EVERYBODYS:
        assert there.status_code == here.status_code == 403, path
    elif kind == LIST:
        assert there.status_code == 200, path
        assert {project_of(row) for row in there.json["data"]} == {"a"}, path
    elif kind == JOBS:
        assert [row["id"] for row in there.json["data"]] == [names["a"]["job_id"]], path
    elif kind == CREATE:
        assert project_of(there.json) == "a", path
        assert limited.call(method, filled(path, names["b"]), {**body, "projectId": "b"}).status_code == 404, path
    else:
        assert there.status_code < 300, path
