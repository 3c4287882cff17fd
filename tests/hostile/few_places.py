"""The application behind a server where few calls may wait."""

from app.http.parking import ParkingWorker
from wsgi import app

ParkingWorker.most_parked = 3

__all__ = ["app"]
