"""How many ended when, beside the list: from the totals where these know the filters, else from the newest rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import Response, request

from app.api.executions.stats import EARLIEST, Span, filter_of, span_of
from app.api.face.reads import from_primary_after_all, reading
from app.console.execution_list import ListRequest, list_request
from app.console.pages import KEPT_FOR_ASKING, page
from app.repository import clock
from app.repository.connection import Connection
from app.repository.execution_counts import IN_FLIGHT_UP_TO, count_in_flight
from app.repository.execution_stats import read_stats
from app.repository.executions import list_executions
from app.schemas.execution_stats import COUNTED, MAX_BUCKETS
from app.vocabulary import ENDED

SAMPLE = 1_000
"""So many of the newest rows are looked at where the totals do not know a filter."""
TIMES = ("started_after", "started_before")
MIN_SPAN = timedelta(minutes=5)
LAST_DAY = timedelta(days=1)
WIDER_SPANS = (timedelta(days=7), timedelta(days=90))
"""Looked at, and then all there is, where any time is asked for and nothing ended in the last day."""
MAX_SPAN = (MAX_BUCKETS - 2) * timedelta(days=7)
"""In the widest buckets; the first and the last may be cut."""


@page("/executions/histogram", scope="execution:list")
@from_primary_after_all
def histogram() -> Response:
    """Numbers by time and status, and in all by status whatever status is asked for, now for those in flight (JSON)."""
    asked = list_request()
    with reading() as connection:
        now = clock.now(connection)
        counted = is_counted(asked.query)
        buckets = (count_from_totals if counted else count_from_rows)(connection, asked, now)
        buckets["counted"] = counted
        buckets["inFlight"] = count_in_flight(connection, asked.wanted)
        buckets["inFlightUpTo"] = IN_FLIGHT_UP_TO
    response = Response(orjson.dumps(buckets), content_type="application/json")
    response.headers["Cache-Control"] = KEPT_FOR_ASKING
    response.add_etag()
    response.make_conditional(request)
    return response


def is_counted(query: Mapping[str, Any]) -> bool:
    """Whether the totals know all that is asked for."""
    beside = {"limit", "last_id", "include_data", "ignore_data_size_limit", "redact_execution_data", *TIMES}
    return {name for name in query if name not in beside} <= set(COUNTED)


def span_of_list(query: Mapping[str, Any], now: datetime, otherwise: timedelta = LAST_DAY) -> Span:
    """The span of the list's times, or the last of it where it is too long to be shown; without a beginning so much."""
    end = max(min(query.get("started_before", now), now), EARLIEST + LAST_DAY)
    begin = min(query.get("started_after", end - otherwise), end - MIN_SPAN)
    return span_of({"ended_after": max(begin, end - MAX_SPAN, EARLIEST), "ended_before": end}, now)


def count_from_totals(connection: Connection, asked: ListRequest, now: datetime) -> dict[str, Any]:
    """The numbers of the totals, for JSON: of any time those of a span in which something ended that is listed."""
    spans = (LAST_DAY,) if "started_after" in asked.query else (LAST_DAY, *WIDER_SPANS, MAX_SPAN)
    for each in spans:
        span = span_of_list(asked.query, now, each)
        wanted = filter_of({**asked.query, "status": ()}, span)
        by_time = read_stats(connection, wanted, "time", unit=span.unit, width=span.width)
        if each is MAX_SPAN and by_time:
            span = replace(span, begin=min(by_time))
        found = render_numbers(span, {at: stats.numbers for at, stats in by_time.items()}, asked)
        if any(map(any, found["series"].values())):
            break
    return found


def count_from_rows(connection: Connection, asked: ListRequest, now: datetime) -> dict[str, Any]:
    """The same of the newest rows that match; the status is counted whatever it is asked for."""
    every = replace(asked.wanted, statuses=())
    rows = [row for row in list_executions(connection, every, limit=SAMPLE) if row.stopped_at is not None]
    query = dict(asked.query)
    if "started_after" not in query and rows:
        query["started_after"] = min(row.stopped_at for row in rows if row.stopped_at)
    span = span_of_list(query, now)
    numbers: dict[datetime, Counter[str]] = {}
    for row in rows:
        assert row.stopped_at is not None
        place = span.begin + (row.stopped_at.astimezone(UTC) - span.begin) // span.width * span.width
        numbers.setdefault(place, Counter())[row.status] += 1
    return {**render_numbers(span, numbers, asked), "sample": SAMPLE if len(rows) == SAMPLE else None}


def render_numbers(span: Span, numbers: Mapping[datetime, Counter[str]], asked: ListRequest) -> dict[str, Any]:
    """The numbers as the page's script draws them; times in seconds since 1970."""
    nothing: Counter[str] = Counter()
    shown_statuses = [status for status in ENDED if status in (asked.wanted.statuses or ENDED)]
    total: Counter[str] = sum(numbers.values(), Counter())
    return {
        "times": [int(at.timestamp()) for at in span.times],
        "seconds": int(span.width.total_seconds()),
        "series": {status: [numbers.get(at, nothing)[status] for at in span.times] for status in shown_statuses},
        "total": {status: total[status] for status in ENDED},
        "sample": None,
    }
