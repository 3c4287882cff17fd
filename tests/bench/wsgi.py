"""The API with bare views beside it: the same statements on the same pool, and nothing else.

A bare view checks no key, validates nothing and renders nothing: its figure is what Flask, psycopg and
PostgreSQL cost, and so the most that the real one could reach.
"""

import os
from typing import Any

import orjson
from flask import Flask, Response, request
from psycopg import sql
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app import create_app
from app.repository import execution_counts, executions
from app.repository.connection import Connection, open_pool, transaction
from app.repository.execution_filters import ExecutionFilter
from app.settings import Settings


def bare_views(settings: Settings) -> Flask:
    bare = Flask("bare", static_folder=None)
    pool = open_pool(settings.database_url, size=settings.pool_size, name="bare")

    def page(connection: Connection, wanted: ExecutionFilter, before: int | None, limit: int) -> list[Any]:
        condition, parameters = wanted.condition(before=before)
        statement = executions.PAGE.format(condition=condition, order=wanted.order(), limit=sql.Literal(limit))
        rows = connection.execute(statement, parameters, prepare=False).fetchall()
        connection.execute(executions.TAGS, {"ids": [row[0] for row in rows]}).fetchall()
        return rows

    @bare.get("/list")
    def list_() -> Response:
        wanted = ExecutionFilter(
            statuses=tuple(request.args.getlist("status")), workflow_ids=tuple(request.args.getlist("workflowId"))
        )
        before = request.args.get("lastId", type=int)
        with transaction(pool) as connection:
            answer: dict[str, Any] = {"data": page(connection, wanted, before, 101)}
            if "includeData" in request.args:
                ids = [row[0] for row in answer["data"]]
                data = executions.read_data(connection, ids)
                answer["runs"] = [orjson.Fragment(value) for value in data.values()]
            answer["count"] = execution_counts.count_executions(connection, wanted).value
            answer["running"] = execution_counts.count_running(connection)
        return Response(orjson.dumps(answer), mimetype="application/json")

    @bare.get("/get/<int:execution_id>")
    def get(execution_id: int) -> Response:
        with transaction(pool) as connection:
            rows = page(connection, ExecutionFilter(ids=(execution_id,)), None, 1)
        return Response(orjson.dumps(rows), mimetype="application/json")

    return bare


settings = Settings.from_environment(os.environ)
app = DispatcherMiddleware(create_app(settings), {"/bare": bare_views(settings)})
