"""The commands of `flask`, and of `executions`: the program as a command that has these and nothing else.

Both list all commands whenever one of them is called. What a command takes is loaded when it is the one: its options,
and then what its own function imports.
"""

from collections.abc import Callable
from typing import Any

import click

from app.command_errors import report_errors


class Late(click.Command):
    """A command that is loaded when it is called, or when somebody asks for its help."""

    def __init__(self, name: str, summary: str, load: Callable[[], click.Command]) -> None:
        super().__init__(name, help=summary)
        self.load = load

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Load the command, which then parses its own arguments."""
        return self.load().make_context(*args, **kwargs)


def late(name: str, summary: str) -> Callable[[Callable[[], click.Command]], Late]:
    """Make a function that imports a command into that command."""
    return lambda load: Late(name, summary, load)


@late("up", "Start everything here and keep it running.")
def up() -> click.Command:
    from app.cli import up

    return up


@late("migrate", "Bring the database's schema up to date.")
def migrate() -> click.Command:
    from app.cli import migrate

    return migrate


@late(
    "keys",
    "Make, list and revoke API keys, say whose they are, and change the key that credentials are encrypted with.",
)
def keys() -> click.Command:
    from app.cli import keys

    return keys


@late("console-link", "Print a link that signs in to the console, once.")
def console_link() -> click.Command:
    from app.cli import console_link

    return console_link


@late("serve", "Answer HTTP on HOST:PORT with gunicorn.")
def serve() -> click.Command:
    from app.cli import serve

    return serve


@late("worker", "Claim executions and run them until SIGTERM or Ctrl-C.")
def worker() -> click.Command:
    from app.cli import worker

    return worker


@late("packages", "Use node packages from npm: add, list, update and remove them, for all workers at once.")
def packages() -> click.Command:
    from app.package_commands import packages

    return packages


@late("import", "Bring in workflows from files, or all that an n8n has.")
def bring_in() -> click.Command:
    from app.import_commands import bring_in

    return bring_in


@late("doctor", "Look this deployment over and say what to do.")
def doctor() -> click.Command:
    from app.cli import doctor

    return doctor


class InOrder(click.Group):
    """Lists its commands in the order in which they are needed."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments; errors are told as those of commands are."""
        with report_errors():  # help is printed by it
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named; errors are told as those of commands are."""
        with report_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the declaration; click would sort them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name, loaded, and what is left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Late) else command, rest


@click.group(cls=InOrder, commands=[up, migrate, keys, console_link, serve, worker, packages, bring_in, doctor])
@click.version_option(package_name="executions-api", message="%(version)s")
def main() -> None:
    """Run workflows in n8n's format, on PostgreSQL, and keep the record of every execution.

    `executions up` starts everything here. Settings are variables of the environment.
    """
