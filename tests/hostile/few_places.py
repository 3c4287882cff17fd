"""The application behind a server where few calls may wait."""

from app.http.streaming import StreamingWorker
from wsgi import app

StreamingWorker.most_parked = 3

__all__ = ["app"]
