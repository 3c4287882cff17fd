"""The optional limit on how often a key may call."""

import pytest

from app.api.face.rates import KeyRates
from app.environment import SettingsError


def test_the_call_above_the_limit_is_429_and_other_keys_go_on(api, make_app):
    api.client = make_app(EXECUTIONS_REQUESTS_PER_MINUTE="3").test_client()
    other = api.with_key("another", "*")
    assert [api.get("/executions").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = api.get("/tags")
    assert refused.status_code == 429
    assert refused.json == {"message": "Too many requests with this API key"}
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-Request-Id"]
    assert other.get("/executions").status_code == 200
    assert api.call("GET", "/healthz").status_code == 200


def test_without_the_setting_there_is_no_limit():
    rates = KeyRates(None)
    assert {rates.seconds_to_wait(1) for _ in range(1_000)} == {0}


@pytest.mark.parametrize("per_minute", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_refused(make_app, per_minute):
    with pytest.raises(SettingsError, match="EXECUTIONS_REQUESTS_PER_MINUTE"):
        make_app(EXECUTIONS_REQUESTS_PER_MINUTE=per_minute)
