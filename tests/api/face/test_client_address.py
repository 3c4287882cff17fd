"""The caller's address: from the connection, or from a proxy that is trusted; and paths that say two things."""

import json
from ipaddress import ip_network

import pytest

from app.api.face.client_address import forwarded_for
from app.environment import SettingsError
from app.settings import Settings

TRUSTED = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "::1")))


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["1.1.1.1, 203.0.113.5, 10.1.2.3"], "203.0.113.5"),
        ("127.0.0.1", ["1.1.1.1", "203.0.113.5:4711"], "203.0.113.5"),
        ("::1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("127.0.0.1", ["203.0.113.5, unknown, 10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", ["203.0.113.5,"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("203.0.113.9", ["127.0.0.1"], "203.0.113.9"),
        ("203.0.113.9", ["1.1.1.1, 10.0.0.1"], "203.0.113.9"),
        ("", ["1.1.1.1"], ""),
    ],
)
def test_only_who_is_trusted_names_another(peer: str, headers: list[str], expected: str) -> None:
    assert forwarded_for(peer, headers, TRUSTED) == expected
    assert forwarded_for(peer, headers, ()) in (peer, peer.removeprefix("::ffff:"))


def test_the_log_names_the_caller(make_app, caplog) -> None:
    sent = {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}
    for trusted, expected in (("127.0.0.0/8", "203.0.113.5"), ("", "127.0.0.1")):
        with caplog.at_level("INFO", logger="app.requests"):
            make_app(EXECUTIONS_TRUSTED_PROXIES=trusted).test_client().get("/healthz", headers=sent)
        assert caplog.records[-1].client == expected


SCOPED = ["/api/v1/community-packages/@x%2Fn8n-nodes-y", "/api/v1/community-packages/%40x%2fn8n-nodes-y"]


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/33", "1.2.3", "10.0.0.1;10.0.0.2"])
def test_a_proxy_has_an_address(text: str) -> None:
    with pytest.raises(SettingsError, match="EXECUTIONS_TRUSTED_PROXIES"):
        Settings.from_environment({"DATABASE_URL": "postgresql:///x", "EXECUTIONS_TRUSTED_PROXIES": text})


def test_a_key_that_could_be_guessed() -> None:
    with pytest.raises(SettingsError, match=r"at least 16 characters.*openssl rand"):
        Settings.from_environment({"DATABASE_URL": "postgresql:///x", "EXECUTIONS_API_KEY": "k" * 15})


@pytest.mark.parametrize(
    "path",
    [
        "//metrics",
        "/%2fmetrics",
        "/%2Fmetrics",
        "/%6detrics",
        "/api%2fv1/openapi.json",
        "/api/v1%2Fopenapi.json",
        "/webhook%2fx",
        "/api/v1/community-packages/x%2fy",
        "/api/v1/community-packages/@x%2f..%2fy",
        "/api/v1/community-packages/@x%2f..",
        "/api/v1/community-packages/@..%2fx",
        "/api/v1/community-packages/@x%2fy%2fz",
        "/api/v1/community-packages/@x%2fy/z",
        "/%77ebhook/x",
        "//webhook/x",
        "http://any.example//metrics",
    ],
)
def test_a_path_has_one_spelling(api, path: str) -> None:
    answer = api.client.open("/metrics", environ_overrides={"RAW_URI": path})
    assert answer.status_code == 404
    assert json.loads(answer.data) == {"message": "Not found"}


@pytest.mark.parametrize("path", ["/metrics", "/metrics?a=//%2f", "http://any.example/metrics", *SCOPED])
def test_the_one_spelling(api, path: str) -> None:
    assert api.client.open("/metrics", environ_overrides={"RAW_URI": path}).status_code == 200
