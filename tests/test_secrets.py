"""Canaries: secrets that are used by a live API and a live worker turn up nowhere but where they are meant to be."""

import time
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.credentials import provider
from tests.engine.nodes import far_side
from tests.live import KEY, Answer, LiveServer
from tests.workflows import START, chain, no_op, node

VALUE = "canary-of-the-credential"
ENCRYPTION_KEY = "canary-of-the-encryption-key"
WRONG_KEY = "canary-of-a-wrong-api-key"
IN_ADDRESS = "canary-of-a-query-credential"
SECRETS = (VALUE, ENCRYPTION_KEY, WRONG_KEY, IN_ADDRESS, KEY)


def everything_stored(database_url: str) -> str:
    """Each row of each table as text, binary columns in hexadecimal."""
    with psycopg.connect(database_url) as connection:
        names = [
            row[0]
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        ]
        rows = [
            row[0]
            for name in names
            for row in connection.execute(
                sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(name))
            ).fetchall()
        ]
    return "\n".join(rows)


def test_secrets_are_in_no_log_measurement_error_run_data_or_table(start_server, start_worker, database_url) -> None:
    server = start_server(EXECUTIONS_ENCRYPTION_KEY=ENCRYPTION_KEY, EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    worker = start_worker(EXECUTIONS_ENCRYPTION_KEY=ENCRYPTION_KEY, EXECUTIONS_ALLOWED_HOSTS="127.0.0.1")
    told = [server.get("/api/v1/executions", X_N8N_API_KEY=WRONG_KEY)]
    made = server.post(
        "/api/v1/credentials", {"name": "c", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": VALUE}}
    )
    refused = server.post("/api/v1/credentials", {"name": "c", "type": "httpHeaderAuth", "data": {"zz": VALUE}})
    assert (made.status, refused.status) == (200, 400)
    told += [made, refused]
    query = {"name": "q", "type": "httpQueryAuth", "data": {"name": "key", "value": IN_ADDRESS}}
    in_address = server.post("/api/v1/credentials", query)
    with far_side.running() as address:
        for path in ("/checked", "/error-object"):
            parameters = {
                "url": address + path,
                "options": {},
                "authentication": "genericCredentialType",
                "genericAuthType": "httpHeaderAuth",
            }
            document = server.post("/api/v1/workflows", workflow(path, parameters, made.body["id"]))
            told += [document, server.post(f"/api/v1/workflows/{document.body['id']}/run", {"wait": 60})]
        for url in (f"{address}/object", f"{address}/error-object", "http://127.0.0.1:9/"):
            parameters = {
                "url": url,
                "options": {},
                "authentication": "genericCredentialType",
                "genericAuthType": "httpQueryAuth",
            }
            document = server.post(
                "/api/v1/workflows", workflow(url, parameters, in_address.body["id"], "httpQueryAuth")
            )
            told.append(server.post(f"/api/v1/workflows/{document.body['id']}/run", {"wait": 60}))
    connected, tokens = connect_and_ask(server)
    assert [told[4].body["status"], told[6].body["status"]] == ["success", "error"]
    assert [answer.body["status"] for answer in told[-3:]] == ["success", "error", "error"]
    assert [answer.body["status"] for answer in connected[-2:]] == ["success", "error"]
    told += [
        *connected,
        server.get("/api/v1/executions?includeData=true"),
        server.get("/metrics"),
        server.get("/api/v1/credentials"),
    ]

    places = {
        "answers": "\n".join(f"{answer.headers} {answer.body}" for answer in told),
        "API's log": server.child.log.read_text(),
        "worker's log": worker.log.read_text(),
        "database": everything_stored(database_url),
    }
    assert all(places.values())
    found = {
        (place, secret)
        for place, text in places.items()
        for secret in (*SECRETS, *tokens)
        if secret in text or secret.encode().hex() in text
    }
    assert found == set()


def connect_and_ask(server: LiveServer) -> tuple[list[Answer], list[str]]:
    """Connect a credential by OAuth and use it, with tokens that expire at once; the answers, and what was secret."""
    with provider.running() as asked:
        asked.life = 1
        data = asked.data(grantType="pkce")
        made = server.post("/api/v1/credentials", {"name": "o", "type": "oAuth2Api", "data": data})
        url = server.get(f"/api/v1/credentials/{made.body['id']}/authorize").body["authorizationUrl"]
        callback = urlsplit(asked.consented(url))
        page = server.get(f"{callback.path}?{callback.query}")
        assert page.status == 200, page.body
        parameters = {"authentication": "genericCredentialType", "genericAuthType": "oAuth2Api", "options": {}}
        answers = [made, page]
        for refusal in (None, (400, {"error": "invalid_grant"})):
            time.sleep(1)  # its life
            asked.refusal = refusal
            document = server.post(
                "/api/v1/workflows", workflow("o", {**parameters, "url": asked.url}, made.body["id"], "oAuth2Api")
            )
            answers.append(server.post(f"/api/v1/workflows/{document.body['id']}/run", {"wait": 60}))
        values = [
            form[name] for form in asked.asked for name in ("code", "code_verifier", "refresh_token") if name in form
        ]
        return answers, [provider.SECRET, *values, *asked.access, *asked.refresh]


def workflow(name: str, parameters: dict, credential_id: str, kind: str = "httpHeaderAuth") -> dict:
    """One request with the credential."""
    credentials = {kind: {"id": credential_id, "name": "c"}}
    return chain(START, node("Ask", "httpRequest", parameters, 4.2, credentials=credentials), no_op(), name=name)
