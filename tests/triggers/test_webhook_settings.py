"""Settings of webhooks: what a node says is what is stored, and rows of every release can be read."""

from typing import Any

import orjson
import pytest

from app.triggers import InvalidTrigger
from app.triggers.webhook_settings import WebhookOptions, WebhookSettings, read_settings
from tests.workflows import node

NODE = node(
    "Hook",
    "webhook",
    {
        "httpMethod": ["post", "GET"],
        "multipleMethods": True,
        "path": "orders",
        "authentication": "basicAuth",
        "responseMode": "lastNode",
        "responseData": "allEntries",
        "options": {
            "allowedOrigins": "https://a.example",
            "ignoreBots": True,
            "ipWhitelist": " 10.0.0.1 ",
            "rawBody": True,
            "responseCode": {"values": {"responseCode": 201}},
            "responseHeaders": {"entries": [{"name": "X-Own", "value": "1"}, {"name": ""}]},
            "webhookSuffix": "/done/",
        },
    },
    2.1,
    credentials={"httpBasicAuth": {"id": "c1", "name": "Mine"}, "smtp": {"id": "c2"}},
)


def test_what_a_node_says_survives_being_stored() -> None:
    settings = read_settings(NODE, problem="No answer")
    assert settings.response_mode == "lastNode"
    assert settings.answers_later
    assert (settings.response_code, settings.response_headers) == (201, {"x-own": "1"})
    assert (settings.credential_type, settings.credential_id) == ("httpBasicAuth", "c1")
    assert settings.outputs == ("POST", "GET")
    assert (settings.options.ip_whitelist, settings.options.suffix) == ("10.0.0.1", "done")
    assert settings.options.ignore_bots
    assert settings.options.raw_body
    assert not settings.options.binary_data
    assert WebhookSettings.from_json(orjson.loads(orjson.dumps(settings.to_json()))) == settings


def test_a_row_that_lacks_every_key_has_the_defaults() -> None:
    assert WebhookSettings.from_json({}) == WebhookSettings()
    assert WebhookOptions.from_json({}) == WebhookOptions()


def test_a_row_of_the_first_release_is_read() -> None:
    stored = {
        "responseMode": "responseNode",
        "responseData": "firstEntryJson",
        "responseBinaryPropertyName": "data",
        "responseCode": 202,
        "headers": {"x-a": "b"},
        "authentication": "headerAuth",
        "credentials": {"httpHeaderAuth": {"id": "c9", "name": "Key"}},
        "options": {"noResponseBody": True, "unheardOf": [1]},
        "outputs": [],
    }
    settings = WebhookSettings.from_json(stored)
    assert (settings.response_code, settings.credential_id) == (202, "c9")
    assert settings.options == WebhookOptions(no_response_body=True)
    assert (settings.type_version, settings.waits, settings.problem) == (1, False, None)


@pytest.mark.parametrize(
    "parameters",
    [
        {"responseMode": "later"},
        {"authentication": "palm"},
        {"authentication": "jwtAuth"},
        {"authentication": ["basicAuth"]},
        {"options": {"responseHeaders": {"entries": [1]}}},
        {"options": [1]},
        {"responseData": "={{ 1 }}"},
    ],
)
def test_what_cannot_be_followed_is_refused_by_the_nodes_name(parameters: dict[str, Any]) -> None:
    node = {**NODE, "credentials": {}, "parameters": {"path": "p", **parameters}}
    with pytest.raises(InvalidTrigger, match="Hook"):
        read_settings(node)
