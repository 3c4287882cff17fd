"""The API with bare views beside it: the same statements on the same pool, and nothing else.

A bare view checks no key, validates nothing and renders nothing (orjson writes the rows as they are): its
figure is what Flask, psycopg and PostgreSQL cost, and so the most that the real one could reach.
"""

import os
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app.api.face.count_cache import CountCache
from app.repository.connection import open_pool, reading
from app.repository.execution_data import read_data
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_pages import read_page
from app.repository.executions import get_execution
from app.settings import Settings
from app.web import create_app


def bare_views(settings: Settings) -> Flask:
    bare = Flask("bare", static_folder=None)
    pool = open_pool(settings.database_url, size=settings.pool_size, name="bare")
    counts = CountCache()

    @bare.get("/list")
    def list_() -> Response:
        wanted = ExecutionFilter(
            statuses=tuple(request.args.getlist("status")), workflow_ids=tuple(request.args.getlist("workflowId"))
        )
        before = request.args.get("lastId", type=int)
        with reading(pool) as connection:
            page = read_page(connection, wanted, limit=101, before=before, known=counts.get(wanted))
            counts.put(wanted, page.count)
            answer: dict[str, Any] = {"page": page}
            if "includeData" in request.args:
                data = read_data(connection, [execution.id for execution in page.executions])
                answer["runs"] = [orjson.Fragment(value) for value in data.values()]
        return Response(orjson.dumps(answer), mimetype="application/json")

    @bare.get("/get/<int:execution_id>")
    def get(execution_id: int) -> Response:
        with reading(pool) as connection:
            execution = get_execution(connection, execution_id)
        return Response(orjson.dumps(execution), mimetype="application/json")

    return bare


settings = Settings.from_environment(os.environ)
app = DispatcherMiddleware(create_app(settings), {"/bare": bare_views(settings)})
