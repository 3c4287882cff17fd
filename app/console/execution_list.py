"""The list of executions: its page, more of its rows, its rows as they are by now, and how many are new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, render_template, request, url_for
from marshmallow import ValidationError

from app.api.executions.filters import filter_of_query
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.errors import with_text_keys
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.console.custom_data import read_beside_rows
from app.console.pages import NAVIGATION, asks_for_part, lead_to, may, page, part
from app.repository.connection import Connection
from app.repository.custom_data import list_keys
from app.repository.execution_choices import ChoicesQuestion
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_pages import ExecutionPage, read_page
from app.repository.executions import Execution, get_executions, list_executions
from app.schemas.base import parse_execution_id
from app.schemas.execution_queries import ExecutionListQuery
from app.schemas.pages import key_of
from app.scopes import ANY
from app.vocabulary import MODES, STATUSES

ROWS = 50
MAX_NEW = 100
"""More new ones than that are not counted."""
MAX_REFRESHED = 250
MAX_IDS = 50
"""How many ids one can search for at once, as many as the API's list takes."""
SUGGESTIONS = 250
"""How many workflows and tags the filters suggest."""
RANGES = {"hour": "Last hour", "day": "Last 24 hours", "week": "Last 7 days", "month": "Last 30 days"}
LENGTHS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
MORE_FILTERS = ("projectId", "tag", "vote", "metadataKey", "metadataValue", "startedAfter", "startedBefore", "retryOf")
"""Those that stand under More: how many of them are set is said beside it."""
FILTERS = ExecutionListQuery()


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What the list is asked for: the loaded query and what it means. `problems` are by parameter."""

    query: dict[str, Any]
    wanted: ExecutionFilter
    problems: Mapping[str, Any]


def list_request() -> ListRequest:
    """What the present address asks for; without what is wrong in it."""
    problems: dict[str, Any] = {}
    try:
        query = Blueprint.LENIENT_PARSER.parse(FILTERS, request, location="query")
    except ValidationError as error:
        messages = error.messages.get("query", error.messages) if isinstance(error.messages, dict) else {}
        problems, query = with_text_keys(messages), {"limit": ROWS, "last_id": None}
    if "limit" not in request.args and "cursor" not in request.args:
        query["limit"] = ROWS
    length = LENGTHS.get(request.args.get("range", ""))
    if length is not None and "started_after" not in query:
        query["started_after"] = datetime.now(UTC).replace(second=0, microsecond=0) - length
    narrow(query, request.args.get("search", "").strip(), problems)
    return ListRequest(query, filter_of_query(query, caller().project_id), problems)


def narrow(query: dict[str, Any], text: str, problems: dict[str, Any]) -> None:
    """Narrow a query to what is searched for: ids, or words of an error's message."""
    numbers = named_ids(text)
    if len(numbers) > MAX_IDS:
        problems["search"] = [f"At most {MAX_IDS} ids at once."]
        return
    if numbers:
        query["id"] = numbers
        return
    if not text:
        return
    try:
        query["error"] = FILTERS.fields["error"].deserialize(text)
    except ValidationError as error:
        problems["search"] = error.messages


def named_ids(text: str) -> list[int]:
    """The ids that a text consists of: one, or several with # before each; none where it has anything else."""
    words = text.split()
    if len(words) > 1 and not all(word.startswith("#") for word in words):
        return []
    numbers = [parse_execution_id(word.removeprefix("#")) for word in words]
    return [] if None in numbers else [number for number in numbers if number is not None]


def api_query(query: Mapping[str, Any]) -> str:
    """The filters as the API's list takes them; without a time that goes on, which is no filter of it."""
    goes_on = {"started_after"} if request.args.get("range") in LENGTHS else set()
    given = {
        key_of(FILTERS, name): FILTERS.fields[name].serialize(name, query)
        for name in FILTERS.filters()
        if query.get(name) and name not in goes_on
    }
    return urlencode(given, doseq=True)


def searched_for(query: Mapping[str, Any]) -> str:
    """What stands in the search field."""
    numbers = query.get("id")
    return " ".join(f"#{number}" for number in numbers) if numbers else str(query.get("error", ""))


def state() -> str:
    """The filters as they stand in the address, for links that keep them."""
    names = {name for name in request.args if name not in ("cursor", "after", "id", "limit")}
    return urlencode([(name, value) for name in sorted(names) for value in request.args.getlist(name) if value])


@page("/", scope=ANY)
def home() -> Response:
    """The console begins with the executions, or with the first page that the key may see."""
    places = [endpoint for _, _, endpoint, scope in NAVIGATION if may(scope)]
    return lead_to(url_for(places[0] if places else "console.list_page"))


@page("/executions", scope="execution:list")
@from_primary_after_all
def list_page() -> Response:
    """The page; of it only the list when a script asks."""
    asked = list_request()
    choices = None if asks_for_part() else choices_question()
    with reading() as connection:
        list_read = read_list(connection, asked, choices)
        beside = read_beside_rows(connection, list_read.executions)
    if choices is None:
        return part("parts/execution_results.html", **values(asked, list_read), **beside)
    page = values(asked, list_read)
    return Response(render_template("executions.html", **page, **beside, choices=choices.answer()))


def read_list(connection: Connection, asked: ListRequest, choices: ChoicesQuestion | None) -> ExecutionPage:
    """A page of the list, with the count that is known or made now, and what `choices` asks for."""
    counts = services().counts
    page = read_page(
        connection,
        asked.wanted,
        limit=asked.query["limit"] + 1,
        before=asked.query["last_id"],
        known=counts.get(asked.wanted),
        beside=None if choices is None else choices.ask,
    )
    counts.put(asked.wanted, page.count)
    return page


def values(asked: ListRequest, page: ExecutionPage) -> dict[str, Any]:
    """What the templates of the list show."""
    rows, cursor = FILTERS.cut(asked.query, page.executions)
    return {
        "rows": rows,
        "cursor": cursor,
        "count": page.count,
        "running": page.running,
        "problems": asked.problems,
        "state": state(),
        "given": request.args,
        "saved_query": api_query(asked.query),
        "searched": searched_for(asked.query),
        "newest": rows[0].id if rows else 0,
        "statuses": STATUSES,
        "modes": MODES,
        "ranges": RANGES,
        "more_filters": sum(1 for name in MORE_FILTERS if request.args.get(name)),
        "search_hint": "Words of an error, or an id",
    }


def choices_question() -> ChoicesQuestion:
    """What the filters offer to choose from."""
    return ChoicesQuestion(
        api_key_id=caller().id,
        project_id=caller().project_id,
        limit=SUGGESTIONS,
        with_workflows=may("workflow:list"),
        with_tags=may("tag:list"),
        with_projects=may("project:list"),
    )


@page("/executions/keys", scope="execution:read")
@from_primary_after_all
def custom_data_keys() -> Response:
    """The keys of custom data that a filter can ask for."""
    with reading() as connection:
        return part("parts/options.html", options=list_keys(connection, project_id=caller().project_id))


@page("/executions/more", scope="execution:list")
@from_primary_after_all
def more_rows() -> Response:
    """The rows after a cursor, which carries the filters."""
    asked = list_request()
    with reading() as connection:
        limit, before = asked.query["limit"] + 1, asked.query["last_id"]
        executions = list_executions(connection, asked.wanted, limit=limit, before=before)
        beside = read_beside_rows(connection, executions)
    rows, cursor = FILTERS.cut(asked.query, executions)
    return part("parts/execution_rows.html", rows=rows, **beside, cursor=cursor, state=state())


@page("/executions/newer", scope="execution:list")
@from_primary_after_all
def newer_rows() -> Response:
    """How many are newer than the newest that is shown."""
    asked = list_request()
    newest = parse_execution_id(request.args.get("after", "")) or 0
    with reading() as connection:
        executions = list_executions(connection, asked.wanted, limit=MAX_NEW)
    fresh = sum(1 for execution in executions if execution.id > newest)
    return part("parts/execution_newer.html", fresh=fresh, most=MAX_NEW, state=state())


@page("/executions/rows", scope="execution:list")
@from_primary_after_all
def current_rows() -> Response:
    """Some rows as they are by now; those that are gone are missing."""
    with reading() as connection:
        executions = executions_of(connection, request.args.getlist("id"))
        beside = read_beside_rows(connection, executions)
    return part("parts/execution_rows.html", rows=executions, **beside, cursor=None, state=state())


def executions_of(connection: Connection, texts: list[str]) -> list[Execution]:
    """Those of the named executions that there are."""
    numbers = [number for text in texts[:MAX_REFRESHED] if (number := parse_execution_id(text)) is not None]
    return get_executions(connection, numbers, project_id=caller().project_id) if numbers else []
