"""An HTTP Request node on its own, with a credential that it is given."""

from typing import Any

from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import Engine
from tests.workflows import START, chain, node


def ports(credential: dict[str, Any] | None = None) -> Ports:
    async def read(credential_id: str, kind: str) -> dict[str, Any] | None:
        return credential

    return Ports(credentials=read, outgoing=Outgoing(AddressRules.parse("127.0.0.1,localhost")))


def ask(
    engine: Engine,
    url: str,
    credential: dict[str, Any] | None = None,
    kind: str = "",
    *,
    items: list[Any] | None = None,
    **parameters: Any,
) -> RunOutcome:
    more: dict[str, Any] = {}
    if kind:
        more["credentials"] = {kind: {"id": "c1", "name": "Service"}}
        parameters |= {"authentication": "genericCredentialType", "genericAuthType": kind}
    request = node("Ask", "httpRequest", {"url": url, **parameters}, 4.2, **more)
    return engine.run(chain(START, request), items=items, ports=ports(credential))
