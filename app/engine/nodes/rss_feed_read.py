"""RSS Read: the entries of a feed, fetched by the outgoing client and read by rss-parser in the sandbox."""

from collections.abc import Sequence
from typing import Any

from app.engine.nodes.http_request.answers import work_of
from app.engine.nodes.http_request.requests import Received
from app.engine.nodes.shared.connection_errors import CONNECTION_ERRORS
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import run_program
from app.engine.run.registry import node
from app.engine.sandbox import bundles
from app.outgoing.addresses import AddressRefused, UnknownHost
from app.outgoing.calls import Answer, Call
from app.outgoing.client import load_client
from app.outgoing.failures import network_failures

PROGRAM = """
const answer = async ({ text, fields }) => {
  const parser = new Reader(fields.length ? { customFields: { item: fields } } : {});
  const { items } = await parser.parseString(text);
  return items;
};
"""
HEADERS = [("User-Agent", "rss-parser"), ("Accept", "application/rss+xml")]


ISSUES = rules(Required("url", "URL"))


@node("rssFeedRead", [1, 1.1, 1.2], issues=ISSUES)
async def rss_feed_read(context: NodeContext) -> Outputs:
    output: list[Item] = []
    resolved = await context.resolve_each(context.parameters, parameter="url")
    for index, parameters in enumerate(resolved[:1] if context.version == 1 else resolved):
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            entries = await _entries(context, parameters, index)
            output.extend({"json": entry, "pairedItem": {"item": index}} for entry in entries)
        except NodeError as error:
            output.append(failed_item(context, error, index))
    return [output]


async def _entries(context: NodeContext, parameters: dict[str, Any], index: int) -> list[dict[str, Any]]:
    options = as_group(parameters.get("options"))
    fields = [name for part in str(options.get("customFields") or "").split(",") if (name := part.strip())]
    url, insecure = str(parameters.get("url") or "").strip(), bool(options.get("ignoreSSL"))
    return await read_feed(context, url, fields=fields, insecure=insecure, index=index)


async def read_feed(
    context: NodeContext, url: str, *, fields: Sequence[str] = (), insecure: bool = False, index: int | None = None
) -> list[dict[str, Any]]:
    """The entries of the feed at an address, with more `fields` of each than the usual ones. Raises NodeError, for the
    item `index` where there is one."""
    received = Received(context)
    try:
        answer = await _fetch(context, url, insecure, index, received)
        text = await compute(answer.text, size=work_of(answer))
    finally:
        received.release()
    program = await bundles.program(PROGRAM, Reader="rss-parser/index.js")
    [read] = await run_program(context, program, [{"text": text, "fields": list(fields)}])
    if "failed" in read:
        raise NodeError(read["failed"], item_index=index)
    return list(read["made"])


async def _fetch(context: NodeContext, url: str, insecure: bool, index: int | None, received: Received) -> Answer:
    await load_client()
    import httpx  # here: few workflows read feeds

    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise NodeError('The provided "URL" is not valid!', item_index=index)
    try:
        answer = await context.outgoing.send(
            Call("GET", url, HEADERS, timeout=60, verify=not insecure, receive=received.hold)
        )
    except AddressRefused as error:
        raise NodeError(str(error), item_index=index) from error
    except UnknownHost as error:
        raise NodeError(CONNECTION_ERRORS["ENOTFOUND"], item_index=index) from error
    except network_failures() as error:
        message = f'It was not possible to connect to the URL. Please make sure the URL "{url}" it is valid!'
        raise NodeError(message, item_index=index) from error
    if not 200 <= answer.status < 300:
        raise NodeError(f"Request failed with status code {answer.status}", item_index=index)
    return answer
