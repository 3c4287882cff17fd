"""Pagination of HTTP Request: asks for page after page until the workflow's condition says that it has all."""

import asyncio
from typing import Any

from app.engine.nodes.http_request.parameters import Request
from app.engine.nodes.http_request.requests import body_of, check, items_of, seconds, send
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.values import conversions
from app.outgoing.client import Answer

SAME_ANSWERS = 5
"""So many identical answers in a row mean that the condition will never come true."""


async def all_pages(context: NodeContext, pagination: dict[str, Any], request: Request, index: int) -> list[Item]:
    """The items of all pages. Raises NodeError."""
    changing = (pagination.get("parameters") or {}).get("parameters") or []
    by_url = pagination.get("paginationMode") == "responseContainsNextURL"
    if not by_url and not any(entry.get("name") and entry.get("value") not in (None, "") for entry in changing):
        raise NodeError(
            "At least one entry with 'Name' and 'Value' filled must be included in 'Parameters' "
            "to use 'Update a Parameter in Each Request' mode ",
            item_index=index,
        )
    settings = await context.resolve_with(
        {key: pagination.get(key) for key in ("statusCodesWhenComplete", "maxRequests", "requestInterval")}, {}, index
    )
    most = int(conversions.to_number(settings["maxRequests"] or 100)) if pagination.get("limitPagesFetched") else None
    pause = seconds(settings["requestInterval"] or 1, 0.0) if settings["requestInterval"] else 0.0
    variables: dict[str, Any] = {"$pageCount": 0, "$request": {"url": request.url}}
    put_out: list[Item] = []
    last: bytes | None = None
    same = 0
    while True:
        answer = await _page(context, pagination, changing, request, variables, index)
        same = same + 1 if answer.content == last else 1
        last = answer.content
        body = body_of(answer)
        variables["$response"] = {"statusCode": answer.status, "headers": answer.headers, "body": body}
        complete = await _complete(context, pagination, settings, answer, body, variables, index)
        if not (complete and pagination.get("paginationCompleteWhen") == "receiveSpecificStatusCodes"):
            check(answer, request.reading, index)
        put_out.extend(items_of(answer, request.reading, index, context.items[index]))
        variables["$pageCount"] += 1
        if complete or (most is not None and variables["$pageCount"] >= most):
            return put_out
        if same >= SAME_ANSWERS:
            raise NodeError(
                f"The returned response was identical {SAME_ANSWERS}x, so requests got stopped",
                description='Check if "Pagination Completed When" has been configured correctly.',
                item_index=index,
                name="NodeApiError",
            )
        await asyncio.sleep(pause)


async def _page(
    context: NodeContext,
    pagination: dict[str, Any],
    changing: list[dict[str, Any]],
    request: Request,
    variables: dict[str, Any],
    index: int,
) -> Answer:
    if pagination.get("paginationMode") == "responseContainsNextURL":
        following = None
        if variables["$pageCount"]:
            following = await context.resolve_with(pagination.get("nextURL", ""), variables, index)
        return await send(context, request.call(url=conversions.display(following) if following else None), index)
    more: dict[str, dict[str, Any]] = {"qs": {}, "headers": {}, "body": {}}
    for entry in await context.resolve_with(changing, variables, index):
        if entry.get("name"):
            more.get(str(entry.get("type", "qs")), more["qs"])[str(entry["name"])] = entry.get("value", "")
    call = request.call(query=more["qs"], headers=more["headers"], body=more["body"])
    return await send(context, call, index)


async def _complete(
    context: NodeContext,
    pagination: dict[str, Any],
    settings: dict[str, Any],
    answer: Answer,
    body: Any,
    variables: dict[str, Any],
    index: int,
) -> bool:
    when = pagination.get("paginationCompleteWhen", "responseIsEmpty")
    if when == "responseIsEmpty":
        return body in (None, "", [], {})
    if when == "receiveSpecificStatusCodes":
        codes = conversions.display(settings["statusCodesWhenComplete"] or "").split(",")
        return str(answer.status) in {code.strip() for code in codes}
    return conversions.truthy(await context.resolve_with(pagination.get("completeExpression", ""), variables, index))
