"""Postgres, version 2: queries, and the rows of a table selected, inserted, updated, merged in and deleted."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from app.engine.nodes.postgres.session import CONNECT_SECONDS, QueryResult, Session, session
from app.engine.nodes.postgres.sql_text import fill_places, identifier, literal, literal_for, where
from app.engine.nodes.shared.issues import Mapped, Required, RequiredCredential, credentials, rules
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions

COLUMNS = """
SELECT column_name, udt_name AS type FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""
DONE = {"success": True}


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
    make = MAKERS.get(operation)
    if make is None:
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
        rows = [
            _row(parameters, item, context.version) for parameters, item in zip(resolved, context.items, strict=True)
        ]
        given = list(zip(resolved, rows, strict=True))
        queries = [make(parameters, row, types, index) for index, (parameters, row) in enumerate(given)]
        batching = str(options.get("queryBatching") or "single")
        if operation != "update":
            return [await _run(context, open_session, queries, batching)]
        if context.version < 2.2:
            origins = [{"item": index} for index in range(len(queries))]
            done = {"json": dict(DONE), "pairedItem": origins}
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
        condition = _condition(_matching_columns(parameters, index), _literals(row, types, index))
        looks.append(f"SELECT EXISTS (SELECT FROM {_table(parameters)} WHERE {condition}) AS found")
    try:
        results = await open_session.run(";".join(looks))
    except NodeError:
        # The update itself says what is wrong with its values.
        return {}
    found = [bool(result.rows and result.rows[0]["found"]) for result in results]
    return {index: _no_row(*given[index], index) for index, is_there in enumerate(found) if not is_there}


def _no_row(parameters: dict[str, Any], row: dict[str, Any], index: int) -> NodeError:
    named = (
        f"{name}={conversions.display(row[name]) if name in row else 'undefined'}"
        for name in _matching_columns(parameters, index)
    )
    return NodeError(
        "The row you are trying to update doesn't exist",
        description=f"No rows matching the provided values ({', '.join(named)}) were found in the table "
        f'"{_locator(parameters.get("table"))}".',
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


def _locator(value: Any, default: str = "") -> str:
    return str((value.get("value") if isinstance(value, dict) else value) or default)


def _table(parameters: dict[str, Any]) -> str:
    schema = _locator(parameters.get("schema"), "public")
    return f"{identifier(schema)}.{identifier(_locator(parameters.get('table')))}"


async def _types(open_session: Session, parameters: dict[str, Any]) -> dict[str, str]:
    names = [_locator(parameters.get("schema"), "public"), _locator(parameters.get("table"))]
    [result] = await open_session.run(fill_places(COLUMNS, names))
    return {row["column_name"]: row["type"] for row in result.rows or []}


def _row(parameters: dict[str, Any], item: Item, version: float) -> dict[str, Any]:
    """The values to write: the item's own, or those that the node defines."""
    if version < 2.2:
        mode = parameters.get("dataMode", "autoMapInputData")
        entries = (parameters.get("valuesToSend") or {}).get("values") or []
        values = {str(entry.get("column")): entry.get("value") for entry in entries}
        if mode == "defineBelow" and parameters.get("columnToMatchOn"):
            values = {str(parameters["columnToMatchOn"]): parameters.get("valueToMatchOn"), **values}
    else:
        columns = parameters.get("columns") or {}
        mode, values = columns.get("mappingMode", "defineBelow"), columns.get("value") or {}
    row = dict(item["json"]) if mode == "autoMapInputData" else dict(values)
    if as_group(parameters.get("options")).get("replaceEmptyStrings"):
        row = {name: None if value == "" else value for name, value in row.items()}
    return row


def _literals(row: dict[str, Any], types: dict[str, str], index: int) -> dict[str, str]:
    if types:
        unknown = next((name for name in row if name not in types), None)
        if unknown is not None:
            raise NodeError(f"Column '{unknown}' does not exist in selected table", item_index=index)
    if not row:
        raise NodeError("Cannot retrieve sql names from an empty array/object.", item_index=index)
    return {name: literal_for(value, types.get(name, "")) for name, value in row.items()}


def _returned_columns(parameters: dict[str, Any]) -> str:
    columns = as_group(parameters.get("options")).get("outputColumns") or ["*"]
    return "*" if "*" in columns else ",".join(map(identifier, columns))


def _matching_columns(parameters: dict[str, Any], index: int) -> list[str]:
    names = (parameters.get("columns") or {}).get("matchingColumns") or [parameters.get("columnToMatchOn")]
    names = [str(name) for name in names if name]
    if not names:
        raise NodeError("Name a column to match on.", item_index=index)
    return names


def _query(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    given = as_group(parameters.get("options")).get("queryReplacement")
    if given in (None, ""):
        values: list[Any] = []
    elif isinstance(given, list):
        values = given
    elif isinstance(given, str):
        values = [part.strip() for part in given.split(",")]
    else:
        values = [given]
    return fill_places(conversions.display(parameters.get("query", "")), values)


def _select(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    clauses = (parameters.get("where") or {}).get("values") or []
    order = ", ".join(
        f"{identifier(entry.get('column', ''))} {'DESC' if entry.get('direction') == 'DESC' else 'ASC'}"
        for entry in (parameters.get("sort") or {}).get("values") or []
    )
    query = f"SELECT {_returned_columns(parameters)} FROM {_table(parameters)}"
    query += where(clauses, parameters.get("combineConditions") or "AND")
    query += f" ORDER BY {order}" if order else ""
    if not parameters.get("returnAll"):
        query += f" LIMIT {int(conversions.to_number(parameters.get('limit', 50)))}"
    return query


def _insert(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    values = _literals(row, types, index)
    conflict = " ON CONFLICT DO NOTHING" if as_group(parameters.get("options")).get("skipOnConflict") else ""
    return f"{_insertion(parameters, values)}{conflict} RETURNING {_returned_columns(parameters)}"


def _insertion(parameters: dict[str, Any], values: dict[str, str]) -> str:
    names = ",".join(map(identifier, values))
    return f"INSERT INTO {_table(parameters)} ({names}) VALUES ({','.join(values.values())})"


def _update(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    matching, values = _matching_columns(parameters, index), _literals(row, types, index)
    changed = ", ".join(f"{identifier(name)} = {value}" for name, value in values.items() if name not in matching)
    if not changed:
        raise NodeError("Add values to update to the node or to the input data.", item_index=index)
    condition = _condition(matching, values)
    return f"UPDATE {_table(parameters)} SET {changed} WHERE {condition} RETURNING {_returned_columns(parameters)}"


def _condition(matching: list[str], values: dict[str, str]) -> str:
    return " AND ".join(f"{identifier(name)} = {values.get(name, literal(None))}" for name in matching)


def _upsert(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    matching, values = _matching_columns(parameters, index), _literals(row, types, index)
    changed = ", ".join(f"{identifier(name)} = EXCLUDED.{identifier(name)}" for name in values if name not in matching)
    action = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    conflict = f" ON CONFLICT ({','.join(map(identifier, matching))}) {action}"
    return f"{_insertion(parameters, values)}{conflict} RETURNING {_returned_columns(parameters)}"


def _delete(parameters: dict[str, Any], row: dict[str, Any], types: dict[str, str], index: int) -> str:
    command, table = parameters.get("deleteCommand", "truncate"), _table(parameters)
    cascade = " CASCADE" if as_group(parameters.get("options")).get("cascade") else ""
    if command == "truncate":
        return f"TRUNCATE TABLE {table}{' RESTART IDENTITY' if parameters.get('restartSequences') else ''}{cascade}"
    if command == "delete":
        clauses = (parameters.get("where") or {}).get("values") or []
        return f"DELETE FROM {table}{where(clauses, parameters.get('combineConditions') or 'AND')}"
    if command == "drop":
        return f"DROP TABLE IF EXISTS {table}{cascade}"
    raise NodeError(f"The command '{command}' is not known.", item_index=index)


Make = Callable[[dict[str, Any], dict[str, Any], dict[str, str], int], str]
MAKERS: dict[str, Make] = {
    "executeQuery": _query,
    "select": _select,
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "deleteTable": _delete,
}
WRITING = frozenset({"insert", "update", "upsert"})
