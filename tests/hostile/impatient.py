"""The application behind a server that soon has had enough, so that tests need not wait."""

from app import http_connection
from wsgi import app

http_connection.HEAD_SECONDS = 1.0
http_connection.BODY_SECONDS = 1.5
http_connection.SEND_SECONDS = 1.5
http_connection.BYTES_PER_SECOND = 10 * 2**20

__all__ = ["app"]
