"""What packages define of credential types, for whoever gets tokens for them (app.credentials.known_types)."""

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from app.bounded_dict import BoundedDict
from app.credentials.completion import Definition
from app.engine.sandbox import ExpressionError, Sandbox, SandboxError
from app.packages.manifest import PackagedCredential

SECONDS = 5.0
MAX_KEPT = 1_000
SECRET = frozenset({"oauthTokenData", "clientSecret", "consumerSecret", "privateKey", "password"})
"""Fields that no expression is told: what it comes to is kept for a while."""

log = logging.getLogger(__name__)


def definitions_of(credentials: Iterable[PackagedCredential]) -> dict[str, Definition]:
    """What each of these types extends, and its properties, by name."""
    return {each.name: {"extends": list(each.extends), "properties": list(each.properties)} for each in credentials}


class SandboxExpressions:
    """Evaluates the expressions of definitions in a process of their own. Waits, so not on an event loop."""

    def __init__(self) -> None:
        self._kept: BoundedDict[tuple[str, bytes], Any] = BoundedDict(MAX_KEPT)
        self._lock = threading.Lock()

    def __call__(self, text: str, data: Mapping[str, Any]) -> Any:
        """What the expression comes to with the data as `$self`; None where it fails."""
        shown = {name: value for name, value in data.items() if name not in SECRET}
        key = (text, orjson.dumps(shown, option=orjson.OPT_SORT_KEYS, default=str))
        with self._lock:
            if key not in self._kept:
                self._kept[key] = asyncio.run(_evaluate(text, shown))
            return self._kept[key]


async def _evaluate(text: str, data: dict[str, Any]) -> Any:
    # `$self` is how a definition calls it, `$json` how the sandbox does.
    template, scope = text.replace("$self", "$json"), {"items": [{"json": data}], "nodes": {}}
    try:
        async with Sandbox(spares=0) as sandbox, asyncio.timeout(SECONDS):
            [[value]] = await sandbox.evaluate([template], scope)
            return value
    except (ExpressionError, SandboxError, TimeoutError) as error:
        log.warning("an expression of a credential type fails", extra={"expression": text, "reason": str(error)})
        return None
