"""Problems: what fails in the same way, how often, and what is done about all of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, render_template, request
from marshmallow import ValidationError

from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_number
from app.api.face.reads import from_primary_after_all, reading
from app.api.problems import filter_of, place_of, render_one, render_problems
from app.console.advice import advice_for
from app.console.custom_data import read_beside_rows
from app.console.pages import asks_for_part, page, part
from app.repository.errors import ProblemNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import list_executions
from app.repository.problems import ProblemPlace, list_problems
from app.schemas.problems import ProblemListQuery

STATES = {"open": "Open", "handled": "Handled", "muted": "Muted"}
PROBLEMS = 25
SHOWN_FAILURES = 20
ASKED_FAILURES = 200
"""So many of its latest failures are asked for who is affected."""
SHOWN_VALUES = 12
LIST_QUERY = ProblemListQuery()


@page("/problems", scope="execution:list")
@from_primary_after_all
def problem_list() -> Response:
    """The problems of a state, the latest first."""
    state = request.args.get("status", "open")
    try:
        query = Blueprint.LENIENT_PARSER.parse(LIST_QUERY, request, location="query")
    except ValidationError:
        query = {"limit": PROBLEMS, "last_id": None}
    query = {**query, "status": [state if state in STATES else "open"], "limit": PROBLEMS}
    after = None if query["last_id"] is None else ProblemPlace(*query["last_id"])
    with reading() as connection:
        rows = list_problems(connection, filter_of(query), limit=PROBLEMS + 1, after=after)
        shown, cursor = LIST_QUERY.cut_by_place(query, rows, place_of)
        problems = render_problems(connection, shown, query)
    values = {"problems": problems, "cursor": cursor, "state": query["status"][0], "states": STATES}
    if asks_for_part():
        return part("parts/problem_rows.html", **values)
    return Response(render_template("problems.html", **values))


@page("/problems/<problem_id>", scope="execution:list")
@from_primary_after_all
def problem_page(problem_id: str) -> Response:
    """One problem with its latest failures."""
    number = require_number(problem_id, ProblemNotFound)
    with reading() as connection:
        problem: dict[str, Any] = render_one(connection, number, {"trend": "days"})
        wanted = ExecutionFilter(problem_ids=(number,), visible_project=caller().project_id)
        rows = list_executions(connection, wanted, limit=ASKED_FAILURES)
        beside = read_beside_rows(connection, rows)
    return Response(
        render_template(
            "problem.html",
            p=problem,
            rows=rows[:SHOWN_FAILURES],
            asked=len(rows),
            affected=count_affected(beside["custom"].values()),
            **beside,
            cursor=None,
            states=STATES,
            advice=advice_for(problem["message"]),
        )
    )


def count_affected(custom: Iterable[Mapping[str, str]]) -> dict[str, list[tuple[str, int]]]:
    """What the failures have noted about themselves: by key the values, with how many failures had each."""
    counts: dict[str, Counter[str]] = {}
    for pairs in custom:
        for key, value in pairs.items():
            counts.setdefault(key, Counter())[value] += 1
    return {key: values.most_common(SHOWN_VALUES) for key, values in counts.items()}
