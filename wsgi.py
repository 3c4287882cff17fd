"""What gunicorn and flask load: `gunicorn wsgi:app`."""

import gc

from flask.cli import NoAppException

gc.disable()  # all that is made from here on stays: to look through it again and again takes a sixth of the start

from app.environment import SettingsError  # noqa: E402
from app.web import create_app  # noqa: E402

try:
    app = create_app()
except SettingsError as error:
    raise NoAppException(str(error)) from None  # flask reports it in a line and still lists its commands
finally:
    gc.freeze()
    gc.set_threshold(2_000, 10, 10)  # what requests leave behind is to go soon
    gc.enable()
