"""The application behind a server that soon has had enough, so that tests need not wait."""

from app import http_worker
from wsgi import app

http_worker.HEAD_SECONDS = 1.0
http_worker.BODY_SECONDS = 1.5
http_worker.SEND_SECONDS = 1.5
http_worker.BYTES_PER_SECOND = 10 * 2**20

__all__ = ["app"]
