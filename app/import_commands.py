"""`flask import`: workflows from files, or everything from an n8n. Thin shells, as in app.cli."""

import json
import os
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from click.core import ParameterSource
from click_default_group import DefaultGroup

from app import demo
from app.command_errors import Number, report_errors
from app.command_reports import DETAIL, ProgressBar, Told, check_report, show_report, write_report
from app.importing.n8n.contradictions import find_contradiction
from app.importing.n8n.source import SourceError
from app.notation import find_zone
from app.repository import credentials, workflows
from app.repository.connection import Connection, connect
from app.repository.projects import DEFAULT_PROJECT
from app.settings import Settings

if TYPE_CHECKING:
    from app.importing.n8n.moves import Activate, Move
    from app.importing.n8n.rehearsal import Rehearsed
    from app.importing.n8n.survey import Survey

MAX_MIB = 8
MAX_CREDENTIALS = 100_000
MAX_PAUSE_SECONDS = 86_400.0


def check_timezone(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The time zone that an option names. Raises BadParameter for one that this machine does not know."""
    if value is not None and find_zone(value) is None:
        raise click.BadParameter(f"{value!r} is no time zone, as Europe/Berlin is", context, parameter)
    return value


PATH = click.Path(path_type=Path)
N8N_OPTIONS = (
    click.argument("source", metavar="SOURCE...", nargs=-1, required=True),
    click.option("--dry-run", is_flag=True, help="Write nothing; say what would come and what would not run here."),
    click.option(
        "--rehearse",
        type=click.IntRange(1, 10_000),
        metavar="NUMBER",
        help="Write nothing; run the newest NUMBER executions of each workflow here, with what nodes got from "
        "outside taken from the record, and say which nodes put out something else.",
    ),
    click.option("--follow", is_flag=True, help="Go on bringing what comes until Ctrl-C."),
    click.option(
        "--every",
        default=10.0,
        show_default=True,
        type=Number(1, MAX_PAUSE_SECONDS),
        help="Seconds between passes of --follow.",
    ),
    click.option(
        "--activate",
        is_flag=True,
        help="The switch: activate here what was active there, let waiting executions go on.",
    ),
    click.option(
        "--project", default=DEFAULT_PROJECT, show_default=True, help="Id of the project to put everything into."
    ),
    click.option("--keep-projects", is_flag=True, help="Keep n8n's projects instead."),
    click.option(
        "--encryption-key-file",
        type=PATH,
        help="File with n8n's encryption key, or n8n's `config`. Else N8N_ENCRYPTION_KEY.",
    ),
    click.option(
        "--api-key-file", type=PATH, help="File with an API key of n8n, for a SOURCE https://... Else N8N_API_KEY."
    ),
    click.option("--storage", type=PATH, help="n8n's storage folder, for files of items. Else N8N_STORAGE_PATH."),
    click.option("--schema", default="public", show_default=True, help="Schema of n8n's tables in PostgreSQL."),
    click.option("--table-prefix", default="", help="What the names of n8n's tables begin with."),
    click.option(
        "--timezone",
        callback=check_timezone,
        help="n8n's GENERIC_TIMEZONE, written into workflows that name none.",
    ),
    click.option("--no-executions", is_flag=True, help="Bring no executions."),
    click.option("--api-keys", is_flag=True, help="Accept n8n's API keys here, so that clients need no change."),
    click.option(
        "--largest",
        default=MAX_MIB,
        show_default=True,
        type=click.IntRange(1, 1024),
        help="MiB: data and files of an execution above this stay behind; a later run with more brings them. "
        "Takes up to 30 times as much memory.",
    ),
    click.option("--remove-demo", is_flag=True, help="First delete the demo workflows and their executions."),
    click.option("--report", type=PATH, help="File for the report as JSON."),
)
"""What `flask import n8n` is told."""


bring_in: click.Group = DefaultGroup(
    "import",
    default="files",
    help="""Bring in workflows from files, or all that an n8n has.

    `flask import FILE...` stores workflows; `flask import n8n SOURCE` brings everything.
    """,
)


@bring_in.command("files")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--project", default=DEFAULT_PROJECT, show_default=True, help="Id of the project to put them into.")
def import_workflows(files: tuple[Path, ...], project: str) -> None:
    """Store workflows from FILEs as n8n exports them, all or none.

    A workflow with an id that is there already gets a new version. New ones are not active. Says what would not run
    here. Next: run one with POST /api/v1/workflows/ID/run.
    """
    from app.importing.workflow_files import InvalidFile, import_file  # loads the whole engine

    try:
        with report_errors():
            settings = Settings.from_environment(os.environ)
            with connect(settings.direct_url) as connection:
                imported = [one for file in files for one in import_file(connection, file, project_id=project)]
                survey = survey_of(connection, settings, project)
    except InvalidFile as error:
        raise click.ClickException(str(error)) from error
    for one in imported:
        click.echo(f"{one.change}\t{one.id}\t{one.name}")
        for finding in survey.look(one.document):
            click.echo(f"{DETAIL}- {finding}", err=True)


def survey_of(connection: Connection, settings: Settings, project: str) -> "Survey":
    """Tells what workflows would trip over in this project."""
    from app.importing.n8n.importer import known_zone
    from app.importing.n8n.survey import Survey
    from app.own_types import own_types
    from app.packages.known_packages import listed_types

    stored = credentials.list_credentials(connection, limit=MAX_CREDENTIALS, project_id=project)
    return Survey(
        listed_types(connection, own_types(settings)),
        credentials={each.id for each in stored},
        zone=known_zone(settings),
        rules=settings.allowed_hosts,
    )


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `flask import n8n`."""
    for option in reversed(N8N_OPTIONS):
        command = option(command)
    return command


@bring_in.command("n8n")
@with_options
def import_n8n(source: tuple[str, ...], **given: Any) -> None:
    """Bring everything from an n8n: workflows, credentials, tags and the record of every execution.

    SOURCE is n8n's database (postgresql://... or database.sqlite; n8n may go on running, nothing is written there),
    its API (https://...), a ZIP file of `n8n export:entities`, or JSON files of `n8n export:workflow` and
    `n8n export:credentials`.

    A second run brings what came since. Nothing starts to run here before --activate. docs/move-in.md goes through
    it step by step.
    """
    if (contradiction := find_contradiction(names_given(click.get_current_context()), source[0])) is not None:
        raise click.UsageError(contradiction)
    from app.importing.n8n import moves  # loads the whole engine

    check_report(given["report"])
    try:
        with report_errors():
            settings = Settings.from_environment(os.environ)
            access = moves.access_of(given, os.environ, source)
            options = moves.options_of(given, access)
            with closing(connect(settings.direct_url, autocommit=True)) as connection, ProgressBar() as progress:
                wanted = moves.Move(connection, settings, source, options, access, progress)
                move(wanted, connection, settings, given, progress)
    except moves.CannotMoveIn as error:
        raise click.ClickException(str(error)) from error


def names_given(context: click.Context) -> set[str]:
    """The names of the parameters that were given on the command line."""
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def move(
    wanted: "Move", connection: Connection, settings: Settings, given: dict[str, Any], progress: ProgressBar
) -> None:
    """Look, rehearse or bring, as the options say."""
    if given["dry_run"]:
        look(wanted, given["report"], progress)
    elif given["rehearse"] is not None:
        rehearse(wanted, given["rehearse"], given["report"], progress)
    else:
        if given["remove_demo"]:
            click.echo(f"Deleted the demo workflows and {remove_demo(connection)} executions")
        bring(wanted, activation(settings) if given["activate"] else None, given, progress)
        if not given["activate"]:
            click.echo("Next: look at what came. To switch, deactivate there, and run this again with --activate")


def look(wanted: "Move", report_file: Path | None, progress: ProgressBar) -> None:
    """Say what would come."""
    report = wanted.look()
    progress.end()
    show_report(report, report_file)
    click.echo("Nothing was written. Next: the same without --dry-run")


def rehearse(wanted: "Move", number: int, report_file: Path | None, progress: ProgressBar) -> None:
    """Run the newest executions of each workflow here, and say what came out otherwise."""

    def show(rehearsed: "Rehearsed") -> None:
        progress.end()
        click.echo("\n".join(rehearsed.lines()))

    report = wanted.rehearse(number, show)
    write_report(report, report_file)
    if not report.rehearsed:
        click.echo("Nothing to rehearse: there is no successful execution with its data")
    click.echo("Nothing was written. Next: the same without --rehearse")


def bring(wanted: "Move", activate: "Activate | None", given: dict[str, Any], progress: ProgressBar) -> None:
    """One pass, or with --follow one after the other until Ctrl-C, also when the source is away for a while."""
    told = Told()
    try:
        while True:
            progress.start()
            try:
                report = wanted.bring(activate, follow=given["follow"])
                progress.end()
            except SourceError as error:
                progress.end()
                if told.report is None:
                    raise
                click.echo(f"{error}. What came is kept, and the next pass goes on from there.", err=True)
            else:
                is_first = told.report is None
                show_report(report, given["report"], told)
                if given["follow"] and is_first:
                    click.echo(f"Following, every {given['every']:g} s: what is new is told here. Ctrl-C ends it")
            if not given["follow"]:
                break
            time.sleep(given["every"])
    except KeyboardInterrupt:
        progress.end()
        click.echo("\nStopped. What came is kept; the same command goes on from there.", err=True)
        if not given["follow"]:
            raise SystemExit(130) from None


def activation(settings: Settings) -> "Activate":
    """A function that activates a workflow as the API does, with all its rules."""
    from app.api.face.services import NAME
    from app.web import create_app

    # However many are activated, nobody else's calls are held up by it.
    app = create_app(replace(settings, requests_per_minute=None))
    key = secrets.token_urlsafe(32)
    app.extensions[NAME].api_keys.admit(key, label="flask import", scopes=("workflow:activate",))
    client = app.test_client()

    def activate(workflow_id: str, version_id: UUID | None) -> str | None:
        body = {} if version_id is None else {"versionId": str(version_id)}
        answer = client.post(f"/api/v1/workflows/{workflow_id}/publish", json=body, headers={"X-N8N-API-KEY": key})
        return None if answer.status_code == 200 else str((answer.get_json(silent=True) or {}).get("message"))

    return activate


def remove_demo(connection: Connection) -> int:
    """Delete the demo workflows and their executions that have ended; returns the number of these."""
    names = [json.loads(file.read_text("utf-8"))["name"] for file in sorted(demo.WORKFLOWS.glob("*.json"))]
    with connection.transaction():
        return workflows.delete_by_names(connection, names, project_id=DEFAULT_PROJECT)
