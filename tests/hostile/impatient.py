"""The application behind a server that soon has had enough, so that tests need not wait."""

from app.http import connection
from wsgi import app

connection.HEAD_SECONDS = 1.0
connection.BODY_SECONDS = 1.5
connection.SEND_SECONDS = 1.5
connection.BYTES_PER_SECOND = 10 * 2**20

__all__ = ["app"]
