"""What gunicorn and flask load: `gunicorn wsgi:app`."""

from flask.cli import NoAppException

from app.environment import SettingsError
from app.web import create_app

try:
    app = create_app()
except SettingsError as error:
    raise NoAppException(str(error)) from None  # flask reports it in a line and still lists its commands
