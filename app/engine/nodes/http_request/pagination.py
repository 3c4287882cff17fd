"""Pagination of HTTP Request: asks for page after page until the workflow's condition says that it has all."""

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.engine.nodes.http_request.answers import Reading, check, read_items, work_of
from app.engine.nodes.http_request.failures import RequestFailed
from app.engine.nodes.http_request.parameter_values import seconds, to_count
from app.engine.nodes.http_request.parameters import ItemRequest, fields
from app.engine.nodes.http_request.requests import answered
from app.engine.nodes.http_request.urls import is_url
from app.engine.nodes.shared.answer_bodies import body_of
from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.values import conversions
from app.engine.values.conversions import Undefined
from app.outgoing.calls import Answer, Call

_EXPRESSION = re.compile(r"=\s*\{\{.*\}\}\s*\Z", re.DOTALL)
SAME_ANSWERS = 5
"""So many identical answers in a row mean that the condition will never come true."""


MODES = ("updateAParameterInEachRequest", "responseContainsNextURL")
PLACES = ("body", "headers", "qs")
"""Where a parameter that changes from page to page can stand."""


@dataclass
class Pages:
    """How far the pages of a request are read: what their expressions see, and where the last one led, if anywhere."""

    request: ItemRequest
    variables: dict[str, Any]
    address: str | None = None


def has_pages(given: Any) -> bool:
    """Whether the group of options asks for pages: in a mode that there is."""
    given = given.get("pagination") if isinstance(given, dict) else None
    return isinstance(given, dict) and given.get("paginationMode", MODES[0]) in MODES


async def all_pages(context: NodeContext, pagination: dict[str, Any], request: ItemRequest, index: int) -> list[Item]:
    """The items of all pages. Raises NodeError."""
    _check(pagination, index)
    settings = {key: pagination.get(key) for key in ("statusCodesWhenComplete", "maxRequests", "requestInterval")}
    pagination = {**pagination, **await context.resolve_with(settings, {}, index)}
    most = to_count(pagination["maxRequests"] or 100, 100) if pagination.get("limitPagesFetched") else None
    pause = seconds(pagination["requestInterval"] or 0, 0.0)
    own = request.own() if "$request" in str(pagination) else {}
    pages = Pages(request, {"$pageCount": 0, "$request": own})
    variables = pages.variables
    output: list[Item] = []
    last: bytes | None = None
    same = 0
    while True:
        call = await _next_call(context, pagination, pages, index)
        if call is None:
            return output
        async with answered(context, call, request.reading, index) as answer:
            same = same + 1 if answer.content == last else 1
            last = answer.content
            body = await compute(body_of, answer, size=work_of(answer))
            variables["$response"] = {"statusCode": answer.status, "headers": answer.headers, "body": body}
            variables["$pageCount"] += 1
            complete = await _is_complete(context, pagination, variables, index)
            if not (complete and pagination.get("paginationCompleteWhen") == "receiveSpecificStatusCodes"):
                await compute(_check_page, answer, request.reading, index, size=work_of(answer))
            output.extend(await read_items(context, answer, request.reading, index))
        if complete or (most is not None and variables["$pageCount"] >= most):
            return output
        if same >= SAME_ANSWERS:
            raise NodeError(
                f"The returned response was identical {SAME_ANSWERS}x, so requests got stopped",
                description='Check if "Pagination Completed When" has been configured correctly.',
                item_index=index,
                name="NodeApiError",
            )
        await asyncio.sleep(pause)


def _check_page(answer: Answer, reading: Reading, index: int) -> None:
    try:
        check(answer, reading, index)
    except RequestFailed as error:
        error.show_page()
        raise


def _check(pagination: dict[str, Any], index: int) -> None:
    """Raises NodeError for settings that lead to no next page, or to no last one, before anything is sent."""
    if pagination.get("paginationMode") == "responseContainsNextURL":
        if not pagination.get("nextURL"):
            raise _invalid_url("", index)
    else:
        changing = _changed_parameters(pagination)
        if not changing or changing == [{}]:
            raise NodeError(
                "At least one entry with 'Name' and 'Value' filled must be included in 'Parameters' "
                "to use 'Update a Parameter in Each Request' mode ",
                item_index=index,
            )
        for place, entry in enumerate(changing, start=1):
            if entry.get("type", "qs") not in PLACES:
                message = "Parameter type must be one of: body, headers, qs for parameter "
                raise NodeError(f"{message}[{place}] in pagination settings", item_index=index)
            for field in ("name", "value"):
                if entry.get(field) in (None, ""):
                    message = f"Parameter {field} must be set for parameter [{place}] in pagination settings"
                    raise NodeError(message, item_index=index)
    expression = pagination.get("completeExpression")
    if pagination.get("paginationCompleteWhen") == "other" and not (
        isinstance(expression, str) and _EXPRESSION.match(expression)
    ):
        raise NodeError("Invalid or empty Complete Expression", item_index=index)


def _changed_parameters(pagination: dict[str, Any]) -> list[dict[str, Any]]:
    entries = fields(pagination, "parameters").get("parameters")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


async def _next_call(context: NodeContext, pagination: dict[str, Any], pages: Pages, index: int) -> Call | None:
    """The request for the page that is due; None when the last answer leads to no other."""
    if pagination.get("paginationMode") == "responseContainsNextURL":
        return await _call_next_url(context, pagination, pages, index)
    more: dict[str, dict[str, Any]] = {"qs": {}, "headers": {}}
    for entry in await context.resolve_with(_changed_parameters(pagination), pages.variables, index):
        group = more.setdefault(str(entry.get("type") or "qs"), {})
        if not isinstance(entry["value"], Undefined):  # the request's own value stays
            group[conversions.display(entry["name"])] = entry["value"]
    make = partial(pages.request.call, query=more["qs"], headers=more["headers"], body=more.get("body"))
    return await compute(make, size=pages.request.work)


async def _call_next_url(context: NodeContext, pagination: dict[str, Any], pages: Pages, index: int) -> Call | None:
    """As `_next_call`. An answer without a next URL is the last page; where none has had one, the same is asked again,
    so that an expression that finds nothing is told apart from a single page."""
    request, read = pages.request, pages.variables["$pageCount"]
    url = await context.resolve_with(pagination["nextURL"], pages.variables, index)
    if not read and not conversions.truthy(url):
        return await compute(request.call, size=request.work)
    if isinstance(url, Undefined) and pages.address in (None, request.url):
        if read >= SAME_ANSWERS:
            raise NodeError("The expression for the next URL gives no URL for this response", item_index=index)
        return await compute(request.call, size=request.work)
    if not conversions.truthy(url):
        return None
    if not isinstance(url, str) or not is_url(url):
        raise _invalid_url(url, index)
    pages.address = url
    return await compute(partial(request.call, url=url), size=request.work)


def _invalid_url(url: Any, index: int) -> NodeError:
    advice = 'Make sure the "Next URL" parameter evaluates to a valid URL.'
    return NodeError(f"'{conversions.to_string(url)}' is not a valid URL.", description=advice, item_index=index)


async def _is_complete(context: NodeContext, pagination: dict[str, Any], variables: dict[str, Any], index: int) -> bool:
    """Whether the answer in `variables` was the last page's. Raises NodeError."""
    response, when = variables["$response"], pagination.get("paginationCompleteWhen", "responseIsEmpty")
    if when == "responseIsEmpty":
        return response["body"] in (None, "", [], {})
    if when == "receiveSpecificStatusCodes":
        codes = conversions.display(pagination["statusCodesWhenComplete"] or "").split(",")
        return str(response["statusCode"]) in {code.strip() for code in codes}
    expression = pagination["completeExpression"]
    done = await context.resolve_with(expression, variables, index)
    if isinstance(done, Undefined) and done.thrown:
        # Taken for "not yet" it would ask for pages without end; taken for "yes" it would lose them.
        raise NodeError(
            f"The Complete Expression failed: {done.thrown}",
            description=f"It is {expression.removeprefix('=').strip()}",
            item_index=index,
        )
    return conversions.truthy(done)
