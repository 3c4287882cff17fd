"""Health, measurements, the OpenAPI document and its page."""

import re

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.places import version
from app.repository import lifecycle, pruning, workers
from tests.postgres import cloned_database


def samples(text: str) -> dict[tuple[str, frozenset], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_without_a_key(api):
    response = api.with_key(None).call("GET", "/healthz")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_ready_when_the_database_is_migrated(api, make_app, postgres_url):
    assert api.with_key(None).call("GET", "/healthz/readiness").status_code == 200
    with cloned_database(postgres_url) as url:
        api.client = make_app(DATABASE_URL=url).test_client()
        assert api.call("GET", "/healthz/readiness").status_code == 200
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM migration_checksums")
        response = api.call("GET", "/healthz/readiness")
        assert response.status_code == 503
        assert "migrations" in response.json["message"]


def test_not_ready_without_migrations_or_database(api, make_app, postgres_url):
    with cloned_database(postgres_url, "template0") as empty:
        api.client = make_app(DATABASE_URL=empty).test_client()
        assert api.call("GET", "/healthz/readiness").status_code == 503
        assert api.call("GET", "/healthz").status_code == 200
    app = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    app.extensions["executions"].pool.timeout = 0.2
    api.client = app.test_client()
    response = api.call("GET", "/healthz/readiness")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"


def test_ready_while_the_database_is_newer_than_the_program(api):
    with api.db.transaction():
        api.db.execute("INSERT INTO migration_checksums (migration, sha256) VALUES ('9999.later', '')")
    try:
        assert api.with_key(None).call("GET", "/healthz/readiness").status_code == 200
    finally:
        api.db.execute("DELETE FROM migration_checksums WHERE migration = '9999.later'")
        api.db.commit()


def test_metrics_tell_of_requests_and_executions(api):
    workflow = api.workflow()
    api.ended(workflow)
    api.ended(workflow, "error")
    api.ended(workflow, "canceled")
    api.queue(workflow)
    assert api.get("/executions").status_code == 200
    assert api.get("/executions/12345").status_code == 404
    assert api.call("BREW", "/nothing").status_code == 404
    response = api.with_key(None).call("GET", "/metrics")
    assert response.content_type.startswith("text/plain")
    found = samples(response.text)

    def value(name, **labels):
        return found[name, frozenset(labels.items())]

    requests = "executions_http_request_duration_seconds_count"
    assert value(requests, endpoint="/api/v1/executions", method="GET", status="200") == 1
    assert value(requests, endpoint="/api/v1/executions/<execution_id>", method="GET", status="404") == 1
    assert value(requests, endpoint="unknown", method="other", status="404") == 1
    for status in ("success", "error", "canceled"):
        assert value("executions_ended_total", status=status, mode="manual") == 1
    assert value("executions_now", status="new") == value("executions_queue_depth") == 1
    assert value("executions_now", status="running") == 0
    assert value("executions_database_up") == 1
    assert value("executions_build_info", version=version()) == 1
    assert value("executions_claim_latency_seconds_bucket", le="+Inf") == value(
        "executions_claim_latency_seconds_count"
    )


def test_metrics_tell_of_leases_that_lapsed(api):
    lost = api.claim()
    api.db.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [lost])
    lifecycle.reap(api.db, lease_seconds=60)
    api.db.commit()
    found = samples(api.with_key(None).call("GET", "/metrics").text)
    assert found["executions_leases_lapsed_total", frozenset()] == 1


def test_metrics_tell_of_deletions_and_of_notices_that_wait(api):
    workflow = api.workflow()
    workers.register(api.db, hostname="h", pid=1, concurrency=1, sends_notices=True)
    api.db.commit()
    numbers = [api.ended(workflow) for _ in range(4)]
    api.ended(workflow, "error")
    assert api.delete(f"/executions/{numbers[0]}").status_code == 200
    assert api.post("/executions/delete", {"ids": [str(number) for number in numbers]}).status_code == 200
    pruning.prune(api.db, after=0, age_seconds=0)
    api.db.commit()
    found = samples(api.with_key(None).call("GET", "/metrics").text)
    assert found["executions_deleted_total", frozenset({("by", "call")})] == 4
    assert found["executions_deleted_total", frozenset({("by", "pruning")})] == 1
    assert found["executions_failure_notices_pending", frozenset()] == 1
    assert found["executions_failure_notices_oldest_seconds", frozenset()] > 0


def test_metrics_tell_of_waits_for_a_connection(api, make_app):
    app = make_app(EXECUTIONS_POOL_SIZE="1")
    pool = app.extensions["executions"].pool
    pool.timeout = 0.2
    api.client = app.test_client()
    with pool.connection():
        assert api.get("/executions").status_code == 503
    found = samples(api.with_key(None).call("GET", "/metrics").text)
    assert found["executions_pool_waits_total", frozenset()] >= 1
    assert found["executions_pool_errors_total", frozenset()] in {1, 2}  # the trial of the key may come in between
    assert 0.1 < found["executions_pool_wait_seconds_total", frozenset()] < 100, "these are seconds"


def test_metrics_without_a_database_say_so(make_app, api):
    app = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    app.extensions["executions"].pool.timeout = 0.2
    api.client = app.test_client()
    response = api.call("GET", "/metrics")
    assert response.status_code == 200
    assert samples(response.text)["executions_database_up", frozenset()] == 0


@pytest.fixture
def document(api):
    response = api.with_key(None).get("/openapi.json")
    assert response.status_code == 200
    return response.json


def test_the_document_names_every_endpoint_and_every_error(api, document):
    assert document["openapi"] == "3.1.0"
    app = api.client.application
    routes = {
        (re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
        if rule.rule.startswith("/api/v1/") and hasattr(app.view_functions[rule.endpoint], "scope")
    }
    documented = {
        (path, method)
        for path, item in document["paths"].items()
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}
    }
    assert documented == routes
    for path, method in documented:
        operation = document["paths"][path][method]
        assert len(operation["summary"].splitlines()) == 1, (path, method)
        assert operation["security"] == [{"apiKey": []}]
        assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys()
        if "{" in path:
            assert "404" in operation["responses"], (path, method)
        if "requestBody" in operation:
            assert {"413", "415"} <= operation["responses"].keys()
            assert operation["requestBody"]["content"]["application/json"]["example"]
        for status, response in operation["responses"].items():
            if status[0] in "45":
                schema = response["content"]["application/json"]["schema"]
                assert schema["$ref"].endswith("/Error"), (path, method, status)
    assert len(
        {item["operationId"] for path in document["paths"].values() for item in path.values() if "operationId" in item}
    ) == len(documented)


def test_the_document_is_valid(document):
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.validator_for({**schema, "components": document["components"]})
    assert document["components"]["securitySchemes"]["apiKey"]["name"] == "X-N8N-API-KEY"
    two = [name for name in document["components"]["schemas"] if name[-1].isdigit()]
    assert two == [], "two schemas of one name"


def test_the_page_needs_nothing_from_outside(api):
    reader = api.with_key(None)
    page = reader.get("/docs")
    assert page.status_code == 200
    assert page.content_type.startswith("text/html")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert named
    for address in named:
        assert "//" not in address
        assert reader.get(f"/{address}").status_code == 200, address
    start = reader.get("/docs/start.js").text
    (address,) = re.findall(r'url: new URL\("([^"]+)", document.currentScript.src\)', start)
    older = reader.get(f"/docs/{address}").json
    assert older["openapi"].startswith("3.0")
    assert older["components"]["securitySchemes"]["apiKey"]["type"] == "apiKey"
    assert '"null"' not in reader.get(f"/docs/{address}").text


def test_the_page_keeps_no_key(api):
    start = api.with_key(None).get("/docs/start.js").text
    assert "persistAuthorization: false" in start
    assert 'removeItem("authorized")' in start


@pytest.mark.parametrize("name", ["../openapi.py", "..%2Fopenapi.py", "swagger-ui.js", "nothing"])
def test_the_page_gives_away_nothing_else(api, name):
    assert api.get(f"/docs/{name}").status_code == 404
