"""Log lines as JSON, one line an event, to standard error; any process of the program calls `configure` once."""

import logging
import sys
import time
from typing import Any

import orjson

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}

CLIENTS = ("httpcore", "httpx")
"""Loggers that tell each request with its address, in which secrets may stand: their warnings are heard, no more."""

POOL = "psycopg.pool"
"""Tells why no connection can be made, several times a second as long as there is none."""
POOL_SECONDS = 30.0

MAX_TRACE_LENGTH = 8 * 2**10
"""Characters of a stack trace that are written down."""

GUNICORN: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "app.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": [], "propagate": False},
        **{name: {"level": "WARNING"} for name in CLIENTS},
    },
}
"""gunicorn's own lines in the same shape, for logging.config.dictConfig. The app writes one for each request."""


class JsonFormatter(logging.Formatter):
    """What was logged, with every `extra` as a key of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON; its time is UTC with milliseconds, and a long trace is shortened."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in record.__dict__.items() if key not in STANDARD)
        if record.exc_info:
            line["exception"] = shorten(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


class Seldom(logging.Filter):
    """Of a pool's warnings lets through why it cannot connect, once in POOL_SECONDS; errors always."""

    def __init__(self) -> None:
        super().__init__()
        self._next_at = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged; what the pool warns of beside connecting never is."""
        if record.levelno >= logging.ERROR:
            return True
        now = time.monotonic()
        if now < self._next_at or not str(record.msg).startswith("error connecting"):
            return False
        self._next_at = now + POOL_SECONDS
        return True


def shorten(trace: str) -> str:
    """A stack trace of bounded length: the beginning and the end of one that recursion has made long."""
    if len(trace) <= MAX_TRACE_LENGTH:
        return trace
    half = MAX_TRACE_LENGTH // 2
    return f"{trace[:half]}\n... {len(trace) - 2 * half} characters ...\n{trace[-half:]}"


def configure(level: int = logging.INFO) -> None:
    """Send everything at `level` and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    pool = logging.getLogger(POOL)
    pool.setLevel(logging.WARNING)
    pool.filters[:] = [Seldom()]
    for name in CLIENTS:
        logging.getLogger(name).setLevel(logging.WARNING)
