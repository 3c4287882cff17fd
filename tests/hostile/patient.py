"""The application behind a server that waits an hour for each client: whoever has to wait for one waits for ever."""

from app.http import connection
from wsgi import app

connection.HEAD_SECONDS = 3600.0
connection.BODY_SECONDS = 3600.0
connection.SEND_SECONDS = 3600.0

__all__ = ["app"]
