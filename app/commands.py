"""`executions`: the program as a command, the same commands as `flask` has of us and nothing else."""

import click

from app.cli import console_link, doctor, keys, migrate, serve, up, worker
from app.import_commands import bring_in
from app.package_commands import packages


class InOrder(click.Group):
    """Lists its commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, commands=[up, migrate, keys, console_link, serve, worker, packages, bring_in, doctor])
@click.version_option(package_name="executions-api", message="%(version)s")
def main() -> None:
    """Run workflows in n8n's format, on PostgreSQL, and keep the record of every execution.

    `executions up` starts everything here. Settings are variables of the environment.
    """
