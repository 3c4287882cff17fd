"""Postgres, version 2: queries, and the rows of a table selected, inserted, updated, merged in and deleted."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.engine.nodes.postgres.session import CONNECT_SECONDS, QueryResult, Session, session
from app.engine.nodes.postgres.sql_text import fill_places
from app.engine.nodes.postgres.statements import (
    MAKERS,
    WRITING,
    chosen,
    literals_of,
    matching_columns,
    matching_condition,
    row_of,
    statement,
    table_of,
)
from app.engine.nodes.shared.issues import Mapped, Required, RequiredCredential, credentials, rules
from app.engine.run.computing import yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

COLUMNS = """
SELECT column_name, udt_name AS type FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""
DONE = {"success": True}
COPIES = 2
"""So often the text of a query is there: by itself, and in what is sent."""
SQL = {"operation": ["executeQuery"]}
NO_TABLE = {"table": [""]}
ISSUES = rules(
    Required("schema", "Schema", {"value": "public"}, unless=SQL, listed=True),
    Required("table", "Table", {"value": ""}, unless=SQL, listed=True),
    Required("query", "Query", when=SQL),
    Mapped("columns", "Column", when={"operation": ["insert"]}, unless=NO_TABLE, since=2.2),
    Mapped("columns", when={"operation": ["update", "upsert"]}, unless=NO_TABLE, since=2.2),
    Required("columnToMatchOn", "Column to Match On", when={"operation": ["update"]}, unless=NO_TABLE, below=2.2),
    Required("columnToMatchOn", "Unique Column", when={"operation": ["upsert"]}, unless=NO_TABLE, below=2.2),
    defaults={"operation": "insert"},
)
NEEDED = credentials(RequiredCredential("postgres"))
VERSIONS = [2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7]


@node("postgres", VERSIONS, issues=ISSUES, credentials=NEEDED, plain=["operation"], exact=True)
async def postgres(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation", "insert")
    if operation not in MAKERS:
        raise NodeError(f"The operation '{operation}' of the Postgres node is not supported.")
    credential = await context.credential("postgres")
    resolved = await context.resolve(_as_template(context.parameters), parameter="query")
    if not resolved:
        return [[]]
    options = as_group(resolved[0].get("options"))
    timeout = conversions.to_number(options.get("connectionTimeout") or CONNECT_SECONDS)
    big_as_text = options.get("largeNumbersOutput", "text") != "numbers"
    opening = session(credential, context.outgoing.rules, hold=context.hold, timeout=timeout, big_as_text=big_as_text)
    async with opening as open_session:
        types = await _types(open_session, resolved[0]) if operation in WRITING else {}
        given: list[tuple[dict[str, Any], dict[str, Any]]] = []
        queries: list[str] = []
        for index, (parameters, item) in enumerate(zip(resolved, context.items, strict=True)):
            await yield_to_loop()
            given.append((parameters, row_of(parameters, item, context.version)))
            queries.append(statement(operation, *given[-1], types, index))
            context.hold(COPIES * len(queries[-1]))
        batching = str(options.get("queryBatching") or "single")
        done = {"json": dict(DONE), "pairedItem": [{"item": index} for index in range(len(queries))]}
        if operation == "insert" and batching != "independently":  # none, where each was skipped
            return [await _run(context, open_session, queries, batching) or [done]]
        if operation != "update":
            return [await _run(context, open_session, queries, batching)]
        if context.version < 2.2:
            return [await _run(context, open_session, queries, batching) or [done]]
        missing = await _find_missing(open_session, given, types)
        return [await _run(context, open_session, queries, batching, missing)]


def _as_template(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, with the query as a template also where it was not marked as one."""
    query = parameters.get("query")
    if isinstance(query, str) and "{{" in query and not query.startswith("="):
        return {**parameters, "query": f"={query}"}
    return parameters


async def _find_missing(
    open_session: Session, given: list[tuple[dict[str, Any], dict[str, Any]]], types: dict[str, str]
) -> dict[int, NodeError]:
    """For items whose row to update is not there, what they fail with. It is looked for before anything is written."""
    looks = []
    for index, (parameters, row) in enumerate(given):
        condition = matching_condition(matching_columns(parameters, index), literals_of(row, types, index))
        looks.append(f"SELECT EXISTS (SELECT FROM {table_of(parameters)} WHERE {condition}) AS found")
    try:
        results = await open_session.run(";".join(looks))
    except NodeError:
        # The update itself says what is wrong with its values.
        return {}
    exists = [bool(result.rows and result.rows[0]["found"]) for result in results]
    return {index: _no_row(*given[index], index) for index, is_there in enumerate(exists) if not is_there}


def _no_row(parameters: dict[str, Any], row: dict[str, Any], index: int) -> NodeError:
    named = (
        f"{name}={conversions.display(row[name]) if name in row else 'undefined'}"
        for name in matching_columns(parameters, index)
    )
    return NodeError(
        "The row you are trying to update doesn't exist",
        description=f"No rows matching the provided values ({', '.join(named)}) were found in the table "
        f'"{chosen(parameters.get("table"))}".',
        item_index=index,
    )


async def _run(
    context: NodeContext,
    open_session: Session,
    queries: list[str],
    batching: str,
    missing: Mapping[int, NodeError] = MappingProxyType({}),
) -> list[Item]:
    """What the statements give; `missing` are those that fail without being run."""
    for index, error in missing.items():
        if not context.continues_on_fail:
            raise error
        if batching != "independently":
            return [_failed_item(context, error, index)]
    if batching == "independently":
        return await _run_each(context, open_session, queries, missing)
    together = ["BEGIN", *queries, "COMMIT"] if batching == "transaction" else queries
    joined = ";".join(query.rstrip().rstrip(";") for query in together)
    try:
        results = await open_session.run(joined)
    except NodeError as error:
        if not context.continues_on_fail:
            raise
        json = {"message": error.message, "error": error.document(context.node.document)}
        return [{"json": json, "pairedItem": [{"item": index} for index in range(len(queries))]}]
    if batching == "transaction":
        results = results[1:-1]
    return _items(results, [{"item": index} for index in range(len(queries))])


def _failed_item(context: NodeContext, error: NodeError, index: int) -> Item:
    return {"json": {"error": error.document(context.node.document)}, "pairedItem": {"item": index}}


async def _run_each(
    context: NodeContext, open_session: Session, queries: list[str], missing: Mapping[int, NodeError]
) -> list[Item]:
    output: list[Item] = []
    for index, query in enumerate(queries):
        try:
            if index in missing:
                raise missing[index]
            output.extend(_items(await open_session.run(query, index), {"item": index}))
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            forget_frames(error)
            output.append(_failed_item(context, error, index))
    return output


def _items(results: list[QueryResult], origins: Any) -> list[Item]:
    """The rows of all statements; one item that says so where none of them gives rows."""
    if isinstance(origins, list) and len(results) == len(origins):
        pairs = list(zip(results, origins, strict=True))
    else:
        pairs = [(result, origins) for result in results]
    if all(result.rows is None for result in results):
        return [{"json": dict(DONE), "pairedItem": origins}]
    return [{"json": row, "pairedItem": origin} for result, origin in pairs for row in result.rows or []]


async def _types(open_session: Session, parameters: dict[str, Any]) -> dict[str, str]:
    names = [chosen(parameters.get("schema"), "public"), chosen(parameters.get("table"))]
    [result] = await open_session.run(fill_places(COLUMNS, names))
    return {row["column_name"]: row["type"] for row in result.rows or []}
