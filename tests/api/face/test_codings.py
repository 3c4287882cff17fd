"""Answers are encoded for callers that ask for it, as they ask for it, and for nobody else."""

import gzip
import re

import orjson
import pytest
import zstandard

from app.api.executions import details as execution_details
from tests.workflows import chain, node


def decoded(response) -> bytes:
    coding = response.headers.get("Content-Encoding")
    if coding == "gzip":
        return gzip.decompress(response.data)
    if coding == "zstd":
        decoder = zstandard.ZstdDecompressor().decompressobj()
        text = decoder.decompress(response.data)
        assert decoder.eof
        assert not decoder.unused_data, "many clients read one frame only"
        return text
    assert coding is None
    return response.data


@pytest.fixture
def listed(api):
    """A list of about 8 KB."""
    workflow = api.workflow()
    for _ in range(15):
        api.queue(workflow)
    return lambda accept: api.get("/executions", headers={} if accept is None else {"Accept-Encoding": accept})


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.4", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("*", "gzip"),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity", None),
        ("br, deflate", None),
        ("gzip;q=nonsense, , ;;", None),
    ],
)
def test_the_coding_is_the_one_that_is_wanted_most(listed, accept, coding) -> None:
    response, plain = listed(accept), listed(None)
    assert response.headers.get("Content-Encoding") == coding
    assert response.headers.getlist("Vary") == ["Accept-Encoding"]
    assert decoded(response) == plain.data
    assert response.content_length == len(response.data)
    if coding:
        assert len(response.data) < len(plain.data) / 4


def test_a_short_answer_is_encoded_for_those_only_who_refuse_it_otherwise(api) -> None:
    for path in ("/executions", "/executions?includeData=true"):
        plain = api.get(path, headers={"Accept-Encoding": "gzip"})
        assert len(plain.data) < 1024
        assert "Content-Encoding" not in plain.headers
        encoded = api.get(path, headers={"Accept-Encoding": "gzip, identity;q=0"})
        assert encoded.headers["Content-Encoding"] == "gzip"
        assert decoded(encoded) == plain.data


def test_errors_and_what_needs_no_key_are_encoded_too(api) -> None:
    wanted = {"Accept-Encoding": "zstd"}
    filters = "&".join(f"nonsense{number}=1" for number in range(40))
    refused = api.delete(f"/executions/1?{filters}", headers=wanted)
    assert (refused.status_code, refused.headers["Content-Encoding"]) == (400, "zstd")
    assert len(orjson.loads(decoded(refused))["errors"]) == 40
    for path in ("/api/v1/openapi.json", "/api/v1/docs/swagger-ui.css", "/metrics"):
        response = api.client.get(path, headers=wanted)
        assert (response.status_code, response.headers["Content-Encoding"]) == (200, "zstd")
        assert decoded(response) == api.client.get(path).data or path == "/metrics"
    assert "Content-Encoding" not in api.client.get("/api/v1/docs/favicon-32x32.png", headers=wanted).headers


def test_a_head_says_what_a_get_would(api, listed) -> None:
    got = listed("gzip")
    head = api.call("HEAD", "/api/v1/executions", headers={"Accept-Encoding": "gzip"})
    assert head.data == b""
    for name in ("Content-Encoding", "Content-Length", "Content-Type", "Vary"):
        assert head.headers[name] == got.headers[name]


def test_an_unchanged_file_is_not_sent_again(api) -> None:
    path, wanted = "/api/v1/docs/swagger-ui.css", {"Accept-Encoding": "gzip"}
    tag = api.client.get(path, headers=wanted).headers["ETag"]
    assert tag.startswith("W/")
    for headers in (wanted, {}):
        again = api.client.get(path, headers={"If-None-Match": tag, **headers})
        assert (again.status_code, again.data) == (304, b"")
        assert "Content-Encoding" not in again.headers


def test_a_repeated_call_gets_the_first_answer_in_the_coding_that_it_wants(api) -> None:
    number = api.queue(api.workflow())
    path, key = f"/executions/{number}/stop", {"Idempotency-Key": "k"}
    first = api.post(path, headers=key)
    again = api.post(path, headers={**key, "Accept-Encoding": "gzip, identity;q=0"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert decoded(again) == first.data


@pytest.mark.parametrize("batch_bytes", [execution_details.BATCH_BYTES, 1000], ids=["at once", "as it is read"])
def test_run_data_is_the_same_in_every_coding(api, monkeypatch, batch_bytes) -> None:
    monkeypatch.setattr(execution_details, "BATCH_BYTES", batch_bytes)
    workflow = api.workflow(meta={"long": "x" * 400})
    texts = [b'{"n":%d,"odd":"\\u0000\\ud83d","a":"%s"}' % (n, b"xy" * n) for n in (0, 100, 1000, 3000)]
    numbers = [api.ended(workflow, data=text) for text in texts]
    for path in ("/executions?includeData=true", f"/executions/{numbers[-1]}?includeData=true"):
        plain = api.get(path).data
        shown = texts if "/executions?" in path else texts[-1:]
        assert all(text in plain for text in shown)
        for coding in ("gzip", "zstd"):
            response = api.get(path, headers={"Accept-Encoding": coding})
            assert response.headers["Content-Encoding"] == coding
            assert response.headers.getlist("Vary") == ["Accept-Encoding"]
            text = decoded(response)
            assert all(data in text for data in shown)
            assert re.sub(b" {17}", b"", text) == plain


def test_what_is_stored_in_the_callers_coding_goes_out_as_it_is_stored(api) -> None:
    number = api.ended(api.workflow(), data={"a": [{"n": n} for n in range(3000)]})
    [[frame]] = api.db.execute("SELECT encoded FROM execution_data").fetchall()
    response = api.get(f"/executions/{number}?includeData=true", headers={"Accept-Encoding": "zstd"})
    assert frame[-2000:-4] in response.data  # without its checksum, as a part of a longer frame
    assert len(response.data) < len(frame) + 1500


def test_what_a_workflow_answers_is_left_as_it_is(api) -> None:
    parameters = {"path": "long", "responseMode": "onReceived", "options": {"responseData": "x" * 5000}}
    stored = api.post("/workflows", chain(node("Hook", "webhook", parameters, 2, webhookId="h"))).json
    assert api.post(f"/workflows/{stored['id']}/activate").status_code == 200
    response = api.client.get("/webhook/long", headers={"Accept-Encoding": "gzip, identity;q=0"})
    assert response.data == b"x" * 5000
    assert "Content-Encoding" not in response.headers
    assert "Vary" not in response.headers
