"""Pages of other origins: let in by a setting, and not otherwise."""

import pytest

from app.environment import SettingsError
from app.settings import Settings
from tests.api.conftest import Api

PAGE = "https://app.example"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "x-n8n-api-key",
}


def cors_of(response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control")}


@pytest.fixture
def open_api(api: Api, make_app) -> Api:
    api.client = make_app(EXECUTIONS_CORS_ORIGINS=f"https://other.example:8443, {PAGE}").test_client()
    return api


def test_off_by_default(api) -> None:
    assert api.call("OPTIONS", "/api/v1/workflows", headers=PREFLIGHT).status_code == 405
    assert cors_of(api.get("/workflows", headers={"Origin": PAGE})) == {}


def test_a_preflight_needs_no_key(open_api) -> None:
    nobody = open_api.with_key(None)
    for path in ("/api/v1/workflows", "/api/v1/executions/1/retry", "/api/v1/workflows/"):
        response = nobody.call("OPTIONS", path, headers=PREFLIGHT)
        assert (response.status_code, response.data) == (204, b"")
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
        assert "X-N8N-API-KEY" in response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert nobody.call("OPTIONS", "/api/v1/nothing", headers=PREFLIGHT).status_code == 404
    stranger = nobody.call("OPTIONS", "/api/v1/workflows", headers={**PREFLIGHT, "Origin": "https://evil.example"})
    assert (stranger.status_code, cors_of(stranger)) == (204, {})


def test_answers_and_errors_may_be_read_by_those_pages_alone(open_api) -> None:
    for path, status in (("/workflows?foo=1", 200), ("/workflows/nosuch", 404), ("/workflows?limit=0", 400)):
        response = open_api.get(path, headers={"Origin": PAGE})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-Ignored" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers["Vary"]
    assert open_api.with_key(None).get("/tags", headers={"Origin": PAGE}).headers["Access-Control-Allow-Origin"] == PAGE
    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example", "http://app.example", f"{PAGE}:8443", ""):
        assert cors_of(open_api.get("/workflows", headers={"Origin": origin})) == {}
    assert cors_of(open_api.get("/workflows")) == {}
    assert cors_of(open_api.call("GET", "/healthz", headers={"Origin": PAGE})) == {}


def test_every_page(api, make_app) -> None:
    api.client = make_app(EXECUTIONS_CORS_ORIGINS="*").test_client()
    assert api.get("/tags", headers={"Origin": "null"}).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("text", ["app.example", "https://app.example/", "https://a b", "ftp://x", "https://*.example"])
def test_what_is_no_origin(text) -> None:
    with pytest.raises(SettingsError, match="EXECUTIONS_CORS_ORIGINS"):
        Settings.from_environment({"DATABASE_URL": "postgresql://x/y", "EXECUTIONS_CORS_ORIGINS": text})
