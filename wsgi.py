"""What gunicorn and flask load: `gunicorn wsgi:app`."""

import gc

import click
from flask import Flask
from flask.cli import NoAppException

gc.disable()  # all that is made from here on stays: to look through it again and again takes a sixth of the start


def is_asked_for_commands() -> bool:
    """Whether flask looks for commands that the application brings, as for `flask --help`: it brings none."""
    context = click.get_current_context(silent=True)
    return context is not None and context.parent is None


def load() -> Flask:
    """The application; an empty one where only its commands are of interest, which needs no settings and no time."""
    if is_asked_for_commands():
        return Flask(__name__, static_folder=None)
    from app.web import create_app

    try:
        return create_app()
    except Exception as error:
        from app.command_errors import explanation

        if (said := explanation(error)) is None:
            raise
        raise NoAppException(said) from error  # flask reports it in a line


try:
    app = load()
finally:
    gc.freeze()
    gc.set_threshold(2_000, 10, 10)  # what requests leave behind is to go soon
    gc.enable()
