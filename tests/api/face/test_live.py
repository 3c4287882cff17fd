"""What only shows over real HTTP: chunks, cut connections, several processes behind one address."""

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.live import KEY
from tests.patience import PATIENCE_SECONDS, wait_until


def connect(server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_SECONDS)


def test_a_body_in_chunks_is_read_and_limited_too(start_server, api):
    server = start_server(EXECUTIONS_MAX_BODY_BYTES=4096)
    for size, status in ((100, 201), (100_000, 413)):
        connection = connect(server)
        body = json.dumps({"name": "x" * size}).encode()
        chunks = (body[start : start + 1000] for start in range(0, len(body), 1000))
        headers = {"X-N8N-API-KEY": KEY, "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/tags", body=chunks, headers=headers, encode_chunked=True)
        answer = connection.getresponse()
        assert answer.status == status
        assert json.loads(answer.read())
        connection.close()


def test_a_large_page_arrives_whole(start_server, api):
    server, workflow = start_server(), api.workflow()
    for letter in "abcde":
        api.ended(workflow, data={"a": letter * 4 * 2**20})
    answer = server.get("/api/v1/executions?includeData=true")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert [execution["data"]["a"][0] for execution in answer.body["data"]] == list("edcba")
    assert answer.body["count"] == 5


def test_an_error_in_the_middle_cuts_the_connection(start_server, api, db):
    server, workflow = start_server(EXECUTIONS_POOL_SIZE=1), api.workflow()
    for _ in range(5):
        api.ended(workflow, data={"a": "x" * 4 * 2**20})
    connection = connect(server)
    connection.request("GET", "/api/v1/executions?includeData=true", headers={"X-N8N-API-KEY": KEY})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read(1000)
    db.execute("ALTER TABLE execution_data RENAME TO execution_data_gone")
    db.commit()
    try:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
    finally:
        db.execute("ALTER TABLE execution_data_gone RENAME TO execution_data")
        db.commit()
        connection.close()
    assert server.get("/api/v1/executions").status == 200


def test_an_error_while_the_client_has_much_to_read_ends_nothing_else(start_server, api, db):
    """What is left of the answer when reading fails can no longer be sent; the process goes on without it."""
    server, workflow = start_server(EXECUTIONS_POOL_SIZE=1), api.workflow()
    for _ in range(5):
        api.ended(workflow, data={"a": "x" * 4 * 2**20})
    address = urlsplit(server.url)

    def cut_off() -> int:
        return server.child.log.read_text().count("answer cut off")

    for number in range(3):
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            slow.connect((address.hostname, address.port))
            request = f"GET /api/v1/executions?includeData=true HTTP/1.1\r\nHost: x\r\nX-N8N-API-KEY: {KEY}\r\n\r\n"
            slow.sendall(request.encode())
            assert slow.recv(1000)
            time.sleep(0.4)  # until nobody takes any more of it
            db.execute("ALTER TABLE execution_data RENAME TO execution_data_gone")
            db.commit()
            try:
                taken = 0
                with contextlib.suppress(ConnectionError):
                    while taken < 5 * 2**20 and (piece := slow.recv(2**16)):
                        taken += len(piece)
                wait_until(lambda number=number: cut_off() > number)
            finally:
                db.execute("ALTER TABLE execution_data_gone RENAME TO execution_data")
                db.commit()
            assert server.get("/api/v1/executions").status == 200
    assert cut_off() == 3
    assert server.child.log.read_text().count("Booting worker") == 1


def test_measurements_are_those_of_all_processes(start_server, api):
    server = start_server(EXECUTIONS_HTTP_WORKERS=2)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: server.get("/api/v1/tags").status, range(40)))
    assert statuses == [200] * 40
    line = 'executions_http_request_duration_seconds_count{endpoint="/api/v1/tags",method="GET",status="200"} 40.0'
    for _ in range(6):
        assert line in server.get("/metrics").body


def test_a_log_line_carries_the_request_id(start_server, api):
    server = start_server()
    assert server.get("/api/v1/tags", X_Request_Id="find-me").headers["X-Request-Id"] == "find-me"
    lines = [json.loads(line) for line in server.child.log.read_text().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("request_id") == "find-me"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/tags", 200)
    assert line["key"] >= 1
    assert KEY not in server.child.log.read_text()


NO_HTTP = [
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
]


def test_even_what_is_no_http_is_answered_in_json(start_server):
    address = urlsplit(start_server().url)
    for text, status in NO_HTTP:
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(text)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == status
            assert answer.headers["Content-Type"] == "application/json"
            assert json.loads(answer.read())["message"]


def test_a_request_line_may_be_as_long_as_a_cursor_with_its_filters(start_server, api):
    server = start_server()
    for _ in range(2):
        api.queue(api.workflow())
    filters = "&".join(f"workflowId={'x' * 140}{number}" for number in range(40))
    everything = "&".join(
        f"workflowId={execution['workflowId']}" for execution in server.get("/api/v1/executions").body["data"]
    )
    answer = server.get(f"/api/v1/executions?limit=1&{filters[:5000]}&{everything}")
    assert answer.status == 200
    answer = server.get(f"/api/v1/executions?cursor={answer.body['nextCursor']}")
    assert (answer.status, len(answer.body["data"])) == (200, 1)
