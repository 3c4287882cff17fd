"""Addresses that triggers of packages ask for: what providers are told, and what their calls are found by."""

from typing import Any

import pytest

from app.triggers import InvalidTrigger
from app.triggers.packaged import CalledNode, addresses_of

BASE = "https://x.example/webhook"


def addresses(node: dict[str, Any], path: str = "hook") -> list[tuple[str, str]]:
    """The path and the address of each."""
    called = CalledNode({"name": "N", **node}, [{"name": "default", "httpMethod": "POST", "path": path}])
    return [(each.path, each.webhook.urls["default"]) for each in addresses_of({"id": "w1"}, [called], BASE)]


@pytest.mark.parametrize(
    ("name", "path", "url"),
    [
        ("Shop", "w1/shop/hook", "w1/shop/hook"),
        ("My Shop", "w1/my shop/hook", "w1/my%20shop/hook"),
        ("Caf\u00e9 50%", "w1/caf\u00e9 50%/hook", "w1/caf%C3%A9%2050%25/hook"),
        ("A/B", "w1/a/b/hook", "w1/a%2Fb/hook"),
    ],
)
def test_a_call_comes_without_the_encoding_of_its_address(name: str, path: str, url: str) -> None:
    """Kept as it is told, it would be found by nobody, and another project could take the path that calls come with."""
    assert addresses({"name": name}) == [(path, f"{BASE}/{url}")]


@pytest.mark.parametrize("path", ["a%00b", "a b", "a?b"])
def test_what_no_address_can_hold_is_refused(path: str) -> None:
    with pytest.raises(InvalidTrigger, match="cannot be one"):
        addresses({"webhookId": "h1"}, path)
