"""How often a request looks through Flask's proxies: each look is four calls, and all requests pay what hooks do."""

import sys
from typing import Any

from werkzeug.local import LocalProxy

MAX_LOOKS = 35
"""Of a request that needs nothing but the hooks, with those of Flask itself."""


def test_a_request_is_looked_at_itself(api) -> None:
    caller = api.with_key(None)
    assert caller.call("GET", "/healthz").status_code == 200
    looks: list[str] = []
    proxies = sys.modules[LocalProxy.__module__].__file__

    def note(frame: Any, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "__get__" and frame.f_code.co_filename == proxies:
            looks.append(frame.f_back.f_code.co_name)

    sys.setprofile(note)
    try:
        caller.call("GET", "/healthz")
    finally:
        sys.setprofile(None)
    assert 0 < len(looks) <= MAX_LOOKS, looks
